"""Commits: what one builds on, and the version that it makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lockgate.dialects.huggingface.answers import CommitIsOld, NotSpoken
from lockgate.dialects.huggingface.commit_lines import Commit
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
from lockgate.errors import BlobNotFound, Conflict, InvalidInput
from lockgate.registry import Registry
from lockgate.services.uploads import named


@dataclass(frozen=True)
class Target:
    """What a commit builds on, and the label of the version that it makes (None: counted)."""

    name: str
    base: Snapshot
    label: str | None


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

    One that would change nothing makes none. Raises `CommitIsOld` when ``parent`` is not the
    latest.
    """
    base = target.base
    if commit.parent is not None and commit.parent != base.commit:
        raise CommitIsOld(
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


def _remaining(base: Snapshot, commit: Commit) -> dict[str, FileEntry]:
    """Return the files of the base that are not deleted, by path."""
    kept = {file.path: file for file in base.files}
    folders = list(commit.deleted_folders)
    for path in commit.deleted:
        if path in kept:
            del kept[path]
        elif any(each.startswith(f"{path}/") for each in kept):
            folders.append(path)  # to the client a path without a slash at its end is a file
        else:
            base.load_file(path)
    for folder in folders:
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
