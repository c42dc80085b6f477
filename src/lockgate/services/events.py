"""Events: what came after a position in a project's log, for whoever keeps up with it.

An event has its number only once it is committed, and the log's head is locked until then: who
has read event 7 will never find that another event 6 appeared afterwards. So a reader needs a
position and nothing else, and the log is its own outbox.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.domain.audit import AuditEvent
from lockgate.domain.events import EventStretch, Interest
from lockgate.domain.permissions import VIEW_AUDIT
from lockgate.errors import InvalidInput
from lockgate.storage import guard, log
from lockgate.storage.database import Session
from lockgate.storage.projects import project_id
from lockgate.storage.store import Store

EVENTS_AT_ONCE = 200
POLL_S = 0.5
"""How often a reader looks for what other processes have committed."""


def head_position(store: Store, project: str) -> int:
    """Return the number of a project's last event: who begins there hears what is new."""

    def use_case(session: Session) -> int:
        return log.load_head(session, _readable(session, project)).size

    return store.snapshot(use_case)


def read_events(store: Store, project: str, interest: Interest, after: int | None) -> EventStretch:
    """Return the next stretch of a log beyond ``after``; the same position is its end.

    None is the end of the log as it is now.
    """
    if after is None:
        return EventStretch(events=(), position=head_position(store, project))

    def use_case(session: Session) -> EventStretch:
        found = log.list_events(
            session,
            _readable(session, project),
            project,
            after=after,
            count=EVENTS_AT_ONCE,
            newest_first=False,
        )
        return EventStretch(
            events=tuple(event for event in found if interest.wants(event)),
            position=found[-1].seq if found else after,
        )

    return store.snapshot(use_case)


def _readable(session: Session, project: str) -> int:
    """Return the key of a project whose log the caller may read. Raises `Forbidden`."""
    key = project_id(session, project)
    guard.require(session, VIEW_AUDIT, key, project)
    return key


def require_position(after: object) -> int:
    """Return a position, given as a number or as text. Raises `InvalidInput`."""
    text = str(after)
    if isinstance(after, bool) or not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidInput(
            detail=f"after is the number of an event, 0 for the beginning, got {text[:60]!r}",
            field="after",
        )
    return int(text)


def follow_events(
    store: Store, project: str, interest: Interest, after: int | None, *, follow: bool
) -> Iterator[AuditEvent]:
    """Yield the wanted events beyond ``after`` in order; with ``follow``, those to come as well.

    None is the end of the log as it is now.
    """
    position = head_position(store, project) if after is None else after
    return _following(store, project, interest, position, follow)


def _following(
    store: Store, project: str, interest: Interest, position: int, follow: bool
) -> Iterator[AuditEvent]:
    bell = store.database.bell
    while True:
        heard = bell.count
        stretch = read_events(store, project, interest, position)
        yield from stretch.events
        if stretch.position == position:
            if not follow:
                return
            bell.wait(heard, POLL_S)
        position = stretch.position
