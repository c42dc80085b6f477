"""Portable bundles: a version in one file, written and read front to back.

    index.json           what the registry says of the version      (see `domain.portable`)
    signature.txt        the signed note over it
    manifest.json        the version's manifest
    chunks/<64 hex>      every chunk once, in the order in which the manifest first names it

The file is a plain POSIX tar without compression: fixed order, no times, no owners, so there is
one way to write it. Reading is as strict: every header must be the very bytes that would be
written there, so names lead nowhere and nothing can be hidden, and what comes next is known before
it is read. See docs/bundle-format.md.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from lockgate.artifacts.batches import together
from lockgate.artifacts.pulling import Fetch
from lockgate.artifacts.store import blob_digest
from lockgate.domain.digests import sha256_digest
from lockgate.domain.manifests import Chunk, Manifest, ManifestLimits, parse_manifest
from lockgate.domain.portable import (
    INDEX_BYTES_MAX,
    NOTE_BYTES_MAX,
    BundleHead,
    Portable,
    verify_index,
)
from lockgate.errors import Corrupt, DigestMismatch, InvalidInput, LimitExceeded, Unavailable
from lockgate.keys import verifying

BLOCK: Final = 512
_INDEX, _NOTE, _MANIFEST = "index.json", "signature.txt", "manifest.json"
_END: Final = bytes(2 * BLOCK)


@dataclass(frozen=True)
class OpenBundle:
    """A bundle that was verified from its first byte to its last."""

    path: Path
    head: BundleHead
    portable: Portable
    manifest: Manifest
    offsets: dict[str, int]
    size: int

    def read_chunks(self, digests: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """Yield chunks by digest; whoever keeps them verifies them again."""
        sizes = self.manifest.chunk_sizes
        with _opened(self.path) as file:
            for digest in digests:
                file.seek(self.offsets[digest])
                yield digest, _exactly(file, sizes[digest])


def header_of(name: str, size: int) -> bytes:
    """Return the 512 bytes that stand before a member."""
    fields = (
        name.encode().ljust(100, b"\0")
        + b"0000644\0" + b"0000000\0" + b"0000000\0"
        + b"%011o\0" % size + b"00000000000\0"
    )  # fmt: skip
    rest = b"0" + bytes(100) + b"ustar\x0000" + bytes(64) + b"0000000\0" * 2 + bytes(155 + 12)
    checksum = sum(fields) + 8 * ord(" ") + sum(rest)
    return fields + b"%06o\0 " % checksum + rest


def write_bundle(path: Path, head: BundleHead, manifest: Manifest, fetch: Fetch) -> int:
    """Write a bundle, whole or not at all; return its size in bytes.

    What is at ``path`` is replaced. Raises `DigestMismatch` for a chunk that is not its digest,
    `Unavailable` when the file cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.part")
    try:
        try:
            with draft.open("xb") as file:
                for piece in _pieces(head, manifest, fetch):
                    file.write(piece)
                size = file.tell()
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise Unavailable(detail=f"{path} cannot be written: {error.strerror or error}.") from error
    return size


def _pieces(head: BundleHead, manifest: Manifest, fetch: Fetch) -> Iterator[bytes]:
    yield from _member(_INDEX, head.index.encode())
    yield from _member(_NOTE, head.note.encode())
    yield from _member(_MANIFEST, manifest.encoded)
    for batch in batches(manifest):
        for digest, data in zip(batch, fetch(batch), strict=True):
            _check_chunk(Chunk(digest, manifest.chunk_sizes[digest]), bytes(data))
            yield from _member(_chunk_name(digest), bytes(data))
    yield _END


def _member(name: str, data: bytes) -> Iterator[bytes]:
    yield header_of(name, len(data))
    yield data
    yield bytes(-len(data) % BLOCK)


def batches(manifest: Manifest) -> Iterator[list[str]]:
    """Yield the digests of all chunks once, as many together as a fetch takes."""
    sizes = manifest.chunk_sizes
    return together(sizes, sizes.__getitem__)


def open_bundle(
    path: Path,
    trusted_keys: Collection[str],
    *,
    limits: ManifestLimits | None = None,
    progress: Callable[[int], None] | None = None,
) -> OpenBundle:
    """Verify a bundle from its first byte to its last, writing nothing, and return it.

    The signature comes first: of a bundle that nobody trusted signed, nothing more is read.
    Memory is what index and manifest need, and a chunk. ``progress`` is told of bytes read.
    Raises `InvalidInput` for what is no bundle, `Corrupt` for one that was changed or is not
    signed by a trusted key, `LimitExceeded`, `InvalidManifest`.
    """
    limits = limits or ManifestLimits()
    with _opened(path) as file:
        index = _read_member(file, _INDEX, INDEX_BYTES_MAX)
        note = _read_member(file, _NOTE, NOTE_BYTES_MAX)
        portable = verify_index(index, _text(note), trusted_keys, verifying)
        data = _read_member(file, _MANIFEST, limits.manifest_bytes_max, portable.manifest_bytes)
        if sha256_digest(data) != portable.digest:
            raise DigestMismatch(
                subject="The bundle's manifest",
                observed=sha256_digest(data),
                expected=portable.digest,
            )
        manifest = parse_manifest(data, limits)
        offsets = _verify_files(file, manifest, progress)
        if file.read(len(_END) + 1) != _END:
            raise _damaged(file, "the end of the bundle")
        head = BundleHead(index=_text(index), note=_text(note))
        size = file.tell()
    return OpenBundle(path, head, portable, manifest, offsets, size)


def _verify_files(
    file: IO[bytes], manifest: Manifest, progress: Callable[[int], None] | None
) -> dict[str, int]:
    """Read every file of a bundle, chunk by chunk; return where each chunk lies."""
    offsets: dict[str, int] = {}
    end = file.tell()
    for entry in manifest.files:
        whole = hashlib.sha256()
        for chunk in entry.chunks:
            if chunk.digest in offsets:
                file.seek(offsets[chunk.digest])
                data = _exactly(file, chunk.size)
            else:
                file.seek(end)
                name = _chunk_name(chunk.digest)
                data = _read_member(file, name, chunk.size, chunk.size)
                offsets[chunk.digest] = end + BLOCK
                end = file.tell()
            _check_chunk(chunk, data)
            whole.update(data)
            if progress:
                progress(len(data))
        if whole.hexdigest() != entry.sha256:
            raise DigestMismatch(
                subject=f"The bundle's file {entry.path!r}",
                observed=whole.hexdigest(),
                expected=entry.sha256,
            )
    file.seek(end)
    return offsets


def _check_chunk(chunk: Chunk, data: bytes) -> None:
    observed = blob_digest(data)
    if observed != chunk.digest or len(data) != chunk.size:
        raise DigestMismatch(
            subject="A chunk of the bundle", observed=observed, expected=chunk.digest
        )


def _read_member(file: IO[bytes], name: str, size_max: int, size: int | None = None) -> bytes:
    """Return the member that has to come next; ``size`` is how long it has to be, if known."""
    header = file.read(BLOCK)
    digits = header[124:135]
    if len(header) != BLOCK or not digits.isdigit() or b"8" in digits or b"9" in digits:
        raise _damaged(file, name)
    found = int(digits, 8)
    if header != header_of(name, found) or (size is not None and found != size):
        raise _damaged(file, name)
    if found > size_max:
        raise LimitExceeded(
            what=f"The size in bytes of {name} in a bundle", observed=found, limit=size_max
        )
    data = _exactly(file, found)
    if any(_exactly(file, -found % BLOCK)):
        raise _damaged(file, name)
    return data


def _exactly(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise Corrupt(detail=f"The bundle ends at byte {file.tell()}, in the middle")
    return data


def _damaged(file: IO[bytes], what: str) -> Corrupt:
    return Corrupt(
        detail=f"This is no bundle, or it was changed: before byte {file.tell()} there is not "
        f"{what} as it has to be"
    )


def _chunk_name(digest: str) -> str:
    return "chunks/" + digest.removeprefix("blake3:")


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Corrupt(detail="The bundle holds text that is not UTF-8") from None


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise InvalidInput(
            detail=f"cannot read {path}: {error.strerror or error}", field="file"
        ) from None
