"""Slowing down: those who guess, and tokens that ask more often than the server lets them.

Kept in this process: several workers together let as many times more through.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Protocol

from lockgate.errors import RateLimited

SOURCES_MAX = 10_000
WINDOW_S = 60.0
FREE_FAILURES = 5
DELAY_S = 0.1
DELAY_S_MAX = 3.0
BURST_S = 2.0
"""A token that was silent may ask as much at once as it may in this time."""


class Failures:
    """Failed logins by where they came from. What is right is never slowed."""

    def __init__(
        self, delay_s_max: float = DELAY_S_MAX, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._delay_s_max = delay_s_max
        self._clock = clock
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def delay_s(self, source: str) -> float:
        """Count a failure; return how long its answer has to wait: longer each time."""
        now = self._clock()
        count, since = self._failed.pop(source, (0, now))
        if now - since > WINDOW_S:
            count, since = 0, now
        count += 1
        self._failed[source] = (count, since)
        while len(self._failed) > SOURCES_MAX:
            self._failed.popitem(last=False)
        if count <= FREE_FAILURES:
            return 0.0
        return float(min(self._delay_s_max, DELAY_S * 2 ** min(count - FREE_FAILURES - 1, 10)))


class Rates:
    """How often each token or address asks: a bucket filling at ``per_s_max``; 0 is no limit."""

    def __init__(self, per_s_max: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s_max = per_s_max
        self._most = max(1.0, per_s_max * BURST_S)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, token: str) -> None:
        """Take one request out of a token's bucket. Raises `RateLimited`."""
        if self._per_s_max <= 0:
            return
        now = self._clock()
        left, at = self._left.pop(token, (self._most, now))
        left = min(self._most, left + (now - at) * self._per_s_max)
        allowed = left >= 1
        self._left[token] = (left - 1 if allowed else left, now)
        while len(self._left) > SOURCES_MAX:
            self._left.popitem(last=False)
        if not allowed:
            wait_s = max(1, math.ceil((1 - left) / self._per_s_max))
            raise RateLimited(limit=self._per_s_max, retry_after_s=wait_s)


class Limits(Protocol):
    """What an operator chose; `lockgate.settings.Settings` has it."""

    @property
    def token_rate_per_s_max(self) -> float: ...
    @property
    def exchange_rate_per_s_max(self) -> float: ...
    @property
    def failed_login_delay_s_max(self) -> float: ...


class Throttles:
    """What slows the callers of one application."""

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._failures = Failures(limits.failed_login_delay_s_max, clock)
        self._sleep = sleep
        self.tokens = Rates(limits.token_rate_per_s_max, clock)
        self.exchanges = Rates(limits.exchange_rate_per_s_max, clock)

    async def after_failure(self, source: str) -> None:
        """Count a failed login from somewhere, and keep whoever tried it waiting."""
        delay_s = self._failures.delay_s(source)
        if delay_s > 0:
            await self._sleep(delay_s)
