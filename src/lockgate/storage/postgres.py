"""PostgreSQL by psycopg 3: a pool of connections, READ COMMITTED, row locks in one order.

Lock order everywhere: the model's row, then what belongs to it, the log's head last.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg import errors as pg
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import QueuePool

from lockgate.errors import Contended, DatabaseUnavailable, InvalidInput
from lockgate.storage.database import RetryableFault
from lockgate.storage.urls import conninfo_of, redacted

T = TypeVar("T")
POOL_SIZE = 10
POOL_OVERFLOW = 20
CONNECT_TIMEOUT_S = 5
LOCK_TIMEOUT_S = 30


class PostgresDriver:
    """Connections to one PostgreSQL database."""

    dialect = "postgresql"

    def __init__(self, url: str) -> None:
        """Connect eagerly; raise `DatabaseUnavailable` when the server does not answer."""
        self.conninfo = conninfo_of(url) or url
        self.url = redacted(self.conninfo)
        self._pid = os.getpid()
        self._pool = self._new_pool()
        with self.reading():
            pass

    def _new_pool(self) -> QueuePool:
        return QueuePool(
            self._connect,
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            timeout=LOCK_TIMEOUT_S,
            reset_on_return=None,
        )

    def _connect(self) -> Any:
        return psycopg.connect(
            self.conninfo,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_S,
            options=f"-c lock_timeout={LOCK_TIMEOUT_S}s -c timezone=UTC",
            application_name="lockgate",
        )

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """Yield a connection for one statement."""
        with self._checkout() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Any]:
        """Yield a connection that sees one state for several statements."""
        with self._checkout() as connection:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                yield connection
            finally:
                if not connection.closed:
                    connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """Yield a connection within a transaction; commit unless the body raises."""
        with self._checkout() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if not connection.closed:
                    connection.execute("ROLLBACK")
                raise

    def transact(self, work: Callable[[Any], T]) -> T:
        """Return what ``work`` returns of a cursor within a transaction, once it is durable.

        One cursor for all of it: a new one would have to learn again how values are written.
        """
        with self.writing() as connection:
            return work(connection.cursor())

    @contextmanager
    def _checkout(self) -> Iterator[Any]:
        """Yield a live connection, and turn the driver's errors into ours."""
        pooled: Any = None
        try:
            pooled = self._live()
            yield pooled.dbapi_connection
        except (pg.SerializationFailure, pg.DeadlockDetected, pg.UniqueViolation) as error:
            raise RetryableFault(str(error)) from error
        except (pg.LockNotAvailable, PoolTimeoutError) as error:
            raise Contended(
                detail=f"Others kept the database busy for {LOCK_TIMEOUT_S} s; try again"
            ) from error
        except psycopg.DataError as error:
            # What nothing above refused: text with NUL in it, a number beyond its column.
            raise InvalidInput(detail=f"The database knows no such value: {error}") from error
        except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError) as error:
            detail = str(error).strip().splitlines()[0] if str(error) else type(error).__name__
            raise DatabaseUnavailable(detail=f"{detail} ({self.url})", url=self.url) from error
        finally:
            if pooled is not None:
                if pooled.dbapi_connection.closed:
                    pooled.invalidate()
                pooled.close()

    def _live(self) -> Any:
        """A pooled connection that the server has not hung up on."""
        if self._pid != os.getpid():
            # A forked child leaves its parent's connections alone: both would talk at once.
            self._pid = os.getpid()
            self._inherited = self._pool
            self._pool = self._new_pool()
        pooled = self._pool.connect()
        # After a restart of the server every idle connection may be dead, but no new one is.
        for _ in range(POOL_SIZE + POOL_OVERFLOW):
            connection: Any = pooled.dbapi_connection
            if not connection.closed and not _hung_up(connection):
                break
            pooled.invalidate()
            pooled = self._pool.connect()
        return pooled

    def close(self) -> None:
        """Close every connection of the pool."""
        self._pool.dispose()


def _hung_up(connection: Any) -> bool:
    """Say whether the server closed its end: an idle socket has something to read."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
