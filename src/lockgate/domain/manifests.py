"""A manifest: which files a version consists of, and from which chunks each is put together.

    {"files": [{"chunks": [{"digest": "blake3:…", "size": 5}], "path": "a.txt", "sha256": "…",
                "size": 5, "tensors": null}],
     "schema": "lockgate.manifest.v1"}

Its bytes are canonical: JSON with sorted keys, no white space, UTF-8 unescaped, integers only,
files sorted by path. The SHA-256 of these bytes is the version's digest, so there is exactly one
way to write a manifest, and `parse_manifest` refuses any other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from lockgate.domain.digests import sha256_digest
from lockgate.domain.manifest_faults import INTEGER_MAX, manifest_faults
from lockgate.domain.paths import PathLimits, collision_faults, path_faults
from lockgate.errors import InvalidManifest, LimitExceeded

SCHEMA: Final = "lockgate.manifest.v1"
FAULTS_SHOWN_MAX: Final = 100


@dataclass(frozen=True)
class ManifestLimits:
    """How large a manifest, and what it names, may be."""

    files_max: int = 100_000
    chunks_max: int = 1_000_000
    tensors_max: int = 1_000_000
    rank_max: int = 32
    tensor_name_bytes_max: int = 1024
    chunk_bytes_max: int = 16 * 2**20
    file_bytes_max: int = 2**44
    total_bytes_max: int = 2**45
    manifest_bytes_max: int = 128 * 2**20
    paths: PathLimits = field(default_factory=PathLimits)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of a file's bytes: ``digest`` is ``blake3:<64 hex>``, ``size`` in bytes, not zero."""

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """A tensor in a file: bytes ``start`` to ``start + size``, whose BLAKE3 is ``digest``."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file: its chunks in order add up to it. ``sha256`` is 64 hex digits.

    ``tensors`` is None for a file whose tensors we cannot read, and may be empty for one we can.
    """

    path: str
    size: int
    sha256: str
    chunks: tuple[Chunk, ...]
    tensors: tuple[TensorEntry, ...] | None = None


@dataclass(frozen=True)
class Manifest:
    """The files of a version, sorted by path; made by `build_manifest` or `parse_manifest`.

    ``checked`` are the limits within which all that it says was found to hold.
    """

    files: tuple[FileEntry, ...]
    checked: ManifestLimits | None = field(default=None, compare=False, repr=False)

    @cached_property
    def encoded(self) -> bytes:
        """The canonical bytes."""
        return _encode(self)

    @cached_property
    def digest(self) -> str:
        """The version's digest, ``sha256:<64 hex>``."""
        return sha256_digest(self.encoded)

    @property
    def size(self) -> int:
        """The bytes of all files together."""
        return sum(file.size for file in self.files)

    @cached_property
    def chunk_sizes(self) -> dict[str, int]:
        """Every chunk once, digest → bytes, in the order of first use."""
        return {chunk.digest: chunk.size for file in self.files for chunk in file.chunks}

    @cached_property
    def _by_path(self) -> dict[str, FileEntry]:
        return {file.path: file for file in self.files}

    def find_file(self, path: str) -> FileEntry | None:
        """Return the entry of a path, or None."""
        return self._by_path.get(path)


def build_manifest(files: Iterable[FileEntry], limits: ManifestLimits | None = None) -> Manifest:
    """Return the manifest of these files in canonical order.

    Raises InvalidManifest naming every fault, LimitExceeded when its bytes are too many.
    """
    limits = limits or ManifestLimits()
    manifest = Manifest(tuple(sorted(files, key=lambda file: file.path)), limits)
    _raise_on(manifest_faults(manifest.files, limits))
    _check_length(manifest.encoded, limits)
    return manifest


def parse_manifest(data: bytes, limits: ManifestLimits | None = None) -> Manifest:
    """Return the manifest that ``data`` is, once everything it says has been checked.

    Raises InvalidManifest naming every fault, LimitExceeded when there are too many bytes. Bytes
    that say the same in another way (white space, other order) are refused too: they would have
    another digest.
    """
    limits = limits or ManifestLimits()
    _check_length(data, limits)
    reader = _Reader()
    files = reader.files(_load(data))
    faults = reader.faults + manifest_faults(files, limits)
    _raise_on(faults)
    manifest = Manifest(files, limits)
    if manifest.encoded != data:
        _raise_on(["the bytes are not canonical JSON (sorted keys and paths, no white space)"])
    return manifest


def check_manifest_files(manifest: Manifest, limits: ManifestLimits | None = None) -> None:
    """Raise InvalidManifest unless all that a manifest says holds, whoever made the object."""
    limits = limits or ManifestLimits()
    if manifest.checked != limits:
        _raise_on(manifest_faults(manifest.files, limits))


def check_paths(paths: list[str], limits: ManifestLimits, other_faults: Iterable[str] = ()) -> None:
    """Raise InvalidManifest unless a version may have files of these paths (and no fault is given).

    Said before there is a manifest, to somebody who may never have heard of one.
    """
    faults = list(other_faults)
    if len(paths) > limits.files_max:
        faults.append(f"{len(paths)} files, more than {limits.files_max}")
    if not paths and not faults:
        faults.append("there is no file; a version has at least one")
    for path in paths:
        faults.extend(f"{path[:200]!r}: {fault}" for fault in path_faults(path, limits.paths))
    _raise_on(faults + collision_faults(paths), "This cannot be a version's files")


def _raise_on(faults: list[str], what: str = "The manifest is not valid") -> None:
    if not faults:
        return
    shown = faults[:FAULTS_SHOWN_MAX]
    if len(faults) > len(shown):
        shown.append(f"and {len(faults) - len(shown)} more")
    first = shown[0] if len(shown) == 1 else f"{shown[0]} (the first of {len(faults)} faults)"
    raise InvalidManifest(detail=f"{what}: {first}.", faults=shown)


def _check_length(data: bytes, limits: ManifestLimits) -> None:
    if len(data) > limits.manifest_bytes_max:
        raise LimitExceeded(
            what="The manifest's size in bytes",
            observed=len(data),
            limit=limits.manifest_bytes_max,
        )


# --- canonical JSON --------------------------------------------------------------------------


def _encode(manifest: Manifest) -> bytes:
    document = {
        "schema": SCHEMA,
        "files": [
            {
                "path": file.path,
                "size": file.size,
                "sha256": file.sha256,
                "chunks": [{"digest": c.digest, "size": c.size} for c in file.chunks],
                "tensors": None
                if file.tensors is None
                else [
                    {
                        "name": tensor.name,
                        "dtype": tensor.dtype,
                        "shape": tensor.shape,
                        "start": tensor.start,
                        "size": tensor.size,
                        "digest": tensor.digest,
                    }
                    for tensor in file.tensors
                ],
            }
            for file in manifest.files
        ],
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def _load(data: bytes) -> Any:
    try:
        return json.loads(
            data.decode(),
            object_pairs_hook=_unique_keys,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except RecursionError:
        _raise_on(["the JSON is nested too deeply"])
    except ValueError as error:
        _raise_on([f"the bytes are not JSON as a manifest needs it: {str(error)[:200]}"])


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return members


def _refuse_number(text: str) -> Any:
    raise ValueError(f"{text[:40]} is not an integer")


_CHUNK: Final[dict[str, Any]] = {"digest": str, "size": int}
_FILE: Final[dict[str, Any]] = {
    "path": str, "size": int, "sha256": str, "chunks": list, "tensors": (list, type(None)),
}  # fmt: skip
_TENSOR: Final[dict[str, Any]] = {
    "name": str, "dtype": str, "shape": list, "start": int, "size": int, "digest": str,
}  # fmt: skip


class _Reader:
    """Turns JSON values into entries; a value of the wrong type becomes a fault and is left out."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def files(self, document: Any) -> tuple[FileEntry, ...]:
        members = self._members(document, "the manifest", {"schema": str, "files": list})
        if members is None:
            return ()
        if members["schema"] != SCHEMA:
            self.faults.append(f"schema is {members['schema'][:100]!r}, not {SCHEMA!r}")
        entries = (self._file(value, index) for index, value in enumerate(members["files"]))
        return tuple(entry for entry in entries if entry is not None)

    def _file(self, value: Any, index: int) -> FileEntry | None:
        what = f"file {index}"
        members = self._members(value, what, _FILE)
        if members is None:
            return None
        chunks = [self._chunk(c, f"{what}, chunk {i}") for i, c in enumerate(members["chunks"])]
        tensors = members["tensors"]
        if tensors is not None:
            listed = [self._tensor(t, f"{what}, tensor {i}") for i, t in enumerate(tensors)]
            tensors = tuple(tensor for tensor in listed if tensor is not None)
        return FileEntry(
            path=members["path"],
            size=members["size"],
            sha256=members["sha256"],
            chunks=tuple(chunk for chunk in chunks if chunk is not None),
            tensors=tensors,
        )

    def _chunk(self, value: Any, what: str) -> Chunk | None:
        members = self._members(value, what, _CHUNK)
        return None if members is None else Chunk(**members)

    def _tensor(self, value: Any, what: str) -> TensorEntry | None:
        members = self._members(value, what, _TENSOR)
        if members is None:
            return None
        shape = members.pop("shape")
        if not all(type(extent) is int for extent in shape):
            self.faults.append(f"{what}: the shape is not a list of integers")
            return None
        return TensorEntry(shape=tuple(shape), **members)

    def _members(self, value: Any, what: str, kinds: dict[str, Any]) -> dict[str, Any] | None:
        """Return an object's members if they are exactly those of ``kinds``, of their types."""
        if not isinstance(value, dict):
            self.faults.append(f"{what} is not an object")
            return None
        if value.keys() != kinds.keys():
            names = ", ".join(sorted(kinds))
            self.faults.append(f"{what}: the keys are not exactly {names}")
            return None
        is_good = in_range = True
        for key, kind in kinds.items():
            item = value[key]
            if not isinstance(item, kind) or isinstance(item, bool):
                self.faults.append(f"{what}: {key} has the wrong type")
                is_good = False
            if isinstance(item, int) and not 0 <= item <= INTEGER_MAX:
                in_range = False
        if not in_range:
            self.faults.append(f"{what}: a number is not between 0 and 2^53 - 1")
        return value if is_good and in_range else None
