"""Threads and memory of file transfers, apart from those of everything else.

A transfer holds a batch of blobs in memory. How many do so at once is limited, so that neither
the size of a file nor the number of clients decides how much memory the server takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from starlette.requests import Request

from lockgate.errors import InvalidInput, LimitExceeded
from lockgate.wire.frames import BATCH_BYTES_MAX

TRANSFERS_MAX = 6
SILENCE_S_MAX = 60.0
_TAKEN_AT_ONCE_BYTES = 2**20
T = TypeVar("T")


class Transfers:
    """The turns of an application's transfers. Close it when the server stops."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(TRANSFERS_MAX, thread_name_prefix="transfers")
        self._turns = asyncio.Semaphore(TRANSFERS_MAX)
        self._spare: list[bytearray] = []

    @asynccontextmanager
    async def room(self) -> AsyncIterator[bytearray]:
        """Have a turn, and memory for a batch; it is used again, so that none has to be cleared."""
        async with self._turns:
            memory = self._spare.pop() if self._spare else bytearray(BATCH_BYTES_MAX)
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


class BodyStream:
    """The body of a request, for a thread that reads it forward and holds little of it.

    Call `more` from a thread of `Transfers`, never from the event loop.
    """

    def __init__(self, request: Request) -> None:
        self._pieces = aiter(request.stream())
        self._loop = asyncio.get_running_loop()

    def more(self, about: int) -> bytes:
        """Return the next bytes, a megabyte at a time or so; none at the end.

        Raises `InvalidInput` when the client sends nothing for too long.
        """
        wanted = min(about, _TAKEN_AT_ONCE_BYTES)
        return asyncio.run_coroutine_threadsafe(self._gather(wanted), self._loop).result()

    async def _gather(self, wanted: int) -> bytes:
        gathered = bytearray()
        try:
            async with asyncio.timeout(SILENCE_S_MAX) as patience:
                while len(gathered) < wanted:
                    piece = await anext(self._pieces, None)
                    if piece is None:
                        break
                    gathered += piece
                    patience.reschedule(self._loop.time() + SILENCE_S_MAX)
        except TimeoutError:
            raise InvalidInput(
                detail=f"Nothing came for {SILENCE_S_MAX:g} s; send the file again.", field="body"
            ) from None
        return bytes(gathered)


async def read_body(
    request: Request, bytes_max: int, memory: bytearray | None = None
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
    body = memoryview(bytearray(length) if memory is None else memory)[:length]
    at = 0
    async for piece in request.stream():
        body[at : at + len(piece)] = piece
        at += len(piece)
    if at != length:
        raise InvalidInput(detail=f"The body has {at} of {length} bytes.", field="body")
    return body
