"""Webhooks in SQL."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, exists, func, literal_column, or_, select, update

from lockgate.domain.moments import from_micros, to_micros
from lockgate.domain.webhooks import Webhook
from lockgate.storage import event_tables, tables
from lockgate.storage.database import Session
from lockgate.storage.encoding import from_json, to_json
from lockgate.storage.statements import Statement, inserting

_T = event_tables.webhooks
_P = tables.projects
_H = tables.audit_heads
_D = event_tables.webhook_deliveries
_ACTIVE = _T.c.status == literal_column("'active'")
_RESTED = or_(_T.c.retry_at.is_(None), _T.c.retry_at <= bindparam("now"))
_COLUMNS = (
    _T.c.id,
    _T.c.project_id,
    _T.c.uid,
    _P.c.name,
    _T.c.name,
    _T.c.description,
    _T.c.url,
    _T.c.form,
    _T.c.models,
    _T.c.stages,
    _T.c.actions,
    _T.c.status,
    _T.c.reason,
    _T.c.seq,
    _T.c.failures,
    _T.c.failing_since,
    _T.c.retry_at,
    _T.c.created_by,
    _T.c.created_at,
    _T.c.updated_at,
)
_SELECT = select(*_COLUMNS).select_from(_T.join(_P, _P.c.id == _T.c.project_id))
_BY_UID = Statement(_SELECT.where(_T.c.uid == bindparam("uid")))
_LOCK = Statement(_SELECT.where(_T.c.uid == bindparam("uid")).with_for_update(of=_T))
_OF_PROJECT = Statement(_SELECT.where(_T.c.project_id == bindparam("project_id")).order_by(_T.c.id))
_SECRETS = Statement(
    select(_T.c.secret, _T.c.old_secret, _T.c.old_secret_until).where(_T.c.id == bindparam("key"))
)
_COUNT = Statement(
    select(func.count()).select_from(_T).where(_T.c.project_id == bindparam("project_id"))
)
_BEHIND = Statement(
    select(_T.c.uid)
    .select_from(_T.join(_H, _H.c.project_id == _T.c.project_id))
    .where(_ACTIVE, _RESTED, _T.c.seq < _H.c.size)
    .order_by(_T.c.id)
)
_READY = Statement(
    select(_T.c.uid)
    .where(
        _ACTIVE,
        _RESTED,
        exists().where(
            _D.c.webhook_id == _T.c.id,
            _D.c.status == literal_column("'pending'"),
            _D.c.due_at <= bindparam("now"),
        ),
    )
    .order_by(_T.c.id)
)
_CHANGED = (
    "name",
    "description",
    "url",
    "models",
    "stages",
    "actions",
    "status",
    "reason",
    "seq",
    "failures",
    "failing_since",
    "retry_at",
    "updated_at",
)
_UPDATE = Statement(
    update(_T)
    .where(_T.c.id == bindparam("key"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGED})
)
_ROTATE = Statement(
    update(_T)
    .where(_T.c.id == bindparam("key"))
    .values(
        old_secret=_T.c.secret,
        old_secret_until=bindparam("until"),
        secret=bindparam("new_secret"),
    )
)
_DELETE = Statement(delete(_T).where(_T.c.id == bindparam("key")))
_ADD = inserting(_T, "id", "failing_since", "retry_at")


class StoredWebhook(NamedTuple):
    """A webhook and the keys of its row."""

    key: int
    project_id: int
    webhook: Webhook


def find_webhook(session: Session, uid: str, *, lock: bool = False) -> StoredWebhook | None:
    """Return a webhook by its uid, or None."""
    row = session.one(_LOCK if lock else _BY_UID, uid=uid)
    return None if row is None else _stored(row)


def list_webhooks(session: Session, project_id: int) -> list[StoredWebhook]:
    """Return the webhooks of a project, oldest first."""
    return [_stored(row) for row in session.all(_OF_PROJECT, project_id=project_id)]


def count_webhooks(session: Session, project_id: int) -> int:
    """Return how many webhooks a project has."""
    return int(session.value(_COUNT, project_id=project_id))


def list_behind(session: Session, now_us: int) -> list[str]:
    """Return the active webhooks that may be tried now and whose log goes on beyond their place."""
    return [row[0] for row in session.all(_BEHIND, now=now_us)]


def list_ready(session: Session, now_us: int) -> list[str]:
    """Return the active webhooks that may be tried now and have something due."""
    return [row[0] for row in session.all(_READY, now=now_us)]


def load_secrets(session: Session, key: int, now_us: int) -> tuple[str, ...]:
    """Return what signs for a webhook, the newest first."""
    secret, old, until_us = session.one(_SECRETS, key=key)
    return (secret, old) if old and now_us < until_us else (secret,)


def add_webhook(session: Session, project_id: int, webhook: Webhook, secret: str) -> None:
    """Add a webhook."""
    session.run(
        _ADD,
        uid=webhook.uid,
        project_id=project_id,
        form=webhook.form,
        secret=secret,
        old_secret="",
        old_secret_until=0,
        created_by=webhook.created_by,
        created_at=to_micros(webhook.created_at),
        **{
            name: value
            for name, value in _values(webhook).items()
            if name not in ("failing_since", "retry_at")
        },
    )


def update_webhook(session: Session, key: int, webhook: Webhook) -> None:
    """Write what of a webhook can change, but its secret."""
    values = {f"new_{name}": value for name, value in _values(webhook).items()}
    session.run(_UPDATE, key=key, **values)


def rotate_secret(session: Session, key: int, secret: str, until_us: int) -> None:
    """Sign with another secret from now on; the one before signs as well until a moment."""
    session.run(_ROTATE, key=key, new_secret=secret, until=until_us)


def delete_webhook(session: Session, key: int) -> None:
    """Delete a webhook and its deliveries."""
    session.run(_DELETE, key=key)


def _values(webhook: Webhook) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(webhook, name) for name in _CHANGED}
    for name in ("models", "stages", "actions"):
        found[name] = to_json(list(found[name]))
    for name in ("failing_since", "retry_at", "updated_at"):
        found[name] = None if found[name] is None else to_micros(found[name])
    return found


def _stored(row: Any) -> StoredWebhook:
    key, project_id, uid, project, name, description, url, form, *rest = row
    models, stages, actions, status, reason, seq, failures, since, retry, *made = rest
    created_by, created_at, updated_at = made
    webhook = Webhook(
        uid=uid,
        project=project,
        name=name,
        description=description,
        url=url,
        form=form,
        models=tuple(from_json(models)),
        stages=tuple(from_json(stages)),
        actions=tuple(from_json(actions)),
        status=status,
        reason=reason,
        seq=seq,
        failures=failures,
        failing_since=None if since is None else from_micros(since),
        retry_at=None if retry is None else from_micros(retry),
        created_by=created_by,
        created_at=from_micros(created_at),
        updated_at=from_micros(updated_at),
    )
    return StoredWebhook(key, project_id, webhook)
