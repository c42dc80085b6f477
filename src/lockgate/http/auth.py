"""Who asks: decided here and nowhere else in the HTTP API.

    Authorization: Bearer lgt_…      a token
    Authorization: Basic …           the same token as the password: what other clients can send
    Cookie: lockgate_session=lgs_…   a browser's login; a write also carries X-CSRF-Token
    X-Lockgate-Actor: ana            a name to be believed, and only until access control is on

Under access control a request without a good one of these reaches no registry: whatever asks for
`registry_for` is answered 401. What does not ask (signs of life, the documentation) is public.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lockgate.domain.access import Actor
from lockgate.domain.grants import Grant
from lockgate.domain.tokens import csrf_of, same_hash
from lockgate.errors import (
    CrossSiteRequest,
    InvalidInput,
    RateLimited,
    RegistryError,
    Unauthenticated,
)
from lockgate.http.threads import Threads
from lockgate.http.throttling import Throttles
from lockgate.registry import Registry
from lockgate.registry.desk import grant_of, granted, store_of, unproved
from lockgate.storage.store import Store
from lockgate.storage.tokens import touch_token

ACTOR_HEADER = b"x-lockgate-actor"
CSRF_HEADER = b"x-csrf-token"
COOKIE = "lockgate_session"
CHALLENGE = b'Bearer realm="lockgate", Basic realm="lockgate", charset="UTF-8"'
BROWSER_CHALLENGE = b'Bearer realm="lockgate"'
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
AUTHORIZATION_BYTES_MAX = 1_000
_TOKEN_IN_URL = re.compile(rb"lg[ts]_[0-9a-z]{12}_[0-9A-Za-z]{20}")
_DOOR = "lockgate.door"
_WANTED = (
    "This server wants a token: Authorization: Bearer lgt_…, or Basic with the token as password"
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request proves itself with. ``cookie`` says that a browser sent it unasked."""

    secret: str
    cookie: bool = False


def registry_for(scope: Scope) -> Registry:
    """Return the registry acting as whoever sent the request.

    Raises `Unauthenticated` for nobody who is known, `InvalidInput` for unreadable headers.
    """
    door: Registry | RegistryError | None = scope["state"].get(_DOOR)
    if isinstance(door, RegistryError):
        raise door
    if door is None:  # an application without the middleware below has no doors to close
        raise Unauthenticated(detail=_WANTED)
    return door


async def admitted_again(scope: Scope) -> Registry:
    """Return the registry as whoever sent a request that goes on may use it by now.

    Raises `Unauthenticated` once what the request proved itself with is no longer good.
    """
    door = registry_for(scope)
    store = store_of(door)
    if not store.grants.is_fresh:
        await _asked(scope, store, store.grants.refresh)
    if not store.grants.state.enabled:
        return door
    credentials = credentials_of(scope)
    if credentials is None:
        raise Unauthenticated(detail=_WANTED)
    grant = store.grants.find(credentials.secret)
    if grant is None:
        found: list[Grant] = []
        await _asked(scope, store, lambda: found.append(store.grants.load(credentials.secret)))
        grant = found[0]
    return granted(door, grant, source_of(scope))


def require_everywhere(scope: Scope, permission: str) -> None:
    """Raise `Forbidden` unless whoever asks may do something in the installation."""
    grant = grant_of(registry_for(scope))
    if grant is not None:
        grant.require_everywhere(permission)


def source_of(scope: Scope) -> str | None:
    """Return the address that a request came from, as far as the server knows it."""
    client = scope.get("client")
    return None if client is None else str(client[0])


class Authenticated:
    """Middleware that finds out who asks, before anything else looks at the request."""

    def __init__(self, app: ASGIApp, throttles: Throttles) -> None:
        self._app = app
        self._throttles = throttles

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        _require_no_token_in_url(scope)
        registry: Registry = scope["app"].state.registry
        try:
            scope["state"][_DOOR] = await self._admit(scope, registry)
        except RateLimited:
            raise
        except RegistryError as error:
            scope["state"][_DOOR] = error
        headers: list[tuple[bytes, bytes]] = scope["headers"]

        async def challenged(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 401:
                # A browser would ask for a password in a window of its own.
                browser = any(name == b"sec-fetch-mode" for name, _ in headers)
                challenge = BROWSER_CHALLENGE if browser else CHALLENGE
                message["headers"] = [*message["headers"], (b"www-authenticate", challenge)]
            await send(message)

        await self._app(scope, receive, challenged)

    async def _admit(self, scope: Scope, registry: Registry) -> Registry:
        store = store_of(registry)
        if not store.grants.is_fresh:
            await _asked(scope, store, store.grants.refresh)
        if not store.grants.state.enabled:
            return unproved(registry, _named(scope))
        credentials = credentials_of(scope)
        if credentials is None:
            raise Unauthenticated(detail=_WANTED)
        grant = store.grants.find(credentials.secret)
        if grant is None:
            grant = await self._load(scope, store, credentials.secret)
        if credentials.cookie:
            _require_same_site(scope, credentials.secret)
        self._throttles.tokens.take(grant.token)
        address = source_of(scope)
        if store.grants.is_use_due(grant.token):
            pool: Threads = scope["app"].state.pool
            pool.submit(_touch, store, grant.token, address)
        return granted(registry, grant, address)

    async def _load(self, scope: Scope, store: Store, secret: str) -> Grant:
        source = source_of(scope) or ""
        try:
            found: list[Grant] = []
            await _asked(scope, store, lambda: found.append(store.grants.load(secret)))
            return found[0]
        except Unauthenticated:
            await self._throttles.after_failure(source)
            raise


async def _asked(scope: Scope, store: Store, ask: Callable[[], object]) -> None:
    """Ask the database: at once where that is a file, else in a thread of the pool."""
    if store.database.dialect == "sqlite":
        ask()
        return
    pool: Threads = scope["app"].state.pool
    await pool.run(ask)


def credentials_of(scope: Scope) -> Credentials | None:
    """Return what a request proves itself with, or None. Raises `Unauthenticated`."""
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(given) > 1:
        raise Unauthenticated(detail="There are several Authorization headers; send one")
    if given:
        return Credentials(_secret(given[0]))
    cookie = session_cookie(scope)
    return None if cookie is None else Credentials(cookie, cookie=True)


def session_cookie(scope: Scope) -> str | None:
    """Return the session that a browser's cookie holds, or None.

    Raises `Unauthenticated` for two: one of them may be of a neighbouring site's making.
    """
    wanted = _cookie_name(scope)
    found = {
        value
        for header, line in scope["headers"]
        if header == b"cookie"
        for name, _, value in (each.strip().partition("=") for each in _crumbs(line))
        if name == wanted and value
    }
    if len(found) > 1:
        raise Unauthenticated(detail="There are two cookies of a session; delete them and log in")
    return next(iter(found), None)


def give_session(response: Response, scope: Scope, secret: str, lasts_s: int) -> None:
    """Have a browser keep a session, where neither scripts nor other sites get at it."""
    response.set_cookie(_cookie_name(scope), secret, max_age=lasts_s, **_cookie_rules(scope))


def take_session(response: Response, scope: Scope) -> None:
    """Have a browser forget its session."""
    response.delete_cookie(_cookie_name(scope), **_cookie_rules(scope))


def _cookie_name(scope: Scope) -> str:
    # What begins so, browsers take from this very host alone, by https: no neighbour sets it.
    return f"__Host-{COOKIE}" if scope["scheme"] == "https" else COOKIE


def _cookie_rules(scope: Scope) -> dict[str, Any]:
    secure = scope["scheme"] == "https"
    return {"path": "/", "httponly": True, "samesite": "strict", "secure": secure}


def _crumbs(line: bytes) -> list[str]:
    return line.decode("latin-1").split(";")


def _secret(value: bytes) -> str:
    scheme, _, rest = value[:AUTHORIZATION_BYTES_MAX].strip().partition(b" ")
    rest = rest.strip()
    try:
        if scheme.lower() == b"bearer":
            return rest.decode("ascii")
        if scheme.lower() == b"basic":
            name, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
            return password or name
    except (UnicodeDecodeError, binascii.Error):
        pass
    raise Unauthenticated(detail=_WANTED)


def _named(scope: Scope) -> Actor | None:
    for name, value in scope["headers"]:
        if name == ACTOR_HEADER:
            try:
                return Actor.named(unquote(value.decode("ascii"), errors="strict"))
            except UnicodeDecodeError:
                raise InvalidInput(
                    detail="X-Lockgate-Actor must be percent-encoded UTF-8", field="actor"
                ) from None
    return None


def _require_no_token_in_url(scope: Scope) -> None:
    """Refuse a token where logs and histories would keep it, whoever it belongs to."""
    for part in (scope["query_string"], scope.get("raw_path") or b""):
        if b"lg" in part and _TOKEN_IN_URL.search(unquote_to_bytes(part)):
            raise InvalidInput(
                detail="A token never belongs into a URL, which logs keep: send it in the "
                "Authorization header, and revoke this one",
                field="query",
            )


def _require_same_site(scope: Scope, cookie: str) -> None:
    """Refuse a write by cookie unless a page of this server's own sent it."""
    if scope["method"] in SAFE_METHODS:
        return
    headers: Mapping[bytes, bytes] = dict(scope["headers"])
    sent = headers.get(CSRF_HEADER, b"")
    if not same_hash(csrf_of(cookie).encode(), sent):
        raise CrossSiteRequest(
            detail="A write by cookie carries X-CSRF-Token: GET /api/v1/session tells it"
        )
    if b"origin" not in headers:
        raise CrossSiteRequest(detail="A write by cookie says where from: Origin")
    require_same_origin(scope)


def require_same_origin(scope: Scope) -> None:
    """Raise `CrossSiteRequest` when a page of another origin sent a request."""
    headers: Mapping[bytes, bytes] = dict(scope["headers"])
    if b"origin" not in headers:
        return
    origin = urlsplit(headers[b"origin"].decode("latin-1"))
    if origin.netloc.lower() != headers.get(b"host", b"").decode("latin-1").lower():
        raise CrossSiteRequest(detail="A page of another origin asks; this server's own may")


def takes_word_for_actor(scope: Scope) -> bool:
    """Say whether a caller may say who acts: only while access control is off."""
    registry: Registry = scope["app"].state.registry
    return not store_of(registry).grants.state.enabled


def _touch(store: Store, token: str, address: str | None) -> None:
    try:
        store.database.write(lambda session: touch_token(session, token, address))
    except RegistryError as error:
        import structlog  # see `problems.bug`

        # Nobody waits for it, and the next use writes it down.
        structlog.get_logger().warning("use of a token not written down", error=str(error))
