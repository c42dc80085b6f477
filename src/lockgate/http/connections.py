"""Connections: uvicorn's own, with limits on how many there are and how long each may dawdle.

    connected ──► head of a request, whole within `head_s` and `HEAD_BYTES_MAX`   else 408, 431
                  body, at the pace that the gate wants                           (`gate.py`)
                  answer, read by the client at `slow_bytes_s` or faster          else cut off

Whoever is one too many is told so at once, and those who are connected are served on.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import Any

import uvicorn

from lockgate.http.filling import FillingProtocol
from lockgate.http.gate import URL_BYTES_MAX
from lockgate.http.problems import http_refusal

HEAD_BYTES_MAX = 65_536
HEAD_S = 20.0
KEEP_ALIVE_S = 20
GRACE_S = 10


@dataclass(frozen=True, kw_only=True)
class ConnectionLimits:
    """How many connections, and how slow each may be. A client that has stopped reading for
    ``stall_s``, or reads fewer than ``slow_bytes_s`` bytes a second of it, is cut off.
    """

    connections_max: int = 2_000
    head_s: float = HEAD_S
    stall_s: float = 30.0
    slow_bytes_s: float = 10_000.0


def server_config(app: Any, limits: ConnectionLimits, log_level: str = "warning") -> uvicorn.Config:
    """Return the configuration of the server that everybody talks to."""

    class Limited(_Connection):
        pass

    Limited.limits = limits
    return uvicorn.Config(
        app,
        loop="auto" if sys.platform == "win32" else "uvloop",
        http=Limited,
        ws="none",
        access_log=False,
        server_header=False,
        # Whose word about the client's address counts is decided by who needs it.
        proxy_headers=False,
        log_level=log_level,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )


class _Connection(FillingProtocol):
    """One connection."""

    limits = ConnectionLimits()
    _head_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_head = True
    url = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections_max:
            self._refuse(503, "This server has no connection left; try again later.")
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        self._stop_stall_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
                self._refuse(431, f"The headers are longer than {HEAD_BYTES_MAX} bytes.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_head()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > HEAD_BYTES_MAX:
            raise ValueError("the URL is too long to be parsed")

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_head_timer()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the base's words
        if len(self.url) > URL_BYTES_MAX:
            self._refuse(414, f"The URL is longer than {URL_BYTES_MAX} bytes.")
        else:
            self._refuse(400, "The request is no HTTP that means one thing to everybody.")

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: the request is answered as if it had not asked to speak otherwise."""

    # --- the head ----------------------------------------------------------------------------

    def _await_head(self) -> None:
        self._in_head, self._head_bytes = True, 0
        self._stop_head_timer()
        self._head_timer = self.loop.call_later(self.limits.head_s, self._head_is_late)

    def _head_is_late(self) -> None:
        if not self.transport.is_closing():
            self._refuse(408, f"No request came within {self.limits.head_s:g} s.")

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    # --- the answer --------------------------------------------------------------------------

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_stall_timer()

    def _watch(self, left: int) -> None:
        self._stop_stall_timer()
        self._stall_timer = self.loop.call_later(self.limits.stall_s, self._is_stalled, left)

    def _is_stalled(self, before: int) -> None:
        left = self.transport.get_write_buffer_size()
        if before - left < self.limits.slow_bytes_s * self.limits.stall_s:
            self.transport.abort()
        else:
            self._watch(left)

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _refuse(self, status: int, detail: str) -> None:
        """Answer what never became a request, and hang up."""
        answer = http_refusal(status, "none", detail, {"connection": "close"})
        head = b"".join(b"%b: %b\r\n" % each for each in answer.raw_headers)
        self.transport.write(b"HTTP/1.1 %d \r\n%b\r\n%b" % (status, head, bytes(answer.body)))
        self.transport.close()
