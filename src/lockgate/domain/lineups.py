"""Lineups: two to six versions side by side, and the files and tensors in which they differ."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lockgate.domain.manifests import FileEntry, Manifest, TensorEntry
from lockgate.domain.versions import ModelVersion
from lockgate.errors import InvalidInput

VERSIONS_MIN, VERSIONS_MAX = 2, 6
ROWS_MAX = 1_000
K = TypeVar("K", str, tuple[str, str])
E = TypeVar("E", FileEntry, TensorEntry)


@dataclass(frozen=True, kw_only=True)
class FileAcross:
    """One path, in the order of the versions; None where a version has no such file."""

    path: str
    sizes: tuple[int | None, ...]
    sha256s: tuple[str | None, ...]


@dataclass(frozen=True, kw_only=True)
class TensorAcross:
    """One tensor of one file, in the order of the versions; None where it is missing.

    ``forms`` are dtype and shape in one text: ``F32 [64, 10]``.
    """

    path: str
    name: str
    forms: tuple[str | None, ...]
    digests: tuple[str | None, ...]


@dataclass(frozen=True, kw_only=True)
class Lineup:
    """Versions of a model in the order asked for; the first is what the others are held against.

    ``files`` and ``tensors`` are those that are not the same in all of them, at most `ROWS_MAX`
    each; the counts say how many there are in all.
    """

    project: str
    model: str
    versions: tuple[ModelVersion, ...]
    files: tuple[FileAcross, ...]
    tensors: tuple[TensorAcross, ...]
    files_same: int
    files_differ: int
    tensors_same: int
    tensors_differ: int


def require_some(labels: Sequence[str]) -> None:
    """Raise `InvalidInput` unless these are two to six different versions."""
    if not VERSIONS_MIN <= len(labels) <= VERSIONS_MAX:
        raise InvalidInput(
            detail=f"Name {VERSIONS_MIN} to {VERSIONS_MAX} versions to compare, not {len(labels)}",
            field="version",
        )
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise InvalidInput(detail=f"Version '{twice:.60}' is named twice", field="version")


def line_up(versions: Sequence[ModelVersion], manifests: Sequence[Manifest | None]) -> Lineup:
    """Return the versions side by side; a manifest is None where no files were pushed."""
    files = [{file.path: file for file in _files(each)} for each in manifests]
    tensors = [
        {(file.path, each.name): each for file in _files(manifest) for each in file.tensors or ()}
        for manifest in manifests
    ]
    paths, paths_same = _unlike(files, lambda file: file.sha256)
    places, places_same = _unlike(tensors, lambda tensor: (_form(tensor), tensor.digest))
    return Lineup(
        project=versions[0].project,
        model=versions[0].model,
        versions=tuple(versions),
        files=tuple(_file(path, files) for path in paths[:ROWS_MAX]),
        tensors=tuple(_tensor(place, tensors) for place in places[:ROWS_MAX]),
        files_same=paths_same,
        files_differ=len(paths),
        tensors_same=places_same,
        tensors_differ=len(places),
    )


def _files(manifest: Manifest | None) -> Sequence[FileEntry]:
    return () if manifest is None else manifest.files


def _unlike(
    columns: Sequence[Mapping[K, E]], content: Callable[[E], Hashable]
) -> tuple[list[K], int]:
    """Return the keys whose content is not the same in every column, and how many are."""
    keys = sorted({key for column in columns for key in column})
    unlike = [
        key
        for key in keys
        if len({content(column[key]) if key in column else None for column in columns}) > 1
    ]
    return unlike, len(keys) - len(unlike)


def _file(path: str, columns: Sequence[Mapping[str, FileEntry]]) -> FileAcross:
    found = [column.get(path) for column in columns]
    return FileAcross(
        path=path,
        sizes=tuple(None if file is None else file.size for file in found),
        sha256s=tuple(None if file is None else file.sha256 for file in found),
    )


def _tensor(
    place: tuple[str, str], columns: Sequence[Mapping[tuple[str, str], TensorEntry]]
) -> TensorAcross:
    found = [column.get(place) for column in columns]
    return TensorAcross(
        path=place[0],
        name=place[1],
        forms=tuple(None if tensor is None else _form(tensor) for tensor in found),
        digests=tuple(None if tensor is None else tensor.digest for tensor in found),
    )


def _form(tensor: TensorEntry) -> str:
    return f"{tensor.dtype} {list(tensor.shape)}"
