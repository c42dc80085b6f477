"""Shared commits: one commit for all who wait, nobody answered before it, no failure shared."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lockgate.storage.database import RetryableFault
from lockgate.storage.shared_commits import SharedCommits
from lockgate.storage.sqlite import sqlite3

PATIENCE_S = 30.0
Work = Callable[[Any], Any]


class Heard:
    """A connection to a database in memory that keeps every statement it hears."""

    def __init__(self) -> None:
        self._real = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._real.execute("CREATE TABLE t (a TEXT)")
        self.statements: list[str] = []
        self.before_commit: Callable[[], None] = lambda: None

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is under way."""
        return bool(self._real.in_transaction)

    def execute(self, sql: str, binds: Any = ()) -> Any:
        """Run a statement."""
        self.statements.append(sql)
        if sql == "COMMIT":
            self.before_commit()
        return self._real.execute(sql, binds)

    @property
    def rows(self) -> list[str]:
        """What is in the table."""
        return [row[0] for row in self._real.execute("SELECT a FROM t ORDER BY rowid")]


class Disk(Exception):
    """What an error of the connection is called in these tests."""


def told(error: Exception) -> Exception:
    """Return what an error is to the house."""
    return Disk(str(error)) if isinstance(error, sqlite3.Error) else error


class Crowd:
    """Threads with a job each: the first is at work until all others wait."""

    def __init__(self, together_s_max: float = PATIENCE_S) -> None:
        self.connection = Heard()
        self.commits = SharedCommits(self.connection, threading.RLock(), told, together_s_max)
        self.answers: dict[str, Any] = {}

    def ask(self, name: str, work: Work) -> None:
        """Have a job done and keep what came of it."""
        try:
            self.answers[name] = self.commits.run(work)
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.answers[name] = error

    @contextmanager
    def first(self, work: Work) -> Iterator[None]:
        """Have the job called ``first`` at work while the block lasts, and then done."""
        within, leave = threading.Event(), threading.Event()

        def slow(connection: Any) -> Any:
            within.set()
            assert leave.wait(PATIENCE_S)
            return work(connection)

        thread = threading.Thread(target=self.ask, args=("first", slow))
        thread.start()
        assert within.wait(PATIENCE_S)
        yield
        leave.set()
        thread.join(PATIENCE_S)

    def wait_for(self, count: int) -> None:
        """Return once so many jobs wait."""
        until = time.monotonic() + PATIENCE_S
        while len(self.commits._waiting) < count:
            assert time.monotonic() < until
            time.sleep(0.001)

    def run(self, first: Work, **others: Work) -> dict[str, Any]:
        """Carry out ``first`` while the others come to wait, in order; return all answers."""
        threads = []
        with self.first(first):
            for name, work in others.items():
                threads.append(threading.Thread(target=self.ask, args=(name, work)))
                threads[-1].start()
                self.wait_for(len(threads))
        for thread in threads:
            thread.join(PATIENCE_S)
        return self.answers


def add(name: str) -> Work:
    """A job that adds a row and returns how many there are."""

    def work(connection: Any) -> int:
        connection.execute("INSERT INTO t VALUES (?)", (name,))
        return len(connection.rows)

    return work


def failing(name: str, error: BaseException) -> Work:
    """A job that adds a row and fails."""

    def work(connection: Any) -> None:
        add(name)(connection)
        raise error

    return work


def test_who_waits_shares_one_commit() -> None:
    """Jobs that wait are carried out in order, each seeing those before it, and commit once."""
    crowd = Crowd()
    answers = crowd.run(add("a"), b=add("b"), c=add("c"))
    assert answers == {"first": 1, "b": 2, "c": 3}
    assert crowd.connection.rows == ["a", "b", "c"]
    assert crowd.connection.statements.count("COMMIT") == 1


def test_alone_is_a_plain_transaction() -> None:
    """A job that nobody waits behind costs no savepoint."""
    crowd = Crowd()
    assert crowd.commits.run(add("a")) == 1
    assert crowd.connection.statements == ["BEGIN IMMEDIATE", "INSERT INTO t VALUES (?)", "COMMIT"]


def test_a_job_that_fails_leaves_nothing() -> None:
    """Its error reaches its own thread, its rows go, and those beside it stay."""
    crowd, refusal = Crowd(), ValueError("refused")
    answers = crowd.run(add("a"), b=failing("b", refusal), c=add("c"))
    assert answers == {"first": 1, "b": refusal, "c": 2}
    assert crowd.connection.rows == ["a", "c"]
    assert crowd.connection.statements.count("COMMIT") == 1


def test_the_first_that_fails_takes_nobody_with_it() -> None:
    """Those who wait while the one at work fails are carried out by the next of them."""
    crowd, refusal = Crowd(), ValueError("refused")
    answers = crowd.run(failing("a", refusal), b=add("b"), c=add("c"))
    assert answers == {"first": refusal, "b": 1, "c": 2}
    assert crowd.connection.rows == ["b", "c"]


def test_nobody_is_answered_before_the_commit() -> None:
    """Neither what was done nor what was refused is told while it may still be undone."""
    crowd, early = Crowd(), list[str]()

    def look() -> None:
        time.sleep(0.05)  # whoever was woken too early has answered by now
        early.extend(crowd.answers)

    crowd.connection.before_commit = look
    answers = crowd.run(add("a"), b=failing("b", ValueError("refused")), c=add("c"))
    assert (len(answers), early) == (3, [])


def test_a_commit_that_fails_fails_for_all() -> None:
    """Nothing of any job stays, and everybody is told what the database said."""
    crowd = Crowd()

    def fail() -> None:
        raise sqlite3.OperationalError("disk I/O error")

    crowd.connection.before_commit = fail
    answers = crowd.run(add("a"), b=add("b"), c=failing("c", ValueError("refused")))
    assert {name: repr(error) for name, error in answers.items()} == dict.fromkeys(
        ("first", "b", "c"), "Disk('disk I/O error')"
    )
    assert crowd.connection.rows == []
    crowd.connection.before_commit = lambda: None
    assert crowd.commits.run(add("d")) == 1


def test_a_transaction_that_is_lost_is_lost_for_all() -> None:
    """When the database gives up the whole transaction, nobody is told that it was done."""
    crowd = Crowd()

    def lose(connection: Any) -> None:
        connection.execute("ROLLBACK")
        raise sqlite3.OperationalError("database or disk is full")

    answers = crowd.run(add("a"), b=lose)
    assert [repr(error) for error in answers.values()] == ["Disk('database or disk is full')"] * 2
    assert crowd.connection.rows == []


def test_an_interrupt_is_for_its_own_thread() -> None:
    """Who carries out others' jobs when interrupted undoes them; theirs may be run again."""
    crowd = Crowd()
    answers = crowd.run(add("a"), b=failing("b", KeyboardInterrupt()), c=add("c"))
    assert isinstance(answers["first"], KeyboardInterrupt)
    assert isinstance(answers["b"], RetryableFault)
    assert answers["c"] == 1
    assert crowd.connection.rows == ["c"]


def test_who_is_interrupted_while_waiting_leaves() -> None:
    """A job whose thread gave up waiting is not done, and holds up nobody."""

    class GaveUp(Exception):
        pass

    def give_up(_number: int, _frame: Any) -> None:
        raise GaveUp

    crowd, here = Crowd(), threading.get_ident()
    before = signal.signal(signal.SIGUSR1, give_up)

    def wait_and_interrupt() -> None:
        crowd.wait_for(1)
        signal.pthread_kill(here, signal.SIGUSR1)

    try:
        with crowd.first(add("a")):
            threading.Thread(target=wait_and_interrupt).start()
            with pytest.raises(GaveUp):
                crowd.commits.run(add("b"))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert crowd.commits.run(add("c")) == 2
    assert crowd.connection.rows == ["a", "c"]


def test_a_slow_job_takes_nobody_along() -> None:
    """Once a transaction has taken its time, who waits gets a transaction of their own."""
    crowd = Crowd(together_s_max=0.0)
    answers = crowd.run(add("a"), b=add("b"), c=add("c"))
    assert answers == {"first": 1, "b": 2, "c": 3}
    assert crowd.connection.statements.count("COMMIT") == 3


def test_no_transaction_within_another() -> None:
    """A job that begins a transaction of its own is told so; it would wait for itself."""
    crowd = Crowd()
    with pytest.raises(RuntimeError, match="within another"):
        crowd.commits.run(lambda _connection: crowd.commits.run(add("a")))
    assert crowd.commits.run(add("b")) == 1
