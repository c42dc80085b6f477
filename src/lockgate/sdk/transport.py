"""One request and its answer: connections are pooled, errors are the server's own classes.

A request is sent again only when that is safe: a read, or a write under an Idempotency-Key, which
the server carries out once however often it arrives. All attempts together last no longer than
the time-out.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lockgate.errors import InvalidSetting, RegistryError, ServerUnreachable
from lockgate.wire.problems import error_of

if TYPE_CHECKING:
    import httpx

ATTEMPTS_MAX = 4
PAUSE_S = 0.1
PAUSE_MAX_S = 2.0
TIMEOUT_S = 30.0
CONNECTIONS_MAX = 20
RETRYABLE = frozenset({502, 503, 504})
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_NOT_FOR_RETRY = "schema_outdated"


class Transport:
    """A pool of connections to one server. Thread-safe."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        """Raises `InvalidSetting` unless ``url`` is ``http(s)://host[:port][/prefix]``."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
            raise InvalidSetting(
                setting="url", detail=f"{redacted(url)!r} is not http(s)://host[:port]"
            )
        self._url = url.rstrip("/")
        self.url = redacted(self._url)
        self._local = parts.hostname in LOOPBACK
        self._timeout_s = timeout_s
        self._client: httpx.Client | None = None
        self._lock = Lock()

    def send(
        self,
        method: str,
        path: str,
        *,
        query: list[tuple[str, str]] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str],
    ) -> Any:
        """Return the JSON value of the answer, or None for an empty one.

        Raises the error that the server raised, or `ServerUnreachable`.
        """
        repeatable = method == "GET" or "Idempotency-Key" in headers
        deadline = time.monotonic() + self._timeout_s
        attempt = 1
        while True:
            left_s = deadline - time.monotonic()
            error, pause_s = RegistryError(detail="not sent"), 0.0
            try:
                status, wait_s, value = self._once(method, path, query, body, headers, left_s)
                if status < 300:
                    return value
                error = self._error(status, value)
                pause_s = wait_s
                if status not in RETRYABLE or error.code == _NOT_FOR_RETRY:
                    raise error
            except ServerUnreachable as unreachable:
                error = unreachable
            pause_s = max(pause_s, _pause(attempt))
            last = attempt == ATTEMPTS_MAX or time.monotonic() + pause_s >= deadline
            if last or not repeatable:
                raise error
            time.sleep(pause_s)
            attempt += 1

    def _once(
        self,
        method: str,
        path: str,
        query: list[tuple[str, str]] | None,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> tuple[int, float, Any]:
        """Return status, how long the server asks to wait, and the value of the body."""
        import httpx

        try:
            answer = self._pool().request(
                method,
                self._url + path,
                params=query or None,
                content=body,
                headers=dict(headers),
                timeout=max(timeout_s, 0.001),
            )
        except (httpx.TransportError, httpx.InvalidURL) as error:
            why = str(error) or type(error).__name__
            raise ServerUnreachable(url=self.url, detail=why) from error
        if not answer.content:
            return answer.status_code, 0.0, None
        try:
            value = json.loads(answer.content)
        except ValueError:
            raise ServerUnreachable(
                url=self.url,
                detail=f"it answered {answer.status_code} with something that is not JSON",
            ) from None
        return answer.status_code, _wait(answer.headers.get("retry-after")), value

    def _error(self, status: int, value: Any) -> RegistryError:
        if isinstance(value, dict) and "code" in value:
            return error_of(value)
        return ServerUnreachable(url=self.url, detail=f"it answered {status}; is it a Lockgate?")

    def _pool(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                import httpx

                self._client = httpx.Client(
                    limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
                    # What runs on this machine is never reached through a proxy.
                    trust_env=not self._local,
                )
            return self._client

    def close(self) -> None:
        """Close the connections; another request opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()


def redacted(url: str) -> str:
    """Return a URL without the name and password in it."""
    scheme, sign, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{sign}{authority.rpartition('@')[2]}{slash}{path.partition('?')[0]}"


def _pause(attempt: int) -> float:
    """Return how long to wait before the next attempt: longer each time, never all at once."""
    return float(min(PAUSE_MAX_S, PAUSE_S * 2 ** (attempt - 1))) * random.uniform(0.5, 1.0)  # noqa: S311


def _wait(retry_after: str | None) -> float:
    """Return the seconds of a ``Retry-After``, at most `PAUSE_MAX_S`."""
    if retry_after is None or not retry_after.isdigit():
        return 0.0
    return min(PAUSE_MAX_S, float(retry_after[:6]))
