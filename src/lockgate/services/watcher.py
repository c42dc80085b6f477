"""The watcher: a thread that reads metrics, looks at the monitors, and forgets what is old.

One process of all does it at a time, by a lease.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from lockgate.domain.access import Actor
from lockgate.domain.observations import GRAINS_S
from lockgate.errors import RegistryError
from lockgate.services.leasing import Lease
from lockgate.services.monitoring import evaluate_monitors
from lockgate.services.observations import forget_observations
from lockgate.storage.store import Caller, Store

LEASE = "monitors"
FORGET_S = 3_600.0
STOP_S = 15.0


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
        self._lease = Lease(store, LEASE, max(10.0, 3 * self._rules.every_s))
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._forgot_s: float | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; a look that is under way is waited for."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_S)
        try:
            self._lease.release()
        except RegistryError as error:
            _warn("the lease of monitors not released", error)

    def _run(self) -> None:
        while not self._stopping.wait(self._rules.every_s):
            try:
                self._turn()
            except RegistryError as error:
                _warn("monitors not looked at", error)
            except Exception as error:  # noqa: BLE001  # a thread's last door: tell, do not vanish
                _warn("monitors not looked at, by a fault of ours", error)

    def _turn(self) -> None:
        if not self._lease.acquire():
            return
        evaluate_monitors(self._store, Caller(actor=Actor.named("lockgate")))
        now_s = time.monotonic()
        if self._forgot_s is None or now_s - self._forgot_s >= FORGET_S:
            self._forgot_s = now_s
            rules = self._rules
            kept = (rules.minutes_days, rules.hours_days, rules.days_days)
            forget_observations(self._store, dict(zip(GRAINS_S, kept, strict=True)))


def _warn(what: str, error: Exception) -> None:
    import structlog  # with it comes a terminal's whole renderer: a quick start does without

    structlog.get_logger().warning(what, error=str(error), kind=type(error).__name__)
