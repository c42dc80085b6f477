"""Threads and memory of file transfers, apart from those of everything else.

A transfer holds a batch of blobs in memory. How many do so at once is limited, so that neither
the size of a file nor the number of clients decides how much memory the server takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import StreamingResponse
from starlette.types import Message, Send

from lockgate.artifacts.store import Data
from lockgate.errors import InvalidInput, LimitExceeded

TRANSFERS_MAX = 6
SEND_BYTES = 2**20
SEND_S_MAX = 20.0
"""How long a client may take for a piece of `SEND_BYTES`; who is slower is as good as gone."""
T = TypeVar("T")


class Transfers:
    """The turns of an application's transfers. Close it when the server stops."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(TRANSFERS_MAX, thread_name_prefix="transfers")
        self._turns = asyncio.Semaphore(TRANSFERS_MAX)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn to hold a batch in memory, and have it while the block lasts."""
        async with self._turns:
            yield

    async def run(self, work: Callable[[], T]) -> T:
        """Run ``work`` in a thread of the transfers' own."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """Wait for the threads."""
        self._pool.shutdown(wait=True)


class PacedResponse(StreamingResponse):
    """A stream of pieces, each made in a turn that it holds until the piece is sent.

    A client who takes nothing is let go, and so is the turn, at once, however the stream ends.
    """

    def __init__(
        self,
        pieces: AsyncGenerator[Data, None],
        *words: Any,
        send_s_max: float = SEND_S_MAX,
        **named: Any,
    ) -> None:
        super().__init__(pieces, *words, **named)
        self._pieces = pieces
        self._send_s_max = send_s_max

    async def stream_response(self, send: Send) -> None:
        """Send the pieces. Raises `ClientDisconnect`."""

        async def paced(message: Message) -> None:
            try:
                async with asyncio.timeout(self._send_s_max):
                    await send(message)
            except TimeoutError:
                raise ClientDisconnect from None

        try:
            await super().stream_response(paced)
        finally:
            await self._pieces.aclose()


async def read_body(request: Request, bytes_max: int) -> bytearray:
    """Return a body whose length was announced, in one piece of memory.

    Raises `InvalidInput` when it was not announced or is shorter, `LimitExceeded`.
    """
    announced = request.headers.get("content-length", "")
    if not announced.isdigit():
        raise InvalidInput(detail="Announce the body's length: Content-Length", field="body")
    length = int(announced)
    if length > bytes_max:
        raise LimitExceeded(what="The size of the body in bytes", observed=length, limit=bytes_max)
    body = bytearray(length)
    at = 0
    async for piece in request.stream():
        body[at : at + len(piece)] = piece
        at += len(piece)
    if at != length:
        raise InvalidInput(detail=f"The body has {at} of {length} bytes.", field="body")
    return body
