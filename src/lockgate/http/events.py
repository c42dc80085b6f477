"""Routes of events: a stream of what happens, and the same for who asks now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from lockgate.domain.events import EventStretch
from lockgate.errors import Forbidden, NotFound, Unauthenticated
from lockgate.http.auth import admitted_again
from lockgate.http.calls import Call, CallOf
from lockgate.http.representations import represent
from lockgate.http.routing import router
from lockgate.http.streams import (
    MEDIA_TYPE,
    STREAM_S_MAX,
    EventStream,
    Streams,
    until,
)
from lockgate.registry.desk import grant_of
from lockgate.wire.answers import StretchAnswer
from lockgate.wire.queries import EventWords

routes = router("events")
RETRY_MS = 2_000
LAST_ID = "last-event-id"
_STREAM = {
    200: {
        "description": "Events as they happen (server-sent events): `id` is the event's number, "
        "`event` its action, `data` the event as JSON",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}
_PARAMETERS = {
    "parameters": [
        {
            "name": "Last-Event-ID",
            "in": "header",
            "required": False,
            "description": "The last id that was heard; it goes before `after`",
            "schema": {"type": "string"},
        }
    ]
}


@routes.get(
    "/events",
    response_model=None,
    responses=_STREAM,  # type: ignore[arg-type]
    openapi_extra=_PARAMETERS,
)
async def events(call: CallOf, words: Annotated[EventWords, Query()]) -> Response:
    """Stream a project's events from now on, or from after a number, in order and without a gap."""
    asked = dict(words)
    heard = call.request.headers.get(LAST_ID)
    if heard:
        asked["after"] = heard
    # What is wrong with the question shows before the stream begins.
    first = await call.run(lambda: call.registry.read_events(**asked))
    streams: Streams = call.request.app.state.streams
    return EventStream(
        streams,
        call.registry.bell,
        lambda wake: _told(call, streams, wake, first, asked),
    )


@routes.get("/events/next", response_model=StretchAnswer)
async def read_events(call: CallOf, words: Annotated[EventWords, Query()]) -> Response:
    """Return the next stretch of a project's events; `position` is the next `after`."""
    return await call.read(lambda registry: registry.read_events(**dict(words)))


async def _told(
    call: Call,
    streams: Streams,
    wake: asyncio.Event,
    first: EventStretch,
    asked: dict[str, str | None],
) -> AsyncIterator[bytes]:
    """Yield the stream: what there is, then what comes, and signs of life between.

    It ends once its listener may no longer hear it, who is told why by asking again.
    """
    ends_s = time.monotonic() + STREAM_S_MAX
    stretch = first
    yield b"retry: %d\n%b" % (RETRY_MS, _blocks(stretch))
    spoke_s = time.monotonic()
    while not streams.closing and time.monotonic() < ends_s:
        position = stretch.position
        words = {**asked, "after": str(position)}
        try:
            registry = await admitted_again(call.request.scope)
            found = await call.run(partial(registry.read_events, **words))
            # What was read is told to who may hear it now, not to who might when it was asked for.
            if grant_of(await admitted_again(call.request.scope)) is not grant_of(registry):
                continue
        except (Unauthenticated, Forbidden, NotFound):
            return
        stretch = found
        now_s = time.monotonic()
        if stretch.position != position:
            if stretch.events or now_s - spoke_s >= streams.heartbeat_s:
                spoke_s = now_s
                yield _blocks(stretch)
            continue
        if now_s - spoke_s >= streams.heartbeat_s:
            spoke_s = now_s
            yield _blocks(stretch)
        await until(wake, streams.poll_s)


def _blocks(stretch: EventStretch) -> bytes:
    """Return a stretch as server-sent events; the last block says only how far it goes."""
    told = [
        b"id: %d\nevent: %b\ndata: %b\n\n"
        % (event.seq, event.action.encode(), represent(event).body)
        for event in stretch.events
    ]
    return b"".join((*told, b": alive\nid: %d\n\n" % stretch.position))
