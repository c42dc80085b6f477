"""Threads for what waits: who worked last is asked first, so that one caller keeps one thread warm.

A pool that hands jobs round wakes a thread that has slept for long, its stack and its part of the
memory gone from the processor's caches: felt by a write, which takes less than a millisecond.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from threading import Lock, Thread
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
Job = Callable[[], None]


class Threads(Executor):
    """At most ``threads_max`` threads, begun when they are needed; close it with `shutdown`.

    They stay, since each holds a connection to the database, and end with the pool.
    """

    def __init__(self, threads_max: int, name: str) -> None:
        self._threads_max = threads_max
        self._name = name
        self._guard = Lock()
        self._jobs: deque[Job] = deque()
        self._threads: list[_Thread] = []
        # Those without a job: the last came to rest last.
        self._idle: list[_Thread] = []
        self._closed = False

    def run(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Return what ``work`` will return in a thread, as a future of the running loop.

        The thread tells the loop itself: `submit`'s future, chained to one of the loop, would cost
        a write some percent of its time.
        """
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[T] = loop.create_future()

        def carry_out() -> None:
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - raised by who awaits it
                loop.call_soon_threadsafe(_fail, answered, error)
            else:
                loop.call_soon_threadsafe(_succeed, answered, result)

        self._begin(carry_out)
        return answered

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Return what ``work`` will return in a thread, as a future of any thread."""
        told: Future[T] = Future()

        def carry_out() -> None:
            if not told.set_running_or_notify_cancel():
                return
            try:
                result = work(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - raised by who asks for the result
                told.set_exception(error)
            else:
                told.set_result(result)

        self._begin(carry_out)
        return told

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more jobs; end the threads once there are none, and ``wait`` for that.

        ``cancel_futures`` is not known here: what was begun is always done.
        """
        del cancel_futures
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for thread in idle:
            thread.wake.release()
        for thread in self._threads if wait else ():
            thread.join()

    def __del__(self) -> None:
        self.shutdown(wait=False)

    def _begin(self, job: Job) -> None:
        with self._guard:
            if self._closed:
                raise RuntimeError("these threads take no more jobs")
            if self._idle:
                thread = self._idle.pop()
                thread.job = job
                thread.wake.release()
                return
            self._jobs.append(job)
            if len(self._threads) == self._threads_max:
                return
            thread = _Thread(weakref.ref(self), f"{self._name}_{len(self._threads)}")
            self._threads.append(thread)
            thread.start()

    def next_job(self, thread: _Thread) -> Job | None:
        """Return the job that waited longest, or let a thread rest until it is woken."""
        with self._guard:
            if self._jobs:
                return self._jobs.popleft()
            if self._closed:
                thread.wake.release()
            else:
                self._idle.append(thread)
            return None


class _Thread(Thread):
    """One thread of a pool, woken for a job, or for its end when it is given none.

    It does not keep its pool from being forgotten.
    """

    def __init__(self, pool: weakref.ref[Threads], name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._pool = pool
        self.job: Job | None = None
        self.wake = Lock()
        self.wake.acquire()

    def run(self) -> None:
        while (pool := self._pool()) is not None:
            job = pool.next_job(self)
            del pool
            if job is None:
                self.wake.acquire()
                job, self.job = self.job, None
            if job is None:
                return
            job()
            del job


def _succeed(answered: asyncio.Future[T], result: T) -> None:
    if not answered.done():  # nobody waits any more for what was cancelled
        answered.set_result(result)


def _fail(answered: asyncio.Future[Any], error: BaseException) -> None:
    if not answered.done():
        answered.set_exception(error)
