"""What a waiter reads while another downloads, and what is new about records."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from lockgate.cli.cache_progress import Changes, Lines
from lockgate.coordination.cache import CacheEvent
from lockgate.domain.claims import ModelKey, ModelRecord, ModelStatus, Progress

KEY = ModelKey("hf", "org/model", "main")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
RECORD = ModelRecord(KEY, ModelStatus.DOWNLOADING, NOW, NOW, holder="a")


def test_states_are_told_at_once_and_progress_now_and_then():
    """A new state is a new line, with how far the owner is; the same one is not repeated."""
    lines: list[str] = []
    tell = Lines(lines.append)
    for event in (
        CacheEvent(KEY, "waiting", None, "Starting download..."),
        CacheEvent(KEY, "waiting", Progress(1000, 4000)),
        CacheEvent(KEY, "taken over", None, "after DOWNLOADING"),
        CacheEvent(KEY, "downloading", Progress(2000, None)),
        CacheEvent(KEY, "downloading", Progress(3000, 4000)),
        CacheEvent(KEY, "downloaded", Progress(4000, 4000)),
    ):
        tell(event)
    assert lines == [
        "waiting: hf://org/model@main, Starting download...",
        "taken over: hf://org/model@main, after DOWNLOADING",
        "downloading: hf://org/model@main, 2.0 kB",
        "downloaded: hf://org/model@main, 4.0 kB of 4.0 kB",
    ]


def test_changes_are_told_once():
    """A record is news when its status, owner or progress is another; a mere use is none."""
    changes = Changes()
    assert changes.since([RECORD]) == [RECORD]
    used = replace(RECORD, last_used_at=datetime(2026, 1, 2, tzinfo=UTC), heartbeat=5)
    assert changes.since([used]) == []
    further = replace(RECORD, progress=Progress(5, 10))
    other = replace(RECORD, key=ModelKey("hf", "other"))
    assert changes.since([further, other]) == [further, other]
    assert changes.since([]) == []
    assert changes.since([further]) == [further]
