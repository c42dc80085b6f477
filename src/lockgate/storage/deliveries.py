"""Deliveries of webhooks in SQL: what is pending, in which order, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    select,
    update,
)

from lockgate.domain.moments import from_micros, parse_moment, to_micros, to_text
from lockgate.domain.webhooks import Attempt, Delivery
from lockgate.storage import event_tables, tables
from lockgate.storage.database import Session
from lockgate.storage.encoding import from_json, to_json
from lockgate.storage.statements import Statement, inserting

_T = event_tables.webhook_deliveries
_W = event_tables.webhooks
_P = tables.projects
# Written out: SQLite plans a statement anew for each value that decides about a partial index.
_PENDING: ColumnElement[str] = literal_column("'pending'")
_EARLIER = _T.alias("earlier")
_COLUMNS = (
    _T.c.id,
    _T.c.webhook_id,
    _T.c.project_id,
    _T.c.part,
    _T.c.uid,
    _W.c.uid,
    _P.c.name,
    _T.c.seq,
    _T.c.lane,
    _T.c.action,
    _T.c.status,
    _T.c.created_at,
    _T.c.due_at,
    _T.c.attempt_count,
    _T.c.attempts,
    _W.c.url,
)
_SELECT = select(*_COLUMNS).select_from(
    _T.join(_W, _W.c.id == _T.c.webhook_id).join(_P, _P.c.id == _T.c.project_id)
)
_BY_UID = Statement(_SELECT.where(_T.c.uid == bindparam("uid")))
_LOCK = Statement(_SELECT.where(_T.c.uid == bindparam("uid")).with_for_update(of=_T))
_PAGE = (
    _SELECT.where(_T.c.webhook_id == bindparam("webhook_id"), _T.c.id < bindparam("before"))
    .order_by(_T.c.id.desc())
    .limit(bindparam("count"))
)
_LATEST = Statement(_PAGE)
_LATEST_OF_STATUS = Statement(_PAGE.where(_T.c.status == bindparam("status")))
# Whose model has nothing older to be told; what has failed before comes after what has not.
_NEXT = Statement(
    _SELECT.where(
        _W.c.uid == bindparam("webhook"),
        _T.c.status == _PENDING,
        _T.c.due_at <= bindparam("now"),
        ~exists().where(
            and_(
                _EARLIER.c.webhook_id == _T.c.webhook_id,
                _EARLIER.c.lane == _T.c.lane,
                _EARLIER.c.id < _T.c.id,
                _EARLIER.c.status == _PENDING,
            )
        ),
    )
    .order_by(_T.c.due_at, _T.c.id)
    .limit(1)
)
_COUNT = Statement(
    select(func.count())
    .select_from(_T)
    .where(_T.c.webhook_id == bindparam("webhook_id"), _T.c.status == _PENDING)
)
_SETTLE = Statement(
    update(_T)
    .where(_T.c.id == bindparam("key"))
    .values(
        status=bindparam("new_status"),
        attempts=bindparam("new_attempts"),
        attempt_count=bindparam("new_count"),
        due_at=bindparam("new_due_at"),
        settled_at=bindparam("moment"),
    )
)
_SKIP = Statement(
    update(_T)
    .where(_T.c.webhook_id == bindparam("webhook"), _T.c.status == _PENDING)
    .values(status="skipped", settled_at=bindparam("moment"))
)
_FORGET = Statement(
    delete(_T).where(_T.c.settled_at.is_not(None), _T.c.settled_at < bindparam("before"))
)
_ADD = inserting(_T, "id", "settled_at")


class StoredDelivery(NamedTuple):
    """A delivery and the keys of its row; ``part`` is which message of its event it is."""

    key: int
    webhook_key: int
    project_id: int
    part: int
    delivery: Delivery


def find_delivery(session: Session, uid: str, *, lock: bool = False) -> StoredDelivery | None:
    """Return a delivery by its uid, or None."""
    row = session.one(_LOCK if lock else _BY_UID, uid=uid)
    return None if row is None else _stored(row)


def find_next(session: Session, webhook_uid: str, now_us: int) -> StoredDelivery | None:
    """Return what a webhook is to be told next, or None when nothing is due."""
    row = session.one(_NEXT, webhook=webhook_uid, now=now_us)
    return None if row is None else _stored(row)


def list_deliveries(
    session: Session, webhook_key: int, status: str | None, before: int, count: int
) -> list[StoredDelivery]:
    """Return up to ``count`` deliveries of a webhook, newest first."""
    binds = {"webhook_id": webhook_key, "before": before, "count": count}
    if status is None:
        return [_stored(row) for row in session.all(_LATEST, **binds)]
    return [_stored(row) for row in session.all(_LATEST_OF_STATUS, **binds, status=status)]


def count_pending(session: Session, webhook_key: int) -> int:
    """Return how many deliveries of a webhook wait."""
    return int(session.value(_COUNT, webhook_id=webhook_key))


def add_deliveries(
    session: Session,
    webhook_key: int,
    project_id: int,
    deliveries: Sequence[tuple[int, Delivery]],
) -> None:
    """Add deliveries, each with the part of its event that it is."""
    session.many(
        _ADD,
        [
            {
                "uid": delivery.uid,
                "webhook_id": webhook_key,
                "project_id": project_id,
                "seq": delivery.seq,
                "part": part,
                "lane": delivery.model or "",
                "action": delivery.action,
                "status": delivery.status,
                "attempts": _attempts_text(delivery.attempts),
                "attempt_count": delivery.attempt_count,
                "created_at": to_micros(delivery.created_at),
                "due_at": to_micros(delivery.due_at),
            }
            for part, delivery in deliveries
        ],
    )


def update_delivery(session: Session, key: int, delivery: Delivery, now_us: int) -> None:
    """Write what became of a delivery."""
    session.run(
        _SETTLE,
        key=key,
        new_status=delivery.status,
        new_attempts=_attempts_text(delivery.attempts),
        new_count=delivery.attempt_count,
        new_due_at=to_micros(delivery.due_at),
        moment=None if delivery.status == "pending" else now_us,
    )


def skip_pending(session: Session, webhook_key: int, now_us: int) -> int:
    """Give up what a webhook has still to be told; return how much that was."""
    return session.run(_SKIP, webhook=webhook_key, moment=now_us)


def forget_deliveries(session: Session, before_us: int) -> int:
    """Delete what was settled before a moment; return how much that was."""
    return session.run(_FORGET, before=before_us)


def _attempts_text(attempts: Sequence[Attempt]) -> str:
    return to_json([{**vars(each), "at": to_text(each.at)} for each in attempts])


def _stored(row: Any) -> StoredDelivery:
    key, webhook_key, project_id, part, uid, webhook, project, seq, lane, *rest = row
    action, status, created_at, due_at, attempt_count, attempts, url = rest
    delivery = Delivery(
        uid=uid,
        webhook=webhook,
        project=project,
        seq=seq,
        model=lane or None,
        action=action,
        status=status,
        created_at=from_micros(created_at),
        due_at=from_micros(due_at),
        attempt_count=attempt_count,
        attempts=tuple(
            Attempt(**{**each, "at": parse_moment(each["at"])}) for each in from_json(attempts)
        ),
        url=url,
    )
    return StoredDelivery(key, webhook_key, project_id, part, delivery)
