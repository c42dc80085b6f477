"""The gate: what every request passes before anything else looks at it.

    URL → headers, each once → Host → Origin → path → framing → size and pace of the body → the rest

Each answer gets ``X-Request-Id``, and what keeps a browser from making more of it than it is. What
escapes from below is a fault of ours: it is logged, and the caller gets a problem with nothing but
the request id in it.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import unquote_to_bytes

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lockgate.artifacts.store import MANIFEST_BYTES_MAX
from lockgate.errors import InvalidInput, LimitExceeded, RegistryError
from lockgate.http.filling import BODY_INTO, BodyInto
from lockgate.http.problems import Refused, bug, http_refusal, refusal
from lockgate.wire.frames import BATCH_BYTES_MAX
from lockgate.wire.values import require_text

URL_BYTES_MAX = 8_192
HEADERS_MAX = 100
HEADERS_BYTES_MAX = 32_768
LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "testserver")
ANY_HOST = "*"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]*)(?::[0-9]{1,5})?")
# Bodies that are files, which the setting body_bytes_max is not about.
_LARGER = {
    "/api/v1/artifacts/blobs": BATCH_BYTES_MAX,
    "/api/v1/artifacts/manifests": MANIFEST_BYTES_MAX,
}
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_STRICT_PATHS = b"/api/v1/"
# What would mean two things to two readers if it came twice.
_SINGLE = frozenset(
    {
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"host",
        b"idempotency-key",
        b"if-match",
        b"last-event-id",
        b"origin",
        b"range",
        b"sec-fetch-site",
        b"transfer-encoding",
        b"x-csrf-token",
        b"x-lockgate-actor",
        b"x-mlflow-workspace",
    }
)
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
# For whatever is no JSON and brought no policy of its own: nothing runs, nothing is framed.
_GUARDS = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)


@dataclass(frozen=True, kw_only=True)
class GateLimits:
    """What the gate lets in. ``hosts`` are names for ``Host``, or ``*`` for any.

    ``uploads`` are path prefixes, below which larger bodies are taken, in bytes. ``encodings`` are
    paths and the Content-Encoding that is left to whoever answers there. A body may pause
    for ``silence_s``; once it took ``slow_s`` it must have come at ``slow_bytes_s`` or faster.
    """

    body_bytes_max: int
    hosts: frozenset[str]
    uploads: Mapping[str, int] = field(default_factory=dict)
    encodings: Mapping[str, str] = field(default_factory=dict)
    silence_s: float = 20.0
    slow_s: float = 20.0
    slow_bytes_s: float = 10_000.0

    def body_bytes_at(self, path: str) -> int:
        """Return the largest body that ``path`` takes."""
        below = [most for prefix, most in self.uploads.items() if path.startswith(prefix)]
        return max(self.body_bytes_max, _LARGER.get(path, 0), *below)


class _ClientGone(Exception):
    """Nobody is left to answer to."""


class Gate:
    """The outermost middleware, in plain ASGI."""

    def __init__(self, app: ASGIApp, limits: GateLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not self._lets_in_websocket(scope):
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        request_id = _request_id(headers.get(b"x-request-id"))
        scope.setdefault("state", {})["request_id"] = request_id
        stamp = [(b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff")]
        started = False

        async def stamped(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], *stamp, *_guards(message["headers"])]
            try:
                await send(message)
            except (OSError, RuntimeError) as error:
                if _hung_up(error):
                    raise _ClientGone from error
                raise

        try:
            counted = self._admit(scope, headers, receive)
            await self._app(scope, counted, stamped)
        except (_ClientGone, ClientDisconnect):
            await asyncio.sleep(0)  # lets the server see it as well
            return
        except Refused as no:
            response = http_refusal(no.status, request_id, no.detail)
        except RegistryError as error:
            response = refusal(error, request_id)
        except Exception as error:  # noqa: BLE001 - the last place to turn a fault into an answer
            response = bug(request_id, error, scope["method"], scope["path"])
        else:
            return
        if not started:
            with suppress(_ClientGone):
                await response(scope, receive, stamped)

    def _admit(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> Receive:
        """Return the stream of the body, counted. Raises what is wrong with the request."""
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        if len(raw_path) + len(scope["query_string"]) > URL_BYTES_MAX:
            raise Refused(414, f"The URL is longer than {URL_BYTES_MAX} bytes.")
        if len(scope["headers"]) > HEADERS_MAX:
            raise Refused(431, f"The request has more than {HEADERS_MAX} headers.")
        _check_headers(scope["headers"])
        self._check_host(headers.get(b"host", b"").decode("latin-1"))
        if scope["method"] not in _READING:
            _check_origin(headers)
        if b"%" in raw_path or not raw_path.isascii():
            _check_path(raw_path)
        if b"%" in scope["query_string"]:
            _require_utf8(scope["query_string"].replace(b"+", b" "), "the query")
        length = headers.get(b"content-length")
        if length is None:
            if b"transfer-encoding" not in headers:
                return receive
        elif b"transfer-encoding" in headers:
            raise Refused(400, "Content-Length and Transfer-Encoding exclude each other.")
        elif not length.isdigit() or len(length) > 18:
            raise Refused(400, "Content-Length must be a whole number.")
        encoding = headers.get(b"content-encoding", b"identity").lower()
        if encoding not in (b"identity", self._limits.encodings.get(scope["path"], "").encode()):
            raise Refused(415, "Send the body as it is, without a Content-Encoding.")
        most = self._limits.body_bytes_at(scope["path"])
        if length is not None and int(length) > most:
            raise _too_large(int(length), most)
        if BODY_INTO in scope.get("extensions", {}):
            scope["extensions"][BODY_INTO] = _paced(scope["extensions"][BODY_INTO], self._limits)
        return _counted(receive, most, self._limits)

    def _lets_in_websocket(self, scope: Scope) -> bool:
        headers = dict(scope["headers"])
        try:
            _check_headers(scope["headers"])
            self._check_host(headers.get(b"host", b"").decode("latin-1"))
            _check_origin(headers)
        except (Refused, RegistryError):
            return False
        return True

    def _check_host(self, host: str) -> None:
        found = _HOST.fullmatch(host.lower())
        allowed = self._limits.hosts
        if found is None or not found[1] or (ANY_HOST not in allowed and found[1] not in allowed):
            raise InvalidInput(
                detail=f"This server does not answer to the Host {host[:100]!r}; "
                "the setting allowed_hosts says which names it has",
                field="Host",
            )


def _counted(receive: Receive, most: int, limits: GateLimits) -> Receive:
    """Return ``receive`` that refuses a body once it is too large or too slow."""
    size = 0
    waited_s = 0.0
    whole = False

    async def counted() -> Message:
        nonlocal size, waited_s, whole
        if whole:
            return await receive()  # waits for the client to leave, which may take its time
        began_s = monotonic()
        try:
            async with asyncio.timeout(limits.silence_s):
                message = await receive()
        except TimeoutError:
            raise _stood_still(limits) from None
        waited_s += monotonic() - began_s
        if message["type"] == "http.request":
            size += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if size > most:
                raise _too_large(size, most)
            if not whole:
                _require_pace(size, waited_s, limits)
        return message

    return counted


def _paced(into: BodyInto, limits: GateLimits) -> BodyInto:
    """Return ``into`` that refuses a body once it is too slow; of its length it takes no more."""

    async def paced(memory: memoryview) -> AsyncGenerator[int, None]:
        waited_s = 0.0
        async with aclosing(into(memory)) as filling:
            while True:
                began_s = monotonic()
                try:
                    async with asyncio.timeout(limits.silence_s):
                        size = await anext(filling, None)
                except TimeoutError:
                    raise _stood_still(limits) from None
                waited_s += monotonic() - began_s
                if size is None:
                    return
                if size < len(memory):
                    _require_pace(size, waited_s, limits)
                yield size

    return paced


def _stood_still(limits: GateLimits) -> Refused:
    return Refused(408, f"The body stood still for {limits.silence_s:g} s.")


def _require_pace(size: int, waited_s: float, limits: GateLimits) -> None:
    if waited_s > limits.slow_s and size < waited_s * limits.slow_bytes_s:
        raise Refused(408, f"The body comes at {size / waited_s:.0f} bytes a second.")


def _check_headers(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse headers that are too large together, and those that come twice and may not."""
    seen: set[bytes] = set()
    size = 0
    for name, value in headers:
        size += len(name) + len(value)
        if name in seen:
            raise Refused(400, f"The header {name.decode('latin-1')} comes twice.")
        if name in _SINGLE:
            seen.add(name)
    if size > HEADERS_BYTES_MAX:
        raise Refused(431, f"The headers are longer than {HEADERS_BYTES_MAX} bytes.")


def _check_origin(headers: Mapping[bytes, bytes]) -> None:
    """Refuse what a page of another site has a browser send. Programs send no ``Origin``."""
    origin = headers.get(b"origin")
    site = headers.get(b"sec-fetch-site", b"none")
    same = (
        origin is None or origin.partition(b"://")[2].lower() == headers.get(b"host", b"").lower()
    )
    if not same or site not in (b"none", b"same-origin"):
        raise Refused(403, "A page of another site may not change anything here.")


def _guards(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return what keeps a browser from showing an answer as more than it is."""
    given = dict(headers)
    if b"json" in given.get(b"content-type", b""):
        return []
    return [guard for guard in _GUARDS if guard[0] not in given]


def _too_large(size: int, most: int) -> LimitExceeded:
    return LimitExceeded(what="The size of the body in bytes", observed=size, limit=most)


def hosts_of(bound_to: str, allowed: str | Iterable[str]) -> frozenset[str]:
    """Return the names that a server bound to an address answers to.

    On a loopback address these are its own names, so that a web page cannot reach the server by
    a name that it had resolve to 127.0.0.1; elsewhere any. ``allowed`` (text with commas, or
    names) says more, or ``*``.
    """
    listed = allowed.split(",") if isinstance(allowed, str) else allowed
    named = frozenset(name.strip().lower() for name in listed if name.strip())
    if named:
        return named | frozenset(LOOPBACK)
    loopback = bound_to in ("localhost", "::1") or bound_to.startswith("127.")
    return frozenset(LOOPBACK) if loopback else frozenset({ANY_HOST})


def _request_id(given: bytes | None) -> str:
    """Return the caller's request id if it is a plain word, else a new one."""
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given.decode()
    return secrets.token_hex(8)


def _hung_up(error: Exception) -> bool:
    """Say whether a send failed because the client left; uvloop says it in words alone."""
    return isinstance(error, OSError) or "the handler is closed" in str(error)


def _check_path(raw_path: bytes) -> None:
    """Refuse what could be read as another path: an encoded slash, NUL, broken UTF-8."""
    if b"%2f" in raw_path.lower() and raw_path.startswith(_STRICT_PATHS):
        raise InvalidInput(
            detail="A name in the path contains %2F; no name contains a slash", field="path"
        )
    if _CONTROL.search(unquote_to_bytes(raw_path)):
        # A router whose patterns end in ``$`` takes ``/docs%0a`` for ``/docs``.
        raise InvalidInput(detail="The path contains a control character", field="path")
    _require_utf8(raw_path, "the path")


def _require_utf8(raw: bytes, what: str) -> None:
    try:
        require_text(unquote_to_bytes(raw).decode(), what)
    except UnicodeDecodeError:
        raise InvalidInput(detail=f"{what} is not percent-encoded UTF-8", field=what) from None
