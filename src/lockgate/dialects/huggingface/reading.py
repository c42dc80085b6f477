"""Questions about repositories: what there is, what is in it, which revisions it has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import QueryParams
from starlette.responses import Response

from lockgate.dialects.huggingface.answers import answer, page, read_body, read_json, spoken
from lockgate.dialects.huggingface.files import repository
from lockgate.dialects.huggingface.history import add_last_commits
from lockgate.dialects.huggingface.shapes import (
    PROPERTIES,
    Shape,
    file_shape,
    folder_shape,
    model_shape,
    only,
    ref_shape,
    tree_of,
    version_shape,
)
from lockgate.dialects.huggingface.snapshots import (
    MAIN,
    EntryNotFound,
    Snapshot,
    commit_of,
    find_version,
    first_commit,
    load_snapshot,
)
from lockgate.errors import InvalidInput, ProjectNotFound, StageEmpty
from lockgate.http.calls import Call
from lockgate.http.routing import media_type
from lockgate.registry import Registry

ENTRIES_MAX = 1_000
PATHS_MAX = 1_000
MODELS_MAX = 1_000
VERSIONS_MAX = 1_000
_TRUE = frozenset({"1", "true"})
_ORDERS = {"lastModified": "updated_at DESC", "createdAt": "created_at DESC"}
"""What else the hub sorts by (downloads, likes) is the same for all."""
_OF_THE_HUB = frozenset({"apps", "inference", "inference_provider", "num_parameters"})


@spoken
async def list_models(call: Call) -> Response:
    """List repositories by name: ``author`` is a project, ``search`` a part of a name."""
    words = call.request.query_params
    count = min(_whole(words, "limit", MODELS_MAX), MODELS_MAX)
    wanted, where = _properties(words), _sought(words)
    if where is None:
        return answer([])
    try:
        found = await call.run(
            lambda: call.registry.list_models(
                project=words.get("author") or None,
                filter=where,
                order_by=_ORDERS.get(words.get("sort", "")),
                limit=count,
                cursor=words.get("cursor"),
            )
        )
    except ProjectNotFound:
        return answer([])
    shapes = [only(model_shape(model, None, blobs=False), wanted) for model in found]
    following = None if found.next_cursor is None else {"cursor": found.next_cursor}
    return page(call.request, shapes, following)


@spoken
async def model_info(call: Call) -> Response:
    """Show a repository at a revision, with its files."""
    name = repository(call)
    revision = call.request.path_params.get("revision", MAIN)
    blobs = _flag(call.request.query_params, "blobs")
    wanted = _properties(call.request.query_params)

    def look(registry: Registry) -> Shape:
        model = registry.get_model(name)
        snapshot = load_snapshot(registry, name, revision)
        return only(model_shape(model, snapshot, blobs=blobs), wanted, snapshot.files)

    return answer(await call.run(lambda: look(call.registry)))


@spoken
async def tree(call: Call) -> Response:
    """List a folder of a revision, a thousand entries a page."""
    words, path = call.request.query_params, call.request.path_params.get("path", "")
    first = _whole(words, "cursor", 0)
    recursive, expand = _flag(words, "recursive"), _flag(words, "expand")
    folder, after = path.strip("/"), first + ENTRIES_MAX

    def look(registry: Registry) -> tuple[list[Shape], bool]:
        snapshot = _snapshot(call, registry)
        found = list(tree_of(snapshot.files, folder, recursive=recursive))
        if folder and not found:
            raise EntryNotFound(
                detail=f"{snapshot.name} has no folder {folder[:200]!r} at this revision.",
                commit=snapshot.commit,
            )
        entries = found[first:after]
        if expand:
            add_last_commits(registry, snapshot, entries)
        return entries, after < len(found)

    entries, more = await call.run(lambda: look(call.registry))
    return page(call.request, entries, {"cursor": str(after)} if more else None)


@spoken
async def paths_info(call: Call) -> Response:
    """Show those of the paths that are there."""
    wanted, expand = await _paths(call)
    if len(wanted) > PATHS_MAX:
        raise InvalidInput(detail=f"At most {PATHS_MAX} paths at once", field="paths")

    def look(registry: Registry) -> list[Shape]:
        snapshot = _snapshot(call, registry)
        shapes = (_path_shape(snapshot, path.strip("/")) for path in wanted)
        found = [shape for shape in shapes if shape is not None]
        if expand:
            add_last_commits(registry, snapshot, found)
        return found

    return answer(await call.run(lambda: look(call.registry)))


@spoken
async def refs(call: Call) -> Response:
    """List revisions: what moves (main, stages, aliases) as branches, labels as tags."""
    name = repository(call)

    def look(registry: Registry) -> Shape:
        model = registry.get_model(name)
        versions = registry.list_versions(name, limit=VERSIONS_MAX)
        tags = [ref_shape("tags", each.label, commit_of(each)) for each in versions]
        main = load_snapshot(registry, name, MAIN) if model.version_count else None
        moving = {MAIN: first_commit(model) if main is None else main.commit}
        for alias in registry.list_aliases(name):
            moving[alias.alias] = commit_of(registry.get_version(name, alias.version))
        lifecycle = registry.get_lifecycle(model.lifecycle, model.lifecycle_revision)
        for stage in lifecycle.stages:
            try:
                moving[stage.name] = commit_of(registry.get_latest(name, stage.name))
            except StageEmpty:
                continue
        branches = [ref_shape("heads", word, commit) for word, commit in moving.items()]
        return {"branches": branches, "tags": tags, "converts": [], "pullRequests": []}

    return answer(await call.run(lambda: look(call.registry)))


@spoken
async def commits(call: Call) -> Response:
    """List the versions up to a revision as its history, newest first."""
    name, words = repository(call), call.request.query_params
    revision = call.request.path_params["revision"]
    formatted = "formatted" in words.getlist("expand[]")

    def look(registry: Registry) -> tuple[list[Shape], str | None]:
        last = find_version(registry, name, revision)
        found = registry.list_versions(name, limit=ENTRIES_MAX, cursor=words.get("cursor"))
        shapes = [
            version_shape(each, formatted=formatted)
            for each in found
            if last and each.seq <= last.seq
        ]
        return shapes, found.next_cursor

    shapes, cursor = await call.run(lambda: look(call.registry))
    return page(call.request, shapes, None if cursor is None else {"cursor": cursor})


@spoken
async def auth_check(call: Call) -> Response:
    """Say whether the caller may read a repository."""
    await call.run(lambda: call.registry.get_model(repository(call)))
    return answer({})


@spoken
async def whoami(call: Call) -> Response:
    """Say who asks; the projects are the organisations."""
    registry = call.registry
    projects = await call.run(lambda: registry.list_projects(limit=MODELS_MAX))
    return answer(
        {
            "type": "user",
            "id": registry.actor,
            "name": registry.actor,
            "fullname": registry.actor,
            "isPro": False,
            "canPay": False,
            "orgs": [_organization(each.name) for each in projects],
            "auth": {"type": "access_token", "accessToken": {"displayName": "", "role": "write"}},
        }
    )


def _organization(project: str) -> Shape:
    return {"type": "org", "id": project, "name": project, "fullname": project}


def _properties(words: QueryParams) -> list[str]:
    """Return which properties of a model are asked for; none are all. Raises `InvalidInput`."""
    wanted = words.getlist("expand")
    if not PROPERTIES.issuperset(wanted):
        raise InvalidInput(
            detail=f'"expand" must be one of [{", ".join(sorted(PROPERTIES))}]', field="expand"
        )
    return wanted


def _sought(words: QueryParams) -> str | None:
    """Return the filter that a question for models means; None where nothing here can match.

    A tag is ``key:value``, or ``key`` alone where it has no value, as `shapes.model_shape` has it.
    """
    if _OF_THE_HUB & words.keys() or words.get("gated", "").lower() in _TRUE:
        return None
    tags = [tag.partition(":") for tag in words.getlist("filter")]
    tags += [("pipeline_tag", ":", task) for task in words.getlist("pipeline_tag")]
    where = [f"tags.`{key.replace('`', '``')}` = {_quoted(value)}" for key, _, value in tags if key]
    if words.get("search"):
        part = re.sub(r"([\\%_])", r"\\\1", words["search"])
        where.append(f"name ILIKE {_quoted(f'%{part}%')}")
    return " AND ".join(where)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _snapshot(call: Call, registry: Registry) -> Snapshot:
    return load_snapshot(registry, repository(call), call.request.path_params["revision"])


def _path_shape(snapshot: Snapshot, path: str) -> Shape | None:
    file = None if snapshot.manifest is None else snapshot.manifest.find_file(path)
    if file is not None:
        return file_shape(file)
    below = [each for each in snapshot.files if each.path.startswith(f"{path}/")]
    return folder_shape(path, below) if below else None


async def _paths(call: Call) -> tuple[list[str], bool]:
    """Return the paths of a body, a form (as the Python client sends) or JSON, and ``expand``."""
    if media_type(call.request) == "application/json":
        body = await read_json(call)
        said = body if isinstance(body, dict) else {}
        paths: Any = said.get("paths")
        expand = said.get("expand") is True
    else:
        text = (await read_body(call.request)).decode("utf-8", "replace")
        fields = parse_qsl(text, max_num_fields=5_000)
        paths = [value for key, value in fields if key == "paths"]
        expand = _flag(dict(fields), "expand")
    if isinstance(paths, str):
        paths = [paths]
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise InvalidInput(detail="paths must be a list of text", field="paths")
    return paths, expand


def _flag(words: Mapping[str, str], name: str) -> bool:
    return words.get(name, "").lower() in _TRUE


def _whole(words: Mapping[str, str], name: str, default: int) -> int:
    text = words.get(name) or str(default)
    if not text.isdecimal() or len(text) > 9:
        raise InvalidInput(detail=f"{name} must be a whole number, not {text[:40]!r}", field=name)
    return int(text)
