"""Auditing: read the log, and verify it against itself and against the tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lockgate.domain import names
from lockgate.domain.audit import AuditEvent
from lockgate.domain.checkpoints import Checkpoint
from lockgate.domain.pages import Page
from lockgate.domain.permissions import VIEW_AUDIT
from lockgate.domain.replay import State
from lockgate.domain.verification import StoredEvent, Verdict, verify_events
from lockgate.services.paging import page_of
from lockgate.storage import guard, log
from lockgate.storage import states as state_rows
from lockgate.storage.database import Session
from lockgate.storage.projects import project_id
from lockgate.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class EventFilter:
    """Which events are asked for; a field that is None asks for any."""

    model: str | None = None
    version: str | None = None
    actor: str | None = None
    action: str | None = None
    forced: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


def list_events(
    store: Store,
    project: str,
    wanted: EventFilter,
    limit: int,
    cursor: str | None,
    newest_first: bool,
) -> Page[AuditEvent]:
    """Return a page of a project's log."""
    spelt = {
        field: names.sought(value, field) if isinstance(value, str) else value
        for field, value in vars(wanted).items()
    }

    def fetch(after: int, count: int) -> list[AuditEvent]:
        def use_case(session: Session) -> list[AuditEvent]:
            key = project_id(session, project)
            guard.require(session, VIEW_AUDIT, key, project)
            return log.list_events(
                session,
                key,
                project,
                after=after if after else None,
                count=count,
                newest_first=newest_first,
                **spelt,
            )

        return store.snapshot(use_case)

    return page_of(
        store,
        f"audit {project} {wanted} {newest_first}",
        limit,
        cursor,
        first=0,
        fetch=fetch,
        position=lambda event: event.seq,
    )


def verify_log(store: Store, project: str, checkpoints: Sequence[Checkpoint] = ()) -> Verdict:
    """Recompute a project's log from its events; fold them back and compare with the tables.

    The verdict names the first bad event; a difference of the tables from an intact log is a
    fault of kind ``state_mismatch`` without an event. Reads one snapshot of everything.
    """

    def use_case(session: Session) -> Verdict:
        key = project_id(session, project)
        guard.require(session, VIEW_AUDIT, key, project)
        head = log.load_head(session, key)
        verdict = verify_events(
            stored_events(session, key),
            project=project,
            head=head.frontier,
            last_hash=head.last_hash,
            checkpoints=checkpoints,
        )
        if not verdict.ok or verdict.state is None:
            return verdict
        if head.size != verdict.size:
            return Verdict(
                ok=False,
                size=verdict.size,
                root=verdict.root,
                fault="head_mismatch",
                detail=f"The head counts {head.size} events, the log has {verdict.size}",
            )
        differences = _differences(verdict.state, state_rows.load_state(session, key))
        if not differences:
            return verdict
        return Verdict(
            ok=False,
            size=verdict.size,
            root=verdict.root,
            fault="state_mismatch",
            detail="The log is whole, but the tables say something else: "
            + "; ".join(differences[:10]),
        )

    return store.snapshot(use_case)


def stored_events(session: Session, key: int) -> Iterator[StoredEvent]:
    """Return a project's log, event by event, as it is stored."""
    return map(stored_event, log.iterate_rows(session, key))


def stored_event(row: Any) -> StoredEvent:
    """Return the event of a row of the log, with the columns beside its body."""
    seq, at, actor, action, model, version, body, digest = row
    return StoredEvent(seq, body.encode(), bytes(digest), (at, actor, action, model, version))


def _differences(
    told: State, tables: dict[str, tuple[dict[str, str], dict[str, str]]]
) -> list[str]:
    """Return a sentence for each thing that the log and the tables tell differently."""
    found: list[str] = []
    for name in sorted(told.models.keys() | tables.keys()):
        if name not in tables:
            found.append(f"model '{name}' is missing")
        elif name not in told.models:
            found.append(f"model '{name}' is not in the log")
        else:
            stages, aliases = tables[name]
            model = told.models[name]
            found += _unlike(f"version '{name}:%s' stands in", model.stages, stages)
            found += _unlike(f"alias '{name}@%s' names", model.aliases, aliases)
    return found


def _unlike(what: str, told: dict[str, str], stored: dict[str, str]) -> list[str]:
    return [
        f"{what % key} {stored.get(key, 'nothing')}, by the log {told.get(key, 'nothing')}"
        for key in sorted(told.keys() | stored.keys())
        if told.get(key) != stored.get(key)
    ]
