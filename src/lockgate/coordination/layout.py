"""Where a cache keeps its files, and which renames make them change hands.

    ROOT/
      models/SLUG/COPY/            a complete copy, put there by one rename
          entry.json                 what it is: its key, and each file's size and SHA-256
          files/…                    the model as its user sees it
          .evicting-UUID             somebody means to remove this copy: do not begin to read it
      staging/SLUG/COPY/           a download under way
          files/…                    files that are complete
          partial/…                  files that are not
          journal/…                  digests of the bytes received, one journal a file
          salvage-N/…                what an earlier owner left
      readers/SLUG/HOST-PID-UUID   one lease a reader; its time of change is its last sign of life
      trash/UUID/                  on its way out

SLUG stands for a `ModelKey`; COPY is ``FENCE-HOLDER``, so no two downloads ever share a folder. An
heir begins by renaming its predecessors' folders into its own: from then on their paths lead
nowhere, and a frozen owner that wakes up can neither add to them nor publish them. No lock of the
file system is used, only renames.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockgate.domain.claims import Claimed, ModelKey
from lockgate.errors import InvalidInput

__all__ = ["Copy", "FileEntry", "Layout", "disk_time_s", "sync_folder"]

ENTRY_FORMAT = 1
ENTRY_BYTES_MAX = 64 << 20
ABANDONED_S = 86400.0
EVICTING = ".evicting-"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a complete copy; ``sha256`` is what was received, and was checked."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Copy:
    """A complete copy of a model."""

    folder: Path
    key: ModelKey
    files: tuple[FileEntry, ...]

    @property
    def path(self) -> Path:
        """Where the model's files are."""
        return self.folder / "files"

    @property
    def bytes_total(self) -> int:
        return sum(file.size for file in self.files)


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one cache. Making the object touches no disk."""

    root: Path

    def models(self, key: ModelKey) -> Path:
        return self.root / "models" / key.slug

    def staging(self, claim: Claimed) -> Path:
        return self.root / "staging" / claim.key.slug / f"{claim.fence:08d}-{claim.holder}"

    def readers(self, key: ModelKey) -> Path:
        return self.root / "readers" / key.slug

    def find_copy(self, key: ModelKey) -> Copy | None:
        """Return a complete copy that nobody means to remove, or None."""
        for folder in _folders(self.models(key)):
            copy = _copy_at(folder)
            if copy is not None and copy.key == key:
                return copy
        return None

    def list_copies(self) -> list[Copy]:
        """Return every complete copy of the cache that nobody means to remove."""
        models = _folders(self.root / "models")
        copies = [_copy_at(folder) for model in models for folder in _folders(model)]
        return [copy for copy in copies if copy is not None]

    def write_entry(self, folder: Path, key: ModelKey, files: list[FileEntry]) -> None:
        """Write what a finished download holds, as the last thing before it is published."""
        document = {
            "format": ENTRY_FORMAT,
            "provider": key.provider,
            "model": key.model,
            "revision": key.revision,
            "node": key.node,
            "files": [[file.path, file.size, file.sha256] for file in files],
        }
        with (folder / "entry.json").open("w") as out:
            json.dump(document, out)
            out.flush()
            os.fsync(out.fileno())

    def publish(self, claim: Claimed) -> Path:
        """Make a finished download a copy, by one rename.

        Raises FileNotFoundError if an heir has taken the folder.
        """
        source = self.staging(claim)
        target = self.models(claim.key) / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        sync_folder(source)
        source.rename(target)
        sync_folder(target.parent)
        return target

    def remove(self, folder: Path) -> None:
        """Take a folder out of sight by one rename, then delete it. Gone already is fine."""
        trash = self.root / "trash" / uuid.uuid4().hex
        trash.parent.mkdir(parents=True, exist_ok=True)
        try:
            folder.rename(trash)
        except FileNotFoundError:
            return
        shutil.rmtree(trash, ignore_errors=True)  # what stays is swept with the next eviction

    def remove_damaged(self, key: ModelKey) -> None:
        """Remove copies that lack files. What is marked for eviction is the evictor's to remove."""
        for folder in _folders(self.models(key)):
            if _copy_at(folder) is None and not _is_marked(folder):
                self.remove(folder)

    def sweep(self, *, unfinished: Collection[str]) -> None:
        """Delete what earlier removals left, and old downloads of models not ``unfinished``.

        ``unfinished`` are the slugs of models whose download may yet be resumed.
        """
        for folder in _folders(self.root / "trash"):
            shutil.rmtree(folder, ignore_errors=True)
        staging = self.root / "staging"
        if not staging.is_dir():
            return
        now_s = disk_time_s(staging)
        for model in _folders(staging):
            for folder in _folders(model) if model.name not in unfinished else []:
                if now_s - folder.stat().st_mtime > ABANDONED_S:
                    self.remove(folder)


def disk_time_s(folder: Path) -> float:
    """Return the time by the clock of the disk that a folder lies on."""
    probe = folder.parent / f"{folder.name}.{uuid.uuid4().hex}"
    probe.touch()
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Have a folder's names survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _folders(parent: Path) -> list[Path]:
    try:
        return sorted(path for path in parent.iterdir() if path.is_dir())
    except FileNotFoundError:
        return []


def _copy_at(folder: Path) -> Copy | None:
    """Return the copy if every one of its files is there with its size."""
    try:
        if _is_marked(folder):
            return None
        entry = folder / "entry.json"
        if entry.stat().st_size > ENTRY_BYTES_MAX:
            return None
        copy = _copy_of(folder, json.loads(entry.read_bytes()))
        sizes = [os.stat(copy.path / file.path).st_size for file in copy.files]
    except (OSError, ValueError, TypeError, LookupError, InvalidInput):
        return None  # removed meanwhile, or damaged: not a copy
    return copy if sizes == [file.size for file in copy.files] else None


def _is_marked(folder: Path) -> bool:
    try:
        return any(name.startswith(EVICTING) for name in os.listdir(folder))
    except FileNotFoundError:
        return False


def _copy_of(folder: Path, document: dict[str, Any]) -> Copy:
    if document["format"] != ENTRY_FORMAT:
        raise ValueError(f"entry format {document['format']}")
    key = ModelKey(document["provider"], document["model"], document["revision"], document["node"])
    return Copy(folder, key, tuple(FileEntry(*file) for file in document["files"]))
