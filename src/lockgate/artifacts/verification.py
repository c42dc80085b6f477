"""Verify what is stored: read every chunk of a version and hash it, by chunk, tensor and file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import Any

from blake3 import blake3

from lockgate.domain.manifests import FileEntry, Manifest, TensorEntry
from lockgate.errors import BlobNotFound, DigestMismatch


class FaultKind(StrEnum):
    """What is wrong with stored bytes, or with what a manifest claims of them."""

    MISSING = "missing"
    DAMAGED = "damaged"
    FALSE_SHA256 = "false-sha256"
    FALSE_TENSOR = "false-tensor"


@dataclass(frozen=True)
class StoredFault:
    """A fault of one file: ``chunk`` counts from 0 and is None when the claim is of the file.

    ``digest`` is that of the chunk, of the file (``sha256:…``) or of the tensor. A chunk that is
    missing or damaged can be pushed again; a false claim was false when the manifest was made.
    """

    path: str
    kind: FaultKind
    digest: str
    chunk: int | None = None
    tensor: str | None = None


def verify_files(
    manifest: Manifest,
    read_blob: Callable[[str], bytes],
    *,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[StoredFault]:
    """Yield everything that is wrong with a version's bytes; nothing when it is whole.

    ``read_blob`` returns a chunk verified, such as ``store.read``; its BlobNotFound and
    DigestMismatch become faults, other errors are raised. ``on_progress`` is told the bytes of each
    chunk. Holds one chunk in memory. A tensor that is a chunk is as true as the chunk, and not
    hashed again.
    """
    for file in manifest.files:
        yield from _verify_file(file, read_blob, on_progress)


def _verify_file(
    file: FileEntry,
    read_blob: Callable[[str], bytes],
    on_progress: Callable[[int], None] | None,
) -> Iterator[StoredFault]:
    sha256 = hashlib.sha256()
    tensors = [(tensor, blake3()) for tensor in unproved_tensors(file)]
    is_whole = True
    start = first = 0
    for index, chunk in enumerate(file.chunks):
        try:
            data = read_blob(chunk.digest)
        except BlobNotFound:
            is_whole = False
            yield StoredFault(file.path, FaultKind.MISSING, chunk.digest, index)
        except DigestMismatch:
            is_whole = False
            yield StoredFault(file.path, FaultKind.DAMAGED, chunk.digest, index)
        else:
            if len(data) != chunk.size:
                is_whole = False
                yield StoredFault(file.path, FaultKind.DAMAGED, chunk.digest, index)
            if is_whole:
                sha256.update(data)
                first = _feed(tensors, first, start, data)
        start += chunk.size
        if on_progress:
            on_progress(chunk.size)
    if not is_whole:
        return
    if sha256.hexdigest() != file.sha256:
        yield StoredFault(file.path, FaultKind.FALSE_SHA256, f"sha256:{file.sha256}")
    for tensor, hasher in tensors:
        if f"blake3:{hasher.hexdigest()}" != tensor.digest:
            yield StoredFault(file.path, FaultKind.FALSE_TENSOR, tensor.digest, tensor=tensor.name)


def unproved_tensors(file: FileEntry) -> Iterator[TensorEntry]:
    """Yield the tensors of which more is claimed than what their chunks have proved."""
    starts = accumulate((chunk.size for chunk in file.chunks), initial=0)
    proved = {
        (start, chunk.size, chunk.digest) for start, chunk in zip(starts, file.chunks, strict=False)
    }
    for tensor in file.tensors or ():
        if (tensor.start, tensor.size, tensor.digest) not in proved:
            yield tensor


def _feed(tensors: list[tuple[TensorEntry, Any]], first: int, start: int, data: bytes) -> int:
    """Hash the parts of ``data`` that are tensors; return the first tensor not ended by then."""
    view = memoryview(data)
    end = start + len(data)
    for tensor, hasher in tensors[first:]:
        if tensor.start >= end:
            break
        hasher.update(
            view[max(0, tensor.start - start) : max(0, tensor.start + tensor.size - start)]
        )
        if tensor.start + tensor.size <= end:
            first += 1
    return first
