"""Tokens and sessions of the web in SQL. What is kept of a secret is its hash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, or_, select, update

from lockgate.domain.moments import from_micros, to_micros
from lockgate.domain.tokens import TOUCH_S, Token
from lockgate.storage import access_tables as tables
from lockgate.storage.database import Session
from lockgate.storage.encoding import from_json, to_json
from lockgate.storage.statements import Statement, inserting

_T = tables.tokens
_COLUMNS = (
    *(_T.c.id, _T.c.name, _T.c.owner, _T.c.projects, _T.c.permissions),
    *(_T.c.created_by, _T.c.created_at, _T.c.expires_at, _T.c.revoked_at, _T.c.revoked_by),
    *(_T.c.last_used_at, _T.c.last_used_from),
)
_BY_ID = Statement(select(*_COLUMNS, _T.c.hash).where(_T.c.id == bindparam("id")))
_ALL = Statement(select(*_COLUMNS).order_by(_T.c.created_at, _T.c.id))
_OF_OWNER = Statement(
    select(*_COLUMNS).where(_T.c.owner == bindparam("owner")).order_by(_T.c.created_at, _T.c.id)
)
_ADD = inserting(_T, "revoked_at", "revoked_by", "last_used_at", "last_used_from")
_REVOKE = Statement(
    update(_T)
    .where(_T.c.id == bindparam("which"), _T.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("moment"), revoked_by=bindparam("actor"))
)
_TOUCH = Statement(
    update(_T)
    .where(
        _T.c.id == bindparam("which"),
        or_(_T.c.last_used_at.is_(None), _T.c.last_used_at < bindparam("before")),
    )
    .values(last_used_at=bindparam("moment"), last_used_from=bindparam("address"))
)
_STALE = (_T.c.created_by == bindparam("issuer")) & (_T.c.expires_at < bindparam("before"))

_W = tables.web_sessions
_WEB = Statement(
    select(_W.c.hash, _W.c.token_id, _W.c.expires_at).where(_W.c.id == bindparam("id"))
)
_ADD_WEB = inserting(_W)
_END_WEB = Statement(delete(_W).where(_W.c.id == bindparam("which")))
_END_WEB_OF = Statement(delete(_W).where(_W.c.token_id == bindparam("which")))
_FORGET_WEB = Statement(delete(_W).where(_W.c.expires_at < bindparam("before")))
_FORGET_WEB_OF_STALE = Statement(delete(_W).where(_W.c.token_id.in_(select(_T.c.id).where(_STALE))))
_FORGET_STALE = Statement(delete(_T).where(_STALE))


@dataclass(frozen=True, slots=True)
class KeptToken:
    """A token and the hash of its secret."""

    token: Token
    hash: bytes


@dataclass(frozen=True, slots=True)
class WebSession:
    """A login of a browser: it is as good as the token that it was made with."""

    hash: bytes
    token_id: str
    expires_us: int


def find_token(session: Session, key: str) -> KeptToken | None:
    """Return a token by its id, or None."""
    row = session.one(_BY_ID, id=key)
    return None if row is None else KeptToken(_token(row), bytes(row[12]))


def list_tokens(session: Session, owner: str | None) -> list[Token]:
    """Return the tokens of one owner or of all, oldest first."""
    rows = session.all(_ALL) if owner is None else session.all(_OF_OWNER, owner=owner)
    return [_token(row) for row in rows]


def add_token(session: Session, token: Token, digest: bytes) -> None:
    """Keep a new token."""
    session.run(
        _ADD,
        id=token.id,
        hash=digest,
        name=token.name,
        owner=token.owner,
        projects=None if token.projects is None else to_json(list(token.projects)),
        permissions=None if token.permissions is None else to_json(list(token.permissions)),
        created_by=token.created_by,
        created_at=to_micros(token.created_at),
        expires_at=None if token.expires_at is None else to_micros(token.expires_at),
    )


def revoke_token(session: Session, key: str, by: str) -> bool:
    """Revoke a token, and the sessions made with it; False when it was revoked before."""
    session.run(_END_WEB_OF, which=key)
    return session.run(_REVOKE, which=key, moment=session.settle_time(0), actor=by) > 0


def revoke_tokens_of(session: Session, owner: str, by: str) -> None:
    """Revoke every token of an owner."""
    for token in list_tokens(session, owner):
        revoke_token(session, token.id, by)


def forget_tokens(session: Session, issuer: str, before_us: int) -> None:
    """Drop the tokens given for an issuer's word that were over before a moment."""
    session.run(_FORGET_WEB_OF_STALE, issuer=issuer, before=before_us)
    session.run(_FORGET_STALE, issuer=issuer, before=before_us)


def touch_token(session: Session, key: str, address: str | None) -> None:
    """Write down that a token was used, unless that was written down a moment ago."""
    now = session.settle_time(0)
    session.run(_TOUCH, which=key, moment=now, before=now - TOUCH_S * 1_000_000, address=address)


def find_web_session(session: Session, key: str) -> WebSession | None:
    """Return a session of the web by its id, or None."""
    row = session.one(_WEB, id=key)
    return None if row is None else WebSession(bytes(row[0]), row[1], row[2])


def add_web_session(session: Session, key: str, kept: WebSession) -> None:
    """Keep a session of the web, and drop those that are over."""
    now = session.settle_time(0)
    session.run(_FORGET_WEB, before=now)
    session.run(
        _ADD_WEB,
        id=key,
        hash=kept.hash,
        token_id=kept.token_id,
        created_at=now,
        expires_at=kept.expires_us,
    )


def end_web_session(session: Session, key: str) -> None:
    """End a session of the web; of an unknown one: nothing."""
    session.run(_END_WEB, which=key)


def _token(row: Any) -> Token:
    def moment(value: Any) -> Any:
        return None if value is None else from_micros(value)

    def names(value: Any) -> Any:
        return None if value is None else tuple(from_json(value))

    return Token(
        id=row[0],
        name=row[1],
        owner=row[2],
        projects=names(row[3]),
        permissions=names(row[4]),
        created_by=row[5],
        created_at=from_micros(row[6]),
        expires_at=moment(row[7]),
        revoked_at=moment(row[8]),
        revoked_by=row[9],
        last_used_at=moment(row[10]),
        last_used_from=row[11],
    )
