"""Files that are on the disk when we say so, at the lowest price the system offers.

    a large file      written past the page cache where that is possible: its bytes were read and
                      hashed already, and another copy of them in memory would help nobody
    many small files  one `syncfs` instead of an fsync for each, on file systems of which it is
                      known that it writes all and reports what failed
    anything else     fsync

Each way falls back to the next one; none is weaker than the last.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import sys
import threading
from pathlib import Path
from typing import Final

# Below this, setting up a direct write costs more than the copy that it saves.
DIRECT_BYTES_MIN: Final = 2**20
# Up to here an fsync for each file is as cheap as writing all that the file system holds.
SYNCED_ONE_BY_ONE_MAX: Final = 8

_DIRECT: Final = getattr(os, "O_DIRECT", 0)
_BLOCK_BYTES: Final = max(4096, mmap.PAGESIZE)
_BUFFER_BYTES: Final = 2 * 2**20
# File systems of this machine's kernel; network and user-space ones decide for themselves.
_SYNCED_AS_ONE: Final = frozenset({"ext4", "xfs", "f2fs", "tmpfs"})
# Since Linux 5.8 a failed write makes syncfs fail; before, it said nothing.
_REPORTING_KERNEL: Final = (5, 8)


class _Buffer(threading.local):
    """Memory of a thread that begins at a page, as direct writes want it."""

    memory: mmap.mmap | None = None


_BUFFER: Final = _Buffer()


def write_new(file: int, data: bytes | memoryview) -> None:
    """Write all of ``data`` to a new, empty file; it is durable only after a sync."""
    view = memoryview(data)
    written = _write_direct(file, view) if _DIRECT and len(view) >= DIRECT_BYTES_MIN else 0
    while written < len(view):
        written += os.write(file, view[written:])


def _write_direct(file: int, view: memoryview) -> int:
    """Write as many whole blocks as go past the page cache; return how many bytes these were."""
    flags = fcntl.fcntl(file, fcntl.F_GETFL)
    try:
        fcntl.fcntl(file, fcntl.F_SETFL, flags | _DIRECT)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return 0
    blocks = view[: len(view) // _BLOCK_BYTES * _BLOCK_BYTES]
    try:
        # From where it lies, if that begins as the disk wants it; else by way of memory that does.
        written = _write_taken(file, blocks)
        return written + _write_copied(file, blocks[written:])
    finally:
        fcntl.fcntl(file, fcntl.F_SETFL, flags)


def _write_taken(file: int, blocks: memoryview) -> int:
    """Write what the file system takes in one go: nothing when it refuses."""
    try:
        return os.write(file, blocks)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return 0


def _write_copied(file: int, blocks: memoryview) -> int:
    if _BUFFER.memory is None:
        _BUFFER.memory = mmap.mmap(-1, _BUFFER_BYTES)
    written = 0
    while length := min(_BUFFER_BYTES, len(blocks) - written):
        _BUFFER.memory[:length] = blocks[written : written + length]
        with memoryview(_BUFFER.memory) as memory, memory[:length] as piece:
            taken = _write_taken(file, piece)
        written += taken
        # Where it takes the flag and refuses the write, what is left goes the usual way.
        if taken != length:
            break
    return written


def sync(file: int) -> None:
    """Return once the file (or folder) has reached the disk itself, not only the drive's cache."""
    if sys.platform == "darwin":
        fcntl.fcntl(file, fcntl.F_FULLFSYNC)
    else:
        os.fsync(file)


class SharedSync:
    """Syncs of a file system, each for all who wait for one when it begins. Thread-safe.

    The system tells one caller of a sync what failed since the last one. Here everybody is told
    who had begun to write by then: call `begin` before the first write.
    """

    def __init__(self, folder: int) -> None:
        """``folder`` lies on the file system, which `syncs_as_one` knows, and stays open."""
        self._folder = folder
        self._turn = threading.Condition()
        self._begun = self._ended = 0
        self._failures = 0
        self._failure = OSError()

    def begin(self) -> int:
        """Return what to hand to `wait` once all is written."""
        with self._turn:
            return self._failures

    def wait(self, begun: int) -> None:
        """Return once all that was written before this call has reached the disk."""
        with self._turn:
            # One that is under way may have passed by what was written since.
            wanted = self._begun + 1
            while self._ended < wanted:
                if self._begun > self._ended:
                    self._turn.wait()
                else:
                    self._sync()
            if self._failures > begun:
                raise OSError(self._failure.errno, self._failure.strerror)

    def _sync(self) -> None:
        self._begun += 1
        self._turn.release()
        failure: OSError | None = None
        try:
            sync_file_system(self._folder)
        except OSError as error:
            failure = error
        finally:
            self._turn.acquire()
            self._ended = self._begun
            if failure is not None:
                self._failures, self._failure = self._failures + 1, failure
            self._turn.notify_all()


def sync_file_system(file: int) -> None:
    """Return once all that was written to the file system of ``file`` has reached the disk."""
    if ctypes.CDLL(None, use_errno=True).syncfs(file) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def syncs_as_one(folder: int) -> bool:
    """Tell whether `sync_file_system` is as good as syncing each file of this folder."""
    if not sys.platform.startswith("linux") or _kernel() < _REPORTING_KERNEL:
        return False
    device = os.fstat(folder).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[2:3] == [wanted]:
            return after.split()[0] in _SYNCED_AS_ONE
    return False


def _kernel() -> tuple[int, ...]:
    numbers = os.uname().release.split("-")[0].split(".")[:2]
    return tuple(int(number) for number in numbers if number.isdigit())
