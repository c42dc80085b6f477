"""Keep one file whose bytes come once, such as the body of a request, in little memory."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from lockgate.artifacts.chunking import SMALL_FILE_BYTES_MAX
from lockgate.artifacts.pushing import Push, small_entry
from lockgate.artifacts.store import BlobStore, HashedBlob
from lockgate.domain.manifests import (
    FileEntry,
    Manifest,
    ManifestLimits,
    build_manifest,
    check_paths,
)
from lockgate.errors import Conflict, InvalidInput

_BATCHES_MAX: Final = 1


def keep_stream(path: str, size: int, more: Callable[[int], bytes], store: BlobStore) -> Manifest:
    """Keep ``size`` bytes that come once, from first to last, and the manifest of this one file.

    ``more`` returns the next bytes, about as many as it is asked for; none when there are no more.
    ``path`` says how the file is to be cut. About three batches are in memory at once.
    InvalidManifest for a path that no manifest may hold, InvalidInput when there are fewer bytes
    or more, and what ``store`` raises.
    """
    check_paths([path], ManifestLimits())
    stream = _Stream(more)
    if size > SMALL_FILE_BYTES_MAX:
        manifest = build_manifest([_push_large(path, size, stream, store)])
        store.put_manifest(manifest.digest, manifest.encoded)
        return manifest
    data = stream.look(0, size)
    if len(data) != size:
        raise _too_few(size)
    _require_end(path, size, stream)
    blob = HashedBlob.of(data)
    manifest = build_manifest([small_entry(path, blob)])
    # Both wait for the disk, and nothing names either yet: so they wait together.
    with ThreadPoolExecutor(1, thread_name_prefix="keep") as beside:
        kept = beside.submit(store.put_many, [blob] if data else [])
        store.put_manifest(manifest.digest, manifest.encoded)
        kept.result()
    return manifest


def _push_large(path: str, size: int, stream: _Stream, store: BlobStore) -> FileEntry:
    with Push(-1, store, None, size, None, _BATCHES_MAX, _BATCHES_MAX) as push:
        try:
            entry = push.push_pieces(path, size, stream.look, stream.fill)
        except Conflict as error:
            raise _too_few(size) from error
    _require_end(path, size, stream)
    return entry


def _require_end(path: str, size: int, stream: _Stream) -> None:
    if stream.look(size, 1):
        raise InvalidInput(detail=f"More than the {size} bytes of {path!r} came.", field="body")


def _too_few(size: int) -> InvalidInput:
    return InvalidInput(detail=f"Fewer than {size} bytes came.", field="body")


class _Stream:
    """Bytes that come once: those from ``start`` on are kept until they are taken."""

    def __init__(self, more: Callable[[int], bytes]) -> None:
        self._more = more
        self._start = 0
        self._window = bytearray()

    def look(self, start: int, length: int) -> bytes:
        """Return bytes that were not taken yet, without taking them; fewer at the end."""
        first = start - self._start
        while len(self._window) < first + length:
            data = self._more(first + length - len(self._window))
            if not data:
                break
            self._window += data
        return bytes(memoryview(self._window)[first : first + length])

    def fill(self, start: int, memory: memoryview) -> int:
        """Take bytes into ``memory``, and forget them and all before them."""
        data = self.look(start, len(memory))
        memory[: len(data)] = data
        del self._window[: start - self._start + len(data)]
        self._start = start + len(data)
        return len(data)
