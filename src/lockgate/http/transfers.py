"""Threads and memory of file transfers, apart from those of everything else.

A transfer holds a batch of blobs in memory. How many do so at once is limited, so that neither
the size of a file nor the number of clients decides how much memory the server takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from mmap import mmap
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import StreamingResponse
from starlette.types import Message, Send

from lockgate.artifacts.store import Data
from lockgate.errors import InvalidInput, LimitExceeded
from lockgate.http.filling import BODY_INTO, BodyInto
from lockgate.wire.frames import BATCH_BYTES_MAX

TRANSFERS_MAX = 6
SEND_BYTES = 2**20
SEND_S_MAX = 20.0
"""How long a client may take for a piece of `SEND_BYTES`; who is slower is as good as gone."""
SILENCE_S_MAX = 60.0
_TAKEN_AT_ONCE_BYTES = 2**20
T = TypeVar("T")


class Transfers:
    """The turns of an application's transfers. Close it when the server stops."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(TRANSFERS_MAX, thread_name_prefix="transfers")
        self._turns = asyncio.Semaphore(TRANSFERS_MAX)
        self._spare: list[memoryview] = []

    @asynccontextmanager
    async def room(self) -> AsyncIterator[memoryview]:
        """Have a turn, and memory for a batch; it is used again, so that none has to be cleared."""
        async with self._turns:
            # Mapped, so that of what no batch fills nothing is held.
            memory = self._spare.pop() if self._spare else memoryview(mmap(-1, BATCH_BYTES_MAX))
            yield memory
            # Not after an error: somebody may still look at it.
            self._spare.append(memory)

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


class BodyStream:
    """The body of a request, for a thread that reads it forward and holds little of it.

    Call `more` from a thread of `Transfers`, never from the event loop.
    """

    def __init__(self, request: Request, length: int) -> None:
        """``length`` is what the body was announced with."""
        self._pieces = aiter(request.stream())
        self._into: BodyInto | None = request.scope.get("extensions", {}).get(BODY_INTO)
        self._left = length
        self._loop = asyncio.get_running_loop()

    def more(self, about: int) -> Data:
        """Return the next bytes, a megabyte at a time or so; none at the end.

        Raises `InvalidInput` when the client sends nothing for too long.
        """
        wanted = min(about, _TAKEN_AT_ONCE_BYTES)
        if self._into is not None:
            wanted = min(wanted, self._left)
        work = self._gather(wanted) if self._into is None else self._fill(self._into, wanted)
        taken = asyncio.run_coroutine_threadsafe(self._patient(work), self._loop).result()
        self._left -= len(taken)
        return taken

    async def _patient(self, work: AsyncGenerator[Data, None]) -> Data:
        """Return the last that ``work`` yields, which says each time when there is news."""
        taken: Data = b""
        try:
            async with asyncio.timeout(SILENCE_S_MAX) as patience, aclosing(work):
                async for said in work:
                    taken = said
                    patience.reschedule(self._loop.time() + SILENCE_S_MAX)
        except TimeoutError:
            raise InvalidInput(
                detail=f"Nothing came for {SILENCE_S_MAX:g} s; send the file again.", field="body"
            ) from None
        return taken

    async def _gather(self, wanted: int) -> AsyncGenerator[Data, None]:
        gathered = bytearray()
        while len(gathered) < wanted:
            piece = await anext(self._pieces, None)
            if piece is None:
                break
            gathered += piece
            yield b""
        yield memoryview(gathered)

    async def _fill(self, into: BodyInto, wanted: int) -> AsyncGenerator[Data, None]:
        memory = memoryview(bytearray(wanted))
        async with aclosing(into(memory)) as filling:
            async for filled in filling:
                yield memory[:filled]


async def read_body(
    request: Request, bytes_max: int, memory: memoryview | None = None
) -> memoryview:
    """Return a body whose length was announced, in one piece: of ``memory``, if it is given.

    Raises `InvalidInput` when it was not announced or is shorter, `LimitExceeded`.
    """
    announced = request.headers.get("content-length", "")
    if not announced.isdigit():
        raise InvalidInput(detail="Announce the body's length: Content-Length", field="body")
    length = int(announced)
    if length > bytes_max:
        raise LimitExceeded(what="The size of the body in bytes", observed=length, limit=bytes_max)
    body = (memoryview(bytearray(length)) if memory is None else memory)[:length]
    at = 0
    into: BodyInto | None = request.scope.get("extensions", {}).get(BODY_INTO)
    if into is not None:
        async with aclosing(into(body)) as filling:
            async for filled in filling:
                at = filled
    else:
        async for piece in request.stream():
            body[at : at + len(piece)] = piece
            at += len(piece)
    if at != length:
        raise InvalidInput(detail=f"The body has {at} of {length} bytes.", field="body")
    return body
