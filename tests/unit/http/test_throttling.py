"""Slowing down: guesses wait longer each time, and tokens have a rate."""

from __future__ import annotations

import pytest

from lockgate.errors import RateLimited
from lockgate.http.throttling import DELAY_S_MAX, FREE_FAILURES, SOURCES_MAX, Failures, Rates


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_failures_are_slowed_by_source() -> None:
    """A few are free; then each waits longer, up to a limit; other sources do not."""
    clock = Clock()
    failures = Failures(clock=clock)
    delays = [failures.delay_s("a") for _ in range(FREE_FAILURES + 12)]
    assert delays[:FREE_FAILURES] == [0.0] * FREE_FAILURES
    assert delays == sorted(delays)
    assert delays[FREE_FAILURES] > 0
    assert delays[-1] == DELAY_S_MAX
    assert failures.delay_s("b") == 0.0
    clock.now += 61
    assert failures.delay_s("a") == 0.0


def test_memory_is_bounded() -> None:
    """However many sources guess, the oldest are forgotten."""
    failures = Failures(clock=Clock())
    for number in range(SOURCES_MAX + 10):
        failures.delay_s(str(number))
    assert len(failures._failed) == SOURCES_MAX


def test_rate() -> None:
    """A token may burst, then ask at its rate; it is told when to ask again."""
    clock = Clock()
    rates = Rates(2.0, clock)
    for _ in range(4):
        rates.take("t")
    with pytest.raises(RateLimited) as refused:
        rates.take("t")
    assert refused.value.fields == {"limit": 2.0, "retry_after_s": 1}
    rates.take("another")
    clock.now += 0.5
    rates.take("t")
    with pytest.raises(RateLimited):
        rates.take("t")


def test_no_limit() -> None:
    """Zero is no limit."""
    rates = Rates(0.0)
    for _ in range(1_000):
        rates.take("t")
    assert rates._left == {}
