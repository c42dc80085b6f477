"""The audit log in SQL: appended under the lock of its head, never changed.

audit_events   (project, seq) → canonical JSON, leaf hash
audit_heads    project → size, frontier of the Merkle tree, hash of the last leaf
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, case, select, update

from lockgate.domain.audit import AuditEvent, canonical, leaf_hash
from lockgate.domain.merkle import Frontier
from lockgate.domain.moments import from_micros, to_micros
from lockgate.domain.permissions import NEEDED_FOR
from lockgate.storage import tables
from lockgate.storage.database import Session
from lockgate.storage.encoding import from_json
from lockgate.storage.statements import Statement, inserting

_E = tables.audit_events
_H = tables.audit_heads
_P = tables.projects

_LOCK_HEAD = Statement(
    select(_H.c.size, _H.c.frontier, _H.c.last_hash, _P.c.name)
    .select_from(_H.join(_P, _P.c.id == _H.c.project_id))
    .where(_H.c.project_id == bindparam("project_id"))
    .with_for_update(of=_H)
)
_HEAD = Statement(
    select(_H.c.size, _H.c.frontier, _H.c.last_hash).where(
        _H.c.project_id == bindparam("project_id")
    )
)
_MOVE_HEAD = Statement(
    update(_H)
    .where(_H.c.project_id == bindparam("key"))
    .values(
        size=bindparam("new_size"),
        frontier=bindparam("new_frontier"),
        last_hash=bindparam("new_last_hash"),
    )
)
_APPEND = inserting(_E)
_COLUMNS = (_E.c.seq, _E.c.at, _E.c.actor, _E.c.action, _E.c.model, _E.c.version)
_ROWS = Statement(
    select(*_COLUMNS, _E.c.body, _E.c.leaf_hash)
    .where(
        _E.c.project_id == bindparam("project_id"),
        _E.c.seq > bindparam("after"),
    )
    .order_by(_E.c.seq)
    .limit(bindparam("count"))
)
_NEXT = Statement(
    select(_E.c.body)
    .where(
        _E.c.project_id == bindparam("project_id"),
        _E.c.model == bindparam("model"),
        _E.c.action == bindparam("action"),
        _E.c.at > bindparam("moment"),
    )
    .order_by(_E.c.seq)
    .limit(1)
)
# Canonical JSON has sorted keys and no spaces, and in a text the quotes are escaped.
_RENAMED = Statement(
    select(_E.c.body, _E.c.at)
    .where(
        _E.c.project_id == bindparam("project_id"),
        _E.c.model == bindparam("model"),
        _E.c.action == "update_model",
        _E.c.at > bindparam("moment"),
        _E.c.body.contains('"name":["', autoescape=True),
    )
    .order_by(_E.c.seq)
    .limit(1)
)
_OF_VERSION = Statement(
    select(_E.c.seq, _E.c.body)
    .where(
        _E.c.project_id == bindparam("project_id"),
        _E.c.model == bindparam("model"),
        _E.c.version == bindparam("version"),
        _E.c.at >= bindparam("since"),
    )
    .order_by(_E.c.seq)
)
_LEAVES = Statement(
    select(_E.c.seq, _E.c.leaf_hash)
    .where(_E.c.project_id == bindparam("project_id"), _E.c.seq > bindparam("after"))
    .order_by(_E.c.seq)
    .limit(bindparam("count"))
)
_FORCED = and_(_E.c.action == "transition", _E.c.body.contains('"forced":true', autoescape=True))
_FILTERS = {
    "model": _E.c.model == bindparam("model"),
    "version": _E.c.version == bindparam("version"),
    "actor": _E.c.actor == bindparam("actor"),
    "action": _E.c.action == bindparam("action"),
    "forced": case((_FORCED, 1), else_=0) == bindparam("forced"),
    "since": _E.c.at >= bindparam("since"),
    "until": _E.c.at < bindparam("until"),
}
_pages: dict[tuple[str, ...], Statement] = {}


@dataclass(eq=False, kw_only=True)
class Draft:
    """An event on its way into the log; ``cause`` is the draft that brought it about."""

    project_id: int
    actor: str
    action: str
    model: str | None = None
    version: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    cause: Draft | None = None
    seq: int = 0
    token: str | None = None
    address: str | None = None


@dataclass(frozen=True, kw_only=True)
class Head:
    """Where a project's log ends."""

    size: int
    frontier: Frontier
    last_hash: bytes


def record(session: Session, project_id: int, actor: str, action: str, **fields: Any) -> Draft:
    """Put one event on record in this transaction; ``fields`` are those of `Draft`.

    Whatever changes passes here: an action for which no permission was asked is a bug, and
    nothing of the transaction stays.
    """
    session.require_asked(NEEDED_FOR[action], project_id, action)
    draft = Draft(project_id=project_id, actor=actor, action=action, **fields)
    origin = session.origin
    if origin is not None and origin.actor == actor:
        draft.token, draft.address = origin.token, origin.address
    session.draft(draft)
    return draft


def append_events(session: Session, drafts: list[Draft]) -> None:
    """Append ``drafts`` in order, each project's under the lock of its head, taken last."""
    moment = session.now_us or session.settle_time(0)
    for project_id in sorted({draft.project_id for draft in drafts}):
        size, frontier_bytes, last_hash, project = session.one(_LOCK_HEAD, project_id=project_id)
        frontier = Frontier.from_bytes(bytes(frontier_bytes))
        previous = bytes(last_hash)
        rows = []
        for draft in drafts:
            if draft.project_id != project_id:
                continue
            size += 1
            draft.seq = size
            body = canonical(_event(draft, project, moment, previous))
            previous = leaf_hash(body)
            frontier.append(previous)
            rows.append(_row(draft, moment, body, previous))
        session.many(_APPEND, rows)
        session.run(
            _MOVE_HEAD,
            key=project_id,
            new_size=size,
            new_frontier=frontier.to_bytes(),
            new_last_hash=previous,
        )


def load_head(session: Session, project_id: int) -> Head:
    """Return where a project's log ends."""
    size, frontier, last_hash = session.one(_HEAD, project_id=project_id)
    return Head(
        size=size,
        frontier=Frontier.from_bytes(bytes(frontier)),
        last_hash=bytes(last_hash),
    )


def iterate_rows(session: Session, project_id: int, batch: int = 2_000) -> Iterator[Any]:
    """Yield ``(seq, at, actor, action, model, version, body, leaf_hash)`` of the whole log."""
    after = 0
    while rows := session.all(_ROWS, project_id=project_id, after=after, count=batch):
        yield from rows
        after = rows[-1][0]


def list_rows(session: Session, project_id: int, after: int, count: int) -> list[Any]:
    """Return up to ``count`` rows beyond ``after``, as `iterate_rows` yields them."""
    return session.all(_ROWS, project_id=project_id, after=after, count=count)


def list_bodies(session: Session, project_id: int, after: int, count: int) -> list[str]:
    """Return the canonical JSON of up to ``count`` events beyond ``after``."""
    return [row[6] for row in list_rows(session, project_id, after, count)]


def list_version_bodies(
    session: Session, project_id: int, model: str, version: str, since_us: int
) -> list[tuple[int, str]]:
    """Return number and canonical JSON of every event about a version since a moment."""
    rows = session.all(
        _OF_VERSION, project_id=project_id, model=model, version=version, since=since_us
    )
    return [(row[0], row[1]) for row in rows]


def iterate_leaves(session: Session, project_id: int, batch: int = 10_000) -> Iterator[bytes]:
    """Yield the leaf hashes of the whole log."""
    after = 0
    while rows := session.all(_LEAVES, project_id=project_id, after=after, count=batch):
        yield from (bytes(row[1]) for row in rows)
        after = rows[-1][0]


def find_next(
    session: Session, project_id: int, model: str, action: str, after_us: int
) -> dict[str, Any] | None:
    """Return the detail of the first event of a kind that a model had after a moment, or None."""
    body = session.value(_NEXT, project_id=project_id, model=model, action=action, moment=after_us)
    return None if body is None else dict(from_json(body)["detail"])


def find_renaming(
    session: Session, project_id: int, name: str, after_us: int
) -> tuple[str, int] | None:
    """Return what a model called ``name`` was called next, after a moment, and when; or None."""
    row = session.one(_RENAMED, project_id=project_id, model=name, moment=after_us)
    if row is None:
        return None
    return str(from_json(row[0])["detail"]["changes"]["name"][1]), int(row[1])


def list_events(
    session: Session,
    project_id: int,
    project: str,
    *,
    after: int | None,
    count: int,
    newest_first: bool,
    **filters: Any,
) -> list[AuditEvent]:
    """Return up to ``count`` events beyond ``after``, filtered by the fields that are not None."""
    given = {name: value for name, value in filters.items() if value is not None}
    if "forced" in given:
        given["forced"] = int(given["forced"])
    for name in ("since", "until"):
        if isinstance(given.get(name), datetime):
            given[name] = to_micros(given[name])
    if after is None:
        after = 2**62 if newest_first else 0
    statement = _page_statement(newest_first, tuple(sorted(given)))
    rows = session.all(statement, project_id=project_id, after=after, count=count, **given)
    return [event_of(project, row) for row in rows]


def _page_statement(newest_first: bool, names: tuple[str, ...]) -> Statement:
    key = (str(newest_first), *names)
    if key not in _pages:
        query: Select[Any] = select(*_COLUMNS, _E.c.body, _E.c.leaf_hash).where(
            _E.c.project_id == bindparam("project_id"), *(_FILTERS[name] for name in names)
        )
        after: Any = bindparam("after")
        query = (
            query.where(_E.c.seq < after).order_by(_E.c.seq.desc())
            if newest_first
            else query.where(_E.c.seq > after).order_by(_E.c.seq)
        )
        _pages[key] = Statement(query.limit(bindparam("count")))
    return _pages[key]


def event_of(project: str, row: Any) -> AuditEvent:
    """Return the event of a row of the log."""
    seq, at, actor, action, model, version, body, digest = row
    document = from_json(body)
    return AuditEvent(
        project=project,
        seq=seq,
        at=from_micros(at),
        actor=actor,
        action=action,
        model=model,
        version=version,
        detail=document["detail"],
        cause=document["cause"],
        prev=document["prev"],
        leaf_hash=bytes(digest).hex(),
        token=document.get("token"),
        address=document.get("address"),
    )


def _event(draft: Draft, project: str, moment_us: int, previous: bytes) -> AuditEvent:
    return AuditEvent(
        project=project,
        seq=draft.seq,
        at=from_micros(moment_us),
        actor=draft.actor,
        action=draft.action,
        model=draft.model,
        version=draft.version,
        detail=draft.detail,
        cause=None if draft.cause is None else draft.cause.seq,
        prev=previous.hex(),
        token=draft.token,
        address=draft.address,
    )


def _row(draft: Draft, moment_us: int, body: bytes, digest: bytes) -> dict[str, Any]:
    return {
        "project_id": draft.project_id,
        "seq": draft.seq,
        "at": moment_us,
        "actor": draft.actor,
        "action": draft.action,
        "model": draft.model,
        "version": draft.version,
        "body": body.decode(),
        "leaf_hash": digest,
    }
