"""Pull: turn a manifest and a source of chunks into a folder, verified to the last byte.

    <parent>/.<name>.<version>.<owner>.part/    being filled; kept when a pull stops, and resumed
    <parent>/<name>/                            appears by one rename, whole and durable

Nothing is locked. A folder being filled carries its owner's host and process in its name; whoever
pulls the same version next takes over, by renaming it, a folder whose owner is dead or has done
nothing for an hour. Only one can win a rename. What is found in it is hashed before it is trusted.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lockgate.artifacts.batches import together
from lockgate.artifacts.durable import SYNCED_ONE_BY_ONE_MAX, sync_file_system, syncs_as_one
from lockgate.artifacts.staging import Staging
from lockgate.artifacts.store import blob_digest
from lockgate.artifacts.trees import open_file, open_parent, read_at, write_at
from lockgate.domain.manifests import (
    Chunk,
    FileEntry,
    Manifest,
    ManifestLimits,
    check_manifest_files,
)
from lockgate.errors import DigestMismatch, LimitExceeded, Unavailable

WORKERS_DEFAULT: Final = 4
_READ_BYTES: Final = 2**20

# Returns blobs in the order asked; at most 128 at a time, and 8 MiB unless one alone is larger.
# It is called from several threads. What it returns is verified here.
Fetch = Callable[[Sequence[str]], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a pull is; ``bytes_fetched`` leaves out what an earlier pull had brought."""

    bytes_done: int
    bytes_total: int
    bytes_fetched: int


def pull_tree(
    manifest: Manifest,
    fetch: Fetch,
    destination: Path,
    *,
    limits: ManifestLimits | None = None,
    on_progress: Callable[[PullProgress], None] | None = None,
    workers: int = WORKERS_DEFAULT,
    file_mode: int = 0o644,
) -> int:
    """Make ``destination`` the folder that ``manifest`` describes; return the bytes fetched.

    It must not exist, or be an empty folder: AlreadyExists otherwise. A manifest with any fault is
    InvalidManifest before anything is written. A chunk or file that is not its digest is
    DigestMismatch, which names it. A disk that is too small is LimitExceeded, one that fails
    Unavailable. After any error the destination is as it was, and the same call resumes.
    """
    check_manifest_files(manifest, limits)
    try:
        with Staging(destination, manifest.digest) as staging:
            _check_room(staging, manifest)
            pull = _Pull(manifest, fetch, staging, on_progress, file_mode)
            pull.run(workers)
            staging.publish({file.path for file in manifest.files})
            return pull.bytes_fetched
    except OSError as error:
        raise Unavailable(
            detail=f"{destination} cannot be written: {error.strerror or error}."
        ) from error


def _check_room(staging: Staging, manifest: Manifest) -> None:
    """Refuse early what cannot fit; what an earlier pull left is counted as room."""
    disk = os.statvfs(staging.folder)
    room = disk.f_bavail * disk.f_frsize + staging.bytes_held
    if manifest.size > room:
        raise LimitExceeded(
            what=f"The size in bytes of what is pulled to {staging.destination}",
            observed=manifest.size,
            limit=room,
        )


@dataclass(frozen=True, slots=True)
class _Piece:
    """A chunk's place: the ``index``-th of its file, at byte ``start``."""

    file: FileEntry
    index: int
    start: int
    chunk: Chunk


class _Pull:
    """One pull under way."""

    def __init__(
        self,
        manifest: Manifest,
        fetch: Fetch,
        staging: Staging,
        on_progress: Callable[[PullProgress], None] | None,
        file_mode: int,
    ) -> None:
        self.bytes_fetched = 0
        self._manifest = manifest
        self._fetch = fetch
        self._staging = staging
        self._on_progress = on_progress
        self._file_mode = file_mode
        self._bytes_done = 0
        self._lock = threading.Lock()
        self._synced_together = len(manifest.files) > SYNCED_ONE_BY_ONE_MAX and syncs_as_one(
            staging.folder
        )
        self._left = {file.path: len(file.chunks) for file in manifest.files}

    def run(self, workers: int) -> None:
        for file in self._manifest.files:
            if not self._comes_whole(file):
                self._make(file)
        pool = ThreadPoolExecutor(workers, thread_name_prefix="pull")
        try:
            running: deque[Future[None]] = deque()
            for batch in together(_pieces(self._manifest.files), lambda piece: piece.chunk.size):
                if len(running) > 2 * workers:
                    running.popleft().result()
                running.append(pool.submit(self._bring, batch))
            for future in running:
                future.result()
            # All is written: now the waits for the disk together, or one for all.
            if not self._synced_together:
                list(pool.map(self._settle, self._manifest.files))
        finally:
            pool.shutdown(cancel_futures=True)
        if self._synced_together:
            # The folder was opened before anything was written: what failed since is told here.
            sync_file_system(self._staging.folder)

    def _comes_whole(self, file: FileEntry) -> bool:
        """Tell whether a file is made, written and looked at in one go."""
        return len(file.chunks) == 1 and not self._staging.is_resumed

    def _make(self, file: FileEntry) -> None:
        """Create a file of the right length, or keep the one that an earlier pull began."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        name = file.path.rpartition("/")[2]
        if self._staging.is_resumed:
            with open_parent(self._staging.folder, file.path, create=True) as folder:
                try:
                    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                except FileNotFoundError:
                    pass
                else:
                    # A second name for the same bytes would let others change them: start anew.
                    if found.st_nlink != 1:
                        os.unlink(name, dir_fd=folder)
                    # One that was done may be read-only already.
                    elif found.st_mode & 0o600 != 0o600:
                        with open_file(folder, name) as done:
                            os.fchmod(done, 0o600)
        with open_file(self._staging.folder, file.path, flags, 0o600) as opened:
            os.ftruncate(opened, file.size)
        if not file.chunks:
            self._verify_file(file)

    def _bring(self, batch: list[_Piece]) -> None:
        self._staging.touch()
        lacking = [piece for piece in batch if not self._is_there(piece)]
        done = sum(piece.chunk.size for piece in batch) - sum(p.chunk.size for p in lacking)
        self._advance(done, 0)
        for piece, data in zip(lacking, self._fetched(lacking), strict=True):
            observed = blob_digest(data)
            if observed != piece.chunk.digest:
                raise _mismatch(piece, observed)
            self._write(piece, data)
            self._advance(len(data), len(data))
        for piece in batch:
            if self._is_last(piece) and not self._comes_whole(piece.file):
                self._verify_file(piece.file)

    def _write(self, piece: _Piece, data: bytes) -> None:
        if not self._comes_whole(piece.file):
            with self._opened(piece.file, os.O_WRONLY) as opened:
                write_at(opened, piece.start, data)
            return
        new = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open_file(self._staging.folder, piece.file.path, new, 0o600) as opened:
            write_at(opened, 0, data)
            self._verify(piece.file, opened)
            os.fchmod(opened, self._file_mode)

    def _fetched(self, pieces: list[_Piece]) -> Iterator[bytes]:
        """Yield the chunk of each piece; a source that finds one damaged is told where it lies."""
        if not pieces:
            return
        try:
            blobs = iter(self._fetch([piece.chunk.digest for piece in pieces]))
            for _ in pieces:
                yield next(blobs, b"")
        except DigestMismatch as error:
            expected = error.fields.get("expected")
            piece = next((p for p in pieces if p.chunk.digest == expected), None)
            if piece is None:
                raise
            raise _mismatch(piece, str(error.fields.get("observed"))) from error

    def _is_there(self, piece: _Piece) -> bool:
        if not self._staging.is_resumed:
            return False
        with self._opened(piece.file, os.O_RDONLY) as opened:
            return blob_digest(read_at(opened, piece.start, piece.chunk.size)) == piece.chunk.digest

    def _is_last(self, piece: _Piece) -> bool:
        """Count a piece of a file as brought; tell whether it was the last to come."""
        with self._lock:
            self._left[piece.file.path] -= 1
            return self._left[piece.file.path] == 0

    def _verify_file(self, file: FileEntry) -> None:
        with self._opened(file, os.O_RDONLY) as opened:
            self._verify(file, opened)
            if self._synced_together:
                os.fchmod(opened, self._file_mode)

    def _verify(self, file: FileEntry, opened: int) -> None:
        """Hash what lies on the disk now, whole: the digest others know the file by."""
        sha256 = hashlib.sha256()
        for start in range(0, file.size, _READ_BYTES):
            sha256.update(read_at(opened, start, min(_READ_BYTES, file.size - start)))
        if sha256.hexdigest() != file.sha256:
            raise DigestMismatch(
                subject=f"File {file.path!r}",
                observed=f"sha256:{sha256.hexdigest()}",
                expected=f"sha256:{file.sha256}",
                path=file.path,
            )

    def _settle(self, file: FileEntry) -> None:
        with self._opened(file, os.O_RDONLY) as opened:
            os.fchmod(opened, self._file_mode)
            os.fsync(opened)

    def _opened(self, file: FileEntry, flags: int) -> AbstractContextManager[int]:
        safe = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        return open_file(self._staging.folder, file.path, flags | safe)

    def _advance(self, bytes_done: int, bytes_fetched: int) -> None:
        with self._lock:
            self._bytes_done += bytes_done
            self.bytes_fetched += bytes_fetched
            if self._on_progress:
                self._on_progress(
                    PullProgress(self._bytes_done, self._manifest.size, self.bytes_fetched)
                )


def _mismatch(piece: _Piece, observed: str) -> DigestMismatch:
    return DigestMismatch(
        subject=f"Chunk {piece.index} of file {piece.file.path!r}",
        observed=observed,
        expected=piece.chunk.digest,
        path=piece.file.path,
        chunk=piece.index,
    )


def _pieces(files: Sequence[FileEntry]) -> Iterator[_Piece]:
    """Yield the chunks of all files, and where in its file each begins."""
    for file in files:
        start = 0
        for index, chunk in enumerate(file.chunks):
            yield _Piece(file, index, start, chunk)
            start += chunk.size
