"""Snapshots: what a repository holds at a revision.

The client keeps files by commit, 40 hexadecimal digits. Ours are the version's uid, by which it
is found again, and the first 8 digits of its files' digest: a version that gets its files later
has another commit then. A model without versions is its own commit, with no files.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass

from lockgate.domain.manifests import FileEntry, Manifest
from lockgate.domain.models import RegisteredModel
from lockgate.domain.versions import ModelVersion
from lockgate.errors import (
    AliasNotFound,
    InvalidReference,
    NotFound,
    StageEmpty,
    VersionNotFound,
)
from lockgate.registry import Registry

MAIN = "main"
UID_DIGITS = 32
_COMMIT = re.compile(r"[0-9a-f]{40}")
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_NO_FILES = "0" * 8


class RevisionNotFound(NotFound):
    """The repository has no such revision."""


class EntryNotFound(NotFound):
    """The revision has no such file; ``commit`` is where it was looked for."""


@dataclass(frozen=True)
class Snapshot:
    """A version with its files; None and no files for a model that has no version yet."""

    name: str
    version: ModelVersion | None
    commit: str
    manifest: Manifest | None

    @property
    def files(self) -> tuple[FileEntry, ...]:
        """The files, sorted by path."""
        return () if self.manifest is None else self.manifest.files

    def load_file(self, path: str) -> FileEntry:
        """Return a file. Raises `EntryNotFound`."""
        found = None if self.manifest is None else self.manifest.find_file(path)
        if found is None:
            where = self.name if self.version is None else self.version.reference
            raise EntryNotFound(
                detail=f"{where} has no file {path[:200]!r}.", path=path[:200], commit=self.commit
            )
        return found


def is_commit(revision: str) -> bool:
    """Say whether a revision is written like a commit."""
    return _COMMIT.fullmatch(revision) is not None


def commit_of(version: ModelVersion) -> str:
    """Return the commit of a version as it is."""
    files = _NO_FILES if version.digest is None else version.digest.removeprefix("sha256:")
    return version.uid + files[: len(_NO_FILES)]


def first_commit(model: RegisteredModel) -> str:
    """Return the commit of a model without versions."""
    return model.uid + _NO_FILES


def load_snapshot(registry: Registry, name: str, revision: str) -> Snapshot:
    """Return what a model holds at a revision. Raises `RevisionNotFound`, `ModelNotFound`."""
    version = find_version(registry, name, revision)
    if version is None:
        model = registry.get_model(name)
        return Snapshot(model.full_name, None, first_commit(model), None)
    manifest = None
    if version.digest is not None:
        manifest = registry.manifest(version.reference)
    return Snapshot(f"{version.project}/{version.model}", version, commit_of(version), manifest)


def find_version(registry: Registry, name: str, revision: str) -> ModelVersion | None:
    """Return the version that a revision means, None for a model that has none yet.

    A stage comes first, then an alias, then a label: whoever may only add versions cannot give
    one a label that takes the place of ``production``. Raises `RevisionNotFound`, `ModelNotFound`.
    """
    if revision == MAIN:
        try:
            return registry.get_latest(name)
        except VersionNotFound:
            return None
    if is_commit(revision):
        model = registry.get_model(name)
        if revision == first_commit(model):
            return None
        with suppress(NotFound):
            version = _by_uid(registry, model, revision[:UID_DIGITS])
            if commit_of(version) == revision:
                return version
    digest = _DIGEST.fullmatch(revision)
    try:
        if digest is not None:
            return registry.resolve(f"{name}@sha256:{digest[1]}")
        return _by_word(registry, name, revision)
    except (VersionNotFound, StageEmpty, InvalidReference) as error:
        registry.get_model(name)  # what is wrong may be the name
        raise RevisionNotFound(detail=str(error), revision=revision[:200]) from None


def _by_uid(registry: Registry, model: RegisteredModel, uid: str) -> ModelVersion:
    place = registry.locate(uid)
    owner, _, label = place.partition(":")
    if owner != model.full_name or not label:
        raise VersionNotFound(version=uid, model=model.name)
    return registry.get_version(model.full_name, label)


def _by_word(registry: Registry, name: str, word: str) -> ModelVersion:
    try:
        return registry.resolve(f"{name}@{word}")
    except AliasNotFound:
        return registry.resolve(f"{name}:{word}")
