"""Tokens: made, listed, revoked; the first administrator; who one is."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from lockgate.domain import names
from lockgate.domain.access import Account, WhoAmI
from lockgate.domain.frozen import EMPTY, FrozenDict
from lockgate.domain.grants import Grant
from lockgate.domain.permissions import MANAGE_ACCESS, MANAGE_TOKENS, VIEW, known_permissions
from lockgate.domain.roles import ADMIN
from lockgate.domain.tokens import (
    ENTROPY_BYTES,
    IssuedToken,
    Token,
    token_hash,
    token_id,
    write_token,
)
from lockgate.errors import Conflict, Forbidden, InvalidInput, NotFound
from lockgate.services.accounts import note, require_controlled
from lockgate.storage import accounts, guard
from lockgate.storage import tokens as rows
from lockgate.storage.database import Session
from lockgate.storage.projects import project_id
from lockgate.storage.store import Caller, Store

TOKENS_MAX = 1_000
FIRST_TOKEN = "first administrator"  # noqa: S105  # its name, not the token


class NewToken(Protocol):
    """What a caller says of a new token."""

    @property
    def name(self) -> str: ...
    @property
    def owner(self) -> str | None: ...
    @property
    def projects(self) -> Sequence[str] | None: ...
    @property
    def permissions(self) -> Sequence[str] | None: ...
    @property
    def expires_at(self) -> datetime | None: ...


def create_token(store: Store, who: Caller, new: NewToken) -> IssuedToken:
    """Make a token of one's own, or with ``access.manage`` of somebody else.

    ``projects`` and ``permissions`` narrow it to less than its owner may; made with a token, it
    is never wider than that. Its secret is in the answer, and nowhere else. Raises `NotFound` for
    an owner who is no account.
    """
    owner = new.owner or who.name
    name = names.key_name(new.name, "name", store.limits)
    permissions = None
    if new.permissions is not None:
        permissions = known_permissions(new.permissions, "A token")
    secret = write_token(secrets.token_bytes(ENTROPY_BYTES))

    def use_case(session: Session) -> Token:
        session.settle_time(0)
        require_controlled(session)
        _require_may_manage(session, who, owner)
        account = accounts.find_account(session, owner)
        if account is None or account.disabled_at is not None:
            raise NotFound(
                detail=f"There is no person or service account '{owner}' that is enabled; an "
                "administrator adds it with `lockgate account set`.",
                name=owner,
            )
        # Those of CI jobs end by themselves, and are named by the URL of who vouched for them.
        kept = [each for each in rows.list_tokens(session, owner) if "://" not in each.created_by]
        if len(kept) >= TOKENS_MAX:
            raise Conflict(detail=f"'{owner}' has {TOKENS_MAX} tokens already")
        if new.expires_at is not None and new.expires_at <= session.now:
            raise InvalidInput(detail="expires_at lies in the past", field="expires_at")
        for project in new.projects or ():
            project_id(session, project)
        token = _narrowed(
            who.grant,
            Token(
                id=token_id(secret) or "",
                name=name,
                owner=owner,
                projects=None if new.projects is None else tuple(sorted(set(new.projects))),
                permissions=None if permissions is None else tuple(sorted(permissions)),
                created_by=who.name,
                created_at=session.now,
                expires_at=new.expires_at,
            ),
        )
        rows.add_token(session, token, token_hash(secret))
        _note(session, who, "create_token", token)
        return token

    return IssuedToken(token=store.write(who, use_case), secret=secret)


def list_tokens(store: Store, who: Caller, owner: str | None, everybody: bool) -> tuple[Token, ...]:
    """Return one's own tokens; those of somebody else or of all with ``access.manage``."""
    wanted = None if everybody else owner or who.name

    def use_case(session: Session) -> tuple[Token, ...]:
        _require_may_manage(session, who, wanted)
        return tuple(rows.list_tokens(session, wanted))

    return store.snapshot(use_case)


def revoke_token(store: Store, who: Caller, key: str) -> Token:
    """Revoke a token by its id, and end the sessions made with it. Twice is once.

    Somebody else's is not there for whoever may not manage it.
    """
    key = names.sought(key, "token")

    def use_case(session: Session) -> Token:
        session.settle_time(0)
        kept = rows.find_token(session, key)
        grant = who.grant
        mine = kept is not None and kept.token.owner == who.name
        if kept is None or not (mine or grant is None or grant.may_everywhere(MANAGE_ACCESS)):
            raise NotFound(detail=f"There is no token '{key[:40]}'.")
        _require_may_manage(session, who, kept.token.owner)
        if rows.revoke_token(session, key, who.name):
            accounts.raise_revision(session)
            _note(session, who, "revoke_token", kept.token)
        after = rows.find_token(session, key)
        assert after is not None, "found above"  # noqa: S101
        return after.token

    done = store.write(who, use_case)
    store.grants.refresh()
    return done


def who_am_i(store: Store, who: Caller) -> WhoAmI:
    """Return who acts, and what they may."""
    grant = who.grant
    if grant is None:
        return WhoAmI(
            actor=who.name,
            kind="operator",
            controlled=store.grants.state.enabled,
            token=None,
            permissions=(),
            projects=EMPTY,
        )
    return WhoAmI(
        actor=grant.actor,
        kind=grant.kind,
        controlled=True,
        token=grant.token or None,
        permissions=tuple(sorted(grant.everywhere)),
        projects=FrozenDict(
            {name: tuple(sorted(held)) for name, held in grant.projects.items() if VIEW in held}
        ),
        expires_at=grant.scope.expires_at,
    )


def make_first_administrator(store: Store, who: Caller, name: str) -> IssuedToken:
    """Switch access control on: make an administrator, and a token to begin with.

    For whoever can open the database, never over HTTP. Raises `Conflict` when it is on already.
    """
    name = names.key_name(name, "name", store.limits)
    secret = write_token(secrets.token_bytes(ENTROPY_BYTES))

    def use_case(session: Session) -> Token:
        session.settle_time(0)
        guard.require_everywhere(session, MANAGE_ACCESS)
        if accounts.read_state(session).enabled:
            raise Conflict(
                detail="Access control is on already. Who can open the database makes further "
                "tokens with `lockgate token create --owner NAME`."
            )
        token = Token(
            id=token_id(secret) or "",
            name=FIRST_TOKEN,
            owner=name,
            projects=None,
            permissions=None,
            created_by=who.name,
            created_at=session.now,
        )
        accounts.put_account(
            session,
            Account(
                name=name,
                kind="person",
                roles=(ADMIN,),
                created_by=who.name,
                created_at=session.now,
            ),
        )
        rows.add_token(session, token, token_hash(secret))
        accounts.raise_revision(session, enable=True)
        note(session, who, "init_access", {"account": name, "token": token.id})
        return token

    token = store.write(who, use_case)
    store.grants.refresh()
    return IssuedToken(token=token, secret=secret)


def _require_may_manage(session: Session, who: Caller, owner: str | None) -> None:
    """Raise `Forbidden` unless the caller may manage the tokens of an owner (None: of all)."""
    if owner is None or owner != who.name:
        guard.require_everywhere(session, MANAGE_ACCESS)
        return
    if who.grant is not None:
        who.grant.require_own_tokens()
    session.note_asked(MANAGE_TOKENS, guard.INSTALLATION_KEY)


def _narrowed(grant: Grant | None, token: Token) -> Token:
    """Return a token no wider than the one that makes it. Raises `Forbidden` for more."""
    if grant is None:
        return token
    scope = grant.scope
    permissions = _both(token.permissions, scope.permissions)
    lacking = set(token.permissions or ()) - set(permissions or ())
    if lacking:
        where = ", ".join(token.projects or ("any",))
        raise Forbidden(actor=grant.actor, permission=min(lacking), project=where)
    ends = [each for each in (scope.expires_at, token.expires_at) if each is not None]
    return replace(
        token,
        projects=_both(token.projects, scope.projects),
        permissions=permissions,
        expires_at=min(ends, default=None),
    )


def _both(one: Iterable[str] | None, other: Iterable[str] | None) -> tuple[str, ...] | None:
    """Return what two bounds leave, by name; None is no bound."""
    if one is None or other is None:
        left = other if one is None else one
        return None if left is None else tuple(sorted(set(left)))
    return tuple(sorted(set(one) & set(other)))


def _note(session: Session, who: Caller, action: str, token: Token) -> None:
    expires = None if token.expires_at is None else token.expires_at.isoformat()
    detail: dict[str, object] = {"token": token.id, "owner": token.owner, "name": token.name}
    if action == "create_token":
        detail |= {
            "projects": None if token.projects is None else list(token.projects),
            "permissions": None if token.permissions is None else list(token.permissions),
            "expires_at": expires,
        }
    note(session, who, action, detail)
