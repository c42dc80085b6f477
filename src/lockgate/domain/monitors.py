"""Monitors: rules over what a version does in use, decided window by window.

A window of ``window_s`` is bad when its mean is on the wrong side of the bound by more than
`DEVIATIONS` standard errors, and good when it is on the right side at all. ``windows`` bad ones in
a row raise an alarm, ``recovery`` good ones in a row end it; all between change nothing, and a
window with fewer than ``min_samples`` values is none. A mean that lies at its bound is taken for
bad in one window of a hundred (`FALSE_RATE`), so a version that is not worse than its bound raises
an alarm at most ``FALSE_RATE ** windows`` times a window.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from lockgate.domain import names
from lockgate.domain.trials import Direction, Tally
from lockgate.errors import InvalidInput

Against = Literal["bound", "metrics", "incumbent"]
Action = Literal["alert", "rollback"]
MonitorState = Literal["ok", "alarm"]
DEVIATIONS = 2.326
FALSE_RATE = 0.01
WINDOW_S_MAX = 7 * 86_400
WINDOWS_MAX = 50
COOLDOWN_S_MAX = 365 * 86_400


@dataclass(frozen=True, kw_only=True)
class MonitorRule:
    """What is watched, of whichever version stands in ``stage``, and what then happens.

    ``against`` is ``bound`` (an absolute one), ``metrics`` (the version's own metric of the same
    name) or ``incumbent`` (what the version that stood there before did in use); the latter two may
    be missed by ``bound``. ``direction`` says which is better.
    """

    metric: str
    stage: str
    bound: float = 0.0
    against: Against = "bound"
    direction: Direction = "higher"
    window_s: int = 300
    windows: int = 3
    recovery: int = 3
    min_samples: int = 30
    action: Action = "alert"
    cooldown_s: int = 86_400

    def __post_init__(self) -> None:
        names.key_name(self.metric, "metric")
        names.metric_value("bound", self.bound)
        _require_word("against", self.against, ("bound", "metrics", "incumbent"))
        _require_word("direction", self.direction, ("higher", "lower"))
        _require_word("action", self.action, ("alert", "rollback"))
        _require_count("window_s", self.window_s, 60, WINDOW_S_MAX)
        _require_count("windows", self.windows, 1, WINDOWS_MAX)
        _require_count("recovery", self.recovery, 1, WINDOWS_MAX)
        _require_count("min_samples", self.min_samples, 2, 10**9)
        _require_count("cooldown_s", self.cooldown_s, 0, COOLDOWN_S_MAX)
        if self.window_s % 60:
            raise InvalidInput(detail="window_s is a whole number of minutes", field="window_s")


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """A rule under a name at a model, and how it stands with the ``version`` it last looked at.

    ``since`` is when that version came to its stage: a stay that begins anew begins without alarm.
    """

    project: str
    model: str
    name: str
    rule: MonitorRule
    state: MonitorState
    version: str | None
    since: datetime | None
    rolled_back_at: datetime | None
    set_by: str
    set_at: datetime


def next_state(
    rule: MonitorRule, state: MonitorState, windows: Sequence[Tally | None], limit: Tally
) -> MonitorState:
    """Return the state after ``windows``, the latest last; None is one without enough values.

    ``limit`` is the bound: its mean, and how sure it is (a variance of 0 is a plain number).
    """
    wanted = rule.windows if state == "ok" else rule.recovery
    latest = windows[-wanted:]
    if len(latest) < wanted:
        return state
    worse = [None if each is None else _worse_by(rule, each, limit) for each in latest]
    if state == "ok":
        return "alarm" if all(each is not None and each > DEVIATIONS for each in worse) else "ok"
    return "ok" if all(each is not None and each <= 0 for each in worse) else "alarm"


def may_roll_back(rule: MonitorRule, last: datetime | None, now: datetime) -> bool:
    """Say whether an alarm rolls back: asked for, and not within the cooldown of the last time."""
    if rule.action != "rollback":
        return False
    return last is None or (now - last).total_seconds() >= rule.cooldown_s


def _worse_by(rule: MonitorRule, window: Tally, limit: Tally) -> float:
    """Return how many standard errors a window lies on the wrong side of its bound."""
    apart = limit.mean - window.mean
    if rule.direction == "lower":
        apart = -apart
    error = math.sqrt(window.variance / window.n + limit.variance / limit.n)
    if not error:
        return math.inf if apart > 0 else 0.0 if not apart else -math.inf
    return apart / error


def _require_word(what: str, value: str, words: Sequence[str]) -> None:
    if value not in words:
        raise InvalidInput(
            detail=f"{what} is one of {', '.join(words)}, got {value!r:.60}", field=what
        )


def _require_count(what: str, value: int, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidInput(
            detail=f"{what} is a whole number from {least} to {most}, got {value!r:.60}",
            field=what,
        )
