"""Counts of processes that are gone: added once each, however entries are merged."""

from __future__ import annotations

import threading
from pathlib import Path

from lockgate.coordination.tallies import ENTRIES_MAX, Tallies


def entries(root: Path) -> list[Path]:
    return list((root / "tallies").iterdir())


def test_only_growth_is_told(tmp_path):
    """Telling the same counts again adds nothing; telling larger ones adds the difference."""
    tallies = Tallies(tmp_path)
    for counts in ({"hits": 2, "misses": 0}, {"hits": 2}, {"hits": 5, "misses": 1}):
        tallies.tell(counts)
    assert Tallies(tmp_path).total() == {"hits": 5, "misses": 1}
    assert len(entries(tmp_path)) == 2


def test_nothing_told_is_nothing(tmp_path):
    """A folder that nobody used has no counts and is not made."""
    tallies = Tallies(tmp_path / "absent")
    tallies.tell({"hits": 0})
    assert tallies.total() == {}
    assert not (tmp_path / "absent").exists()


def test_many_entries_become_few(tmp_path):
    """Entries are merged when they are many, sums included, and the total stays."""
    tallies = Tallies(tmp_path)
    for _ in range(5 * ENTRIES_MAX):
        tallies.add({"hits": 1, "bytes_saved": 10})
    assert len(entries(tmp_path)) <= ENTRIES_MAX + 1
    assert tallies.total() == {"hits": 5 * ENTRIES_MAX, "bytes_saved": 50 * ENTRIES_MAX}


def test_totals_are_exact_under_rivals(tmp_path):
    """Adders and readers at once: a reader never sees more than there is, nothing is lost."""
    each, adders = 3 * ENTRIES_MAX, 4
    seen: list[int] = []

    def add() -> None:
        for _ in range(each):
            Tallies(tmp_path).add({"hits": 1})

    threads = [threading.Thread(target=add) for _ in range(adders)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen.append(Tallies(tmp_path).total().get("hits", 0))
    for thread in threads:
        thread.join()
    assert max(seen) <= each * adders
    assert Tallies(tmp_path).total() == {"hits": each * adders}


def test_sum_stands_for_what_is_beside_it(tmp_path):
    """A merger that dies once its sum is made has counted nothing twice."""
    Tallies(tmp_path).add({"hits": 1})
    made = tmp_path / "tallies" / "made"
    made.mkdir()
    (made / "a.json").write_text('{"hits": 3}')
    assert Tallies(tmp_path).total() == {"hits": 4}
    (made / "sum.json").write_text('{"hits": 3}')
    assert Tallies(tmp_path).total() == {"hits": 4}


def test_damaged_entry_counts_nothing(tmp_path):
    """What cannot be read is left out, and harms nothing else."""
    Tallies(tmp_path).add({"hits": 1})
    (tmp_path / "tallies" / "bad.json").write_text("[")
    (tmp_path / "tallies" / "worse.json").write_text('{"hits": "many"}')
    assert Tallies(tmp_path).total() == {"hits": 1}
