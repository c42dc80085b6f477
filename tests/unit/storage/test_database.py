"""The database: moments that only grow, attempts that end, refusals that stay on record."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lockgate.domain.moments import to_micros
from lockgate.errors import Contended, PolicyViolated
from lockgate.storage.database import ATTEMPTS_MAX, Database, RetryableFault, Session
from lockgate.storage.sqlite import SqliteDriver

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def database() -> Any:
    """A database in memory, with a table, at noon."""
    opened = Database(SqliteDriver(None), lambda: NOON)
    opened.write(lambda session: session._connection.execute("CREATE TABLE t (a INTEGER UNIQUE)"))
    yield opened
    opened.close()


def count(database: Database) -> int:
    """How many rows there are."""
    found: int = database.read(
        lambda session: session._connection.execute("SELECT count(*) FROM t").fetchone()[0]
    )
    return found


def test_moments_only_grow() -> None:
    """A transaction's moment is the clock's, but later than what is on record already."""
    session = Session(None, "sqlite", lambda: NOON)
    assert session.now == NOON
    later = to_micros(NOON) + 500
    assert session.settle_time(later) == later + 1
    assert session.settle_time(0) == later + 1
    assert to_micros(session.now) == later + 1


def test_attempts_end(database: Database) -> None:
    """A use case that the database keeps refusing is given up as contended."""
    attempts: list[int] = []

    def use_case(session: Session) -> None:
        attempts.append(1)
        raise RetryableFault("always")

    with pytest.raises(Contended, match="always"):
        database.write(use_case)
    assert len(attempts) == ATTEMPTS_MAX


def test_a_lost_race_is_run_again(database: Database) -> None:
    """A name that another took first makes the use case look again."""
    database.write(lambda session: session._connection.execute("INSERT INTO t VALUES (1)"))
    tried: list[int] = []

    def use_case(session: Session) -> int:
        value = len(tried) + 1
        tried.append(value)
        session._connection.execute("INSERT INTO t VALUES (?)", (value,))
        return value

    assert database.write(use_case) == 2
    assert (count(database), tried) == (2, [1, 2])


def test_a_refusal_is_kept(database: Database) -> None:
    """What was written before a refusal on record stays, and the error reaches the caller."""
    kept: list[Any] = []
    database.append_events = lambda _session, drafts: kept.extend(drafts)

    def use_case(session: Session) -> None:
        session._connection.execute("INSERT INTO t VALUES (1)")
        session.draft("refused")
        raise session.refuse(PolicyViolated(detail="no"))

    with pytest.raises(PolicyViolated):
        database.write(use_case)
    assert (count(database), kept) == (1, ["refused"])


def test_other_errors_change_nothing(database: Database) -> None:
    """An error that is not such a refusal takes everything with it."""

    def use_case(session: Session) -> None:
        session._connection.execute("INSERT INTO t VALUES (1)")
        raise PolicyViolated(detail="no")

    with pytest.raises(PolicyViolated):
        database.write(use_case)
    assert count(database) == 0


def test_readers_cannot_write(tmp_path: Path) -> None:
    """A connection for reading refuses to change anything."""
    driver = SqliteDriver(str(tmp_path / "a.db"))
    database = Database(driver)
    with pytest.raises(Exception, match="readonly"):
        database.read(lambda session: session._connection.execute("CREATE TABLE t (a INTEGER)"))
    driver.close()


def test_each_thread_reads_by_itself(tmp_path: Path) -> None:
    """Threads read by connections of their own."""
    driver = SqliteDriver(str(tmp_path / "a.db"))
    seen: list[Any] = []

    def look() -> None:
        with driver.reading() as connection:
            seen.append(connection)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    look()
    look()
    assert len(seen) == 4
    assert seen[2] is seen[3]
    assert len({id(connection) for connection in seen}) == 3
    driver.close()


def test_a_snapshot_sees_one_state(tmp_path: Path) -> None:
    """Within a snapshot a writer's commit is not seen; after it, it is."""
    driver = SqliteDriver(str(tmp_path / "a.db"))
    with driver.writing() as writer:
        writer.execute("CREATE TABLE t (a INTEGER)")
    ask = "SELECT count(*) FROM t"
    with driver.snapshot() as reader:
        assert reader.execute(ask).fetchone() == (0,)
        with driver.writing() as writer:
            writer.execute("INSERT INTO t VALUES (1)")
        assert reader.execute(ask).fetchone() == (0,)
    with driver.reading() as reader:
        assert reader.execute(ask).fetchone() == (1,)
    driver.close()


@pytest.mark.parametrize("file", [None, "a.sqlite"], ids=["memory", "file"])
@pytest.mark.parametrize("use", ["reading", "snapshot", "writing"])
def test_close_waits_for_who_is_using_it(tmp_path: Path, file: str | None, use: str) -> None:
    """A connection is closed once nobody uses it: SQLite does not survive anything else."""
    driver = SqliteDriver(file and str(tmp_path / file))
    within, leave = threading.Event(), threading.Event()
    found: list[Any] = []

    def ask() -> None:
        with getattr(driver, use)() as connection:
            within.set()
            leave.wait(30)
            found.extend(connection.execute("SELECT 7").fetchone())

    asking, closing = threading.Thread(target=ask), threading.Thread(target=driver.close)
    asking.start()
    assert within.wait(30)
    closing.start()
    closing.join(0.05)
    still_open = closing.is_alive()
    leave.set()
    asking.join(30)
    closing.join(30)
    assert (still_open, found) == (True, [7])
