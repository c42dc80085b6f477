"""Monitors: regressions raise alarms in time, healthy versions do not, and nothing flaps."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from lockgate.domain.monitors import (
    FALSE_RATE,
    MonitorRule,
    MonitorState,
    Window,
    judge_mean,
    may_roll_back,
    next_state,
)
from lockgate.domain.trials import Tally
from lockgate.errors import InvalidInput

STREAMS = 1_000
LENGTH = 60
SIZE = 50
RULE = MonitorRule(metric="auc", stage="Production", bound=0.8, windows=3, recovery=5)
LIMIT = Tally(kind="value", n=1, total=0.8)


def window(drawn: random.Random, mean: float) -> Window:
    """A window of values around a mean, as its tally would be: drawn, not summed up."""
    deviation = 0.1
    seen = drawn.gauss(mean, deviation / SIZE**0.5)
    variance = deviation**2 * drawn.gammavariate((SIZE - 1) / 2, 2 / (SIZE - 1))
    tally = Tally(kind="value", n=SIZE, total=seen * SIZE, squares=variance * (SIZE - 1))
    return judge_mean(RULE, tally, LIMIT)


def states(rule: MonitorRule, windows: list[Window | None]) -> list[MonitorState]:
    """The state after each window."""
    state: MonitorState = "ok"
    found = []
    for end in range(1, len(windows) + 1):
        state = next_state(rule, state, windows[:end])
        found.append(state)
    return found


def test_a_regression_raises_an_alarm_within_its_windows_and_nothing_flaps() -> None:
    """Of 1,000 streams that fall halfway, all alarm after three bad windows, once, and stay so."""
    drawn = random.Random(1)
    half = LENGTH // 2
    for _ in range(STREAMS):
        means = [0.9] * half + [0.7] * half
        seen = states(RULE, [window(drawn, mean) for mean in means])
        assert seen[: half + 2] == ["ok"] * (half + 2)
        assert seen[half + 2 :] == ["alarm"] * (half - 2)


def test_a_healthy_stream_alarms_no_more_often_than_is_stated() -> None:
    """At the bound itself, the worst of what is healthy: a window alone, and three in a row."""
    drawn = random.Random(2)
    alone = MonitorRule(metric="auc", stage="Production", bound=0.8, windows=1, recovery=1)
    alarms, three = 0, 0
    for _ in range(STREAMS):
        windows: list[Window | None] = [window(drawn, 0.8) for _ in range(LENGTH)]
        alarms += sum(next_state(alone, "ok", [each]) == "alarm" for each in windows)
        three += "alarm" in states(RULE, windows)
    looked = STREAMS * LENGTH
    assert alarms <= 1.3 * FALSE_RATE * looked
    assert three <= 3


def test_an_alarm_ends_after_good_windows_in_a_row() -> None:
    """A single good one, or one that is neither, does not."""
    drawn = random.Random(3)
    means = [0.7] * 3 + [0.9] * 4 + [0.7] + [0.9] * 5
    seen = states(RULE, [window(drawn, mean) for mean in means])
    assert seen == ["ok"] * 2 + ["alarm"] * 10 + ["ok"]


def test_a_window_without_enough_values_says_nothing() -> None:
    """It neither raises an alarm nor ends one."""
    drawn = random.Random(4)
    bad = window(drawn, 0.5)
    assert next_state(RULE, "ok", [bad, None, bad]) == "ok"
    assert next_state(RULE, "alarm", [None] * 5) == "alarm"
    assert next_state(RULE, "ok", [bad]) == "ok"


def test_lower_may_be_better() -> None:
    """And values that are all the same are taken as they are."""
    rule = MonitorRule(metric="ms", stage="Production", direction="lower", windows=1, recovery=1)
    same = Tally(kind="value", n=10, total=9.0)
    assert judge_mean(rule, same, LIMIT).verdict == "bad"
    assert judge_mean(rule, Tally(kind="value", n=10, total=8.0), LIMIT).verdict == "good"


def test_a_rollback_waits_for_its_cooldown() -> None:
    """However many alarms there are."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    rule = MonitorRule(metric="auc", stage="Production", action="rollback", cooldown_s=3_600)
    assert may_roll_back(rule, None, now)
    assert not may_roll_back(rule, now - timedelta(minutes=59), now)
    assert may_roll_back(rule, now - timedelta(minutes=60), now)
    assert not may_roll_back(RULE, None, now)


@pytest.mark.parametrize(
    "wrong",
    [
        {"against": "luck"},
        {"direction": "up"},
        {"action": "panic"},
        {"window_s": 59},
        {"window_s": 90},
        {"windows": 0},
        {"recovery": 51},
        {"min_samples": 1},
        {"cooldown_s": -1},
        {"bound": float("nan")},
        {"against": "reference"},
        {"measure": "luck"},
        {"measure": "psi"},
        {"measure": "psi", "against": "reference"},
        {"measure": "ks", "against": "reference", "direction": "lower", "bound": -1},
        {"metric": ""},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    """With what would be right."""
    with pytest.raises(InvalidInput):
        MonitorRule(**{"metric": "auc", "stage": "Production", **wrong})  # type: ignore[arg-type]
