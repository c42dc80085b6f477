"""Events: the verbs."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.domain.audit import AuditEvent
from lockgate.domain.events import EventStretch, Interest
from lockgate.registry.desk import Desk
from lockgate.services import events
from lockgate.storage.bell import Bell

Position = int | str | None


class EventVerbs(Desk):
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
        ``follow`` false it ends where the log ends.
        """
        owner, interest = self._interest(project, model, stage, action)
        position = None if after is None else events.require_position(after)
        return events.follow_events(self._store, owner, interest, position, follow=follow)

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
        owner, interest = self._interest(project, model, stage, action)
        position = None if after is None else events.require_position(after)
        return events.read_events(self._store, owner, interest, position)

    @property
    def bell(self) -> Bell:
        """What rings when this process has committed events."""
        return self._store.database.bell

    def _interest(
        self, project: str | None, model: str | None, stage: str | None, action: str | None
    ) -> tuple[str, Interest]:
        owner, bare = (project or self.project, None) if model is None else self._split(model)
        return owner, Interest(
            models=() if bare is None else (bare,),
            stages=() if stage is None else (stage,),
            actions=() if action is None else (action,),
        )
