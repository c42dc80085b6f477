"""The watcher: a thread that reads metrics, looks at the monitors, and forgets what is old.

One process of all does it at a time, by a lease.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from lockgate.domain.access import Actor
from lockgate.domain.observations import GRAINS_S
from lockgate.services.monitoring import evaluate_monitors
from lockgate.services.observations import forget_observations
from lockgate.services.working import LeasedWorker
from lockgate.storage.store import Caller, Store

LEASE = "monitors"
FORGET_S = 3_600.0
LEASE_S_MIN = 10.0


@dataclass(frozen=True, kw_only=True)
class WatchRules:
    """How often to look, and for how many days minutes, hours and days are kept."""

    every_s: float = 30.0
    minutes_days: int = 7
    hours_days: int = 90
    days_days: int = 730


class Watcher:
    """Looks at monitors from `start` to `stop`."""

    def __init__(self, store: Store, rules: WatchRules | None = None) -> None:
        self._store = store
        self._rules = rules or WatchRules()
        every_s = self._rules.every_s
        self._worker = LeasedWorker(
            store, LEASE, self._turn, every_s=every_s, lease_s=max(LEASE_S_MIN, 3 * every_s)
        )
        self._forgot_s: float | None = None

    def start(self) -> None:
        """Begin."""
        self._worker.start()

    def stop(self) -> None:
        """End; a look that is under way is waited for."""
        self._worker.stop()

    def _turn(self) -> None:
        if not self._worker.lease.acquire():
            return
        evaluate_monitors(self._store, Caller(actor=Actor.named("lockgate")))
        now_s = time.monotonic()
        if self._forgot_s is None or now_s - self._forgot_s >= FORGET_S:
            self._forgot_s = now_s
            rules = self._rules
            kept = (rules.minutes_days, rules.hours_days, rules.days_days)
            forget_observations(self._store, dict(zip(GRAINS_S, kept, strict=True)))
