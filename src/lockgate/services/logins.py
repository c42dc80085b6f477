"""Logins of browsers: a session is as good as the token it was made with, and no longer."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from lockgate.domain.moments import to_micros
from lockgate.domain.tokens import (
    ENTROPY_BYTES,
    PREFIX,
    SESSION_PREFIX,
    csrf_of,
    same_hash,
    token_hash,
    token_id,
    write_token,
)
from lockgate.errors import Unauthenticated
from lockgate.storage import accounts
from lockgate.storage import tokens as rows
from lockgate.storage.database import Session
from lockgate.storage.store import Store
from lockgate.storage.tokens import WebSession

SESSION_S_MAX = 12 * 3600


@dataclass(frozen=True, kw_only=True)
class Login:
    """A session that was just made: its cookie, what writes must carry, and for how long."""

    secret: str
    csrf: str
    lasts_s: int

    def __repr__(self) -> str:
        return f"Login(lasts_s={self.lasts_s})"


def log_in(store: Store, token: str) -> Login:
    """Make a session of a token. Raises `Unauthenticated`, never saying why."""
    if not token.startswith(PREFIX):
        raise Unauthenticated(detail="That is no token of Lockgate's; they begin with lgt_")
    grant = store.grants.load(token)
    secret = write_token(secrets.token_bytes(ENTROPY_BYTES), SESSION_PREFIX)

    def use_case(session: Session) -> int:
        now = session.settle_time(0)
        ends = now + SESSION_S_MAX * 1_000_000
        if grant.scope.expires_at is not None:
            ends = min(ends, to_micros(grant.scope.expires_at))
        kept = WebSession(token_hash(secret), grant.token, ends)
        rows.add_web_session(session, token_id(secret, SESSION_PREFIX) or "", kept)
        return (ends - now) // 1_000_000

    lasts_s = store.database.write(use_case)
    return Login(secret=secret, csrf=csrf_of(secret), lasts_s=lasts_s)


def log_out(store: Store, secret: str) -> None:
    """End a session; of one that is over, nothing."""
    key = token_id(secret, SESSION_PREFIX)
    if key is None:
        return

    def use_case(session: Session) -> None:
        kept = rows.find_web_session(session, key)
        if kept is not None and same_hash(kept.hash, token_hash(secret)):
            rows.end_web_session(session, key)
            accounts.raise_revision(session)

    store.database.write(use_case)
    store.grants.refresh()
