"""The database: connections, and the only transaction in the house.

    database.read(use_case)     one snapshot, nothing changes
    database.write(use_case)    one transaction, committed when the use case returns

A use case is a function of a `Session`. It may be run again when the database asks for it (a
deadlock, a lost race for a unique name), so it keeps no state outside the session. Audit events
that it records are appended to the log last, under the lock of the log's head.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar

from lockgate.domain.audit import Origin
from lockgate.domain.grants import Grant
from lockgate.domain.moments import from_micros, to_micros
from lockgate.errors import Contended, InvalidInput, RegistryError
from lockgate.storage.bell import Bell
from lockgate.storage.statements import Statement

T = TypeVar("T")
Clock = Callable[[], datetime]
ATTEMPTS_MAX = 8
RETRY_PAUSE_S = 0.01


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


class RetryableFault(Exception):
    """The database refused this attempt; the same use case may succeed when run again."""


class Driver(Protocol):
    """How one kind of database is connected to; see `sqlite` and `postgres`.

    The context managers yield an open DB-API connection, and ``transact`` hands its work one
    within a transaction, or a cursor of one. All turn the driver's errors into `RetryableFault`,
    `Contended` or `DatabaseUnavailable`.
    """

    dialect: str
    url: str

    def reading(self) -> Any: ...
    def writing(self) -> Any: ...
    def transact(self, work: Callable[[Any], T]) -> T: ...
    def snapshot(self) -> Any: ...
    def close(self) -> None: ...


class Session:
    """One connection within one transaction (or one read), speaking `Statement`s."""

    __slots__ = (
        "_asked",
        "_connection",
        "_drafts",
        "_refusal",
        "clock",
        "dialect",
        "now_us",
        "origin",
        "viewer",
    )

    def __init__(
        self, connection: Any, dialect: str, clock: Clock, viewer: Grant | None = None
    ) -> None:
        """Speak for ``viewer``; None is whoever may open the database."""
        self._connection = connection
        self.viewer = viewer
        self.origin: Origin | None = None
        self._asked: set[tuple[str, int]] | None = None
        self.dialect = dialect
        self.clock = clock
        self.now_us = 0
        self._drafts: list[Any] = []
        self._refusal: RegistryError | None = None

    @property
    def now(self) -> datetime:
        """The moment of this transaction: one and the same for all it changes."""
        return from_micros(self.now_us or self.settle_time(0))

    def settle_time(self, after_us: int) -> int:
        """Fix the moment of this transaction, later than ``after_us`` whatever the clock says."""
        self.now_us = max(self.now_us, to_micros(self.clock()), after_us + 1)
        return self.now_us

    def one(self, statement: Statement, **binds: Any) -> Any:
        """Return the first row, a tuple, or None."""
        return self._execute(statement, binds).fetchone()

    def all(self, statement: Statement, **binds: Any) -> list[Any]:
        """Return every row."""
        rows: list[Any] = self._execute(statement, binds).fetchall()
        return rows

    def value(self, statement: Statement, **binds: Any) -> Any:
        """Return the first column of the first row, or None."""
        row = self._execute(statement, binds).fetchone()
        return None if row is None else row[0]

    def run(self, statement: Statement, **binds: Any) -> int:
        """Run a change; return how many rows it touched."""
        return int(self._execute(statement, binds).rowcount)

    def many(self, statement: Statement, rows: list[dict[str, Any]]) -> None:
        """Run a change once for each of ``rows``."""
        if len(rows) == 1:  # psycopg makes a pipeline for any number of them
            self._execute(statement, rows[0])
        elif rows:
            sql, names, built_in = statement.text(self.dialect)
            bound = ({**built_in, **row} for row in rows)
            values = [[each[name] for name in names] for each in bound]
            self._connection.executemany(sql, values)

    # --- who may see and do what -------------------------------------------------------------

    def sees(self, project: str) -> bool:
        """Say whether a project is there at all, for whom this session speaks for."""
        return self.viewer is None or self.viewer.sees(project)

    @property
    def visible_keys(self) -> tuple[int, ...] | None:
        """The keys of the projects that are there, for whom this speaks for; None for all."""
        return None if self.viewer is None else self.viewer.visible_keys

    @contextmanager
    def unrestricted(self) -> Iterator[None]:
        """Speak for nobody while the block lasts: what a rule looks at, whoever asks."""
        viewer, self.viewer = self.viewer, None
        try:
            yield
        finally:
            self.viewer = viewer

    def note_asked(self, permission: str, project_id: int) -> None:
        """Note that a permission was asked for and given; 0 is the whole installation."""
        if self._asked is None:
            self._asked = set()
        self._asked.add((permission, project_id))

    def require_asked(self, permissions: Iterable[str], project_id: int, what: str) -> None:
        """Fail unless one of ``permissions`` was asked for in this transaction: a bug if not."""
        asked = self._asked or ()
        for permission in permissions:
            if (permission, project_id) in asked or (permission, 0) in asked:
                return
        raise RuntimeError(f"no permission was asked for the action {what!r}: see storage.guard")

    def _execute(self, statement: Statement, binds: dict[str, Any]) -> Any:
        sql, names, built_in = statement.text(self.dialect)
        viewer = self.viewer
        if viewer is not None and "project" in binds and not viewer.sees(binds["project"]):
            # A project that is not for this viewer's eyes is none: no project has an empty name.
            binds = {**binds, "project": ""}
        if built_in:
            binds = {**built_in, **binds}
        try:
            return self._connection.execute(sql, [binds[name] for name in names])
        except (UnicodeEncodeError, OverflowError) as error:
            # What nothing above refused: half a surrogate pair, a number beyond 64 bits.
            raise InvalidInput(detail=f"The database knows no such value: {error}") from error

    def draft(self, event: Any) -> None:
        """Keep an audit event to be appended when the transaction commits."""
        self._drafts.append(event)

    def refuse(self, error: RegistryError) -> RegistryError:
        """Return ``error``; raising it commits what was recorded so far, then reaches the caller.

        Used where a refusal is itself an event of the log.
        """
        self._refusal = error
        return error


class _Outcome(Generic[T]):
    """What came of a use case: its result, or a refusal that is on record itself."""

    __slots__ = ("recorded", "refusal", "result")

    result: T

    def __init__(self) -> None:
        self.refusal: RegistryError | None = None
        self.recorded = False

    def told(self) -> T:
        """Return the result, or raise the refusal."""
        if self.refusal is not None:
            raise self.refusal
        return self.result


class Database:
    """A store of models, versions and their history, in SQLite or PostgreSQL."""

    def __init__(self, driver: Driver, clock: Clock = utc_now) -> None:
        self.driver = driver
        self.clock = clock
        self.append_events: Callable[[Session, list[Any]], None] | None = None
        self.bell = Bell()

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.driver.dialect

    def read(self, use_case: Callable[[Session], T], viewer: Grant | None = None) -> T:
        """Run a use case that asks one question; nothing may change."""
        with self.driver.reading() as connection:
            return use_case(Session(connection, self.driver.dialect, self.clock, viewer))

    def snapshot(
        self,
        use_case: Callable[[Session], T],
        viewer: Grant | None = None,
        origin: Origin | None = None,
    ) -> T:
        """Run a use case that asks several questions of one and the same state."""
        with self.driver.snapshot() as connection:
            session = Session(connection, self.driver.dialect, self.clock, viewer)
            session.origin = origin
            return use_case(session)

    def write(
        self,
        use_case: Callable[[Session], T],
        viewer: Grant | None = None,
        origin: Origin | None = None,
    ) -> T:
        """Run a use case in one transaction; return its result once it is durable.

        Raises what the use case raises, with nothing changed; `Contended` when other writers
        kept winning; `DatabaseUnavailable` when the database is gone.
        """

        def transaction(connection: Any) -> _Outcome[T]:
            session = Session(connection, self.driver.dialect, self.clock, viewer)
            session.origin = origin
            return self._carry_out(use_case, session)

        for attempt in range(ATTEMPTS_MAX):
            try:
                outcome = self.driver.transact(transaction)
            except RetryableFault as fault:
                last = fault
                time.sleep(RETRY_PAUSE_S * attempt)
                continue
            if outcome.recorded:
                self.bell.ring()
            return outcome.told()
        raise Contended(
            detail=f"Other writers kept the database busy for {ATTEMPTS_MAX} attempts: {last}"
        ) from last

    def _carry_out(self, use_case: Callable[[Session], T], session: Session) -> _Outcome[T]:
        """Run a use case and append its events, all within a transaction that is under way."""
        outcome: _Outcome[T] = _Outcome()
        try:
            outcome.result = use_case(session)
        except RegistryError as error:
            if error is not session._refusal:
                raise
            outcome.refusal = error
        if session._drafts:
            outcome.recorded = True
            if self.append_events is not None:
                self.append_events(session, session._drafts)
        return outcome

    def close(self) -> None:
        """Close every connection."""
        self.driver.close()
