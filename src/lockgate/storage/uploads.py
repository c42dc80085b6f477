"""Uploads in SQL."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, func, select, update

from lockgate.storage import tables, upload_tables
from lockgate.storage.database import Session
from lockgate.storage.statements import Statement, inserting

_T = upload_tables.uploads
_M = tables.models
_P = tables.projects
_BY_TICKET = Statement(
    select(_T.c.model, _T.c.sha256, _T.c.size, _T.c.digest, _T.c.opened_by, _T.c.token, _P.c.name)
    .select_from(_T.join(_M, _M.c.uid == _T.c.model).join(_P, _P.c.id == _M.c.project_id))
    .where(
        _T.c.ticket == bindparam("ticket"),
        _T.c.at >= bindparam("since"),
        _M.c.deleted_at.is_(None),
    )
)
_ARRIVED = Statement(
    select(_T.c.digest)
    .where(
        _T.c.model == bindparam("model"),
        _T.c.sha256 == bindparam("sha256"),
        _T.c.digest.is_not(None),
    )
    .order_by(_T.c.at.desc())
    .limit(1)
)
_PENDING = Statement(
    select(func.count())
    .select_from(_T)
    .where(_T.c.opened_by == bindparam("by"), _T.c.digest.is_(None))
)
_OPEN = inserting(_T)
_CLOSE = Statement(
    update(_T).where(_T.c.ticket == bindparam("key")).values(digest=bindparam("new_digest"))
)
_FORGET = Statement(delete(_T).where(_T.c.at < bindparam("before")))


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that is expected, or has come: ``digest`` is of the manifest that names it alone."""

    model: str
    sha256: str
    size: int
    digest: str | None = None


@dataclass(frozen=True, kw_only=True)
class Opened:
    """By whom an upload was opened, with which token (None before access control), and where."""

    by: str
    token: str | None
    project: str


def open_upload(session: Session, ticket: str, upload: Upload, by: str, token: str | None) -> None:
    """Expect a file under a ticket (the hash of what the sender shows)."""
    session.run(
        _OPEN,
        ticket=ticket,
        model=upload.model,
        sha256=upload.sha256,
        size=upload.size,
        opened_by=by,
        at=session.now_us or session.settle_time(0),
        digest=None,
        token=token,
    )


def count_uploads(session: Session, by: str) -> int:
    """Return how many files that somebody announced have not come yet."""
    return int(session.value(_PENDING, by=by) or 0)


def find_upload(session: Session, ticket: str, since_us: int) -> tuple[Upload, Opened] | None:
    """Return what is expected under a ticket that was opened since a moment, and for whom.

    None also where the model is gone.
    """
    row = session.one(_BY_TICKET, ticket=ticket, since=since_us)
    if row is None:
        return None
    upload = Upload(model=row[0], sha256=row[1], size=row[2], digest=row[3])
    return upload, Opened(by=row[4], token=row[5], project=row[6])


def close_upload(session: Session, ticket: str, digest: str) -> None:
    """Write down that the file has come."""
    session.run(_CLOSE, key=ticket, new_digest=digest)


def find_arrived(session: Session, model: str, sha256: str) -> str | None:
    """Return the manifest of a file that was sent for a model, or None."""
    found = session.value(_ARRIVED, model=model, sha256=sha256)
    return None if found is None else str(found)


def forget_uploads(session: Session, before_us: int) -> None:
    """Drop uploads that were opened before a moment, whatever became of them."""
    session.run(_FORGET, before=before_us)
