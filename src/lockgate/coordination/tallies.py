"""What the users of one cache folder did so far, summed over processes that are long gone.

    ROOT/tallies/
      UUID.json        what one process did since it last said so
      UUID/            a sum being made: what it is made of, until sum.json is there
          UUID.json …
          sum.json       stands for everything beside it

Nothing is ever changed in place and nothing is locked: an entry counts from the rename that makes
it, and moves into a sum by another. Whoever reads while entries move reads again.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from lockgate.coordination.layout import disk_time_s

__all__ = ["Tallies"]

ENTRIES_MAX = 64
ENTRY_BYTES_MAX = 10_000
READS_MAX = 20
ABANDONED_S = 60.0
SUM = "sum.json"


class Tallies:
    """The counts of one cache folder. Safe to use from many threads and processes."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "tallies"
        self._lock = Lock()
        self._said: Counter[str] = Counter()

    def tell(self, counts: Mapping[str, int]) -> None:
        """Add what ``counts`` grew by since this object was last told. Raises OSError."""
        with self._lock:
            grown = Counter(counts)
            grown.subtract(self._said)
            self.add(+grown)
            self._said = Counter(counts)

    def add(self, counts: Mapping[str, int]) -> None:
        """Add counts, by name. Raises OSError."""
        if not counts:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        _write(self._folder / f"{uuid.uuid4().hex}.json", counts)
        if len(_names(self._folder)) > ENTRIES_MAX:
            self._merge()

    def total(self) -> dict[str, int]:
        """Return the sum of everything told; a little less while others keep adding."""
        for _ in range(READS_MAX):
            found = _read(self._folder)
            if found is not None:
                return dict(found)
        return dict(_read(self._folder, strict=False) or {})

    def _merge(self) -> None:
        """Make one entry out of many."""
        mine = self._folder / uuid.uuid4().hex
        mine.mkdir()
        for name in _names(self._folder):
            source = self._folder / name
            if source == mine or (source.is_dir() and not _is_idle(source)):
                continue
            try:
                source.rename(mine / name)
            except OSError:
                continue  # another merger has it
        try:
            _write(mine / SUM, _read(mine, strict=False) or Counter())
        except FileNotFoundError:
            return  # we stood still for so long that another has taken what we gathered
        for name in _names(mine):
            if name != SUM:
                _delete(mine / name)


def _read(folder: Path, *, strict: bool = True) -> Counter[str] | None:
    """Return the sum of a folder's entries; None if they moved meanwhile and that matters."""
    before = _names(folder)
    if SUM in before:
        before = [SUM]
    total: Counter[str] = Counter()
    for name in before:
        entry = folder / name
        found = _read(entry, strict=strict) if entry.is_dir() else _read_entry(entry)
        if found is None and strict:
            return None
        total.update(found or {})
    moved = _names(folder) != before and before != [SUM]
    return None if strict and moved else total


def _read_entry(path: Path) -> Counter[str] | None:
    try:
        with path.open("rb") as source:
            document = json.loads(source.read(ENTRY_BYTES_MAX))
        return Counter({str(name): int(value) for name, value in document.items()})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, AttributeError):
        return Counter()  # damaged: what it said is lost


def _write(path: Path, counts: Mapping[str, int]) -> None:
    temporary = path.with_name(f".{uuid.uuid4().hex}")
    temporary.write_text(json.dumps(counts))
    temporary.rename(path)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_idle(folder: Path) -> bool:
    """Tell whether a sum is made, or its maker must be dead."""
    try:
        made = (folder / SUM).exists()
        return made or disk_time_s(folder) - folder.stat().st_mtime > ABANDONED_S
    except OSError:
        return False


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
