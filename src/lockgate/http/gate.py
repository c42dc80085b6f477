"""The gate: what every request passes before anything else looks at it.

    Host → length of the URL → number of headers → path → framing → size of the body → the rest

Each answer gets ``X-Request-Id``. What escapes from below is a fault of ours: it is logged, and
the caller gets a problem with nothing but the request id in it.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lockgate.artifacts.store import MANIFEST_BYTES_MAX
from lockgate.errors import InvalidInput, LimitExceeded, RegistryError
from lockgate.http.problems import bug, http_refusal, refusal
from lockgate.wire.frames import BATCH_BYTES_MAX
from lockgate.wire.values import require_text

URL_BYTES_MAX = 8_192
HEADERS_MAX = 100
LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "testserver")
ANY_HOST = "*"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:]*)(?::[0-9]+)?")
# Bodies that are files, which the setting body_bytes_max is not about.
_LARGER = {
    "/api/v1/artifacts/blobs": BATCH_BYTES_MAX,
    "/api/v1/artifacts/manifests": MANIFEST_BYTES_MAX,
}
_STRICT_PATHS = b"/api/v1/"


@dataclass(frozen=True, kw_only=True)
class GateLimits:
    """What the gate lets in. ``hosts`` are names for ``Host``, or ``*`` for any.

    ``uploads`` are path prefixes, below which larger bodies are taken, in bytes.
    """

    body_bytes_max: int
    hosts: frozenset[str]
    uploads: Mapping[str, int] = field(default_factory=dict)

    def body_bytes_at(self, path: str) -> int:
        """Return the largest body that ``path`` takes."""
        below = [most for prefix, most in self.uploads.items() if path.startswith(prefix)]
        return max(self.body_bytes_max, _LARGER.get(path, 0), *below)


class _Refused(Exception):
    """HTTP itself says no."""

    def __init__(self, status: int, detail: str) -> None:
        self.status = status
        self.detail = detail
        super().__init__(detail)


class _ClientGone(Exception):
    """Nobody is left to answer to."""


class Gate:
    """The outermost middleware, in plain ASGI."""

    def __init__(self, app: ASGIApp, limits: GateLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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
                message["headers"] = [*message["headers"], *stamp]
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
        except _Refused as no:
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
            raise _Refused(414, f"The URL is longer than {URL_BYTES_MAX} bytes.")
        if len(scope["headers"]) > HEADERS_MAX:
            raise _Refused(431, f"The request has more than {HEADERS_MAX} headers.")
        self._check_host(headers.get(b"host", b"").decode("latin-1"))
        if b"%" in raw_path or not raw_path.isascii():
            _check_path(raw_path)
        if b"%" in scope["query_string"]:
            _require_utf8(scope["query_string"].replace(b"+", b" "), "the query")
        length = headers.get(b"content-length")
        if length is None:
            if b"transfer-encoding" not in headers:
                return receive
        elif b"transfer-encoding" in headers:
            raise _Refused(400, "Content-Length and Transfer-Encoding exclude each other.")
        elif not length.isdigit() or len(length) > 18:
            raise _Refused(400, "Content-Length must be a whole number.")
        most = self._limits.body_bytes_at(scope["path"])
        if length is not None and int(length) > most:
            raise _too_large(int(length), most)
        return _counted(receive, most)

    def _check_host(self, host: str) -> None:
        if ANY_HOST in self._limits.hosts:
            return
        found = _HOST.fullmatch(host.lower())
        if found is None or found[1] not in self._limits.hosts:
            raise InvalidInput(
                detail=f"This server does not answer to the Host {host[:100]!r}; "
                "the setting allowed_hosts says which names it has",
                field="Host",
            )


def _counted(receive: Receive, most: int) -> Receive:
    """Return ``receive`` that refuses a body once it is too large, whatever was announced."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        if message["type"] == "http.request":
            size += len(message.get("body", b""))
            if size > most:
                raise _too_large(size, most)
        return message

    return counted


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
    _require_utf8(raw_path, "the path")


def _require_utf8(raw: bytes, what: str) -> None:
    try:
        require_text(unquote_to_bytes(raw).decode(), what)
    except UnicodeDecodeError:
        raise InvalidInput(detail=f"{what} is not percent-encoded UTF-8", field=what) from None
