"""The deliverer: threads that tell webhooks what the log says, off the path of every write.

One process of all does it at a time, by a lease. A webhook is told one thing after the other;
one that is slow or dead costs its own thread and nobody else's time, and is asked ever more
seldom.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from lockgate.domain.webhooks import Attempt
from lockgate.services import deliveries
from lockgate.services.deliveries import LEASE
from lockgate.services.working import LeasedWorker
from lockgate.storage.store import Store

SENDERS_MAX = 32
TURNS_MAX = 100
"""How many messages a webhook is told before others get the thread."""
FORGET_S = 3_600.0
GATHER_S = 0.02

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
        self._worker = LeasedWorker(
            store,
            LEASE,
            self._turn,
            every_s=self._rules.poll_s,
            lease_s=self._rules.lease_s,
            gather_s=GATHER_S,
        )
        self._lease = self._worker.lease
        self._busy: set[str] = set()
        self._busy_lock = threading.Lock()
        self._settling = Settling(self._settle)
        self._senders: ThreadPoolExecutor | None = None
        self._worked_s = 0.0
        self._forgot_s = 0.0

    def start(self) -> None:
        """Begin."""
        self._senders = ThreadPoolExecutor(SENDERS_MAX, thread_name_prefix=LEASE)
        self._store.database.bell.add(self._worker.wake)
        self._worker.start()
        self._worker.wake()

    def stop(self) -> None:
        """End; what is on its way is waited for, and what is pending waits for the next start."""
        self._store.database.bell.remove(self._worker.wake)
        # The lease goes last: what was on its way is settled, and nobody else sends it again.
        self._worker.stop(self._finish)

    def _finish(self) -> None:
        if self._senders is not None:
            self._senders.shutdown(wait=True, cancel_futures=True)

    def _turn(self) -> None:
        """Plan what is new, and give a thread to each webhook that may be told something.

        For one that is being told, or that rests, nothing is planned: it waits in the log, where
        it costs nobody anything.
        """
        busy = self._busy_now()
        behind = [uid for uid in deliveries.list_behind(self._store) if uid not in busy]
        ready = [uid for uid in deliveries.list_ready(self._store) if uid not in busy]
        # Of what is due, all may wait for something older of its model that has failed.
        due = [uid for uid in ready if deliveries.prepare(self._store, uid) is not None]
        if not behind and not due and not busy:
            self._rest()
            return
        if not self._lease.acquire():
            return
        self._worked_s = time.monotonic()
        if behind and deliveries.plan(self._store, behind):
            self._worker.wake()
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

    def _busy_now(self) -> set[str]:
        with self._busy_lock:
            return set(self._busy)

    def _begin(self, uid: str) -> None:
        assert self._senders is not None  # noqa: S101  # it runs only between start and stop
        with self._busy_lock:
            if uid in self._busy:
                return
            self._busy.add(uid)
        self._senders.submit(self._tell, uid)

    def _tell(self, uid: str) -> None:
        """Tell a webhook what is due, one message after the other."""
        self._worker.tell_of(lambda: self._tell_in_turn(uid))
        with self._busy_lock:
            self._busy.discard(uid)
        # What came meanwhile is not planned yet.
        self._worker.wake()

    def _tell_in_turn(self, uid: str) -> None:
        for _ in range(TURNS_MAX):
            if self._worker.is_stopping or not self._lease.is_held:
                return
            outgoing = deliveries.prepare(self._store, uid)
            if outgoing is None:
                return
            attempt = self._post(outgoing.url, outgoing.headers, outgoing.body)
            kept = self._settling.settle(outgoing.delivery, attempt)
            if not kept or not attempt.ok:
                return

    def _settle(self, tried: Sequence[tuple[str, Attempt]]) -> bool:
        return deliveries.settle(self._store, tried, self._lease.holder, self._rules.retry_s)


class Settling:
    """Writes what came of attempts: those that wait for the database together, at once.

    Thread-safe. Twenty receivers that fail together then cost writers one wait, not twenty.
    """

    def __init__(self, write: Callable[[Sequence[tuple[str, Attempt]]], bool]) -> None:
        self._write = write
        self._waiting: list[tuple[tuple[str, Attempt], Future[bool]]] = []
        self._waiting_lock = threading.Lock()
        self._writing = threading.Lock()

    def settle(self, delivery: str, attempt: Attempt) -> bool:
        """Return whether it was written; False when the lease is another's by now."""
        mine: Future[bool] = Future()
        with self._waiting_lock:
            self._waiting.append(((delivery, attempt), mine))
        with self._writing:
            # Whoever had the turn before may have written this one as well.
            if not mine.done():
                self._write_waiting()
        return mine.result()

    def _write_waiting(self) -> None:
        with self._waiting_lock:
            batch, self._waiting = self._waiting, []
        try:
            kept = self._write([tried for tried, _ in batch])
        except BaseException as error:
            for _, waiting in batch:
                waiting.set_exception(error)
            raise
        for _, waiting in batch:
            waiting.set_result(kept)
