"""Coordination through the registry's own database: SQLite on one machine, PostgreSQL for many.

Every step is one SQL statement, so no transaction is ever held open, and SQLite needs no more than
the write lock that a single statement takes. The table is made where it is missing; it belongs to
this room alone.

``last_used_us`` is taken from the database's clock and raised above the newest one stored, so that
it grows with every write even where the clock stands still or steps back.
"""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from lockgate.coordination.backend import StatusCounts
from lockgate.coordination.comparing import ComparingBackend, Stored
from lockgate.domain.claims import ModelKey, ModelRecord, ModelStatus, Progress, require_limit
from lockgate.errors import Contended, CoordinatorUnavailable, InvalidInput
from lockgate.write_ahead import sqlite3, write_ahead

__all__ = ["SqlBackend", "engine_for", "entries"]

BUSY_TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 5
POOL_SIZE = 5
# Any number that this program alone uses: PostgreSQL's lock around making the table.
CREATE_LOCK = 0x10C_6A7E

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

entries = sa.Table(
    "model_cache_entries",
    sa.MetaData(),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("revision", sa.Text, nullable=False),
    sa.Column("node", sa.Text, nullable=False),
    sa.Column("status", sa.String(16), nullable=False, index=True),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("last_used_us", sa.BigInteger, nullable=False, index=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("lease_s", sa.Float, nullable=False),
    sa.Column("heartbeat", sa.BigInteger, nullable=False),
    sa.Column("bytes_done", sa.BigInteger),
    sa.Column("bytes_total", sa.BigInteger),
    # A new UUID with every write: a row that was deleted and made again is another one.
    sa.Column("version", sa.String(32), nullable=False),
)


class SqlBackend(ComparingBackend):
    """Records as rows of ``model_cache_entries``."""

    def __init__(self, engine: sa.Engine, *, owns_engine: bool = False) -> None:
        """Use an engine; dispose of it on close only when told that it is ours."""
        if engine.dialect.name not in ("sqlite", "postgresql"):
            raise InvalidInput(
                field="url", detail=f"no coordination on {engine.dialect.name}: sqlite, postgresql"
            )
        self._engine = engine
        self._owns_engine = owns_engine
        self._is_postgres = engine.dialect.name == "postgresql"

    @classmethod
    def open(cls, url: str) -> SqlBackend:
        return cls(engine_for(url), owns_engine=True)

    def connect(self) -> None:
        with self._connection() as connection:
            if sa.inspect(connection).has_table(entries.name):
                return
            if not self._is_postgres:
                for statement in _create_if_missing(self._engine):
                    connection.exec_driver_sql(statement)
        if self._is_postgres:
            # CREATE TABLE IF NOT EXISTS is not safe against itself there: hence one transaction,
            # and a lock that ends with it.
            with self._connection(isolation_level="READ COMMITTED") as connection:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(CREATE_LOCK))).all()
                entries.metadata.create_all(connection)

    def close(self) -> None:
        if self._owns_engine:
            self._engine.dispose()

    def now(self) -> datetime:
        if not self._is_postgres:
            return datetime.now(UTC)  # the file is on this machine, and so is its clock
        return _moment(self._rows(sa.select(self._clock_us().label("us")))[0].us)

    def get_models_by_last_used(self, limit: int | None = None) -> list[ModelRecord]:
        require_limit(limit)
        query = sa.select(entries).order_by(entries.c.last_used_us, entries.c.id)
        if limit is None:
            return [record for record in map(_record_of, self._rows(query)) if record is not None]
        records: list[ModelRecord] = []
        # Unreadable rows do not count, so a page may have to be followed by another.
        offset = 0
        while len(records) < limit:
            rows = self._rows(query.limit(limit).offset(offset))
            records += [record for record in map(_record_of, rows) if record is not None]
            offset += limit
            if len(rows) < limit:
                break
        return records[:limit]

    def get_status_counts(self) -> StatusCounts:
        number = sa.func.count().label("number")
        query = sa.select(entries.c.status, number).group_by(entries.c.status)
        found = {row.status: row.number for row in self._rows(query)}
        return {status: found.get(status.value, 0) for status in ModelStatus}

    # --- steps -------------------------------------------------------------------------------

    def _load(self, key: ModelKey) -> Stored | None:
        rows = self._rows(sa.select(entries).where(entries.c.id == key.id))
        return Stored(_record_of(rows[0]), rows[0].version) if rows else None

    def _create(self, record: ModelRecord) -> bool:
        values = _values_of(record) | {
            "id": record.key.id,
            "created_us": self._clock_us(),
            "last_used_us": self._next_use_us(),
        }
        names = list(values)
        source = sa.select(*(sa.cast(_bound(values[name]), entries.c[name].type) for name in names))
        if self._is_postgres:
            from sqlalchemy.dialects.postgresql import insert
        else:
            from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]

            source = source.where(sa.true())  # SQLite's grammar needs it before ON CONFLICT
        statement = insert(entries).from_select(names, source).on_conflict_do_nothing()
        return self._write_one(statement)

    def _replace(self, record: ModelRecord, version: object) -> bool:
        return self._write_one(
            sa.update(entries)
            .where(entries.c.id == record.key.id, entries.c.version == version)
            .values(_values_of(record) | {"last_used_us": self._next_use_us()})
        )

    def _remove(self, key: ModelKey, version: object) -> bool:
        return self._write_one(
            sa.delete(entries).where(entries.c.id == key.id, entries.c.version == version)
        )

    # --- statements --------------------------------------------------------------------------

    def _clock_us(self) -> sa.ColumnElement[int]:
        if self._is_postgres:
            seconds = sa.extract("epoch", sa.func.clock_timestamp())
            return sa.cast(seconds * 1_000_000, sa.BigInteger)
        return sa.literal(_microseconds(datetime.now(UTC)), sa.BigInteger)

    def _next_use_us(self) -> sa.ColumnElement[int]:
        newest = sa.select(sa.func.coalesce(sa.func.max(entries.c.last_used_us), 0) + 1)
        larger = sa.func.greatest if self._is_postgres else sa.func.max
        return larger(self._clock_us(), newest.scalar_subquery())

    def _rows(self, query: sa.Select[Any]) -> list[sa.Row[Any]]:
        return self._run(query, lambda result: list(result))

    def _write_one(self, statement: sa.Insert | sa.Update | sa.Delete) -> bool:
        return self._run(statement, lambda result: result.rowcount == 1)

    def _run(self, statement: sa.Executable, read: Callable[[sa.CursorResult[Any]], T]) -> T:
        """Run one statement; once more where the connection had broken while it lay idle.

        A write that was in fact made is then refused as no longer current, and the plan finds its
        own result in the store.
        """
        for is_last in (False, True):
            try:
                with self._connection() as connection:
                    return read(connection.execute(statement))
            except CoordinatorUnavailable as error:
                cause = error.__cause__
                if is_last or not isinstance(cause, DBAPIError) or not cause.connection_invalidated:
                    raise
        raise AssertionError("the loop returns or raises")

    @contextmanager
    def _connection(self, **options: str) -> Iterator[sa.Connection]:
        try:
            with self._engine.execution_options(**options).begin() as connection:
                # SQLAlchemy forgets how many rows an INSERT made unless it is asked to keep it.
                yield connection.execution_options(preserve_rowcount=True)
        except OperationalError as error:
            if _is_busy(error):
                raise Contended(
                    detail=f"The database was locked for {BUSY_TIMEOUT_S:g} s."
                ) from error
            raise _unavailable(error) from error
        except (DBAPIError, sa.exc.TimeoutError) as error:
            raise _unavailable(error) from error


def engine_for(url: str) -> sa.Engine:
    """Return an engine that commits every statement by itself. Nothing connects yet."""
    address = sa.make_url(url)
    if address.get_backend_name() == "postgresql":
        return sa.create_engine(
            address.set(drivername="postgresql+psycopg"),
            isolation_level="AUTOCOMMIT",
            pool_size=POOL_SIZE,
            connect_args={"connect_timeout": CONNECT_TIMEOUT_S},
        )
    engine = sa.create_engine(
        address.set(drivername="sqlite+pysqlite"),
        module=sqlite3,
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
    )

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        write_ahead(connection, BUSY_TIMEOUT_S)

    return engine


def _create_if_missing(engine: sa.Engine) -> list[str]:
    table: sa.schema.ExecutableDDLElement = sa.schema.CreateTable(entries, if_not_exists=True)
    indexes = [sa.schema.CreateIndex(index, if_not_exists=True) for index in entries.indexes]
    return [str(ddl.compile(engine)) for ddl in [table, *indexes]]


def _bound(value: object) -> sa.ColumnElement[Any]:
    return value if isinstance(value, sa.ColumnElement) else sa.literal(value)


def _values_of(record: ModelRecord) -> dict[str, Any]:
    """Return the columns that every write sets; the clock's two are the store's own."""
    key, progress = record.key, record.progress
    return {
        "provider": key.provider,
        "model": key.model,
        "revision": key.revision,
        "node": key.node,
        "status": record.status.value,
        "message": record.message,
        "holder": record.holder,
        "fence": record.fence,
        "lease_s": record.lease_s,
        "heartbeat": record.heartbeat,
        "bytes_done": progress.bytes_done if progress else None,
        "bytes_total": progress.bytes_total if progress else None,
        "version": uuid.uuid4().hex,
    }


def _record_of(row: sa.Row[Any]) -> ModelRecord | None:
    try:
        return ModelRecord(
            key=ModelKey(row.provider, row.model, row.revision, row.node),
            status=ModelStatus(row.status),
            created_at=_moment(row.created_us),
            last_used_at=_moment(row.last_used_us),
            message=row.message,
            holder=row.holder,
            fence=int(row.fence),
            lease_s=float(row.lease_s),
            heartbeat=int(row.heartbeat),
            progress=None
            if row.bytes_done is None
            else Progress(int(row.bytes_done), row.bytes_total),
        )
    except (InvalidInput, ValueError, TypeError, OverflowError) as error:
        warnings.warn(f"Skipped the unreadable cache record {row.id}: {error}", stacklevel=2)
        return None


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _is_busy(error: OperationalError) -> bool:
    return "database is locked" in str(error.orig) or "database is busy" in str(error.orig)


def _unavailable(error: Exception) -> CoordinatorUnavailable:
    cause = getattr(error, "orig", None) or error
    return CoordinatorUnavailable(detail=" ".join(str(cause).split()))
