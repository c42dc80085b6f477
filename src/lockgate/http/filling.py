"""The body of a request, received straight into the memory where it is wanted.

    socket ──► memory of the route: counted here, the parser never sees it      (a whole body)
    socket ──► memory of the route ──► the parser, which looks on and counts     (a part of one)
    socket ──► bytes ──► bytes ──► gathered body ──► message ──► memory          (everywhere else)

A server that speaks so offers `BODY_INTO` among the request's ``extensions``: called with memory
of no more than the announced length, it fills it and says each time how far it has come.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import Any

import httptools
from starlette.requests import ClientDisconnect
from uvicorn._types import HTTPScope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

BODY_INTO = "lockgate.body_into"
_LOOKED_AT_BYTES = 2**17
BodyInto = Callable[[memoryview], AsyncGenerator[int, None]]


class FillingProtocol(HttpToolsProtocol):
    """uvicorn's connection, whose requests may have their body received into memory."""

    _filling: _Filling | None = None

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        extensions: dict[str, Any] = {BODY_INTO: partial(self._body_into, self.cycle)}
        self.scope["extensions"] = extensions

    def on_body(self, body: bytes) -> None:
        if self._filling is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._filling is not None:
            self._filling.end()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._filling is not None:
            self._filling.end()

    def end_of_body(self) -> None:
        """Go on to the next request: all of this one's body came past the parser."""
        self.parser = httptools.HttpRequestParser(self)  # the old one waits for that body
        self.on_message_complete()

    def take_back(self) -> None:
        """Receive again what comes from now on, such as the next request."""
        if self._filling is not None:
            self._filling = None
            if not self.transport.is_closing():
                self.transport.set_protocol(self)

    async def _body_into(
        self, cycle: RequestResponseCycle, memory: memoryview
    ) -> AsyncGenerator[int, None]:
        """Fill ``memory``; yields how many bytes have come, whenever there are more.

        Ends when memory or body does. Raises `ClientDisconnect`.
        """
        if cycle.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            cycle.waiting_for_100_continue = False
        # What came before anybody asked; from here to the filling nothing else may happen.
        count = min(len(cycle.body), len(memory))
        memory[:count] = cycle.body[:count]
        cycle.body = cycle.body[count:]
        filling = _Filling(self, memory, count, _body_bytes(cycle.scope) == len(memory))
        if cycle.more_body and not cycle.disconnected and count < len(memory):
            self._filling = filling
            self.transport.set_protocol(filling)
            self.flow.resume_reading()
        else:
            filling.end()
        try:
            while await filling.grown():
                yield filling.filled
        finally:
            filling.end()
        if cycle.disconnected:
            raise ClientDisconnect


class _Filling(asyncio.BufferedProtocol):
    """What a connection is while it fills memory; all else that happens is still its own."""

    def __init__(
        self, connection: FillingProtocol, memory: memoryview, filled: int, takes_all: bool
    ) -> None:
        """``takes_all`` says that the memory is for all of the body, neither more nor less."""
        self._connection = connection
        self._memory = memory
        self._takes_all = takes_all
        self.filled = self._looked_at = filled
        self._told = 0
        self._is_over = False
        self._news = asyncio.Event()

    async def grown(self) -> bool:
        """Wait until more has come; say whether it has, or the body is over."""
        while self.filled == self._told and not self._is_over:
            self._news.clear()
            await self._news.wait()
        is_more = self.filled != self._told
        self._told = self.filled
        return is_more

    def end(self) -> None:
        """Give the connection back what comes from now on; once is enough."""
        if self._is_over:
            return
        self._is_over = True
        if self._takes_all and self.filled == len(self._memory) != self._looked_at:
            self._connection.end_of_body()
        else:
            self._look()
        self._connection.take_back()
        self._news.set()

    def _look(self) -> None:
        """Show the parser what it has not seen, of which it makes a copy: of little at a time."""
        while self._looked_at < self.filled and not self._connection.transport.is_closing():
            piece = self._memory[self._looked_at : self.filled][:_LOOKED_AT_BYTES]
            self._looked_at += len(piece)
            self._connection.data_received(piece)  # type: ignore[arg-type]

    # --- what the event loop calls -----------------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - there is room for all
        return self._memory[self.filled :]

    def buffer_updated(self, nbytes: int) -> None:
        self.filled += nbytes
        if not self._takes_all:
            self._look()
        if self.filled == len(self._memory):
            self.end()
        self._news.set()

    def eof_received(self) -> None:
        self._connection.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()


def _body_bytes(scope: HTTPScope) -> int | None:
    """Return how many bytes a body has, if that was announced, once and for all."""
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    is_chunked = any(name == b"transfer-encoding" for name, _ in scope["headers"])
    return int(lengths[0]) if len(lengths) == 1 and not is_chunked else None
