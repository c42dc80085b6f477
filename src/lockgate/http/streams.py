"""Streams: connections that stay open to tell what happens, at most so many at once.

Each waits on the event loop and holds no thread. It wakes when this process commits events, and
now and then by itself, for those of other processes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from lockgate.errors import Unavailable
from lockgate.storage.bell import Bell

STREAM_S_MAX = 3_600.0
"""After this time a stream ends, and its client resumes it: nobody stays who may no longer."""
HEARTBEAT_S = 15.0
MEDIA_TYPE = "text/event-stream"
_HEADERS = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}


class Streams:
    """The open streams of a server."""

    def __init__(self, most: int, poll_s: float, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._most = most
        self.poll_s = poll_s
        self.heartbeat_s = heartbeat_s
        self._open: set[asyncio.Event] = set()
        self.closing = False

    def __len__(self) -> int:
        return len(self._open)

    def close(self) -> None:
        """End every stream soon, so that the server can stop."""
        self.closing = True
        for wake in self._open:
            wake.set()

    @contextlib.contextmanager
    def place(self, bell: Bell, wake: asyncio.Event) -> Iterator[None]:
        """Hold a place, woken by ``bell``. Raises `Unavailable` when all are taken."""
        if len(self._open) >= self._most:
            raise Unavailable(
                detail=f"The server has {self._most} event streams open, as many as it may; "
                "try again later, or ask /api/v1/events/next now and then"
            )
        loop = asyncio.get_running_loop()

        def ring() -> None:
            # The loop of a server that has just stopped takes no more calls.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(wake.set)

        self._open.add(wake)
        bell.add(ring)
        try:
            yield
        finally:
            bell.remove(ring)
            self._open.discard(wake)


class EventStream(StreamingResponse):
    """The answer that goes on. Its place is taken before anything is sent."""

    media_type = MEDIA_TYPE

    def __init__(
        self,
        streams: Streams,
        bell: Bell,
        tell: Callable[[asyncio.Event], AsyncIterator[bytes]],
    ) -> None:
        self._streams = streams
        self._bell = bell
        self._wake = asyncio.Event()
        super().__init__(tell(self._wake), headers=_HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._streams.place(self._bell, self._wake):
            await super().__call__(scope, receive, send)


async def until(wake: asyncio.Event, timeout_s: float) -> None:
    """Return once ``wake`` is set, which it then is no longer, or the time is over."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(wake.wait(), timeout_s)
    wake.clear()
