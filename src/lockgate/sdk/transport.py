"""One request and its answer: connections are pooled, errors are the server's own classes.

A request is sent again only when that is safe: a read, or a write under an Idempotency-Key, which
the server carries out once however often it arrives. All attempts together last no longer than
the time-out.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lockgate.errors import InvalidSetting, RegistryError, ServerUnreachable
from lockgate.wire.problems import error_of

if TYPE_CHECKING:
    import ssl

    import httpx

    from lockgate.sdk.bulk import BulkConnections

ATTEMPTS_MAX = 4
PAUSE_S = 0.1
PAUSE_MAX_S = 2.0
TIMEOUT_S = 30.0
CONNECTIONS_MAX = 20
RETRYABLE = frozenset({429, 502, 503, 504})
Query = list[tuple[str, str | int | float | bool | None]]
_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_NOT_FOR_RETRY = "schema_outdated"


class Transport:
    """A pool of connections to one server. Thread-safe."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        """Raises `InvalidSetting` unless ``url`` is ``http(s)://host[:port][/prefix]``."""
        try:
            parts = urlsplit(url)
            web = parts.scheme in ("http", "https") and parts.port != 0
            host = parts.hostname if web else None
        except ValueError:  # a port that is no number, a bracket without its other one
            host = None
        if not host:
            raise InvalidSetting(
                setting="url", detail=f"{redacted(url)!r} is not http(s)://host[:port]"
            )
        self._url = url.rstrip("/")
        self.url = redacted(self._url)
        self._local = host in LOOPBACK
        self._timeout_s = timeout_s
        self._client: httpx.Client | None = None
        self._outside: httpx.Client | None = None
        self._bulk: BulkConnections | None = None
        self._is_direct: bool | None = None
        self._lock = Lock()

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
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
            rest_s = pause_s(attempt)
            left_s = deadline - time.monotonic()
            try:
                status, wait_s, value = self._once(method, path, query, body, headers, left_s)
            except ServerUnreachable as unreachable:
                error: RegistryError = unreachable
            else:
                if status < 300:
                    return value
                error = self._error(status, value)
                if status not in RETRYABLE or error.code == _NOT_FOR_RETRY:
                    raise error
                rest_s = max(rest_s, wait_s)
            last = attempt == ATTEMPTS_MAX or time.monotonic() + rest_s >= deadline
            if last or not repeatable:
                raise error
            time.sleep(rest_s)
            attempt += 1

    def exchange(
        self,
        method: str,
        path: str,
        *,
        body: bytes | Sequence[bytes | memoryview] | None = None,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> bytes | bytearray:
        """Return the bytes of an answer to a request that may be sent again without harm.

        ``timeout_s`` bounds each silence, not the whole. Raises as `send` does.
        """
        attempt = 1
        while True:
            try:
                status, content = self._carry(method, path, body, headers, timeout_s)
            except ServerUnreachable as unreachable:
                error: RegistryError = unreachable
            else:
                if status < 300:
                    return content
                error = self._error(status, _value(content))
                if status not in RETRYABLE or error.code == _NOT_FOR_RETRY:
                    raise error
            if attempt == ATTEMPTS_MAX:
                raise error
            time.sleep(pause_s(attempt))
            attempt += 1

    def _carry(
        self,
        method: str,
        path: str,
        body: bytes | Sequence[bytes | memoryview] | None,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> tuple[int, bytes | bytearray]:
        """Return the status and the body of the answer to one attempt."""
        import http.client

        import httpx

        pieces = [body] if isinstance(body, bytes) else body or []
        length = {} if body is None else {"Content-Length": str(sum(map(len, pieces)))}
        named = {**headers, **length, "Accept-Encoding": "identity"}
        try:
            bulk = self._find_bulk()
            if bulk is not None:
                return bulk.exchange(method, path, pieces, named, timeout_s)
            content = None if body is None else pieces
            with self._pool().stream(
                method,
                self._url + path,
                content=content,  # type: ignore[arg-type]  # views are sent without a copy
                headers=named,
                timeout=timeout_s,
            ) as answer:
                return answer.status_code, answer.read()
        except (httpx.RequestError, http.client.HTTPException, OSError) as lost:
            why = str(lost) or type(lost).__name__
            raise ServerUnreachable(url=self.url, detail=why) from lost

    def lines(
        self,
        method: str,
        path: str,
        query: Query,
        headers: Mapping[str, str],
        silence_s: float | None = None,
    ) -> Iterator[str]:
        """Yield the lines of an answer as they come, each with its end.

        Sent once; ``silence_s`` bounds each silence, the time-out unless told. Raises as `send`
        does, `ServerUnreachable` also when the answer breaks off.
        """
        import httpx

        try:
            with self._pool().stream(
                method,
                self._url + path,
                params=query or None,
                headers=dict(headers),
                timeout=self._timeout_s if silence_s is None else silence_s,
            ) as answer:
                if answer.status_code >= 300:
                    raise self._error(answer.status_code, _value(answer.read()))
                yield from _lines_of(answer.iter_bytes())
        except httpx.RequestError as error:
            why = str(error) or type(error).__name__
            raise ServerUnreachable(url=self.url, detail=why) from error

    def _once(
        self,
        method: str,
        path: str,
        query: Query | None,
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
        except (httpx.RequestError, httpx.InvalidURL) as error:
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

    def _find_bulk(self) -> BulkConnections | None:
        """Return what carries large bodies, or None where only the library can."""
        with self._lock:
            if self._is_direct is None:
                from lockgate.sdk.bulk import BulkConnections

                self._is_direct = BulkConnections.carries(self._url, trust_env=not self._local)
                if self._is_direct:
                    self._bulk = BulkConnections(self._url, lambda: authorities(self._url))
            return self._bulk

    def _pool(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                import httpx

                self._client = httpx.Client(
                    verify=authorities(self._url),
                    limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
                    # What runs on this machine is never reached through a proxy.
                    trust_env=not self._local,
                )
            return self._client

    def outside(self) -> httpx.Client:
        """Return connections to other servers, such as a bucket that the server named.

        They follow no redirect and carry no credentials of ours.
        """
        with self._lock:
            if self._outside is None:
                import httpx

                limits = httpx.Limits(max_connections=CONNECTIONS_MAX)
                self._outside = httpx.Client(
                    verify=authorities("https:"), limits=limits, follow_redirects=False
                )
            return self._outside

    def close(self) -> None:
        """Close the connections; another request opens new ones."""
        with self._lock:
            clients = (self._client, self._outside)
            self._client = self._outside = None
        for client in (*clients, self._bulk):
            if client is not None:
                client.close()


def authorities(url: str) -> ssl.SSLContext:
    """Return which authorities may vouch for a server: none where the URL has no TLS.

    Those of ``SSL_CERT_FILE`` or ``SSL_CERT_DIR``, where one is set, else those that the client
    library comes with. Raises `InvalidSetting` for a file that holds no certificates.
    """
    import ssl

    import httpx

    if not url.startswith("https:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        named = next((name for name in _AUTHORITIES if os.environ.get(name)), _AUTHORITIES[0])
        raise InvalidSetting(
            setting=named, detail=f"{os.environ.get(named)!r} has no certificates: {error}"
        ) from error


def _value(content: bytes | bytearray) -> Any:
    """Return the JSON value of a body, or None for something else."""
    try:
        return json.loads(content)
    except ValueError:
        return None


def redacted(url: str) -> str:
    """Return a URL without the name and password in it."""
    scheme, sign, rest = url.partition("://")
    # Up to the last @: a password may contain a slash or a question mark.
    return f"{scheme}{sign}{rest.rpartition('@')[2].partition('?')[0]}"


def pause_s(attempt: int) -> float:
    """Return how long to wait before the next attempt: longer each time, never all at once."""
    return float(min(PAUSE_MAX_S, PAUSE_S * 2 ** (attempt - 1))) * random.uniform(0.5, 1.0)  # noqa: S311


def _lines_of(parts: Iterable[bytes]) -> Iterator[str]:
    """Yield lines that end in a newline and in nothing else that Unicode takes for one."""
    rest = b""
    for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            yield line.decode() + "\n"
    if rest:
        yield rest.decode()


def _wait(retry_after: str | None) -> float:
    """Return the seconds of a ``Retry-After``, at most `PAUSE_MAX_S`."""
    if retry_after is None or not retry_after.isdigit():
        return 0.0
    return min(PAUSE_MAX_S, float(retry_after[:6]))
