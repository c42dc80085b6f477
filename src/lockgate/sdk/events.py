"""Events: the verbs, over HTTP. A stream that breaks off is taken up where it ended."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from lockgate.domain.audit import AuditEvent
from lockgate.domain.events import EventStretch
from lockgate.errors import RegistryError, Unavailable
from lockgate.sdk.calls import API, Calls
from lockgate.sdk.transport import pause_s
from lockgate.wire.records import from_wire

Position = int | str | None
SILENCE_S = 60.0
"""How long a stream may say nothing, not even that it is alive, before it counts as broken."""
TRIES_PAUSED_MAX = 8


class Heard(NamedTuple):
    """What a stream said: a position, and the event that stands there if it was wanted."""

    position: str
    event: AuditEvent | None


class EventVerbs(Calls):
    """Hearing what happens, from any moment on and without a gap."""

    def events(
        self,
        *,
        after: Position = None,
        project: str | None = None,
        model: str | None = None,
        stage: str | None = None,
        action: str | None = None,
        follow: bool = True,
    ) -> Iterator[AuditEvent]:
        """Yield a project's events beyond number ``after``, in order, and wait for more.

        Left out, ``after`` is the end of the log as it is now; 0 is its beginning. Who keeps the
        ``seq`` of the last event that they dealt with goes on from there and misses nothing. With
        ``follow`` false it ends where the log ends. A lost server is asked again until it is back.
        """
        words = self._words(project, model, stage, action)
        # Asked at once, so that nothing between this call and the first item is missed.
        first = self._stretch(after, words)
        return self._stretches(first, words) if not follow else self._stream(first, words)

    def read_events(
        self,
        *,
        after: Position = None,
        project: str | None = None,
        model: str | None = None,
        stage: str | None = None,
        action: str | None = None,
    ) -> EventStretch:
        """Return the next stretch of a project's events, for who asks now and then.

        Its ``position`` is the next ``after``; the same again is the end of the log.
        """
        return self._stretch(after, self._words(project, model, stage, action))

    def _stretch(self, after: Position, words: Mapping[str, Any]) -> EventStretch:
        return self._load(EventStretch, "/events/next", after=after, **words)

    def _stretches(self, first: EventStretch, words: Mapping[str, Any]) -> Iterator[AuditEvent]:
        stretch = first
        while True:
            yield from stretch.events
            position = stretch.position
            stretch = self._stretch(position, words)
            if stretch.position == position:
                return

    def _stream(self, first: EventStretch, words: Mapping[str, Any]) -> Iterator[AuditEvent]:
        yield from first.events
        position, tries = str(first.position), 0
        while True:
            try:
                headers = {**self._headers(), "Last-Event-ID": position}
                lines = self._transport.lines(
                    "GET", API + "/events", list(words.items()), headers, SILENCE_S
                )
                for heard in read_stream(lines):
                    position, tries = heard.position, 0
                    if heard.event is not None:
                        yield heard.event
            except Unavailable:
                tries += 1
                time.sleep(pause_s(min(tries, TRIES_PAUSED_MAX)))

    def _words(
        self, project: str | None, model: str | None, stage: str | None, action: str | None
    ) -> dict[str, Any]:
        owner, bare = (project or self.project, None) if model is None else self._split(model)
        words = {
            "project": owner,
            "model": bare and f"{owner}/{bare}",
            "stage": stage,
            "action": action,
        }
        return {name: value for name, value in words.items() if value is not None}


def read_stream(lines: Iterable[str]) -> Iterator[Heard]:
    """Yield what a stream of server-sent events says. Raises `RegistryError` for nonsense."""
    position, data = "", ""
    for line in lines:
        text = line.rstrip("\r\n")
        if text.startswith("id: "):
            position = text[4:]
        elif text.startswith("data: "):
            data = text[6:]
        elif not text and position:
            yield Heard(position, _event(data) if data else None)
            data = ""


def _event(data: str) -> AuditEvent:
    try:
        return from_wire(AuditEvent, json.loads(data))
    except ValueError as error:
        raise RegistryError(detail=f"The server sent an event that is no JSON: {error}") from None
