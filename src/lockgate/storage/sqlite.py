"""SQLite: one writing connection a process, one reading connection a thread.

Writes begin with BEGIN IMMEDIATE, so that a transaction never finds out halfway that another was
first. ``synchronous=FULL``: what was answered survives a power cut. Versions of SQLite before
3.51.3 can corrupt a WAL that several connections write; a newer one comes with `pysqlite3`.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from lockgate.errors import Contended, DatabaseUnavailable
from lockgate.storage.database import RetryableFault
from lockgate.storage.group_commits import GroupCommits
from lockgate.write_ahead import is_busy, sqlite3, write_ahead

__all__ = ["SqliteDriver", "sqlite3"]

SAFE_WAL_VERSION = (3, 51, 3)
T = TypeVar("T")
CACHE_KIB = 16_384
# Pages that many transactions touch are copied back once for all of them.
CHECKPOINT_PAGES = 4_000


class SqliteDriver:
    """Connections to one SQLite file, or to one database in memory."""

    dialect = "sqlite"

    def __init__(self, path: str | None, busy_s: float = 30.0) -> None:
        """Open the file at ``path``, created if missing; None is a database in memory.

        A writer waits up to ``busy_s`` seconds for others, then raises `Contended`.
        """
        self.path = path
        self.url = "memory://" if path is None else f"sqlite:///{path}"
        self._busy_s = busy_s
        self._turn = threading.RLock()
        self._counting = threading.Lock()
        self._local = threading.local()
        self._opened: list[_Reader] = []
        self._pid = os.getpid()
        if path is not None and sqlite3.sqlite_version_info < SAFE_WAL_VERSION:
            warnings.warn(
                f"SQLite {sqlite3.sqlite_version} may corrupt a database that several processes "
                "write; run one Lockgate process only, or install SQLite 3.51.3 or newer",
                RuntimeWarning,
                stacklevel=2,
            )
        with self._translated():
            self._open_writer()

    def _open_writer(self) -> None:
        self._writer = self._connect()
        self._commits = GroupCommits(self._writer, self._turn, self._translation)

    def _connect(self) -> Any:
        connection = sqlite3.connect(
            ":memory:" if self.path is None else self.path,
            isolation_level=None,
            check_same_thread=False,
            timeout=self._busy_s,
            cached_statements=512,
        )
        connection.execute("PRAGMA foreign_keys = ON")
        if self.path is not None:
            write_ahead(connection, self._busy_s)
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        return connection

    def _reader(self) -> _Reader:
        """This thread's connection; a forked child never uses its parent's."""
        if self._pid != os.getpid():
            self._after_fork()
        reader: _Reader | None = getattr(self._local, "reader", None)
        if reader is None:
            self._close_orphans()
            reader = self._local.reader = _Reader(self._connect())
            reader.connection.execute("PRAGMA query_only = ON")
            with self._counting:
                self._opened.append(reader)
        return reader

    def _close_orphans(self) -> None:
        """Close the reading connections of threads that have ended."""
        with self._counting:
            for orphan in [each for each in self._opened if not each.thread.is_alive()]:
                self._opened.remove(orphan)
                orphan.connection.close()

    def _after_fork(self) -> None:
        # The parent's connections are left alone: closing them here would drop its locks.
        self._pid = os.getpid()
        self._turn = threading.RLock()
        self._counting = threading.Lock()
        self._local = threading.local()
        self._inherited = self._opened, self._writer
        self._opened = []
        self._open_writer()

    def reading(self) -> _Reading:
        """Yield a connection for one statement."""
        return _Reading(self)

    @contextmanager
    def snapshot(self) -> Iterator[Any]:
        """Yield a connection that sees one state for several statements."""
        with self.reading() as connection:
            if connection.in_transaction:  # a snapshot within a snapshot
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """Yield the writing connection within BEGIN IMMEDIATE; commit unless the body raises."""
        if self._pid != os.getpid():
            self._after_fork()
        with self._turn, self._translated():
            connection = self._writer
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def transact(self, work: Callable[[Any], T]) -> T:
        """Return what ``work`` returns of the writing connection, once that is durable.

        Those who come while another transaction is under way share the next one's commit; see
        `group_commits`.
        """
        if self._pid != os.getpid():
            self._after_fork()
        return self._commits.run(work)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._translation(error) from error

    def _translation(self, error: Exception) -> Exception:
        """Return what an error is to the rest of the house: the driver's own are told in ours."""
        if not isinstance(error, sqlite3.Error):
            return error
        told = self._told(error)
        told.__cause__ = error
        return told

    def _told(self, error: Any) -> Exception:
        if isinstance(error, sqlite3.IntegrityError):
            return RetryableFault(str(error))
        if isinstance(error, sqlite3.OperationalError) and is_busy(error):
            return Contended(
                detail=f"Other writers kept the database busy for {self._busy_s:g} s; try again"
            )
        folder = os.path.dirname(os.path.abspath(self.path or ""))
        why = str(error) if os.path.isdir(folder) else f"there is no folder {folder}"
        return DatabaseUnavailable(detail=f"{why} ({self.url})", url=self.url)

    def close(self) -> None:
        """Close every connection of this process, each once nobody is using it.

        SQLite does not survive a connection that is closed under a running statement.
        """
        if self._pid != os.getpid():
            return
        with self._turn:
            self._writer.close()
        with self._counting:
            opened, self._opened = self._opened, []
            self._local = threading.local()
        for reader in opened:
            with reader.turn:
                reader.connection.close()


class _Reader:
    """One thread's reading connection; whoever holds ``turn`` may use or close it."""

    __slots__ = ("connection", "thread", "turn")

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.thread = threading.current_thread()
        self.turn = threading.RLock()


class _Reading:
    """The context of one read. A class: a generator's costs a third of the read itself."""

    __slots__ = ("_driver", "_turn")

    def __init__(self, driver: SqliteDriver) -> None:
        self._driver = driver

    def __enter__(self) -> Any:
        driver = self._driver
        if driver.path is None:
            self._turn = driver._turn
            self._turn.acquire()
            return driver._writer
        try:
            reader = driver._reader()
        except sqlite3.Error as error:
            raise driver._translation(error) from error
        self._turn = reader.turn
        self._turn.acquire()
        return reader.connection

    def __exit__(self, _kind: object, error: object, _traceback: object) -> None:
        driver = self._driver
        self._turn.release()
        if isinstance(error, sqlite3.Error):
            raise driver._translation(error) from error
