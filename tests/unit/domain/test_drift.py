"""Drift: distances are those of the books, and chance is told from a shift at the stated rate."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest

from lockgate.domain.drift import (
    Distance,
    Histogram,
    distance,
    exceeded,
    expected,
    histogram_of,
    parse_histogram,
)
from lockgate.domain.monitors import (
    DEVIATIONS,
    FALSE_RATE,
    MonitorRule,
    MonitorState,
    judge_drift,
    next_state,
)
from lockgate.errors import InvalidInput

EDGES = tuple(-1.6 + 0.4 * index for index in range(9))
SIZE, REFERENCE_SIZE = 500, 5_000
STREAMS, LENGTH = 1_000, 30


def rule(measure: Distance, bound: float, **more: Any) -> MonitorRule:
    """A rule over histograms."""
    return MonitorRule(
        metric="age",
        stage="Production",
        measure=measure,
        against="reference",
        direction="lower",
        bound=bound,
        **more,
    )


def shares(mean: float) -> numpy.ndarray[Any, Any]:
    """How probable each bin is for normal values about a mean."""
    below = [0.0, *((1 + math.erf((edge - mean) / math.sqrt(2))) / 2 for edge in EDGES), 1.0]
    return numpy.diff(below)


def drawn(chance: numpy.random.Generator, mean: float, size: int) -> Histogram:
    """A histogram of so many values."""
    counts = chance.multinomial(size, shares(mean))
    return Histogram(edges=EDGES, counts=tuple(map(int, counts)))


def exact(mean: float) -> Histogram:
    """A histogram without chance."""
    return Histogram(edges=EDGES, counts=tuple(int(each * 10**12) for each in shares(mean)))


def test_a_histogram_counts_each_value_once() -> None:
    """An edge belongs to the bin above it, and what lies outside to the outer bins."""
    seen = histogram_of([-1, 0, 0.5, 1, 7, 1e9], [0, 1])
    assert seen == Histogram(edges=(0, 1), counts=(1, 2, 3))
    assert seen.n == 6
    assert seen.plus(seen).counts == (2, 4, 6)


def test_distances_are_those_of_the_books() -> None:
    """Worked out by hand for large counts; nothing lies at no distance from itself."""
    a = Histogram(edges=(0, 1), counts=(500_000, 300_000, 200_000))
    b = Histogram(edges=(0, 1), counts=(400_000, 400_000, 200_000))
    by_hand = 0.1 * math.log(5 / 4) - 0.1 * math.log(3 / 4)
    assert distance("psi", a, b) == pytest.approx(by_hand, rel=1e-4)
    assert distance("ks", a, b) == pytest.approx(0.1)
    for kind in ("psi", "ks"):
        assert distance(kind, a, a) == 0  # type: ignore[arg-type]


def test_an_empty_bin_is_far_and_no_infinity() -> None:
    """However few values there are."""
    a, b = Histogram(edges=(0,), counts=(10, 0)), Histogram(edges=(0,), counts=(0, 10))
    assert 1 < distance("psi", a, b) < 100
    assert distance("ks", a, b) == 1


@pytest.mark.parametrize("kind", ["psi", "ks"])
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_chance_alone_exceeds_its_quantile_at_most_as_often_as_stated(
    kind: Distance, shift: float
) -> None:
    """Right at the bound, the worst of what is healthy, over 20,000 windows of either size."""
    chance = numpy.random.default_rng(7)
    true = distance(kind, exact(shift), exact(0))
    for size in (100, 2_000):
        exceeding, total = 0, 0.0
        for _ in range(10_000):
            seen, reference = drawn(chance, shift, size), drawn(chance, 0, REFERENCE_SIZE)
            apart = distance(kind, seen, reference)
            total += apart
            exceeding += apart > exceeded(kind, seen, reference, true, DEVIATIONS)
        assert exceeding <= 1.3 * FALSE_RATE * 10_000
        assert total / 10_000 <= 1.1 * expected(kind, seen, reference, true)


def alarms(chance: numpy.random.Generator, watched: MonitorRule, means: list[float]) -> list[int]:
    """After how many windows a stream first alarmed, or nothing, and after how many it was well."""
    reference = drawn(chance, 0, REFERENCE_SIZE)
    state: MonitorState = "ok"
    windows, turned = [], []
    for number, mean in enumerate(means, 1):
        windows.append(judge_drift(watched, drawn(chance, mean, SIZE), reference))
        after = next_state(watched, state, windows)
        if after != state:
            turned.append(number)
        state = after
    return turned


@pytest.mark.parametrize(("kind", "bound"), [("psi", 0.1), ("ks", 0.1)])
def test_a_true_shift_alarms_in_time_and_once(kind: Distance, bound: float) -> None:
    """Of 1,000 streams whose values move by 0.8 deviations halfway, all alarm in three windows."""
    chance = numpy.random.default_rng(8)
    half = LENGTH // 2
    for _ in range(STREAMS):
        turned = alarms(chance, rule(kind, bound), [0.0] * half + [0.8] * half)
        assert turned == [half + 3]


@pytest.mark.parametrize(("kind", "bound"), [("psi", 0.1), ("ks", 0.1), ("psi", 0.0)])
def test_a_healthy_stream_alarms_no_more_often_than_is_stated(kind: Distance, bound: float) -> None:
    """1,000 streams without a shift: at most one in a hundred, the stated worst, ever alarms."""
    chance = numpy.random.default_rng(9)
    seen = sum(bool(alarms(chance, rule(kind, bound), [0.0] * LENGTH)) for _ in range(STREAMS))
    assert seen <= FALSE_RATE * STREAMS


def test_a_shift_that_is_over_ends_its_alarm() -> None:
    """After as many good windows in a row as the rule says, and not before."""
    chance = numpy.random.default_rng(10)
    watched = rule("psi", 0.1, windows=2, recovery=4)
    assert alarms(chance, watched, [1.0] * 3 + [0.0] * 6) == [2, 7]


@pytest.mark.parametrize(
    ("edges", "counts"),
    [
        ([], [1]),
        ([1, 1], [1, 1, 1]),
        ([2, 1], [1, 1, 1]),
        ([float("inf")], [1, 1]),
        (["1"], [1, 1]),
        (None, [1]),
        ([1], [1]),
        ([1], [1, -1]),
        ([1], [1, 1.5]),
        ([1], [1, True]),
        ([1], [0, 0]),
        (list(range(201)), [1] * 202),
        ([1], {"1": 1}),
    ],
)
def test_what_is_no_histogram_is_refused(edges: object, counts: object) -> None:
    """With what would be right."""
    with pytest.raises(InvalidInput):
        parse_histogram(edges, counts)
