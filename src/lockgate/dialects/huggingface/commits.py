"""Commits: what a client wants to become a version.

The body is one JSON object a line: a header, then files (in base64, or by the hash of one that
was uploaded before), then what is to be deleted. It is read from a spooled file line by line, so
that it takes no more memory than its longest line.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from lockgate.dialects.huggingface.answers import NotSpoken
from lockgate.dialects.huggingface.snapshots import (
    MAIN,
    EntryNotFound,
    RevisionNotFound,
    Snapshot,
    commit_of,
    find_version,
    first_commit,
    is_commit,
    load_snapshot,
)
from lockgate.domain import names
from lockgate.domain.manifests import FileEntry, build_manifest
from lockgate.domain.paths import PathLimits, path_faults
from lockgate.errors import BlobNotFound, Conflict, InvalidInput, LimitExceeded
from lockgate.registry import Registry
from lockgate.services.uploads import named, spool_name
from lockgate.wire.values import read_json

INLINE_BYTES_MAX = 32 * 2**20
LINE_BYTES_MAX = 48 * 2**20
"""Room for a file of `INLINE_BYTES_MAX` in base64."""
OPERATIONS_MAX = 100_000


@dataclass
class Commit:
    """A commit as it was sent; ``inline`` are paths by the names of their spooled files."""

    summary: str = ""
    description: str = ""
    parent: str | None = None
    inline: dict[str, str] = field(default_factory=dict)
    by_hash: dict[str, str] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    deleted_folders: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Target:
    """What a commit builds on, and the label of the version that it makes (None: counted)."""

    name: str
    base: Snapshot
    label: str | None


def read_commit(body: BinaryIO, folder: Path) -> Commit:
    """Return the commit that ``body`` says; files in it are written into ``folder``.

    Raises `InvalidInput`, `LimitExceeded`.
    """
    commit = Commit()
    paths: dict[str, str] = {}
    for number in range(OPERATIONS_MAX + 1):
        line = body.readline(LINE_BYTES_MAX + 1)
        if not line:
            commit.inline = {spooled: path for path, spooled in paths.items()}
            return commit
        if len(line) > LINE_BYTES_MAX:
            raise LimitExceeded(
                what="The size of a file that is sent within a commit",
                observed=f"more than {INLINE_BYTES_MAX} bytes",
                limit=f"{INLINE_BYTES_MAX} bytes (send it by LFS, or use `lockgate push`)",
            )
        if line.strip():
            _read_line(commit, paths, number, line, folder)
    raise LimitExceeded(what="The number of operations", observed="more", limit=OPERATIONS_MAX)


def find_target(registry: Registry, name: str, revision: str) -> Target:
    """Return what a commit to a revision builds on.

    ``main`` is the latest version; a label that is free starts with nothing, and so does one whose
    version has no files yet. Raises `Conflict` for any other, `ModelNotFound`.
    """
    if revision == MAIN:
        base = load_snapshot(registry, name, MAIN)
        return Target(base.name, base, None)
    model = registry.get_model(name)
    empty = Snapshot(model.full_name, None, first_commit(model), None)
    if is_commit(revision) or revision.startswith("refs/"):
        raise NotSpoken(
            detail=f"A commit goes to 'main' or to the label of a new version, not to {revision!r}."
        )
    lifecycle = registry.get_lifecycle(model.lifecycle, model.lifecycle_revision)
    if lifecycle.find_stage(revision) is not None or revision in model.aliases:
        raise Conflict(
            detail=f"'{revision}' is a stage or an alias of {model.full_name}: commit to 'main' or "
            "to the label of a new version, then promote that, or set the alias."
        )
    try:
        found = find_version(registry, name, revision)
    except RevisionNotFound:
        return Target(model.full_name, empty, names.version_label(revision))
    if found is None or found.digest is None:
        return Target(model.full_name, empty, None if found is None else found.label)
    raise Conflict(
        detail=f"Version '{found.label}' of {model.full_name} is sealed: its files never change. "
        "Commit to 'main' or to the label of a new version, or use `lockgate push`."
    )


def make_version(registry: Registry, target: Target, commit: Commit, folder: Path) -> str:
    """Make the version that a commit describes, and return its commit id.

    One that would change nothing makes none. Raises `Conflict` when ``parent`` is not the latest.
    """
    base = target.base
    if commit.parent is not None and commit.parent != base.commit:
        raise Conflict(
            detail=f"{target.name} has changed: its latest commit is {base.commit}, "
            f"not {commit.parent[:40]!r}."
        )
    kept = _remaining(base, commit)
    sent = registry.uploads.take(folder, commit.inline)
    for entry in (*_uploaded(registry, target, commit), *sent):
        kept[entry.path] = entry
    manifest = build_manifest(kept.values())
    if base.version is not None and manifest.digest == base.version.digest:
        return base.commit
    said = f"{commit.summary}\n\n{commit.description}".strip()
    try:
        made = registry.seal(target.name, manifest, target.label, description=said)
    except BlobNotFound:
        raise Conflict(
            detail="Parts of these files were swept meanwhile; send them again."
        ) from None
    return commit_of(made)


def check_path(path: Any) -> str:
    """Return a path that a version may hold. Raises `InvalidInput`."""
    if not isinstance(path, str):
        raise InvalidInput(detail="path must be text", field="path")
    faults = path_faults(path, PathLimits())
    if faults:
        raise InvalidInput(
            detail=f"{path[:200]!r} cannot be a file of a version: {'; '.join(faults)}",
            field="path",
        )
    return path


def _read_line(
    commit: Commit, paths: dict[str, str], number: int, line: bytes, folder: Path
) -> None:
    try:
        said = read_json(line)
    except InvalidInput as error:
        raise InvalidInput(detail=f"Line {number + 1}: {error}", field="body") from None
    value = said.get("value") if isinstance(said, dict) else None
    if not isinstance(value, dict):
        raise InvalidInput(detail=f"Line {number + 1} has no key and value", field="body")
    kind = said.get("key")
    if kind == "header":
        commit.summary = _text(value, "summary")
        commit.description = _text(value, "description")
        commit.parent = _text(value, "parentCommit") or None
        return
    if kind in ("deletedFile", "deletedFolder"):
        listed = commit.deleted if kind == "deletedFile" else commit.deleted_folders
        listed.append(_text(value, "path").strip("/"))
        return
    path = check_path(value.get("path"))
    if kind == "file":
        commit.by_hash.pop(path, None)
        paths[path] = paths.get(path) or spool_name(number, path)
        (folder / paths[path]).write_bytes(_content(value))
    elif kind == "lfsFile":
        commit.by_hash[path] = _text(value, "oid")
        spooled = paths.pop(path, None)
        if spooled is not None:
            (folder / spooled).unlink()
    else:
        raise NotSpoken(detail=f"Lockgate knows no operation {kind!r} of a commit.")


def _content(value: dict[str, Any]) -> bytes:
    text = _text(value, "content")
    if value.get("encoding") != "base64":
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(detail=f"content is not base64: {error}", field="content") from None


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name) or ""
    if not isinstance(found, str):
        raise InvalidInput(detail=f"{name} must be text", field=name)
    return found


def _remaining(base: Snapshot, commit: Commit) -> dict[str, FileEntry]:
    """Return the files of the base that are not deleted, by path."""
    kept = {file.path: file for file in base.files}
    for path in commit.deleted:
        base.load_file(path)
        kept.pop(path, None)
    for folder in commit.deleted_folders:
        below = [path for path in kept if path.startswith(f"{folder}/")]
        if not below:
            raise EntryNotFound(
                detail=f"{base.name} has no folder {folder[:200]!r}.", commit=base.commit
            )
        for path in below:
            del kept[path]
    return kept


def _uploaded(registry: Registry, target: Target, commit: Commit) -> list[FileEntry]:
    """Return the files that were sent before: those of the base, and uploads."""
    project, _, model = target.name.partition("/")
    here = {file.sha256: file for file in target.base.files}
    found = []
    for path, sha256 in commit.by_hash.items():
        entry = here.get(sha256) or registry.uploads.find(project, model, sha256)
        if entry is None:
            raise InvalidInput(
                detail=f"{path[:200]!r} was not uploaded (sha256 {sha256[:64]!r}); upload it first",
                field="oid",
            )
        found.append(named(entry, path))
    return found
