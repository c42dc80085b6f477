"""What one who wants a model does next, by what its record says and for how long it said so."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from lockgate.domain.claims import ModelRecord, ModelStatus, is_as_seen

__all__ = ["Step", "Watch", "plan_step"]

# A shared disk may show another machine's files a moment late: files are lost when they are missing
# at two looks in a row.
LOOKS_MIN = 2


class Step(Enum):
    """The next thing to do."""

    CLAIM = "claim"  # nobody has begun
    WAIT = "wait"  # somebody is at it
    TAKE_OVER = "take over"  # its owner is silent, its files are lost, or it failed
    GIVE_UP_FAILED = "give up: it failed"
    GIVE_UP_LOST = "give up: the files are lost again"


@dataclass
class Watch:
    """Watches one record by the waiter's own monotonic clock.

    Silence counts only as far as it was observed: a waiter that was frozen, or that could not
    reach the backend for a while, does not hold that time against the owner.
    """

    look_s_max: float
    silent_s: float = 0.0
    looks: int = 0
    reclaims: int = 0
    failed: set[tuple[str, int]] = field(default_factory=set)
    _seen: ModelRecord | None = None
    _looked_at_s: float = 0.0

    def observe(self, record: ModelRecord | None, now_s: float) -> None:
        """Take in what was read at a moment of the monotonic clock."""
        before, self._seen = self._seen, record
        if record is not None and before is not None and is_as_seen(record, before):
            self.looks += 1
            self.silent_s += min(now_s - self._looked_at_s, self.look_s_max)
        else:
            self.looks, self.silent_s = 1, 0.0
            # A failure that was there before we came is no reason not to try.
            if before is not None and record is not None and record.status is ModelStatus.ERROR:
                self.failed.add((record.holder, record.fence))
        self._looked_at_s = now_s


def plan_step(
    record: ModelRecord | None, watch: Watch, *, attempts_max: int, reclaims_max: int
) -> Step:
    """Decide. The files were looked for after the record was read, and they are not there."""
    if record is None:
        return Step.CLAIM
    if record.status is ModelStatus.DOWNLOADING:
        return Step.TAKE_OVER if watch.silent_s >= record.lease_s else Step.WAIT
    if record.status is ModelStatus.ERROR:
        return Step.GIVE_UP_FAILED if len(watch.failed) >= attempts_max else Step.TAKE_OVER
    if watch.looks < LOOKS_MIN:
        return Step.WAIT
    return Step.GIVE_UP_LOST if watch.reclaims >= reclaims_max else Step.TAKE_OVER
