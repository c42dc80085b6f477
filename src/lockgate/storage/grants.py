"""What tokens grant, remembered by this process and checked against the database.

A grant is worked out from the tables once and kept by the hash of the token. Each change to them
raises the revision of `access_state`; a process asks for that number when the one it knows is
older than `REVISION_AGE_S_MAX`, so whatever is taken away is gone everywhere within a second.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock

from sqlalchemy import bindparam, select

from lockgate.domain.frozen import FrozenDict
from lockgate.domain.grants import EVERYTHING, Grant, Scope
from lockgate.domain.moments import to_micros
from lockgate.domain.roles import permissions_of
from lockgate.domain.tokens import SESSION_PREFIX, TOUCH_S, Token, same_hash, token_hash, token_id
from lockgate.errors import Unauthenticated
from lockgate.storage import accounts, gate_tables, tables
from lockgate.storage import tokens as rows
from lockgate.storage.accounts import OFF, AccessState
from lockgate.storage.database import Database, Session
from lockgate.storage.encoding import from_json
from lockgate.storage.statements import Statement

REVISION_AGE_S_MAX = 0.25
KEPT_MAX = 10_000
_NOBODY = bytes(32)
_REFUSED = "The token is not valid: unknown, revoked, expired, or its owner is gone"

_P = tables.projects
_M = gate_tables.members
_MEMBERSHIPS = Statement(
    select(_P.c.name, _P.c.id, _M.c.roles)
    .select_from(_M.join(_P, _P.c.id == _M.c.project_id))
    .where(_M.c.person == bindparam("person"))
)
_PROJECT = Statement(select(_P.c.id).where(_P.c.name == bindparam("name")))


@dataclass(frozen=True, slots=True)
class _Kept:
    grant: Grant
    revision: int
    expires_us: int | None


class Grants:
    """The grants of a database's tokens. Thread-safe; one for each database and process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._state = OFF
        self._asked_at = float("-inf")
        self._kept: dict[bytes, _Kept] = {}
        self._touched: dict[str, float] = {}
        self._lock = Lock()

    @property
    def is_fresh(self) -> bool:
        """Whether `state` would be answered from memory."""
        return time.monotonic() - self._asked_at < REVISION_AGE_S_MAX

    @property
    def state(self) -> AccessState:
        """Whether access control is on: at most `REVISION_AGE_S_MAX` old."""
        if not self.is_fresh:
            self.refresh()
        return self._state

    def refresh(self) -> None:
        """Ask the database now."""
        asked_at = time.monotonic()
        self._state = self._database.read(accounts.read_state)
        self._asked_at = asked_at

    def find(self, presented: str) -> Grant | None:
        """Return the grant of a token or session that is known to be good, or None: ask `load`."""
        kept = self._kept.get(token_hash(presented)) if presented else None
        if kept is None or kept.revision != self.state.revision or self._is_over(kept):
            return None
        return kept.grant

    def load(self, presented: str) -> Grant:
        """Return the grant of a token or session. Raises `Unauthenticated`, never saying why."""
        found = self.find(presented)
        if found is not None:
            return found
        revision = self.state.revision
        kept = self._database.snapshot(lambda session: _load(session, presented, revision))
        if kept is None or self._is_over(kept):
            raise Unauthenticated(detail=_REFUSED)
        with self._lock:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            self._kept[token_hash(presented)] = kept
        return kept.grant

    def is_use_due(self, token: str) -> bool:
        """Say whether a use of a token is to be written down: once in a while for each."""
        now = time.monotonic()
        with self._lock:
            if now - self._touched.get(token, float("-inf")) < TOUCH_S:
                return False
            if len(self._touched) >= KEPT_MAX:
                self._touched.clear()
            self._touched[token] = now
            return True

    def _is_over(self, kept: _Kept) -> bool:
        if kept.expires_us is None:
            return False
        return to_micros(self._database.clock()) >= kept.expires_us


def _load(session: Session, presented: str, revision: int) -> _Kept | None:
    """Return what a token or a session grants; None for one that is not good."""
    ends: list[int] = []
    if presented.startswith(SESSION_PREFIX):
        key = token_id(presented, SESSION_PREFIX)
        found = None if key is None else rows.find_web_session(session, key)
        good = same_hash(_NOBODY if found is None else found.hash, token_hash(presented))
        if found is None or not good:
            return None
        ends.append(found.expires_us)
        token = rows.find_token(session, found.token_id)
    else:
        key = token_id(presented)
        token = None if key is None else rows.find_token(session, key)
        # Compared even with nothing, so that an unknown id takes no less time.
        good = same_hash(_NOBODY if token is None else token.hash, token_hash(presented))
        if not good:
            return None
    grant = None if token is None else _grant_by(session, token.token)
    if grant is None:
        return None
    if grant.scope.expires_at is not None:
        ends.append(to_micros(grant.scope.expires_at))
    return _Kept(grant, revision, min(ends, default=None))


def find_grant(session: Session, name: str, token: str | None) -> Grant | None:
    """Return what an account may now, by a token (by its id) or by itself; None where nothing is.

    That is when the token was revoked or has expired, or the account is gone.
    """
    if token is not None:
        found = rows.find_token(session, token)
        now = session.clock()
        if found is None or (found.token.expires_at is not None and found.token.expires_at <= now):
            return None
        return _grant_by(session, found.token)
    return grant_of(session, name) if _is_active(session, name) else None


def _grant_by(session: Session, token: Token) -> Grant | None:
    if token.revoked_at is not None or not _is_active(session, token.owner):
        return None
    scope = Scope(
        projects=None if token.projects is None else frozenset(token.projects),
        permissions=None if token.permissions is None else frozenset(token.permissions),
        expires_at=token.expires_at,
    )
    return grant_of(session, token.owner, scope, token=token.id)


def _is_active(session: Session, name: str) -> bool:
    owner = accounts.find_account(session, name)
    return owner is not None and owner.disabled_at is None


def grant_of(session: Session, name: str, scope: Scope = EVERYTHING, token: str = "") -> Grant:
    """Return what an account may, by its roles and its teams', narrowed to a scope."""
    account = accounts.find_account(session, name)
    own = accounts.own_roles(session)
    teams = accounts.teams_of(session, name)
    standing = {role for roles in teams.values() for role in roles}
    if account is not None:
        standing |= set(account.roles)
    everywhere = scope.narrowed(permissions_of(standing, own, everywhere=True))
    held: dict[str, set[str]] = {}
    keys: dict[str, int] = {}
    for person in (name, *teams):
        for project, key, roles in session.all(_MEMBERSHIPS, person=person):
            held.setdefault(project, set()).update(from_json(roles))
            keys[project] = key
    if scope.projects is not None:
        held, keys = _only(session, scope.projects, held)
    in_projects = everywhere if scope.projects is not None else frozenset()
    return Grant(
        actor=name,
        token=token,
        kind="person" if account is None else account.kind,
        everywhere=everywhere if scope.projects is None else frozenset(),
        projects=FrozenDict(
            {
                project: in_projects | scope.narrowed(permissions_of(roles, own))
                for project, roles in held.items()
            }
        ),
        keys=FrozenDict(keys),
        roles=FrozenDict({project: frozenset(roles) for project, roles in held.items()}),
        roles_everywhere=frozenset(standing),
        scope=scope,
    )


def _only(
    session: Session, projects: Iterable[str], held: dict[str, set[str]]
) -> tuple[dict[str, set[str]], dict[str, int]]:
    """Return the roles in these projects and no others, and the keys of the projects."""
    keys: dict[str, int] = {}
    for name in projects:
        key = session.value(_PROJECT, name=name)
        if key is not None:
            keys[name] = int(key)
    return {name: held.get(name, set()) for name in keys}, keys
