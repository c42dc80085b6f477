"""The deliverer: threads that tell webhooks what the log says, off the path of every write.

One process of all does it at a time, by a lease. A webhook is told one thing after the other;
one that is slow or dead costs its own thread and nobody else's time, and is asked ever more
seldom.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lockgate.domain.webhooks import Attempt
from lockgate.errors import RegistryError
from lockgate.services import deliveries
from lockgate.services.deliveries import LEASE
from lockgate.services.leasing import Lease
from lockgate.storage.store import Store

SENDERS_MAX = 32
TURNS_MAX = 100
"""How many messages a webhook is told before others get the thread."""
FORGET_S = 3_600.0
GATHER_S = 0.02
STOP_S = 15.0

Post = Callable[[str, Mapping[str, str], bytes], Attempt]


@dataclass(frozen=True, kw_only=True)
class DeliveryRules:
    """How often to look for events of other processes, how long to try, how long to remember."""

    poll_s: float = 0.5
    retry_s: float = 259_200.0
    keep_days: int = 7
    lease_s: float = 10.0


class Deliverer:
    """Delivers to webhooks from `start` to `stop`."""

    def __init__(self, store: Store, post: Post, rules: DeliveryRules | None = None) -> None:
        self._store = store
        self._post = post
        self._rules = rules or DeliveryRules()
        self._lease = Lease(store, LEASE, self._rules.lease_s)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._busy: set[str] = set()
        self._busy_lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._senders: ThreadPoolExecutor | None = None
        self._worked_s = 0.0
        self._forgot_s = 0.0

    def start(self) -> None:
        """Begin."""
        self._senders = ThreadPoolExecutor(SENDERS_MAX, thread_name_prefix="webhooks")
        self._thread = threading.Thread(target=self._run, name="deliverer", daemon=True)
        self._store.database.bell.add(self._wake.set)
        self._thread.start()

    def stop(self) -> None:
        """End; what is on its way is waited for, and what is pending waits for the next start."""
        self._stopping.set()
        self._wake.set()
        self._store.database.bell.remove(self._wake.set)
        if self._thread is not None:
            self._thread.join(STOP_S)
        if self._senders is not None:
            self._senders.shutdown(wait=True, cancel_futures=True)
        # Only now: what was on its way is settled, and nobody else sends it again.
        try:
            self._lease.release()
        except RegistryError as error:
            _warn("the lease of webhooks not released", error)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._turn()
            except RegistryError as error:
                _warn("events not looked for", error)
            if self._wake.wait(self._rules.poll_s):
                # What comes together is planned together: writers then wait for it once.
                self._stopping.wait(GATHER_S)
            self._wake.clear()

    def _turn(self) -> None:
        """Plan what is new, and give a thread to each webhook that may be told something."""
        behind = deliveries.list_behind(self._store)
        ready = [uid for uid in deliveries.list_ready(self._store) if uid not in self._busy]
        # Of what is due, all may wait for something older of its model that has failed.
        due = [uid for uid in ready if deliveries.prepare(self._store, uid) is not None]
        if not behind and not due and not self._busy:
            self._rest()
            return
        if not self._lease.acquire():
            return
        self._worked_s = time.monotonic()
        if behind and deliveries.plan(self._store, behind):
            self._wake.set()
        for uid in {*due, *behind}:
            self._begin(uid)

    def _rest(self) -> None:
        """Let go of the lease once there has been nothing to do for as long as it lasts."""
        if not self._lease.is_held:
            return
        now_s = time.monotonic()
        if now_s - self._forgot_s >= FORGET_S:
            self._forgot_s = now_s
            deliveries.forget(self._store, self._rules.keep_days)
        if now_s - self._worked_s >= self._rules.lease_s / 4:
            self._lease.release()

    def _begin(self, uid: str) -> None:
        assert self._senders is not None  # noqa: S101  # it runs only between start and stop
        with self._busy_lock:
            if uid in self._busy:
                return
            self._busy.add(uid)
        self._senders.submit(self._tell, uid)

    def _tell(self, uid: str) -> None:
        """Tell a webhook what is due, one message after the other."""
        more = False
        try:
            more = self._tell_in_turn(uid)
        except RegistryError as error:
            _warn("a webhook not told", error)
        except Exception as error:  # noqa: BLE001  # a thread's last door: tell, do not vanish
            _warn("a webhook not told, by a fault of ours", error)
        finally:
            with self._busy_lock:
                self._busy.discard(uid)
            if more:
                self._wake.set()

    def _tell_in_turn(self, uid: str) -> bool:
        """Return whether there may be more to tell."""
        for _ in range(TURNS_MAX):
            if self._stopping.is_set() or not self._lease.is_held:
                return False
            outgoing = deliveries.prepare(self._store, uid)
            if outgoing is None:
                return False
            attempt = self._post(outgoing.url, outgoing.headers, outgoing.body)
            kept = deliveries.settle(
                self._store, outgoing.delivery, attempt, self._lease.holder, self._rules.retry_s
            )
            if not kept or not attempt.ok:
                return False
        return True


def _warn(what: str, error: Exception) -> None:
    import structlog  # with it comes a terminal's whole renderer: a quick start does without

    structlog.get_logger().warning(what, error=str(error), kind=type(error).__name__)
