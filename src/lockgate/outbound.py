"""Requests to where somebody else's word sends us: a web client that reaches public hosts alone.

    URL ──► name resolved once ──► every address judged ──► connected to that very address
             (again for each redirect: each new connection)   (Host and TLS name stay the URL's)

The check sits where connections are made, so that no redirect, no second answer of a name server
and no spelling of an address gets past it. Answers that are too slow or take too long end.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import httpcore
import httpx

from lockgate.domain.addresses import AddressRules

REDIRECTS_MAX: Final = 5
SILENCE_S_MAX: Final = 30.0

# Returns the addresses of a name, as text.
Resolve = Callable[[str, int], list[str]]


class AddressRefused(httpx.ConnectError):
    """A connection was not made, because of where it would have gone."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long answers may take: no read is silent longer than ``silence_s``; all of it, name to
    last byte, ends ``wall_s`` after the client was made; and who makes us wait for more than
    ``slow_s`` must have sent ``slow_bytes_s`` in each second of that.
    """

    silence_s: float = SILENCE_S_MAX
    wall_s: float = 4 * 3600.0
    slow_s: float = 60.0
    slow_bytes_s: float = 1_000.0


def open_client(
    rules: AddressRules,
    *,
    patience: Patience | None = None,
    headers: Mapping[str, str] | None = None,
    resolve: Resolve | None = None,
) -> httpx.Client:
    """Return a client that keeps to ``rules``. It follows a few redirects, to http(s) only.

    A refused address is `AddressRefused`, which is an ``httpx.ConnectError``. Proxies named in the
    environment are not used, since they would resolve names once more; ``rules.anywhere`` makes it
    an ordinary client.
    """
    patience = patience or Patience()
    return httpx.Client(
        transport=None if rules.anywhere else _Pinned(rules, patience, resolve or _addresses_of),
        trust_env=rules.anywhere,
        timeout=patience.silence_s,
        follow_redirects=True,
        max_redirects=REDIRECTS_MAX,
        headers=dict(headers or {}),
    )


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """Return whom TLS trusts; read once, since that takes longer than most requests."""
    return httpx.create_ssl_context(trust_env=False)


class _Pinned(httpx.HTTPTransport):
    """The library's transport, on connections of ours."""

    def __init__(self, rules: AddressRules, patience: Patience, resolve: Resolve) -> None:
        super().__init__(verify=_certificates(), trust_env=False)
        self._pool.close()
        self._pool = httpcore.ConnectionPool(
            ssl_context=_certificates(),
            network_backend=_Network(rules, patience, resolve),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if not answer.has_redirect_location:
            return answer
        # The client would read what comes with a redirect, however much that is.
        answer.close()
        return httpx.Response(
            answer.status_code,
            headers={"Location": answer.headers["Location"]},
            stream=httpx.ByteStream(b""),
        )


class _Network(httpcore.NetworkBackend):
    """Connects to addresses that were judged, never to names."""

    def __init__(self, rules: AddressRules, patience: Patience, resolve: Resolve) -> None:
        self._rules, self._patience, self._resolve = rules, patience, resolve
        self._deadline_s = time.monotonic() + patience.wall_s
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved: {error}") from error
        for address in addresses:
            fault = self._rules.find_fault(host, port, address)
            if fault is not None:
                raise AddressRefused(fault)
        failed: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in addresses:
            try:
                stream = self._sockets.connect_tcp(
                    address, port, self._left_s(timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _Watched(stream, self._patience, self._left_s)
        raise failed or httpcore.ConnectError(f"{host} has no address")

    def connect_unix_socket(self, *_words: Any, **_options: Any) -> httpcore.NetworkStream:
        raise AddressRefused("a socket of this machine is no address on the network")

    def _left_s(self, timeout: float | None) -> float:
        left_s = self._deadline_s - time.monotonic()
        if left_s <= 0:
            raise httpcore.ReadTimeout(f"it took longer than {self._patience.wall_s:g} s")
        return left_s if timeout is None else min(timeout, left_s)


class _Watched(httpcore.NetworkStream):
    """A connection whose other end has to keep up."""

    def __init__(
        self,
        stream: httpcore.NetworkStream,
        patience: Patience,
        left_s: Callable[[float | None], float],
    ) -> None:
        self._stream, self._patience, self._left_s = stream, patience, left_s
        self._waited_s = 0.0
        self._bytes = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        began_s = time.monotonic()
        data = self._stream.read(max_bytes, self._left_s(timeout))
        self._waited_s += time.monotonic() - began_s
        self._bytes += len(data)
        if self._waited_s > self._patience.slow_s:
            rate = self._bytes / self._waited_s
            if rate < self._patience.slow_bytes_s:
                raise httpcore.ReadTimeout(f"it sends {rate:.0f} bytes a second, which is too slow")
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left_s(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._left_s(timeout))
        return _Watched(secured, self._patience, self._left_s)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _addresses_of(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))
