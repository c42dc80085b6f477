"""MLflow's calls on model versions."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from lockgate.dialects.mlflow import filters, words
from lockgate.dialects.mlflow.artifact_uris import find_files, sealed_uri
from lockgate.dialects.mlflow.models import unguarded
from lockgate.dialects.mlflow.namespace import Namespace, model_missing, version_missing
from lockgate.dialects.mlflow.problems import MlflowProblem, invalid
from lockgate.dialects.mlflow.requests import (
    Given,
    at_most,
    flag,
    optional,
    require,
    tags,
    text,
    texts,
)
from lockgate.dialects.mlflow.searching import collect
from lockgate.dialects.mlflow.shapes import (
    MODEL_ID,
    RUN_LINK,
    STORAGE_LOCATION,
    model_version,
    storage_of,
)
from lockgate.domain.manifests import Manifest
from lockgate.domain.mlflow_messages import is_prompt
from lockgate.domain.versions import ModelVersion
from lockgate.errors import ModelNotFound, NotFound, VersionNotFound

PAGE_ITEMS_MAX = 200_000
Answer = dict[str, Any]
_MODELS_URI = re.compile(r"models:/?([^/]+[/@].*)", re.IGNORECASE | re.DOTALL)


def create(namespace: Namespace, given: Given) -> Answer:
    """Register a version of a model that is there; the server counts."""
    name = require(given, "name")
    source = words.source(require(given, "source"))
    tagged = words.tags(optional(given, "tags", tags, {}))
    run_id = optional(given, "run_id", text)
    metadata = {
        MODEL_ID: optional(given, "model_id", text),
        RUN_LINK: optional(given, "run_link", text),
    }
    original = None if is_prompt(tagged) else _original(namespace, source)
    if original is not None:
        source = f"models:/{original.model}/{original.seq}"
        run_id = original.run_id if run_id is None else run_id
        if metadata[MODEL_ID] is None:
            metadata[MODEL_ID] = original.metadata.get(MODEL_ID)
        metadata[STORAGE_LOCATION] = storage_of(original)
    files = _files(namespace, source, original)
    registry = namespace.registry
    if files is None:
        make = partial(registry.counted.register, namespace.full_name(name))
    else:
        make = partial(registry.seal, namespace.model(name).full_name, files, again=True)
    with model_missing(name):
        made = make(
            artifact_uri=source,
            run_id=run_id or None,
            tags=tagged,
            metadata={key: value for key, value in metadata.items() if value},
            description=optional(given, "description", text, ""),
        )
    return {"model_version": model_version(made)}


def get(namespace: Namespace, given: Given) -> Answer:
    """Return a version."""
    return {"model_version": model_version(_named(namespace, given))}


def get_download_uri(namespace: Namespace, given: Given) -> Answer:
    """Return where a version's files are: those it has of its own, else those it names."""
    found = _named(namespace, given)
    if found.digest is not None:
        return {"artifact_uri": sealed_uri(namespace, found)}
    return {"artifact_uri": storage_of(found)}


def update(namespace: Namespace, given: Given) -> Answer:
    """Change a version's description."""
    description = optional(given, "description", text, "")
    return {"model_version": model_version(_change(namespace, given, description=description))}


def delete(namespace: Namespace, given: Given) -> Answer:
    """Delete a version and its aliases; our own client can restore it.

    MLflow has no word for force, see `models.delete`.
    """
    found = _named(namespace, given)
    model = namespace.model(found.model)
    namespace.registry.delete_version(model.full_name, found.label, force=unguarded(model))
    return {}


def transition(namespace: Namespace, given: Given) -> Answer:
    """Take a version to another stage, past its gate, and archive who stood there if asked to."""
    stage = require(given, "stage")
    archive_others = optional(given, "archive_existing_versions", flag, False)
    name, version = require(given, "name"), require(given, "version")
    full_name, number = namespace.full_name(name), words.version_number(version)
    with namespace.stage_known(name, stage):
        if archive_others:
            _require_active(namespace, namespace.version(name, version).model, stage)
        try:
            done = namespace.registry.counted.transition(
                full_name, number, stage, archive_others=archive_others
            )
        except (ModelNotFound, VersionNotFound):
            raise version_missing(name, version) from None
    return {"model_version": model_version(done.version)}


def search(namespace: Namespace, given: Given) -> Answer:
    """Return a page of versions, the last updated first unless ordered."""
    most = optional(given, "max_results", at_most(PAGE_ITEMS_MAX), PAGE_ITEMS_MAX)
    where = filters.our_filter(optional(given, "filter", text), filters.VERSIONS)
    order = filters.our_order(optional(given, "order_by", texts, []), filters.VERSIONS)
    found, token = collect(
        lambda limit, cursor: namespace.registry.search(
            where, order_by=order, project=namespace.project, limit=limit, cursor=cursor
        ),
        most,
        optional(given, "page_token", text),
    )
    answer: Answer = {"model_versions": [model_version(version) for version in found]}
    return answer | {"next_page_token": token} if token else answer


def set_tag(namespace: Namespace, given: Given) -> Answer:
    """Tag a version."""
    tag = {require(given, "key"): optional(given, "value", text, "")}
    _change(namespace, given, tags=words.tags(tag))
    return {}


def delete_tag(namespace: Namespace, given: Given) -> Answer:
    """Take a tag off a version, if it is there."""
    _change(namespace, given, tags={words.tag_key(require(given, "key")): None})
    return {}


def _files(namespace: Namespace, source: str, original: ModelVersion | None) -> Manifest | None:
    """Return the files that a new version has of its own, because they are kept here."""
    if original is None:
        return find_files(namespace, source)
    return None if original.digest is None else namespace.registry.manifest(original.reference)


def _named(namespace: Namespace, given: Given) -> ModelVersion:
    return namespace.version(require(given, "name"), require(given, "version"))


def _change(namespace: Namespace, given: Given, **changes: Any) -> ModelVersion:
    found = _named(namespace, given)
    return namespace.registry.update_version(
        f"{found.project}/{found.model}", found.label, **changes
    )


def _require_active(namespace: Namespace, name: str, stage: str) -> None:
    """Refuse to clear a stage that many versions share: where they begin, and where they end."""
    lifecycle = namespace.lifecycle(namespace.model(name))
    target = lifecycle.stage(stage)
    active = [s for s in lifecycle.stages if not s.archive and s.name != lifecycle.initial]
    if target not in active:
        raise invalid(
            "Model version transition cannot archive existing model versions because "
            f"'{stage}' is not an Active stage. Valid stages are "
            f"{[words.shown_stage(each.name) for each in active]}"
        )


def _original(namespace: Namespace, source: str) -> ModelVersion | None:
    """Return the version that a source copies, None when it is no version of this registry.

    ``models:/m-1f…`` is a logged model, which the tracking server keeps.
    """
    found_path = _MODELS_URI.fullmatch(source)
    if found_path is None:
        return None
    path = found_path[1]
    name, at, alias = path.partition("@")
    name, _, version = (name, "", "") if at else path.partition("/")
    try:
        if version.isascii() and version.isdigit():
            found = namespace.version(name, version)
        else:
            word = alias or version
            found = namespace.registry.resolve(f"{namespace.full_name(name)}@{word}")
        prompt = is_prompt(dict(found.tags))
    except (MlflowProblem, NotFound) as error:
        raise MlflowProblem(
            "RESOURCE_DOES_NOT_EXIST",
            f"Unable to fetch model from model URI source artifact location '{source}'. "
            f"Error: {error}",
        ) from None
    if prompt:
        raise invalid(
            f"Invalid model version source: '{source}'. Prompt versions cannot be used as model "
            "version sources."
        )
    return found
