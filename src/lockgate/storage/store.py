"""The store: one database, what was decoded from it, and the limits of what goes in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from lockgate.domain.access import Actor
from lockgate.domain.audit import Origin
from lockgate.domain.grants import Grant
from lockgate.domain.names import LIMITS, Limits
from lockgate.domain.permissions import CREATE_PROJECT
from lockgate.domain.projects import Project
from lockgate.domain.references import DEFAULT_PROJECT
from lockgate.domain.run_links import RunPages
from lockgate.errors import Unauthenticated
from lockgate.storage import idempotency
from lockgate.storage.accounts import read_state
from lockgate.storage.database import Clock, Database, Driver, Session, utc_now
from lockgate.storage.grants import Grants
from lockgate.storage.guard import INSTALLATION_KEY
from lockgate.storage.idempotency import Once
from lockgate.storage.lifecycles import (
    LifecycleCache,
    insert_lifecycle,
    lock_lifecycles,
    missing_presets,
)
from lockgate.storage.log import append_events, record
from lockgate.storage.preconditions import Unchanged
from lockgate.storage.projects import find_project, insert_project, project_id
from lockgate.storage.schema import ensure_schema
from lockgate.storage.versions import VersionCache
from lockgate.storage.watching import WatchedLogs

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks, what they may, from where; whether a write is to happen once only, and only while
    a thing is unchanged.

    ``grant`` is None for whoever may open the database itself, and before access control is on.
    ``unproved`` is whoever came over a network before it was: not trusted with a change after.
    """

    actor: Actor
    once: Once | None = None
    only_if: Unchanged | None = None
    grant: Grant | None = None
    address: str | None = None
    unproved: bool = False

    @property
    def name(self) -> str:
        """What the record says."""
        return self.actor.name

    @property
    def origin(self) -> Origin:
        """What goes on record of who acts."""
        token = None if self.grant is None else self.grant.token or None
        return Origin(self.name, token, self.address)


class Store:
    """What services work on. Thread-safe; one for each database and process."""

    def __init__(self, driver: Driver, *, clock: Clock = utc_now, limits: Limits = LIMITS) -> None:
        """Open the store behind ``driver``, making the schema in an empty database."""
        ensure_schema(driver)
        self.database = Database(driver, clock)
        self.database.append_events = append_events
        self.versions = VersionCache()
        self.lifecycles = LifecycleCache()
        self.watched = WatchedLogs()
        self.limits = limits
        self.grants = Grants(self.database)
        # Whose eyes this store is for; None for whoever may open the database.
        self.viewer: Grant | None = None
        # Where the files lie: known to the services alone, and None where no files are kept.
        self.depot: object | None = None
        # How webhooks are reached: known to the services alone, and None where none are.
        self.post: object | None = None
        # How metrics are read from elsewhere: known to the services alone, and None where none are.
        self.prometheus: object | None = None
        # Whose identity tokens are taken: known to the services alone, and None for nobody's.
        self.issuers: object | None = None
        # What is known of the use of versions beyond the database: known to the services alone.
        self.usage: object | None = None
        self.run_pages = RunPages()
        if not self.database.snapshot(_is_furnished):
            self.database.write(_furnish)

    def seen_by(self, viewer: Grant | None) -> Self:
        """Return this store as somebody sees it: what they may not see is not there.

        The database and everything that was decoded from it are shared.
        """
        if viewer is self.viewer:
            return self
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.viewer = viewer
        return other

    def read(self, use_case: Callable[[Session], T]) -> T:
        """Run a use case that asks one question."""
        return self.database.read(use_case, self.viewer)

    def snapshot(self, use_case: Callable[[Session], T], who: Caller | None = None) -> T:
        """Run a use case that asks several questions of one and the same state.

        It says ``who`` asks where the answer is for some alone.
        """
        return self.database.snapshot(use_case, self.viewer, None if who is None else who.origin)

    def write(self, who: Caller, use_case: Callable[[Session], T]) -> T:
        """Run a use case in one transaction, once only if the caller asked for that.

        Raises `idempotency.Replayed` with the earlier answer when it was done before,
        `StaleRevision` when what must be unchanged has changed.
        """
        if who.unproved:
            use_case = _uncontrolled(use_case)
        only_if = who.only_if

        def guarded(session: Session) -> T:
            if only_if is not None:
                only_if.require(session)
            return use_case(session)

        once = who.once
        if once is None:
            return self.database.write(guarded, who.grant, who.origin)
        if who.grant is not None:
            # Answered again only to the same token with the same rights.
            once = replace(once, fingerprint=f"{once.fingerprint} {who.grant.digest}")
        kept = once

        def remembered(session: Session) -> T:
            idempotency.recall(session, who.name, kept)
            result = guarded(session)
            idempotency.remember(session, who.name, kept, result)
            return result

        return self.database.write(remembered, who.grant, who.origin)

    def close(self) -> None:
        """Close every connection."""
        self.database.close()


def _uncontrolled(use_case: Callable[[Session], T]) -> Callable[[Session], T]:
    """Return a use case that is refused once access control is on, to the transaction."""

    def asked(session: Session) -> T:
        if read_state(session).enabled:
            raise Unauthenticated(detail="Access control was just switched on: send a token")
        return use_case(session)

    return asked


def _is_furnished(session: Session) -> bool:
    """Say whether the presets of this Lockgate and the project ``default`` are there.

    Asked on every start: the maker of a schema may have died before furnishing it, and a newer
    Lockgate may bring other presets.
    """
    return find_project(session, DEFAULT_PROJECT) is not None and not missing_presets(session)


def _furnish(session: Session) -> None:
    """Give a database the presets that it lacks and the project ``default``."""
    session.settle_time(0)
    session.note_asked(CREATE_PROJECT, INSTALLATION_KEY)
    lock_lifecycles(session)
    for lifecycle in missing_presets(session):
        insert_lifecycle(session, lifecycle, "lockgate")
    if find_project(session, DEFAULT_PROJECT) is None:
        project = Project(name=DEFAULT_PROJECT, created_by="lockgate", created_at=session.now)
        insert_project(session, project)
        record(
            session,
            project_id(session, DEFAULT_PROJECT),
            "lockgate",
            "create_project",
            detail={"lifecycle": project.lifecycle},
        )
