"""Monitors: rules over what a version does in use, decided window by window.

          ``windows`` bad in a row
    ok ────────────────────────────▶ alarm ──▶ a rollback, if asked for, once in ``cooldown_s``
     ◀────────────────────────────
        ``recovery`` good in a row       (a version that comes to the stage anew begins at ok)

A window of ``window_s`` is bad when its mean is on the wrong side of the bound by more than
`DEVIATIONS` standard errors, and good when it is on the right side at all. A window of histograms
is bad when it lies farther from the reference than chance would take it in one of a hundred from
the bound, and good when it lies no farther than chance takes it on average. All between change
nothing, and a window with fewer than ``min_samples`` values is none.

What lies at its bound is taken for bad in one window of a hundred (`FALSE_RATE`), so a version that
is not worse than its bound raises an alarm at most ``FALSE_RATE ** windows`` times a window.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from lockgate.domain import names
from lockgate.domain.drift import DISTANCES, Histogram, distance, exceeded, expected
from lockgate.domain.trials import Direction, Tally
from lockgate.errors import InvalidInput

Measure = Literal["mean", "psi", "ks"]
Against = Literal["bound", "metrics", "incumbent", "reference"]
Action = Literal["alert", "rollback"]
MonitorState = Literal["ok", "alarm"]
WindowVerdict = Literal["bad", "good", "between"]
DEVIATIONS = 2.326
FALSE_RATE = 0.01
"""How often a normal value exceeds `DEVIATIONS`."""
WINDOW_S_MAX = 7 * 86_400
WINDOWS_MAX = 50
COOLDOWN_S_MAX = 365 * 86_400


@dataclass(frozen=True, kw_only=True)
class MonitorRule:
    """What is watched, of whichever version stands in ``stage``, and what then happens.

    ``measure`` is ``mean`` (of observations), or ``psi`` or ``ks`` (how far histograms lie apart).
    ``against`` is ``bound`` (an absolute one), ``metrics`` (the version's own metric of the same
    name) or ``incumbent`` (what the version that stood there before did in use); the latter two may
    be missed by ``bound``. Histograms are held against the version's own ``reference`` or the
    incumbent's histogram, and ``bound`` is how far they may lie apart. ``direction`` says which is
    better.
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
    measure: Measure = "mean"

    def __post_init__(self) -> None:
        names.key_name(self.metric, "metric")
        names.metric_value("bound", self.bound)
        _require_word("measure", self.measure, ("mean", *DISTANCES))
        if self.measure == "mean":
            _require_word("against", self.against, ("bound", "metrics", "incumbent"))
            _require_word("direction", self.direction, ("higher", "lower"))
        else:
            _require_word("against", self.against, ("reference", "incumbent"))
            _require_word("direction", self.direction, ("lower",))
            if self.bound < 0:
                raise InvalidInput(detail="A distance is bound by 0 or more", field="bound")
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
    ``unjudged`` says why it judges nothing of what stands there now, and what would change that;
    None while it does, and where nobody has asked.
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
    unjudged: str | None = None


@dataclass(frozen=True, kw_only=True)
class Window:
    """What was seen in one window: so many values, their mean or distance, and what that is."""

    n: int
    value: float
    verdict: WindowVerdict


def judge_mean(rule: MonitorRule, seen: Tally, limit: Tally) -> Window:
    """Judge a window of values by ``limit``: a mean, and how sure it is (0: a plain number)."""
    worse = _worse_by(rule, seen, limit)
    verdict: WindowVerdict = "bad" if worse > DEVIATIONS else "good" if worse <= 0 else "between"
    return Window(n=seen.n, value=seen.mean, verdict=verdict)


def judge_drift(rule: MonitorRule, seen: Histogram, reference: Histogram) -> Window:
    """Judge a window of histograms, together ``seen``, by how far it lies from ``reference``."""
    assert rule.measure != "mean"  # noqa: S101  # means are judged by `judge_mean`
    apart = distance(rule.measure, seen, reference)
    verdict: WindowVerdict = "between"
    if apart > exceeded(rule.measure, seen, reference, rule.bound, DEVIATIONS):
        verdict = "bad"
    elif apart <= expected(rule.measure, seen, reference, rule.bound):
        verdict = "good"
    return Window(n=seen.n, value=apart, verdict=verdict)


def next_state(
    rule: MonitorRule, state: MonitorState, windows: Sequence[Window | None]
) -> MonitorState:
    """Return the state after ``windows``, the latest last; None is one without enough values."""
    wanted = rule.windows if state == "ok" else rule.recovery
    latest = windows[-wanted:]
    if len(latest) < wanted:
        return state
    turning: WindowVerdict = "bad" if state == "ok" else "good"
    if all(each is not None and each.verdict == turning for each in latest):
        return "alarm" if state == "ok" else "ok"
    return state


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
