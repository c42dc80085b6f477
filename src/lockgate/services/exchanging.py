"""What an issuer's word is exchanged for: a CI job's token, or a person's session in the browser.

An identity token is taken once: the id of what is given for it is made of its issuer and its
number, so that a second one would be the same row. Rows are kept for as long as the identity token
might be good, on record for ever.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from lockgate.domain import names
from lockgate.domain.access import Account, AccountKind, Actor
from lockgate.domain.identities import (
    IDENTITY_S_MAX,
    SignIn,
    TrustRule,
    require_claims,
    token_number,
)
from lockgate.domain.moments import to_micros
from lockgate.domain.permissions import MANAGE_ACCESS, MANAGE_TOKENS
from lockgate.domain.tokens import (
    ENTROPY_BYTES,
    IssuedToken,
    Token,
    same_hash,
    token_hash,
    token_id,
    write_token,
)
from lockgate.errors import NotFound, Unauthenticated
from lockgate.services import logins
from lockgate.services.accounts import note, require_controlled
from lockgate.services.issuers import Issuers, authorization_endpoint, find_issuers
from lockgate.storage import accounts, guard
from lockgate.storage import tokens as rows
from lockgate.storage.database import Session
from lockgate.storage.projects import project_id
from lockgate.storage.store import Caller, Store

_ID_BYTES = 9
VISIT_S_MAX = 600
"""How long somebody may take to sign in at an issuer."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One way to an issuer and back: ``secret`` stays in the browser that began it."""

    url: str
    secret: str

    def __repr__(self) -> str:
        return f"Visit(url={self.url.partition('?')[0]!r})"


def exchange(store: Store, identity: str, address: str | None = None) -> IssuedToken:
    """Make the token that a CI job is given for its identity token, by the rule that it fits.

    Raises `Unauthenticated` for one that proves nothing, fits no rule or was used before;
    `Unavailable` when its issuer does not answer.
    """
    issuers = find_issuers(store.issuers)
    issuer, claims = issuers.verified(identity, issuers.trust.issuers)
    require_claims(claims, issuer, store.database.clock().timestamp())
    number = token_number(claims)
    rule = issuers.trust.find_rule(issuer, claims)
    if rule is None:
        raise Unauthenticated(detail="The identity token is good, and no rule is for such a job")
    secret = write_token(_entropy(issuer.url, number))
    subject = str(claims.get("sub", ""))

    def use_case(session: Session) -> Token:
        _require_kind(session, rule.account, "service")
        for project in rule.projects:
            _require_project(session, project)
        return _add(session, secret, subject, rule, issuer.url, who)

    who = Caller(actor=Actor(rule.account), address=address)
    return IssuedToken(token=store.write(who, use_case), secret=secret)


def begin_visit(store: Store) -> Visit:
    """Return where to send a browser for somebody to sign in. Raises `NotFound` if nowhere."""
    import base64
    from urllib.parse import urlencode

    issuers = find_issuers(store.issuers)
    sign_in = _sign_in(issuers.trust.sign_in)
    secret = secrets.token_urlsafe(32)
    challenge = hashlib.sha256(_part(secret, "verifier").encode()).digest()
    words = {
        "response_type": "code",
        "client_id": sign_in.client_id,
        "redirect_uri": sign_in.redirect_uri,
        "scope": "openid email",
        "state": _part(secret, "state"),
        "nonce": _part(secret, "nonce"),
        "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    endpoint = authorization_endpoint(issuers.document(sign_in.issuer))
    joint = "&" if "?" in endpoint else "?"
    return Visit(url=f"{endpoint}{joint}{urlencode(words)}", secret=secret)


def ways_in(store: Store) -> dict[str, object]:
    """Return whether access control is on, and the name of the issuer that people sign in at."""
    issuers = store.issuers
    sign_in = issuers.trust.sign_in if isinstance(issuers, Issuers) else None
    controlled = store.grants.state.enabled
    named = sign_in.shown_name if sign_in is not None and controlled else None
    return {"controlled": controlled, "issuer": named}


def end_visit(
    store: Store, secret: str, state: str, code: str, address: str | None = None
) -> logins.Login:
    """Make a session for whoever came back from an issuer, in the browser that was sent there.

    Raises `Unauthenticated`.
    """
    issuers = find_issuers(store.issuers)
    sign_in = _sign_in(issuers.trust.sign_in)
    if not secret or not same_hash(_part(secret, "state").encode(), state.encode()):
        raise Unauthenticated(detail="This is not the answer to what this browser asked: try again")
    identity = issuers.redeem(sign_in, code, _part(secret, "verifier"))
    _, claims = issuers.verified(identity, (sign_in.issuer,))
    require_claims(claims, sign_in.issuer, store.database.clock().timestamp())
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not same_hash(_part(secret, "nonce").encode(), nonce.encode()):
        raise Unauthenticated(detail="The identity token is the answer to another question")
    named, create = sign_in.account_of(claims)
    name = names.key_name(named, "account", store.limits)
    token = write_token(secrets.token_bytes(ENTROPY_BYTES))
    subject = str(claims.get("sub", ""))
    who = Caller(actor=Actor(name), address=address)

    def use_case(session: Session) -> Token:
        if create:
            _make_account(session, who, sign_in.issuer.url)
        _require_kind(session, name, "person")
        return _add(session, token, subject, None, sign_in.issuer.url, who)

    store.write(who, use_case)
    store.grants.refresh()
    return logins.log_in(store, token)


def _add(
    session: Session,
    secret: str,
    subject: str,
    rule: TrustRule | None,
    issuer: str,
    who: Caller,
) -> Token:
    """Keep the token that is given for an issuer's word, and put that on record."""
    now = session.settle_time(0)
    session.note_asked(MANAGE_TOKENS, guard.INSTALLATION_KEY)
    rows.forget_tokens(session, issuer, now - 2 * IDENTITY_S_MAX * 1_000_000)
    lasts_s = logins.SESSION_S_MAX if rule is None else rule.lasts_s
    token = Token(
        id=token_id(secret) or "",
        name=f"{'login' if rule is None else 'job'} {subject}"[:200].strip(),
        owner=who.name,
        projects=None if rule is None else tuple(sorted(set(rule.projects))),
        permissions=None if rule is None else tuple(sorted(set(rule.permissions))),
        created_by=issuer,
        created_at=session.now,
        expires_at=session.now + timedelta(seconds=lasts_s),
    )
    if rows.find_token(session, token.id) is not None:
        raise Unauthenticated(detail="The identity token was used before; each is good for once")
    rows.add_token(session, token, token_hash(secret))
    ends_us = 0 if token.expires_at is None else to_micros(token.expires_at)
    detail: dict[str, object] = {
        "token": token.id,
        "owner": token.owner,
        "issuer": issuer,
        "subject": subject[:500],
        "projects": None if token.projects is None else list(token.projects),
        "permissions": None if token.permissions is None else list(token.permissions),
        "lasts_s": (ends_us - now) // 1_000_000,
    }
    note(session, who, "log_in" if rule is None else "exchange_token", detail)
    return token


def _require_kind(session: Session, name: str, kind: AccountKind) -> None:
    """Raise `Unauthenticated` unless an account is there, enabled and of a kind."""
    session.settle_time(0)
    require_controlled(session)
    account = accounts.find_account(session, name)
    if account is None or account.disabled_at is not None or account.kind != kind:
        raise Unauthenticated(detail=f"There is no {kind} account '{name:.100}' that is enabled")


def _require_project(session: Session, name: str) -> None:
    try:
        project_id(session, name)
    except NotFound:
        raise Unauthenticated(detail="The rule that fits names a project that is gone") from None


def _make_account(session: Session, who: Caller, issuer: str) -> None:
    """Make the account of somebody new, without any role; one that is there stays as it is."""
    session.settle_time(0)
    require_controlled(session)
    taken = {team.name for team in accounts.list_teams(session)}
    if who.name in taken or accounts.find_account(session, who.name) is not None:
        return
    session.note_asked(MANAGE_ACCESS, guard.INSTALLATION_KEY)
    made = Account(
        name=who.name, kind="person", roles=(), created_by=issuer, created_at=session.now
    )
    accounts.put_account(session, made)
    accounts.raise_revision(session)
    note(session, who, "set_account", {"account": who.name, "kind": "person", "roles": []})


def _sign_in(found: SignIn | None) -> SignIn:
    if found is None:
        raise NotFound(detail="Nobody signs in through an issuer here: log in with a token")
    return found


def _entropy(issuer: str, number: str) -> bytes:
    """Return what a token is made of: its id is the identity token's, its secret is random."""
    fixed = hashlib.sha256(f"{issuer}\n{number}".encode()).digest()[:_ID_BYTES]
    return fixed + secrets.token_bytes(ENTROPY_BYTES - _ID_BYTES)


def _part(secret: str, what: str) -> str:
    """Return one of the values of a visit: none of them tells another."""
    return hashlib.sha256(f"{what}:{secret}".encode()).hexdigest()
