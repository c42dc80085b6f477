"""The folder a pull fills before it gets its name: found again, taken over, published at once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import socket
import stat
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from lockgate.artifacts.trees import FOLDER_FLAGS, list_tree, open_parent, open_root
from lockgate.errors import AlreadyExists, InvalidInput

SILENT_S_MAX: Final = 3600
_SUFFIX: Final = ".part"


class Staging:
    """A hidden folder beside ``destination``, ours while the block lasts.

    ``folder`` is its descriptor, ``is_resumed`` tells whether an earlier pull of the same version
    left something in it, ``bytes_held`` how much. When the block ends without `publish`, the
    folder stays for the next pull of the same version, marked as free.
    """

    def __init__(self, destination: Path, digest: str) -> None:
        """Prepare for ``destination``; AlreadyExists when something is there that would go."""
        self.destination = destination.absolute()
        if self.destination.name in ("", ".", ".."):
            raise InvalidInput(detail=f"{destination} names no folder to create.", field="path")
        # The name is hashed, so that no name is too long once ours is built from it.
        name = hashlib.sha256(os.fsencode(self.destination.name)).hexdigest()[:16]
        self._of_destination = f".lockgate-{name}."
        self._of_version = f"{self._of_destination}{digest.rpartition(':')[2][:32]}."
        self._host = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
        self._is_published = False

    def __enter__(self) -> Self:
        self.destination.parent.mkdir(parents=True, exist_ok=True)
        self._stack = contextlib.ExitStack()
        self._parent = self._stack.enter_context(open_root(self.destination.parent))
        try:
            self._check_free()
            self._name = f"{self._of_version}{self._host}-{os.getpid()}-{secrets.token_hex(4)}"
            self._name += _SUFFIX
            self.is_resumed = self._take_over()
            if not self.is_resumed:
                os.mkdir(self._name, 0o700, dir_fd=self._parent)
            self.folder = os.open(self._name, FOLDER_FLAGS, dir_fd=self._parent)
            self._stack.callback(os.close, self.folder)
            listing = list_tree(self.folder)
            if listing.faults:
                # No pull makes links or pipes: whatever this is, it is not ours.
                _remove_others(self.folder, "", set(), set())
                listing = list_tree(self.folder)
            self.bytes_held = sum(state.size for state in listing.files.values())
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._is_published:
            free = f"{self._of_version}free-0-{secrets.token_hex(4)}{_SUFFIX}"
            with contextlib.suppress(OSError):
                os.rename(self._name, free, src_dir_fd=self._parent, dst_dir_fd=self._parent)
        self._stack.close()

    def touch(self) -> None:
        """Show others that the folder's owner is alive."""
        os.utime(self.folder)

    def publish(self, paths: set[str]) -> None:
        """Make the folder the destination: exactly these files, all durable, in one step."""
        self._remove_foreign(paths)
        self._sync_folders(paths)
        # What was asked for is for its asker's programs to read, whoever runs them.
        os.fchmod(self.folder, 0o755)  # nosec B103
        os.fsync(self.folder)
        try:
            os.rename(
                self._name,
                self.destination.name,
                src_dir_fd=self._parent,
                dst_dir_fd=self._parent,
            )
        except (FileExistsError, NotADirectoryError) as error:
            raise self._taken() from error
        except OSError as error:
            # ENOTEMPTY has no class of its own.
            self._check_free()
            raise error
        self._is_published = True
        os.fsync(self._parent)

    # --- what is there already ---------------------------------------------------------------

    def _check_free(self) -> None:
        """Raise AlreadyExists unless there is nothing at the destination, or an empty folder."""
        try:
            found = os.stat(self.destination.name, dir_fd=self._parent, follow_symlinks=False)
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(found.st_mode):
            raise self._taken()
        folder = os.open(self.destination.name, FOLDER_FLAGS, dir_fd=self._parent)
        try:
            if os.listdir(folder):
                raise self._taken()
        finally:
            os.close(folder)

    def _taken(self) -> AlreadyExists:
        return AlreadyExists(kind="Folder", name=str(self.destination))

    def _take_over(self) -> bool:
        """Rename a free folder of the same version to ours; delete free ones of other versions."""
        is_ours = False
        for name in os.listdir(self._parent):
            if not (name.startswith(self._of_destination) and name.endswith(_SUFFIX)):
                continue
            if not self._is_free(name):
                continue
            if name.startswith(self._of_version) and not is_ours:
                with contextlib.suppress(FileNotFoundError):
                    os.rename(name, self._name, src_dir_fd=self._parent, dst_dir_fd=self._parent)
                    is_ours = True
            else:
                shutil.rmtree(name, ignore_errors=True, dir_fd=self._parent)
        return is_ours

    def _is_free(self, name: str) -> bool:
        """Tell whether nobody fills a folder any more: only then may it be taken or deleted."""
        try:
            found = os.stat(name, dir_fd=self._parent, follow_symlinks=False)
        except FileNotFoundError:
            return False
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            return False
        host, _, rest = name.removesuffix(_SUFFIX).rpartition(".")[2].partition("-")
        process = rest.partition("-")[0]
        if host == "free":
            return True
        if host == self._host and process.isdecimal() and not _is_alive(int(process)):
            return True
        return time.time() - found.st_mtime > SILENT_S_MAX

    # --- leaving nothing else and losing nothing ---------------------------------------------

    def _remove_foreign(self, paths: set[str]) -> None:
        """Delete whatever an earlier pull left that is no file or folder of the version."""
        if self.is_resumed:
            _remove_others(self.folder, "", paths, _folders(paths))

    def _sync_folders(self, paths: set[str]) -> None:
        for folder in sorted(_folders(paths), reverse=True):
            with open_parent(self.folder, f"{folder}/x") as opened:
                os.fsync(opened)


def _folders(paths: set[str]) -> set[str]:
    """Return every folder that lies above one of the paths."""
    found = set()
    for path in paths:
        while "/" in path:
            path = path.rpartition("/")[0]
            found.add(path)
    return found


def _remove_others(folder: int, prefix: str, files: set[str], folders: set[str]) -> None:
    for name in os.listdir(folder):
        path = prefix + name
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        if not stat.S_ISDIR(mode):
            if path not in files:
                os.unlink(name, dir_fd=folder)
        elif path in folders:
            below = os.open(name, FOLDER_FLAGS, dir_fd=folder)
            try:
                _remove_others(below, f"{path}/", files, folders)
            finally:
                os.close(below)
        else:
            shutil.rmtree(name, dir_fd=folder)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
