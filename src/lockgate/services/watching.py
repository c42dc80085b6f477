"""Watching: say how far a log is verified, at the cost of what was appended since the last time.

    asked first ──▶ events 1 to 20,000 ──▶ asked again ──▶ the next 20,000 … ──▶ only what is new

What was looked at once is not looked at again: `auditing.verify_log` does that, and compares the
tables too. A process remembers for itself; after a start, or in another worker, it begins anew.
"""

from __future__ import annotations

from lockgate.domain.permissions import VIEW_AUDIT
from lockgate.domain.verification import Verdict, Verified
from lockgate.services.auditing import stored_event
from lockgate.storage import guard, log
from lockgate.storage.database import Session
from lockgate.storage.log import Head
from lockgate.storage.projects import project_id
from lockgate.storage.store import Store
from lockgate.storage.watching import Watched

EVENTS_MAX = 20_000
"""At most so many events are looked at for one question: about half a second of work."""


def verified_log(store: Store, project: str) -> Verified:
    """Return how far a project's log holds; a long one that was never asked for, in steps."""

    def look(session: Session) -> int:
        key = project_id(session, project)
        guard.require(session, VIEW_AUDIT, key, project)
        return key

    watched = store.watched.load(store.read(look), project)
    # Two who ask at once need the work done once: the second is told how far the first came.
    if not watched.lock.acquire(blocking=False):
        return watched.told
    try:
        head = store.snapshot(lambda session: _advance(session, watched, project))
        watched.told = _told(project, watched, head.size)
        return watched.told
    finally:
        watched.lock.release()


def _advance(session: Session, watched: Watched, project: str) -> Head:
    key = project_id(session, project)
    head = log.load_head(session, key)
    verifier = watched.verifier
    before = verifier.frontier.size
    if watched.fault is not None:
        return head
    if head.size < before:
        watched.fault = Verdict(
            ok=False,
            size=head.size,
            fault="truncated",
            detail=f"Event {head.size + 1} is missing: the log was verified to event {before}, "
            f"now it ends after {head.size}.",
        )
        return head
    rows = log.list_rows(session, key, before, min(EVENTS_MAX, head.size - before))
    watched.fault = verifier.take(stored_event(row) for row in rows)
    if watched.fault is None and (not rows or verifier.frontier.size == head.size):
        verdict = verifier.finish(head.frontier, head.last_hash)
        watched.fault = None if verdict.ok else verdict
    return head


def _told(project: str, watched: Watched, size: int) -> Verified:
    fault, frontier = watched.fault, watched.verifier.frontier.copy()
    return Verified(
        project=project,
        ok=fault is None,
        seq=frontier.size if fault is None else fault.size,
        size=size,
        root=frontier.root().hex(),
        fault=None if fault is None else fault.fault,
        detail="" if fault is None else fault.detail,
    )
