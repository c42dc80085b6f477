"""Connections for large bodies: views go out as they lie in memory, answers come in few pieces.

The client library that carries everything else copies a body several times on its way, and reads
answers 64 KiB at a time: half of the processor time of a pull. Here there is nothing between the
memory and the socket. Proxies, and passwords in the URL, are left to the library.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

if TYPE_CHECKING:
    from ssl import SSLContext

IDLE_MAX: Final = 8
"""How many connections are kept for the next exchange."""
_SEND_BYTES: Final = 2**20
_READ_BYTES: Final = 2**20
_JOINED_BYTES: Final = 2**18
"""Smaller pieces of a body are joined to about as much as this, so that each costs no packet."""


class BulkConnections:
    """Connections to one server. Thread-safe."""

    def __init__(self, url: str, authorities: Callable[[], SSLContext]) -> None:
        """``url`` is ``http(s)://host[:port][/prefix]`` for which `carries` says so.

        ``authorities`` are asked for once, when the first connection needs them.
        """
        self._parts: SplitResult = urlsplit(url)
        self._authorities = authorities
        self._context: SSLContext | None = None
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = Lock()

    @staticmethod
    def carries(url: str, *, trust_env: bool) -> bool:
        """Tell whether a server is spoken to directly, and without a password in its URL."""
        parts = urlsplit(url)
        if parts.username is not None or parts.password is not None:
            return False
        proxies = getproxies() if trust_env else {}
        is_proxied = parts.scheme in proxies or "all" in proxies
        return not is_proxied or bool(proxy_bypass(parts.hostname or ""))

    def exchange(
        self,
        method: str,
        path: str,
        body: Sequence[bytes | memoryview],
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> tuple[int, bytes | bytearray]:
        """Return the status and the body of the answer to one attempt.

        ``timeout_s`` bounds each silence. Raises `OSError` or `http.client.HTTPException`.
        """
        connection = self._take(timeout_s)
        try:
            connection.putrequest(method, self._parts.path + path, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            try:
                connection.endheaders()
                for piece in _pieces(body):
                    connection.send(piece)
            except (BrokenPipeError, ConnectionResetError):
                # A server that refuses a body answers before it has read all of it.
                pass
            answer = connection.getresponse()
            content = _read(answer)
        except BaseException:
            connection.close()
            # The others have stood idle as long: a server that went away took them with it.
            self.close()
            raise
        if answer.will_close:
            connection.close()
        else:
            self._keep(connection)
        return answer.status, content

    def close(self) -> None:
        """Close the connections that nobody uses; another exchange opens new ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self, timeout_s: float) -> http.client.HTTPConnection:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = self._made(timeout_s)
        elif connection.sock is not None:
            connection.sock.settimeout(timeout_s)
        return connection

    def _made(self, timeout_s: float) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=timeout_s)
        with self._lock:
            context = self._context = self._context or self._authorities()
        return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if len(self._idle) < IDLE_MAX:
                self._idle.append(connection)
                return
        connection.close()


def _pieces(body: Sequence[bytes | memoryview]) -> Iterator[bytes | bytearray | memoryview]:
    """Yield a body in pieces that are worth a packet, and none too long for one silence."""
    joined = bytearray()
    for piece in body:
        if len(piece) < _JOINED_BYTES:
            joined += piece
        if joined and (len(joined) >= _JOINED_BYTES or len(piece) >= _JOINED_BYTES):
            yield joined
            joined = bytearray()
        if len(piece) >= _JOINED_BYTES:
            view = memoryview(piece)
            for first in range(0, len(view), _SEND_BYTES):
                yield view[first : first + _SEND_BYTES]
    if joined:
        yield joined


def _read(answer: http.client.HTTPResponse) -> bytes | bytearray:
    if answer.length is None:
        content = bytearray()
        while piece := answer.read1(_READ_BYTES):
            content += piece
        return content
    content = bytearray(answer.length)
    view = memoryview(content)
    while view:
        count = answer.readinto(view)
        if not count:
            raise http.client.IncompleteRead(bytes(content[: len(content) - len(view)]), len(view))
        view = view[count:]
    # What ends the answer is read too, so that the connection is free.
    answer.read()
    return content
