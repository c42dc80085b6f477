"""PostgreSQL by psycopg 3: a pool of connections, READ COMMITTED, row locks in one order.

Lock order everywhere: the model's row, then what belongs to it, the log's head last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors as pg
from sqlalchemy.pool import QueuePool

from lockgate.errors import DatabaseUnavailable
from lockgate.storage.database import RetryableFault

POOL_SIZE = 10
POOL_OVERFLOW = 20
CONNECT_TIMEOUT_S = 5
LOCK_TIMEOUT_S = 30


def redacted(url: str) -> str:
    """Return the URL without its password."""
    shown = re.sub(r"(?<=://)([^:/@]*):[^/]*@", r"\1:***@", url)
    return re.sub(r"(?<=[?&]password=)[^&]*", "***", shown)


class PostgresDriver:
    """Connections to one PostgreSQL database."""

    dialect = "postgresql"

    def __init__(self, url: str) -> None:
        """Connect eagerly; raise `DatabaseUnavailable` when the server does not answer."""
        self.conninfo = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", url)
        self.url = redacted(self.conninfo)
        self._pool = QueuePool(
            self._connect,
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            timeout=LOCK_TIMEOUT_S,
            reset_on_return=None,
        )
        with self.reading():
            pass

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

    @contextmanager
    def _checkout(self) -> Iterator[Any]:
        """Yield a live connection, and turn the driver's errors into ours."""
        pooled: Any = None
        try:
            pooled = self._live()
            yield pooled.dbapi_connection
        except (pg.SerializationFailure, pg.DeadlockDetected, pg.UniqueViolation) as error:
            raise RetryableFault(str(error)) from error
        except pg.LockNotAvailable as error:
            raise RetryableFault(str(error)) from error
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
        pooled = self._pool.connect()
        connection: Any = pooled.dbapi_connection
        if connection.closed or _hung_up(connection):
            pooled.invalidate()
            pooled = self._pool.connect()
        return pooled

    def close(self) -> None:
        """Close every connection of the pool."""
        self._pool.dispose()


def _hung_up(connection: Any) -> bool:
    """Say whether the server closed its end: an idle socket has something to read."""
    import select

    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
