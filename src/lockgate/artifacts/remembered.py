"""What was hashed before: a file that was not touched since need not be read again.

As a version-control index does, a file is recognised by device, inode, size and times. The risk of
such an index is a change so soon after hashing that the times do not show it; hence a file is
remembered only if it had been at rest for a while when its hashing began.

    <folder>/ab/abcdef….json    the state of a file, and its manifest entry
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from dataclasses import asdict, replace
from pathlib import Path, PurePath
from typing import Final

from lockgate.artifacts.trees import FileState
from lockgate.domain.manifests import FileEntry, build_manifest, parse_manifest
from lockgate.errors import RegistryError

# Changes whenever files are cut otherwise, or the entry says more.
RULES_VERSION: Final = 1
REMEMBERED_BYTES_MIN: Final = 2**20
_SHARD_ENTRIES_MAX: Final = 64
# A clock that counts nanoseconds ticks every few milliseconds; older file systems every second.
_REST_NS: Final = 100_000_000
_REST_COARSE_NS: Final = 2_000_000_000


class HashMemory:
    """Manifest entries of files on this machine, in a folder of the user's own.

    It is an aid: whatever cannot be read or written there counts as not remembered.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, path: str, state: FileState) -> FileEntry | None:
        """Return the entry of a file in this state, under ``path``; None when not remembered."""
        try:
            record = json.loads(self._place(state).read_bytes())
            if record["state"] != asdict(state) or record["rules"] != RULES_VERSION:
                return None
            (entry,) = parse_manifest(record["manifest"].encode()).files
            if PurePath(entry.path).suffix != PurePath(path).suffix:
                return None  # what a file is read as depends on its suffix
        except (OSError, ValueError, KeyError, TypeError, RegistryError):
            return None
        return replace(entry, path=path)

    def keep(self, state: FileState, entry: FileEntry, began_ns: int) -> None:
        """Remember an entry if the file had been at rest when its hashing began."""
        last_ns = max(state.modified_ns, state.changed_ns)
        rest_ns = _REST_NS if last_ns % 1_000_000 else _REST_COARSE_NS
        if state.size < REMEMBERED_BYTES_MIN or began_ns - last_ns < rest_ns:
            return
        record = {
            "state": asdict(state),
            "rules": RULES_VERSION,
            "manifest": build_manifest([entry]).encoded.decode(),
        }
        place = self._place(state)
        temporary = place.with_name(f".{secrets.token_hex(8)}")
        with contextlib.suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary.write_bytes(json.dumps(record).encode())
            os.replace(temporary, place)
            self._forget_oldest(place.parent)

    def _place(self, state: FileState) -> Path:
        key = hashlib.sha256(f"{state.device}:{state.inode}".encode()).hexdigest()
        return self._folder / key[:2] / f"{key}.json"

    def _forget_oldest(self, shard: Path) -> None:
        places = list(shard.iterdir())
        if len(places) > _SHARD_ENTRIES_MAX:
            places.sort(key=lambda place: place.stat().st_mtime)
            for place in places[:-_SHARD_ENTRIES_MAX]:
                place.unlink(missing_ok=True)
