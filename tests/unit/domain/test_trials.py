"""Trials: outcomes are counted rightly, and looking often spoils no comparison."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable

import pytest

from lockgate.domain.trials import (
    Tally,
    contrast,
    parse_outcome,
    verdict_of,
)
from lockgate.errors import InvalidInput, LimitExceeded

ALPHA = 0.05
STREAMS = 400
LOOKS = 100


def rate(successes: int, trials: int) -> Tally:
    """Successes of trials."""
    return Tally(kind="rate", n=trials, total=float(successes))


def values(drawn: list[float]) -> Tally:
    """Values, as they are reported."""
    return parse_outcome({"arm": "a", "metric": "m", "values": drawn}).tally


def flips(drawn: random.Random, share: float, count: int) -> Tally:
    """A batch of trials."""
    return rate(sum(drawn.random() < share for _ in range(count)), count)


def ever(draw: Callable[[int], Tally], holds: Callable[[Tally, Tally], bool]) -> bool:
    """Say whether a comparison that is looked at after every batch ever ``holds``."""
    tallies = [draw(0), draw(1)]
    for _ in range(LOOKS):
        tallies = [each.plus(draw(arm)) for arm, each in enumerate(tallies)]
        if holds(tallies[1], tallies[0]):
            return True
    return False


def differs(candidate: Tally, baseline: Tally) -> bool:
    """Say whether a comparison calls two arms different."""
    found = contrast(candidate, baseline, ALPHA)
    return found is not None and verdict_of(found, "higher") != "undecided"


@pytest.mark.parametrize(("share", "sizes"), [(0.05, (40, 10)), (0.1, (20, 20)), (0.5, (20, 20))])
def test_peeking_at_equal_rates_is_seldom_wrong(share: float, sizes: tuple[int, int]) -> None:
    """Looked at after each of 100 batches, no more often wrong than alpha, whatever the shares."""
    drawn = random.Random(f"{share} {sizes}")
    wrong = sum(ever(lambda arm: flips(drawn, share, sizes[arm]), differs) for _ in range(STREAMS))
    assert wrong <= ALPHA * STREAMS


def test_peeking_at_equal_values_is_seldom_wrong() -> None:
    """Of skewed values, too."""
    drawn = random.Random(3)
    wrong = sum(
        ever(lambda _: values([drawn.expovariate(1) for _ in range(10)]), differs)
        for _ in range(STREAMS // 2)
    )
    assert wrong <= ALPHA * STREAMS / 2


def test_the_interval_covers_the_truth_at_all_times() -> None:
    """A true difference of 0.1 is left out of the interval no more often than alpha."""
    drawn = random.Random(4)

    def misses(candidate: Tally, baseline: Tally) -> bool:
        found = contrast(candidate, baseline, ALPHA)
        return found is not None and not found.low <= 0.1 <= found.high

    wrong = sum(ever(lambda arm: flips(drawn, (0.3, 0.4)[arm], 20), misses) for _ in range(STREAMS))
    assert wrong <= ALPHA * STREAMS


def test_a_true_difference_is_found() -> None:
    """Of rates and of values, in all but few streams, on the right side."""
    drawn = random.Random(5)

    def wins(candidate: Tally, baseline: Tally) -> bool:
        found = contrast(candidate, baseline, ALPHA)
        return found is not None and verdict_of(found, "higher") == "better"

    found = sum(ever(lambda arm: flips(drawn, (0.3, 0.4)[arm], 20), wins) for _ in range(100))
    assert found >= 90

    def gauss(arm: int) -> Tally:
        return values([drawn.gauss((41.0, 40.0)[arm], 5.0) for _ in range(30)])

    def faster(candidate: Tally, baseline: Tally) -> bool:
        found = contrast(candidate, baseline, ALPHA)
        return found is not None and verdict_of(found, "lower") == "better"

    assert sum(ever(gauss, faster) for _ in range(20)) >= 18


def test_known_figures() -> None:
    """The closed form, worked out by hand for 150 and 100 successes of 1,000."""
    found = contrast(rate(150, 1000), rate(100, 1000), ALPHA)
    assert found is not None
    assert found.difference == pytest.approx(0.05)
    assert found.low == pytest.approx(0.004928707)
    assert found.high == pytest.approx(0.095071293)
    assert found.p_value == pytest.approx(0.020376107)
    assert verdict_of(found, "higher") == "better"
    assert verdict_of(found, "lower") == "worse"
    assert verdict_of(found, "higher", 0.05) == "undecided"
    assert verdict_of(found, "higher", 0.2) == "worse"


def test_nothing_is_said_of_too_little() -> None:
    """Few successes, few values, values that are all the same, or two kinds."""
    many = rate(500, 1000)
    assert contrast(rate(19, 1000), many, ALPHA) is None
    assert contrast(rate(981, 1000), many, ALPHA) is None
    assert contrast(values([1.0, 2.0] * 49), values([1.0, 2.0] * 50), ALPHA) is None
    assert contrast(values([1.0] * 200), values([1.0, 2.0] * 100), ALPHA) is None
    assert contrast(many, values([1.0, 2.0] * 100), ALPHA) is None


def test_batches_add_up() -> None:
    """To what all values at once would be, however far from nought they lie."""
    drawn = [1e9 + each for each in (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)]
    both = values(drawn[:2]).plus(values(drawn[2:]))
    assert both.n == 6
    assert both.mean == pytest.approx(statistics.fmean(drawn))
    assert both.variance == pytest.approx(statistics.variance(drawn))
    assert rate(1, 10).plus(rate(2, 5)) == rate(3, 15)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {},
        {"arm": "a", "version": "1", "metric": "m", "successes": 1, "trials": 2},
        {"metric": "m", "successes": 1, "trials": 2},
        {"arm": "a", "metric": "", "successes": 1, "trials": 2},
        {"arm": "a", "metric": "m", "successes": 3, "trials": 2},
        {"arm": "a", "metric": "m", "successes": 0, "trials": 0},
        {"arm": "a", "metric": "m", "successes": 1.0, "trials": 2},
        {"arm": "a", "metric": "m", "successes": True, "trials": True},
        {"arm": "a", "metric": "m", "values": []},
        {"arm": "a", "metric": "m", "values": "12"},
        {"arm": "a", "metric": "m", "values": [float("nan")]},
        {"arm": "a", "metric": "m", "values": [1e200]},
        {"arm": "a", "metric": "m", "values": [1], "trials": 1},
        {"arm": "a", "metric": "m", "values": [1], "colour": "red"},
    ],
)
def test_what_is_no_outcome_is_refused(wrong: object) -> None:
    """With what would be right."""
    with pytest.raises(InvalidInput):
        parse_outcome(wrong)


def test_too_many_values_are_refused() -> None:
    """With the limit."""
    with pytest.raises(LimitExceeded):
        parse_outcome({"arm": "a", "metric": "m", "values": [0] * 10_001})
