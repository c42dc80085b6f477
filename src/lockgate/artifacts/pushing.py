"""Push: hash a file or folder into a manifest, and send the chunks that are missing, in one pass.

    read ──► batch of chunks ─┬► SHA-256 of the file        (one thread, in order)
                              ├► BLAKE3 of long tensors     (one thread, in order)
                              └► BLAKE3 of chunks ► which are missing? ► put them   (workers)

Nothing is named here: the manifest that is returned is sealed by someone else, afterwards. A push
that stops leaves chunks without a name, and the next one finds them there.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from lockgate.artifacts.batches import batches_of, together
from lockgate.artifacts.chunking import SMALL_FILE_BYTES_MAX, cut_sizes, find_layout
from lockgate.artifacts.passing import FILES, Part
from lockgate.artifacts.remembered import HashMemory
from lockgate.artifacts.sending import PushProgress, Sender, Sink
from lockgate.artifacts.slots import Slots
from lockgate.artifacts.store import Data, HashedBlob
from lockgate.artifacts.tensor_digests import TensorDigests
from lockgate.artifacts.trees import FileState, list_tree, open_file, open_root, read_at, read_into
from lockgate.domain.manifests import (
    Chunk,
    FileEntry,
    Manifest,
    ManifestLimits,
    build_manifest,
    check_paths,
)
from lockgate.domain.tensors import Read
from lockgate.errors import Conflict, InvalidInput, Unavailable

BATCHES_IN_FLIGHT_MAX: Final = 4
WORKERS_DEFAULT: Final = 4
_ASK_DIGESTS_MAX: Final = 1000

# Fills memory with the bytes from a place on; returns how many there were.
Fill = Callable[[int, memoryview], int]


@dataclass(frozen=True)
class Pushed:
    """What a push did; ``bytes_sent`` against ``manifest.size`` is what was deduplicated."""

    manifest: Manifest
    bytes_sent: int
    chunks_sent: int


def push_tree(
    root: Path,
    sink: Sink,
    *,
    limits: ManifestLimits | None = None,
    memory: HashMemory | None = None,
    on_progress: Callable[[PushProgress], None] | None = None,
    workers: int = WORKERS_DEFAULT,
) -> Pushed:
    """Send what ``sink`` lacks of a file or folder, and return its manifest.

    A folder is read without following links; a link, pipe or device in it, or a path that a
    manifest may not hold, is InvalidManifest before anything is read. A file that changes while
    it is read is Conflict. A file or folder that cannot be read is Unavailable, one that is not
    there InvalidInput. ``on_progress`` is called from any thread, one call at a time.
    """
    folder, only = _rooted(root)
    try:
        with open_root(folder) as opened:
            return push_opened(
                opened,
                only,
                sink,
                limits=limits,
                memory=memory,
                on_progress=on_progress,
                workers=workers,
            )
    except OSError as error:
        raise Unavailable(
            detail=f"{root} cannot be read: {error.strerror or error} ({error.filename})."
        ) from error


def push_opened(
    folder: int,
    only: str | None,
    sink: Sink,
    *,
    limits: ManifestLimits | None = None,
    memory: HashMemory | None = None,
    on_progress: Callable[[PushProgress], None] | None = None,
    workers: int = WORKERS_DEFAULT,
) -> Pushed:
    """As `push_tree`, of an open folder or the one file in it called ``only``; OSError as it is."""
    limits = limits or ManifestLimits()
    files = _listed(folder, only, limits)
    total = sum(state.size for state in files.values())
    with Push(folder, sink, memory, total, on_progress, workers) as push:
        entries = push.run(files)
        return Pushed(
            build_manifest(entries, limits), push.sender.bytes_sent, push.sender.chunks_sent
        )


def hash_tree(
    root: Path, *, limits: ManifestLimits | None = None, memory: HashMemory | None = None
) -> Manifest:
    """Return the manifest of a file or folder without sending anything; errors as `push_tree`."""
    return push_tree(root, _Nowhere(), limits=limits, memory=memory).manifest


class _Nowhere:
    """A sink that lacks nothing."""

    def missing(self, digests: Collection[str]) -> set[str]:  # noqa: ARG002
        return set()

    def put_many(self, blobs: Sequence[tuple[str, Data]]) -> None:
        raise AssertionError(f"{len(blobs)} blobs sent to a sink that lacks none")


def _rooted(root: Path) -> tuple[Path, str | None]:
    """Return the folder to open, and the one name in it to take when ``root`` is a file."""
    try:
        resolved = root.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise InvalidInput(detail=f"There is no file or folder {root}.", field="path") from error
    return (resolved, None) if resolved.is_dir() else (resolved.parent, resolved.name)


def _listed(root: int, only: str | None, limits: ManifestLimits) -> dict[str, FileState]:
    if only is None:
        listing = list_tree(root, files_max=limits.files_max)
        check_paths(list(listing.files), limits, listing.faults)
        return listing.files
    check_paths([only], limits)
    with open_file(root, only) as file:
        return {only: FileState.of(os.fstat(file))}


@dataclass(frozen=True, slots=True)
class _Batch:
    """Chunks on their way, the hashing that goes on meanwhile, and the memory they lie in."""

    sending: Future[list[Chunk]]
    ordered: tuple[Future[None], ...]
    slots: Slots


class Push:
    """One push under way: its threads, and what it has sent."""

    def __init__(
        self,
        root: int,
        sink: Sink,
        memory: HashMemory | None,
        bytes_total: int,
        on_progress: Callable[[PushProgress], None] | None,
        workers: int,
        batches_max: int = BATCHES_IN_FLIGHT_MAX,
    ) -> None:
        self._batches_max = batches_max
        self._spare: list[Slots] = []
        self.sender = Sender(sink, bytes_total, on_progress)
        self._root = root
        self._memory = memory
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix="push")
        self._hasher = ThreadPoolExecutor(1, thread_name_prefix="push-sha256")
        self._tensors = ThreadPoolExecutor(1, thread_name_prefix="push-tensors")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pool in (self._workers, self._hasher, self._tensors):
            pool.shutdown(cancel_futures=error is not None)

    def run(self, files: dict[str, FileState]) -> list[FileEntry]:
        known = {path: self._memory.find(path, state) for path, state in files.items()
                 if self._memory and state.size > SMALL_FILE_BYTES_MAX}  # fmt: skip
        entries = [entry for entry in known.values() if entry is not None]
        self._resend(entries, files)
        remembered = {entry.path for entry in entries}
        small = [p for p, s in files.items() if s.size <= SMALL_FILE_BYTES_MAX]
        groups: deque[Future[list[FileEntry]]] = deque()
        for group in together(small, lambda path: files[path].size):
            groups.append(self._workers.submit(self._push_small, group, files))
            if len(groups) > BATCHES_IN_FLIGHT_MAX:
                entries.extend(groups.popleft().result())
        for future in groups:
            entries.extend(future.result())
        for path, state in files.items():
            if state.size > SMALL_FILE_BYTES_MAX and path not in remembered:
                began_ns = time.time_ns()
                entry = self._push_large(path, state)
                if self._memory:
                    self._memory.keep(state, entry, began_ns)
                entries.append(entry)
        return entries

    # --- small files: many in a batch --------------------------------------------------------

    def _push_small(self, paths: list[str], files: dict[str, FileState]) -> list[FileEntry]:
        entries: list[FileEntry] = []
        blobs: list[HashedBlob] = []
        for path in paths:
            with open_file(self._root, path) as file:
                data = read_at(file, 0, files[path].size)
                _check_unchanged(path, file, files[path])
            blobs.append(HashedBlob.of(data))
            entries.append(small_entry(path, blobs[-1]))
        self.sender.send(blobs, FILES)
        return entries

    # --- large files: many batches in one ----------------------------------------------------

    def _push_large(self, path: str, state: FileState) -> FileEntry:
        with open_file(self._root, path) as file:

            def read(start: int, length: int) -> bytes:
                return read_at(file, start, length)

            entry = self.push_pieces(path, state.size, read, partial(read_into, file))
            _check_unchanged(path, file, state)
        return entry

    def push_pieces(self, path: str, size: int, look: Read, fill: Fill) -> FileEntry:
        """Send a file; ``fill`` is asked for all of it in order, ``look`` for some before that."""
        sha256 = hashlib.sha256()
        chunks: list[Chunk] = []
        in_flight: deque[_Batch] = deque()
        layout = find_layout(path, look, size)
        cuts: Iterable[int] = cut_sizes(layout, look, size)
        if layout is not None:
            cuts = list(cuts)
        tensors = TensorDigests(layout, cuts)
        upload = secrets.token_hex(16)
        for start, sizes in batches_of(cuts):
            if len(in_flight) >= self._batches_max:
                chunks.extend(self._ended(in_flight.popleft()))
            slots = self._spare.pop() if self._spare else Slots()
            places = slots.places(sizes)
            at = start
            for place in places:
                if fill(at, place) != len(place):
                    raise _changed(path)
                at += len(place)
            ordered = [self._hasher.submit(_update, sha256, places)]
            if tensors.is_wanting:
                ordered.append(self._tensors.submit(tensors.feed_all, start, places))
            sending = self._workers.submit(self._push_batch, places, Part(upload, start, size))
            in_flight.append(_Batch(sending, tuple(ordered), slots))
        while in_flight:
            chunks.extend(self._ended(in_flight.popleft()))
        return FileEntry(path, size, sha256.hexdigest(), tuple(chunks), tensors.entries(chunks))

    def _ended(self, batch: _Batch) -> list[Chunk]:
        """Wait for a batch, and take its memory back."""
        for each in batch.ordered:
            each.result()
        chunks = batch.sending.result()
        self._spare.append(batch.slots)
        return chunks

    def _push_batch(self, places: list[memoryview], part: Part) -> list[Chunk]:
        blobs = [HashedBlob.of(place) for place in places]
        self.sender.send(blobs, part)
        return [Chunk(blob.digest, len(blob.data)) for blob in blobs]

    # --- files hashed before -----------------------------------------------------------------

    def _resend(self, entries: list[FileEntry], files: dict[str, FileState]) -> None:
        """Send what the store lacks of files that need no hashing."""
        digests = list({chunk.digest for entry in entries for chunk in entry.chunks})
        lacking: set[str] = set()
        for first in range(0, len(digests), _ASK_DIGESTS_MAX):
            lacking |= self.sender.sink.missing(digests[first : first + _ASK_DIGESTS_MAX])
        for entry in entries:
            start = 0
            for chunk in entry.chunks:
                if chunk.digest in lacking:
                    self._resend_chunk(entry.path, start, chunk, files[entry.path])
                    lacking.discard(chunk.digest)
                start += chunk.size
            self.sender.advance(entry.size, 0, 0)

    def _resend_chunk(self, path: str, start: int, chunk: Chunk, state: FileState) -> None:
        with open_file(self._root, path) as file:
            data = read_at(file, start, chunk.size)
            _check_unchanged(path, file, state)
        blob = HashedBlob.of(data)
        if blob.digest != chunk.digest:
            raise _changed(path)
        self.sender.sink.put_many([blob])
        self.sender.advance(0, chunk.size, 1)


def small_entry(path: str, blob: HashedBlob) -> FileEntry:
    """Return the entry of a file that is one chunk, or none when it is empty."""
    data = blob.data
    layout = find_layout(path, lambda start, length: bytes(data[start : start + length]), len(data))
    tensors = TensorDigests(layout, [len(data)])
    tensors.feed(0, data)
    chunks = (Chunk(blob.digest, len(data)),) if data else ()
    sha256 = hashlib.sha256(data).hexdigest()
    return FileEntry(path, len(data), sha256, chunks, tensors.entries(chunks))


def _update(sha256: hashlib._Hash, places: Sequence[memoryview]) -> None:
    for place in places:
        sha256.update(place)


def _check_unchanged(path: str, file: int, state: FileState) -> None:
    if FileState.of(os.fstat(file)) != state:
        raise _changed(path)


def _changed(path: str) -> Conflict:
    return Conflict(
        detail=f"File {path!r} changed while it was read; push again when it is at rest.", path=path
    )
