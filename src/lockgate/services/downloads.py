"""Downloads: the bytes of a version, to whoever may read the version.

Chunks are shared between versions of every project, so none is handed out by its digest alone:
the manifest of the version that is asked must name it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lockgate.domain.manifests import FileEntry, Manifest
from lockgate.errors import BlobNotFound, DigestMismatch, InvalidInput, LimitExceeded, NotFound
from lockgate.services.depot import Depot

BLOBS_MAX = 1_000
URL_EXPIRES_S = 3_600


@dataclass(frozen=True, slots=True)
class FileRange:
    """Bytes ``start`` to ``start + length`` of a file."""

    file: FileEntry
    start: int
    length: int


def require_chunks(manifest: Manifest, digests: Sequence[str]) -> None:
    """Raise `BlobNotFound` unless a version consists of all these chunks, among others."""
    if len(digests) > BLOBS_MAX:
        raise LimitExceeded(what="The number of blobs", observed=len(digests), limit=BLOBS_MAX)
    known = manifest.chunk_sizes
    for digest in digests:
        if digest not in known:
            raise BlobNotFound(digest=digest[:100])


def read_chunks(depot: Depot, manifest: Manifest, digests: Sequence[str]) -> Iterator[bytes]:
    """Yield chunks of a version in the order asked, each verified."""
    require_chunks(manifest, digests)
    for digest in digests:
        yield depot.blobs.read(digest)


def download_urls(depot: Depot, manifest: Manifest, digests: Sequence[str]) -> list[str | None]:
    """Return where each chunk can be had without asking again; None where only we have it."""
    require_chunks(manifest, digests)
    return [depot.blobs.find_download_url(digest, URL_EXPIRES_S) for digest in digests]


def load_file(manifest: Manifest, path: str) -> FileEntry:
    """Return a file of a version. Raises `NotFound`."""
    file = manifest.find_file(path)
    if file is None:
        raise NotFound(detail=f"The version has no file {path[:200]!r}.", path=path[:200])
    return file


def find_part(file: FileEntry, span: tuple[int | None, int | None]) -> FileRange:
    """Return the part of a file that ``(first, last)`` means, as HTTP counts: both inclusive.

    ``(None, n)`` are the last ``n`` bytes. Raises `InvalidInput` for a range outside the file.
    """
    first, last = span
    if first is None:
        start = max(0, file.size - (last or 0))
        stop = file.size
    else:
        start, stop = first, file.size if last is None else min(last + 1, file.size)
    if span != (0, None) and not 0 <= start < stop:
        raise InvalidInput(
            detail=f"The range is outside of {file.path!r}, which has {file.size} bytes.",
            field="Range",
        )
    return FileRange(file, start, stop - start)


def read_range(depot: Depot, part: FileRange) -> Iterator[bytes]:
    """Yield the bytes of a part of a file, chunk by chunk, each chunk verified."""
    start, stop, end = part.start, part.start + part.length, 0
    for index, chunk in enumerate(part.file.chunks):
        first, end = end, end + chunk.size
        if end <= start:
            continue
        if first >= stop:
            return
        data = depot.blobs.read(chunk.digest)
        if len(data) != chunk.size:
            raise DigestMismatch(
                subject=f"Chunk {index} of file {part.file.path!r}",
                observed=f"{len(data)} bytes",
                expected=f"{chunk.size} bytes",
                path=part.file.path,
                chunk=index,
            )
        yield data[max(0, start - first) : stop - first]
