"""Folders read and written without leaving them: no link followed, no device opened.

Every path is opened one segment at a time, relative to its folder's descriptor, with O_NOFOLLOW.
What is replaced by a link between two looks is therefore an error and never another file.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a named pipe that took a file's place must not make us wait for a writer.
FILE_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK

_DEPTH_MAX: Final = 64
_KINDS: Final = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, slots=True)
class FileState:
    """Which file it is and in which state: equal states mean the bytes were not touched.

    ``changed_ns`` (ctime) cannot be set by a program, so a change cannot be hidden by setting the
    time of modification back.
    """

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> FileState:
        """Return the state that a stat call saw."""
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class TreeListing:
    """The regular files under a folder by path, and what lies there that is none."""

    files: dict[str, FileState]
    faults: list[str]


def list_tree(root: int, *, files_max: int = 1_000_000) -> TreeListing:
    """Return every regular file under the folder ``root``, sorted by path; links are faults.

    The listing ends soon after ``files_max`` files, so that it has more than these then.
    """
    listing = TreeListing({}, [])
    _list_folder(root, "", _DEPTH_MAX, files_max, listing)
    return TreeListing(dict(sorted(listing.files.items())), sorted(listing.faults))


def _list_folder(
    folder: int, prefix: str, depth_left: int, files_max: int, listing: TreeListing
) -> None:
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
    for name, state in found:
        if len(listing.files) > files_max:
            return
        path = prefix + name
        if stat.S_ISREG(state.st_mode):
            listing.files[path] = FileState.of(state)
        elif not stat.S_ISDIR(state.st_mode):
            kind = _KINDS.get(stat.S_IFMT(state.st_mode), "not a regular file")
            listing.faults.append(f"{path!r} is {kind}; a version holds regular files only")
        elif depth_left == 0:
            listing.faults.append(f"{path!r} lies too deep")
        else:
            below = os.open(name, FOLDER_FLAGS, dir_fd=folder)
            try:
                _list_folder(below, f"{path}/", depth_left - 1, files_max, listing)
            finally:
                os.close(below)


@contextlib.contextmanager
def open_root(path: Path) -> Iterator[int]:
    """Yield a descriptor of a folder the user named (where a link may be followed)."""
    root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield root
    finally:
        os.close(root)


@contextlib.contextmanager
def open_parent(root: int, path: str, *, create: bool = False) -> Iterator[int]:
    """Yield a descriptor of the folder under ``root`` that ``path`` lies in."""
    current = root
    try:
        for segment in path.split("/")[:-1]:
            below = _open_below(current, segment, create)
            if current != root:
                os.close(current)
            current = below
        yield current
    finally:
        if current != root:
            os.close(current)


def _open_below(folder: int, name: str, create: bool) -> int:
    try:
        return os.open(name, FOLDER_FLAGS, dir_fd=folder)
    except FileNotFoundError:
        if not create:
            raise
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=folder)
        return os.open(name, FOLDER_FLAGS, dir_fd=folder)


@contextlib.contextmanager
def open_file(root: int, path: str, flags: int = FILE_FLAGS, mode: int = 0o644) -> Iterator[int]:
    """Yield a descriptor of the regular file ``path`` under ``root``; OSError when it is none."""
    name = path.rpartition("/")[2]
    with open_parent(root, path, create=bool(flags & os.O_CREAT)) as folder:
        file = os.open(name, flags, mode, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(f"{path!r} is not a regular file")
        yield file
    finally:
        os.close(file)


def read_at(file: int, start: int, length: int) -> bytes:
    """Return ``length`` bytes from ``start``; fewer only at the end of the file."""
    parts: list[bytes] = []
    while length > 0:
        part = os.pread(file, length, start)
        if not part:
            break
        parts.append(part)
        start, length = start + len(part), length - len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def read_into(file: int, start: int, memory: memoryview) -> int:
    """Fill ``memory`` with the bytes from ``start``; return how many there were before the end."""
    filled = 0
    while filled < len(memory):
        count = os.preadv(file, [memory[filled:]], start + filled)
        if count == 0:
            break
        filled += count
    return filled


def write_at(file: int, start: int, data: bytes) -> None:
    """Write all of ``data`` at ``start``."""
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, start)
        view, start = view[written:], start + written
