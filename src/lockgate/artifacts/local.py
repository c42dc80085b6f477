"""A blob store in a local folder: durable, confined to its root, blind to symbolic links.

A write goes: temporary file, fsync, rename, fsync of the folder (how, says `durable`). Every path
is opened one segment at a time from the root's descriptor with O_NOFOLLOW, so a link planted in the
folder is an error, never a way out of it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from lockgate.artifacts import layout
from lockgate.artifacts.durable import (
    SYNCED_ONE_BY_ONE_MAX,
    SharedSync,
    sync,
    syncs_as_one,
    write_new,
)
from lockgate.artifacts.store import (
    OWNER_BYTES_MAX,
    Data,
    StoredItem,
    check_blob,
    check_blobs,
    check_manifest,
)
from lockgate.artifacts.trees import open_parent
from lockgate.errors import BlobNotFound, BlobStoreUnavailable, InvalidInput

# Files that one put keeps open until all are on the disk.
_FILES_AT_ONCE_MAX: Final = 128
_READ_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_WRITE_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class LocalStore:
    """`BlobStore` in a folder of this machine (or one it mounts)."""

    def __init__(self, root: Path) -> None:
        """Open ``root``, creating it if need be; BlobStoreUnavailable when that fails."""
        self.root = root.absolute()
        with self._reporting():
            self.root.mkdir(parents=True, exist_ok=True)
            # Only here is a link followed: where the store lies is the operator's choice.
            self._root = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._together = SharedSync(self._root) if syncs_as_one(self._root) else None
        # Folders whose own names are known to be on the disk.
        self._named_folders: set[str] = set()

    def close(self) -> None:
        """Release the root's descriptor; the store is not used afterwards."""
        os.close(self._root)

    # --- blobs -------------------------------------------------------------------------------

    def put_many(self, blobs: Sequence[tuple[str, Data]]) -> None:
        check_blobs(blobs)
        for first in range(0, len(blobs), _FILES_AT_ONCE_MAX):
            group = blobs[first : first + _FILES_AT_ONCE_MAX]
            self._put([(layout.blob_path(digest), data) for digest, data in group])

    def read(self, digest: str) -> bytes:
        data = self._read(layout.blob_path(digest), digest, 0, None)
        check_blob(digest, data)
        return data

    def read_range(self, digest: str, start: int, length: int) -> bytes:
        return self._read(layout.blob_path(digest), digest, start, length)

    def missing(self, digests: Collection[str]) -> set[str]:
        paths = {layout.blob_path(digest): digest for digest in digests}
        found = {path for path in paths if self._may_lie_at(path)}
        absent = paths.keys() - found
        for folder_path, group in groupby(sorted(found), key=lambda path: path.rpartition("/")[0]):
            absent.update(self._absent(folder_path, list(group)))
        return {paths[path] for path in absent}

    def delete(self, digest: str) -> None:
        self._delete(layout.blob_path(digest))

    def set_aside(self, digest: str) -> None:
        source = layout.blob_path(digest)
        name = f"{os.path.basename(source)}.{secrets.token_hex(8)}"
        with (
            self._reporting(),
            contextlib.suppress(FileNotFoundError),
            self._folder(source) as folder,
            self._folder(f"{layout.CORRUPT}/x", create=True) as corrupt,
        ):
            os.rename(os.path.basename(source), name, src_dir_fd=folder, dst_dir_fd=corrupt)
            os.utime(name, dir_fd=corrupt, follow_symlinks=False)
            sync(corrupt)
            sync(folder)

    def list_blobs(self) -> Iterator[StoredItem]:
        return self._list_sharded(layout.BLOBS)

    # --- manifests ---------------------------------------------------------------------------

    def put_manifest(self, digest: str, data: bytes) -> None:
        check_manifest(digest, data)
        self._put([(layout.manifest_path(digest), data)])

    def read_manifest(self, digest: str) -> bytes:
        data = self._read(layout.manifest_path(digest), digest, 0, None)
        check_manifest(digest, data)
        return data

    def delete_manifest(self, digest: str) -> None:
        self._delete(layout.manifest_path(digest))

    def list_manifests(self) -> Iterator[StoredItem]:
        return self._list_sharded(layout.MANIFESTS)

    # --- housekeeping ------------------------------------------------------------------------

    def list_strays(self) -> Iterator[StoredItem]:
        for kind in layout.STRAY_FOLDERS:
            yield from self._list(kind)

    def delete_stray(self, name: str) -> None:
        kind, _, rest = name.partition("/")
        if kind not in layout.STRAY_FOLDERS or not rest or "/" in rest or rest in (".", ".."):
            raise InvalidInput(detail=f"{name!r} is not a stray of this store.", field="name")
        self._delete(name)

    def clock_s(self) -> float:
        name = secrets.token_hex(16)
        with self._reporting(), self._folder(f"{layout.TEMPORARY}/x", create=True) as temporary:
            file = os.open(name, _WRITE_FLAGS, 0o600, dir_fd=temporary)
            try:
                return os.fstat(file).st_mtime
            finally:
                os.close(file)
                os.unlink(name, dir_fd=temporary)

    def read_owner(self) -> bytes | None:
        with self._reporting():
            try:
                with self._open(layout.OWNER) as file:
                    return _read_all(file, 0, OWNER_BYTES_MAX)
            except FileNotFoundError:
                return None

    def put_owner(self, data: bytes, *, replace: bool = False) -> bytes:
        name = secrets.token_hex(16)
        with self._reporting(), self._folder(f"{layout.TEMPORARY}/x", create=True) as temporary:
            file = os.open(name, _WRITE_FLAGS, 0o644, dir_fd=temporary)
            try:
                write_new(file, data)
                sync(file)
                put = os.rename if replace else os.link  # a link fails where there is a file
                with contextlib.suppress(FileExistsError):
                    put(name, layout.OWNER, src_dir_fd=temporary, dst_dir_fd=self._root)
                sync(self._root)
            finally:
                os.close(file)
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=temporary)
        return self.read_owner() or b""

    # --- a folder has no URLs ----------------------------------------------------------------

    def find_download_url(self, digest: str, expires_s: int) -> str | None:  # noqa: ARG002
        layout.blob_path(digest)
        return None

    def find_upload_url(self, digest: str, expires_s: int, sender: str = "") -> str | None:  # noqa: ARG002
        layout.blob_path(digest)
        return None

    def admit(self, digest: str, sender: str = "") -> None:  # noqa: ARG002
        layout.blob_path(digest)
        raise BlobNotFound(digest=digest)

    # --- the disk ----------------------------------------------------------------------------

    def _put(self, items: Sequence[tuple[str, Data]]) -> None:
        """Write all, then sync all, then name all: one wait for the disk instead of many."""
        unnamed: dict[str, str] = {}  # where each is to lie → its name until then
        # Also of what was there: whoever put it may not have come as far as syncing them.
        folders = {os.path.dirname(path) for path, _ in items}
        begun = self._together.begin() if self._together else 0
        with self._reporting(), self._folder(f"{layout.TEMPORARY}/x", create=True) as temporary:
            try:
                self._write(items, temporary, unnamed, begun)
                self._name(unnamed, temporary)
            finally:
                for name in unnamed.values():
                    with contextlib.suppress(OSError):
                        os.unlink(name, dir_fd=temporary)
            self._sync_folders(folders, begun)

    def _write(
        self,
        items: Sequence[tuple[str, Data]],
        temporary: int,
        unnamed: dict[str, str],
        begun: int,
    ) -> None:
        """Make durable files, without their names yet, of what is not there."""
        files: list[int] = []
        unique = secrets.token_hex(16)
        try:
            for path, data in items:
                if path in unnamed:
                    continue
                if self._holds(path, data):
                    self._renew(path)
                    continue
                name = f"{unique}-{len(files)}"
                files.append(os.open(name, _WRITE_FLAGS, 0o644, dir_fd=temporary))
                unnamed[path] = name
                write_new(files[-1], data)
            if self._together and len(files) > SYNCED_ONE_BY_ONE_MAX:
                self._together.wait(begun)
            else:
                for file in files:
                    sync(file)
        finally:
            for file in files:
                os.close(file)

    def _name(self, unnamed: dict[str, str], temporary: int) -> None:
        """Give files their names, folder by folder; what is left in ``unnamed`` has none."""
        for kind, paths in groupby(sorted(unnamed), key=lambda path: path.partition("/")[0]):
            with self._folder(f"{kind}/x", create=True) as above:
                for path in list(paths):
                    below, target = path.removeprefix(f"{kind}/"), os.path.basename(path)
                    with open_parent(above, below, create=True) as folder:
                        os.rename(unnamed[path], target, src_dir_fd=temporary, dst_dir_fd=folder)
                    del unnamed[path]

    def _sync_folders(self, folders: set[str], begun: int) -> None:
        """Make the names in these folders durable, and the folders' own: those once a process."""
        if self._together and len(folders) > SYNCED_ONE_BY_ONE_MAX:
            self._together.wait(begun)
        else:
            new = folders - self._named_folders
            above = {os.path.dirname(folder_path) for folder_path in new}
            # What lies in a folder when that is synced has a durable name from then on.
            named = above | {f"{kind}/{name}" for kind in above for name in self._names(kind)}
            for folder_path in sorted(folders | above):
                with self._folder(f"{folder_path}/x") as folder:
                    sync(folder)
            if above - self._named_folders:
                sync(self._root)
            self._named_folders |= named
        self._named_folders |= folders

    def _holds(self, path: str, data: Data) -> bool:
        """Tell whether a file with exactly these bytes is there (a damaged one is replaced)."""
        if not self._may_lie_at(path):
            return False
        try:
            with self._open(path) as file:
                return os.fstat(file).st_size == len(data) and _read_all(file, 0, None) == data
        except FileNotFoundError:
            return False

    def _renew(self, path: str) -> None:
        with self._folder(path) as folder, contextlib.suppress(FileNotFoundError):
            os.utime(os.path.basename(path), dir_fd=folder, follow_symlinks=False)

    def _may_lie_at(self, path: str) -> bool:
        """Tell at the price of one look whether there is anything; whether it counts, is open.

        A link in the way is followed here, and refused by whoever then reads or writes.
        """
        try:
            os.stat(path, dir_fd=self._root, follow_symlinks=False)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return True

    def _absent(self, folder_path: str, paths: list[str]) -> list[str]:
        """Return those of the paths in one folder at which no file lies."""
        absent: list[str] = []
        with self._reporting():
            try:
                with self._folder(f"{folder_path}/x") as folder:
                    for path in paths:
                        if not _is_file(path.rpartition("/")[2], folder):
                            absent.append(path)
            except FileNotFoundError:
                return paths
        return absent

    def _read(self, path: str, digest: str, start: int, length: int | None) -> bytes:
        if start < 0 or (length is not None and length < 0):
            raise InvalidInput(detail="A range starts at 0 or later and is not negative.")
        with self._reporting():
            try:
                with self._open(path) as file:
                    return _read_all(file, start, length)
            except FileNotFoundError as error:
                raise BlobNotFound(digest=digest) from error

    def _delete(self, path: str) -> None:
        with self._reporting(), contextlib.suppress(FileNotFoundError), self._folder(path) as at:
            os.unlink(os.path.basename(path), dir_fd=at)

    def _list_sharded(self, kind: str) -> Iterator[StoredItem]:
        for shard in sorted(self._names(kind)):
            for item in self._list(f"{kind}/{shard}"):
                digest = layout.find_digest(item.name)
                if digest is not None:
                    yield StoredItem(digest, item.size, item.modified_s)

    def _list(self, folder_path: str) -> Iterator[StoredItem]:
        for name in self._names(folder_path):
            with self._reporting():
                try:
                    with self._folder(f"{folder_path}/{name}") as folder:
                        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                except FileNotFoundError:
                    continue
            if stat.S_ISREG(found.st_mode):
                yield StoredItem(f"{folder_path}/{name}", found.st_size, found.st_mtime)

    def _names(self, folder_path: str) -> list[str]:
        with self._reporting():
            try:
                with self._folder(f"{folder_path}/x") as folder:
                    return os.listdir(folder)
            except (FileNotFoundError, NotADirectoryError):
                return []

    @contextlib.contextmanager
    def _open(self, path: str) -> Iterator[int]:
        with self._folder(path) as folder:
            file = os.open(os.path.basename(path), _READ_FLAGS, dir_fd=folder)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise OSError(errno.EINVAL, "not a regular file", path)
            yield file
        finally:
            os.close(file)

    def _folder(self, path: str, *, create: bool = False) -> contextlib.AbstractContextManager[int]:
        """Open the folder that ``path`` lies in, following no link."""
        return open_parent(self._root, path, create=create)

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[None]:
        """Turn what the operating system says into BlobStoreUnavailable with a plain sentence."""
        try:
            yield
        except OSError as error:
            what = _SENTENCES.get(error.errno or 0, error.strerror or str(error))
            name = f" ({error.filename})" if isinstance(error.filename, str) else ""
            raise BlobStoreUnavailable(detail=f"{what} in {self.root}{name}.") from error


_SENTENCES: Final = {
    errno.ENOSPC: "no space is left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "permission denied",
    errno.EPERM: "the operation is not permitted",
    errno.EROFS: "the file system is read-only",
    errno.ELOOP: "a symbolic link lies where a file or folder of the store should be",
    errno.ENOTDIR: "something other than a folder lies where a folder of the store should be",
    errno.EIO: "the disk reported an input/output error",
    errno.EMFILE: "too many files are open",
}


def _is_file(name: str, folder: int) -> bool:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode)


def _read_all(file: int, start: int, length: int | None) -> bytes:
    """Read ``length`` bytes from ``start``, or to the end of the file."""
    left = max(0, os.fstat(file).st_size - start)
    left = left if length is None else min(left, length)
    parts = []
    while left:
        part = os.pread(file, left, start)
        if not part:
            break
        parts.append(part)
        start, left = start + len(part), left - len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
