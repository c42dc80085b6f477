"""Settling: what comes of many attempts at once is written at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from lockgate.domain.webhooks import Attempt
from lockgate.services.deliverer import Settling

ATTEMPT = Attempt(at=datetime(2026, 10, 1, tzinfo=UTC), took_ms=1, status=200)
Tried = Sequence[tuple[str, Attempt]]


def test_attempts_that_wait_are_written_together() -> None:
    """While one is being written the others gather; each is told what became of its own."""
    written: list[list[str]] = []
    first, go = threading.Event(), threading.Event()

    def write(tried: Tried) -> bool:
        written.append(sorted(uid for uid, _ in tried))
        if not first.is_set():
            first.set()
            go.wait(30)
        return len(written) > 1

    settling = Settling(write)
    with ThreadPoolExecutor(5) as pool:
        alone = pool.submit(settling.settle, "a", ATTEMPT)
        first.wait(30)
        others = [pool.submit(settling.settle, uid, ATTEMPT) for uid in "bcde"]
        while len(settling._waiting) < 4:
            time.sleep(0.001)
        go.set()
        assert [each.result() for each in others] == [True] * 4
        assert alone.result() is False
    assert written == [["a"], ["b", "c", "d", "e"]]


def test_what_cannot_be_written_is_told_to_whoever_waits_for_it() -> None:
    """And the next attempt is written again."""
    faults = [OSError("the disk is full")]

    def write(_tried: Tried) -> bool:
        if faults:
            raise faults.pop()
        return True

    settling = Settling(write)
    with pytest.raises(OSError, match="disk"):
        settling.settle("a", ATTEMPT)
    assert settling.settle("a", ATTEMPT) is True
