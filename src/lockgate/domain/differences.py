"""What differs between two manifests, from their digests alone: no file is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from lockgate.domain.manifests import FileEntry, Manifest, TensorEntry


class Difference(StrEnum):
    """How a file or a tensor of the older version stands to that of the newer one.

    A tensor that has both another dtype and another shape counts as retyped.
    """

    ADDED = "added"
    REMOVED = "removed"
    RETYPED = "retyped"
    RESHAPED = "reshaped"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True)
class FileDifference:
    """One path; ``before`` is None when it was added, ``after`` when it was removed."""

    path: str
    kind: Difference
    before: FileEntry | None
    after: FileEntry | None


@dataclass(frozen=True)
class TensorDifference:
    """One tensor, and the path it lies at in each version (they differ after re-sharding)."""

    name: str
    kind: Difference
    path_before: str | None
    before: TensorEntry | None
    path_after: str | None
    after: TensorEntry | None


@dataclass(frozen=True)
class ManifestDiff:
    """Every file and tensor of both versions, sorted by name; bytes count each chunk once."""

    files: tuple[FileDifference, ...]
    tensors: tuple[TensorDifference, ...]
    bytes_shared: int
    bytes_added: int
    bytes_removed: int


def diff_manifests(before: Manifest, after: Manifest) -> ManifestDiff:
    """Return what a step from one manifest to another adds, removes, changes and keeps."""
    old, new = before.chunk_sizes, after.chunk_sizes
    return ManifestDiff(
        files=_file_differences(before, after),
        tensors=_tensor_differences(before, after),
        bytes_shared=sum(size for digest, size in new.items() if digest in old),
        bytes_added=sum(size for digest, size in new.items() if digest not in old),
        bytes_removed=sum(size for digest, size in old.items() if digest not in new),
    )


def _file_differences(before: Manifest, after: Manifest) -> tuple[FileDifference, ...]:
    old = {file.path: file for file in before.files}
    new = {file.path: file for file in after.files}
    return tuple(
        FileDifference(path, _file_kind(old.get(path), new.get(path)), old.get(path), new.get(path))
        for path in sorted(old.keys() | new.keys())
    )


def _file_kind(before: FileEntry | None, after: FileEntry | None) -> Difference:
    if before is None:
        return Difference.ADDED
    if after is None:
        return Difference.REMOVED
    return Difference.SAME if before.sha256 == after.sha256 else Difference.CHANGED


_Place = tuple[str, str]  # path, tensor name


def _tensor_differences(before: Manifest, after: Manifest) -> tuple[TensorDifference, ...]:
    old, new = _tensors(before), _tensors(after)
    differences = [
        _difference(place, old[place], place, new[place]) for place in old.keys() & new.keys()
    ]
    # A tensor may have moved to another file: what is left is matched by name, where the name
    # leaves no doubt.
    left_old = {place: tensor for place, tensor in old.items() if place not in new}
    left_new = {place: tensor for place, tensor in new.items() if place not in old}
    old_names = Counter(name for _, name in left_old)
    new_place = {name: (path, name) for path, name in left_new}
    new_names = Counter(name for _, name in left_new)
    for place, tensor in left_old.items():
        name = place[1]
        if old_names[name] == new_names[name] == 1:
            moved_to = new_place[name]
            differences.append(_difference(place, tensor, moved_to, left_new.pop(moved_to)))
        else:
            differences.append(_difference(place, tensor, None, None))
    differences.extend(_difference(None, None, place, tensor) for place, tensor in left_new.items())
    differences.sort(key=lambda d: (d.name, d.path_after or "", d.path_before or ""))
    return tuple(differences)


def _tensors(manifest: Manifest) -> dict[_Place, TensorEntry]:
    return {
        (file.path, tensor.name): tensor for file in manifest.files for tensor in file.tensors or ()
    }


def _difference(
    old_place: _Place | None,
    before: TensorEntry | None,
    new_place: _Place | None,
    after: TensorEntry | None,
) -> TensorDifference:
    place = new_place or old_place or ("", "")
    return TensorDifference(
        name=place[1],
        kind=_tensor_kind(before, after),
        path_before=old_place[0] if old_place else None,
        before=before,
        path_after=new_place[0] if new_place else None,
        after=after,
    )


def _tensor_kind(before: TensorEntry | None, after: TensorEntry | None) -> Difference:
    if before is None:
        return Difference.ADDED
    if after is None:
        return Difference.REMOVED
    if before.dtype != after.dtype:
        return Difference.RETYPED
    if before.shape != after.shape:
        return Difference.RESHAPED
    return Difference.SAME if before.digest == after.digest else Difference.CHANGED
