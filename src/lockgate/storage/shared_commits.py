"""Shared commits: whoever comes while others wait for the disk waits for it together with them.

    BEGIN IMMEDIATE · one job · SAVEPOINT · the next · RELEASE or ROLLBACK TO · … · COMMIT · answers

A thread with a job that finds nobody at work goes to work: it carries out its own job, then those
of the threads that have come to wait, and commits once for all of them. Who comes later waits for
that commit, and one of them goes to work next. A job that is alone is a plain transaction.

- Nobody is answered before the commit, refused jobs included: what refused them may be what
  another job of the same transaction has changed.
- A job that fails leaves nothing. If the commit fails, or the transaction is lost on the way, so
  does every job in it, and each is told so.
- A job sees what those before it have changed, as if each had been committed by itself.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from time import monotonic
from typing import Any, TypeVar, cast

from lockgate.storage.database import RetryableFault

T = TypeVar("T")
Translate = Callable[[Exception], Exception]
Turn = AbstractContextManager[Any]
TOGETHER_S_MAX = 0.01


class _Job:
    """What one thread wants done in a transaction, and what came of it."""

    __slots__ = ("error", "is_over", "result", "wake", "work")

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self.work = work
        self.result: Any = None
        self.error: BaseException | None = None
        self.is_over = False
        # Released when the job is over, or when it is for its thread to go to work.
        self.wake = threading.Lock()
        self.wake.acquire()


class SharedCommits:
    """The transactions of one connection that several threads write by.

    ``turn`` is held while a transaction is under way. ``translate`` says what an error of the
    connection is to the rest of the house. After ``together_s_max`` nobody is taken along any
    more: who waits for a slow job waits as long as it takes, but not for one slow job after
    another.
    """

    def __init__(
        self,
        connection: Any,
        turn: Turn,
        translate: Translate,
        together_s_max: float = TOGETHER_S_MAX,
    ) -> None:
        self._together_s_max = together_s_max
        self._connection = connection
        self._turn = turn
        self._translate = translate
        self._guard = threading.Lock()
        self._waiting: deque[_Job] = deque()
        self._at_work: _Job | None = None
        self._thread = 0

    def run(self, work: Callable[[Any], T]) -> T:
        """Return what ``work`` returns of the connection, once it is durable.

        It runs in the thread of whoever is at work. What it raises is raised here, and nothing
        it did stays; `RetryableFault` when the one at work was interrupted.
        """
        if self._thread == threading.get_ident():
            raise RuntimeError("a transaction cannot be begun within another one")
        job = _Job(work)
        with self._guard:
            waits = self._at_work is not None
            if waits:
                self._waiting.append(job)
            else:
                self._at_work = job
        if waits:
            self._wait(job)
        if not job.is_over:
            self._work(job)
        if job.error is None:
            return cast(T, job.result)
        try:
            raise job.error
        finally:
            del job  # its error's traceback knows this frame

    def _wait(self, job: _Job) -> None:
        """Wait until ``job`` is over or its thread's to carry out; an interrupt takes it back."""
        try:
            job.wake.acquire()
        except BaseException:
            with self._guard:
                if job in self._waiting:
                    self._waiting.remove(job)
                chosen = self._at_work is job
            if chosen:
                self._hand_over()
            raise

    def _work(self, own: _Job) -> None:
        """Carry out ``own`` and the jobs of those who wait; then let the next one do so."""
        carried = [own]
        self._thread = threading.get_ident()
        try:
            with self._turn:
                self._transact(carried)
        except Exception as error:  # noqa: BLE001 - raised by everybody whose job it was
            for job in carried:
                job.error = self._translate(error)
        except BaseException as error:  # noqa: BLE001 - raised by `run`, in this thread
            for job in carried:
                job.error = RetryableFault("the thread that carried this out was interrupted")
            own.error = error
        finally:
            self._thread = 0
            for job in carried:
                job.is_over = True
            self._hand_over()
            for job in carried[1:]:
                job.wake.release()

    def _hand_over(self) -> None:
        """Let the first who waits go to work, if anybody does."""
        with self._guard:
            self._at_work = self._waiting.popleft() if self._waiting else None
            if self._at_work is not None:
                self._at_work.wake.release()

    def _transact(self, carried: list[_Job]) -> None:
        """Carry out jobs in one transaction, adding to ``carried``. Raises what undoes them all."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        until_s = monotonic() + self._together_s_max
        try:
            carried[0].result = carried[0].work(connection)
            while self._waiting and monotonic() < until_s:
                job = self._next()
                if job is not None:
                    carried.append(job)
                    self._take_along(job)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _next(self) -> _Job | None:
        """Return the job of the first who waits, or None."""
        with self._guard:
            return self._waiting.popleft() if self._waiting else None

    def _take_along(self, job: _Job) -> None:
        """Carry out a job that is to leave nothing when it fails, whatever becomes of the rest."""
        connection = self._connection
        connection.execute("SAVEPOINT job")
        try:
            job.result = job.work(connection)
        except Exception as error:
            if not connection.in_transaction:
                raise  # the database gave up the whole transaction: its disk is full, say
            connection.execute("ROLLBACK TO job")
            job.error = self._translate(error)
        connection.execute("RELEASE job")
