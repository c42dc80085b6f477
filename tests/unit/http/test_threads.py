"""The server's threads: who worked last works next, nothing is lost, all end with the pool."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from lockgate.http.threads import Threads

PATIENCE_S = 30.0


@pytest.fixture
def pool() -> Iterator[Threads]:
    """Two threads."""
    opened = Threads(2, "test")
    yield opened
    opened.shutdown()


def alive(name: str) -> int:
    """How many threads of a pool there are."""
    return sum(thread.name.startswith(f"{name}_") for thread in threading.enumerate())


def wait_until_none(name: str) -> None:
    """Return once a pool has no thread left."""
    until = time.monotonic() + PATIENCE_S
    while alive(name):
        assert time.monotonic() < until
        time.sleep(0.001)


def test_results_and_errors_reach_the_loop(pool: Threads) -> None:
    """What work returns is awaited, and so is what it raises."""

    async def ask() -> tuple[Any, Any]:
        refused = pool.run(lambda: [][1])
        return await pool.run(lambda: 7), await asyncio.gather(refused, return_exceptions=True)

    result, (error,) = asyncio.run(ask())
    assert (result, type(error)) == (7, IndexError)


def test_results_and_errors_reach_other_threads(pool: Threads) -> None:
    """`submit` answers as the library's executors do."""
    assert pool.submit(divmod, 7, 2).result(PATIENCE_S) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        pool.submit(divmod, 7, 0).result(PATIENCE_S)


def test_who_worked_last_works_next(pool: Threads) -> None:
    """Of threads that rest the one that worked last is woken, again and again."""
    both, here = threading.Barrier(2), threading.get_ident
    first, second = (pool.submit(lambda: (both.wait(PATIENCE_S), here())) for _ in range(2))
    assert first.result()[1] != second.result()[1]
    ids = set()
    for _ in range(20):
        until = time.monotonic() + PATIENCE_S
        while len(pool._idle) < 2:  # the one before is still on its way to rest
            assert time.monotonic() < until
        ids.add(pool.submit(here).result())
    assert len(ids) == 1


def test_jobs_wait_for_a_thread(pool: Threads) -> None:
    """More jobs than threads are all done."""
    leave, order = threading.Event(), list[int]()
    busy = [pool.submit(leave.wait, PATIENCE_S) for _ in range(2)]
    waiting = [pool.submit(order.append, number) for number in range(20)]
    assert alive("test") == 2
    leave.set()
    for job in [*busy, *waiting]:
        job.result(PATIENCE_S)
    assert sorted(order) == list(range(20))


def test_shutdown_waits_for_what_was_begun() -> None:
    """Everything that was begun is done before the threads are gone, and nothing after."""
    pool, done = Threads(1, "ending"), list[int]()
    within = threading.Event()
    pool.submit(lambda: (within.set(), time.sleep(0.02), done.append(1)))
    pool.submit(done.append, 2)
    assert within.wait(PATIENCE_S)
    pool.shutdown()
    assert (done, alive("ending")) == ([1, 2], 0)
    with pytest.raises(RuntimeError, match="no more jobs"):
        pool.submit(done.append, 3)


def test_a_pool_that_is_forgotten_ends() -> None:
    """The threads of an application that nobody closed do not outlive it."""
    pool = Threads(2, "forgotten")
    pool.submit(int).result(PATIENCE_S)
    assert alive("forgotten") == 1
    del pool
    gc.collect()
    wait_until_none("forgotten")


def test_a_cancelled_wait_is_nobodys(pool: Threads) -> None:
    """What comes of work that nobody waits for any more disturbs no one."""
    leave = threading.Event()

    async def ask() -> int:
        answered = pool.run(lambda: leave.wait(PATIENCE_S))
        answered.cancel()
        leave.set()
        return await pool.run(lambda: 7)

    assert asyncio.run(ask()) == 7
