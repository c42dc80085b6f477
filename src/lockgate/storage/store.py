"""The store: one database, what was decoded from it, and the limits of what goes in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from lockgate.domain.access import Actor
from lockgate.domain.names import LIMITS, Limits
from lockgate.domain.projects import Project
from lockgate.domain.references import DEFAULT_PROJECT
from lockgate.storage import idempotency
from lockgate.storage.database import Clock, Database, Driver, Session, utc_now
from lockgate.storage.idempotency import Once
from lockgate.storage.lifecycles import (
    LifecycleCache,
    insert_lifecycle,
    lock_lifecycles,
    missing_presets,
)
from lockgate.storage.log import append_events, record
from lockgate.storage.projects import find_project, insert_project, project_id
from lockgate.storage.schema import ensure_schema
from lockgate.storage.versions import VersionCache

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks, and whether the write is to happen once only."""

    actor: Actor
    once: Once | None = None

    @property
    def name(self) -> str:
        """What the record says."""
        return self.actor.name


class Store:
    """What services work on. Thread-safe; one for each database and process."""

    def __init__(self, driver: Driver, *, clock: Clock = utc_now, limits: Limits = LIMITS) -> None:
        """Open the store behind ``driver``, making the schema in an empty database."""
        ensure_schema(driver)
        self.database = Database(driver, clock)
        self.database.append_events = append_events
        self.versions = VersionCache()
        self.lifecycles = LifecycleCache()
        self.limits = limits
        # Where the files lie: known to the services alone, and None where no files are kept.
        self.depot: object | None = None
        # How webhooks are reached: known to the services alone, and None where none are.
        self.post: object | None = None
        # What is known of the use of versions beyond the database: known to the services alone.
        self.usage: object | None = None
        if not self.database.snapshot(_is_furnished):
            self.database.write(_furnish)

    def read(self, use_case: Callable[[Session], T]) -> T:
        """Run a use case that asks one question."""
        return self.database.read(use_case)

    def snapshot(self, use_case: Callable[[Session], T]) -> T:
        """Run a use case that asks several questions of one and the same state."""
        return self.database.snapshot(use_case)

    def write(self, who: Caller, use_case: Callable[[Session], T]) -> T:
        """Run a use case in one transaction, once only if the caller asked for that.

        Raises `idempotency.Replayed` with the earlier answer when it was done before.
        """
        once = who.once
        if once is None:
            return self.database.write(use_case)

        def remembered(session: Session) -> T:
            idempotency.recall(session, who.name, once)
            result = use_case(session)
            idempotency.remember(session, who.name, once, result)
            return result

        return self.database.write(remembered)

    def close(self) -> None:
        """Close every connection."""
        self.database.close()


def _is_furnished(session: Session) -> bool:
    """Say whether the presets of this Lockgate and the project ``default`` are there.

    Asked on every start: the maker of a schema may have died before furnishing it, and a newer
    Lockgate may bring other presets.
    """
    return find_project(session, DEFAULT_PROJECT) is not None and not missing_presets(session)


def _furnish(session: Session) -> None:
    """Give a database the presets that it lacks and the project ``default``."""
    session.settle_time(0)
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
