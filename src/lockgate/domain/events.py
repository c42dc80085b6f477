"""Events: what the log tells others, and which of it somebody wants to hear.

Every audit event is an event. Its number in its project's log is its position: whoever remembers
the last one that they have dealt with asks for what comes after it, and misses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from lockgate.domain import names
from lockgate.domain.audit import AuditEvent
from lockgate.errors import InvalidInput

WORDS_MAX = 50
_STAGE_WORDS = ("stage", "from", "to")


@dataclass(frozen=True, kw_only=True)
class Interest:
    """Which events of a project are wanted; an empty tuple wants any.

    ``models`` are names within the project. ``stages`` are compared without case: an event is
    about the stage that it names, leaves or enters. ``actions`` are words of the log such as
    ``transition``.
    """

    models: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for what, words in vars(self).items():
            if len(words) > WORDS_MAX:
                raise InvalidInput(
                    detail=f"{what} has {len(words)} entries, at most {WORDS_MAX} are allowed",
                    field=what,
                )
            for word in words:
                names.key_name(word, what)

    def wants(self, event: AuditEvent) -> bool:
        """Say whether ``event`` is one of those that are wanted."""
        if self.models and event.model not in self.models:
            return False
        if self.actions and event.action not in self.actions:
            return False
        return not self.stages or bool(
            stages_of(event) & {stage.casefold() for stage in self.stages}
        )


@dataclass(frozen=True, kw_only=True)
class EventStretch:
    """A stretch of a log: what of it was wanted, and the position to go on from."""

    events: tuple[AuditEvent, ...]
    position: int


def stages_of(event: AuditEvent) -> set[str]:
    """Return the stages that an event is about, casefolded."""
    named = (event.detail.get(word) for word in _STAGE_WORDS)
    return {stage.casefold() for stage in named if isinstance(stage, str)}
