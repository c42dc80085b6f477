"""Trials: what came of the arms of a split, and a comparison that may be looked at at any time.

The comparison is the mixture sequential probability ratio test of Robbins ("Statistical methods
related to the law of the iterated logarithm", 1970) in the form that Johari, Pekelis and Walsh give
it for experiments ("Always valid inference", 2015). Let D be the difference of two means, V its
variance, and the true difference be d or, instead, spread normally about d with variance T:

    L(d) = sqrt(V / (V + T)) * exp(T * (D - d)^2 / (2 * V * (V + T)))

If d is true, L(d) is a martingale that begins at 1: it is the likelihood ratio of what of the data
does not depend on the level that both arms share, so neither the order in which the arms are heard
of nor how keys are shared out matters, as long as neither follows from the outcomes. By Ville's
inequality it ever reaches 1 / alpha with a probability of at most alpha, however often one looks.
The differences d for which it does not are the interval; the p-value is 1 / L(0).

V comes from the data, so all of this holds asymptotically: nothing is said before each arm has
`VALUES_MIN` values, or `EVENTS_MIN` successes and as many failures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lockgate.domain import names
from lockgate.errors import InvalidInput, LimitExceeded

TallyKind = Literal["rate", "value"]
ArmVerdict = Literal["baseline", "better", "worse", "undecided"]
Direction = Literal["higher", "lower"]
OUTCOMES_MAX = 1_000
VALUES_MAX = 10_000
TRIALS_MAX = 2**53
VALUES_MIN = 100
VALUE_MAX = 1e100
EVENTS_MIN = 20
SPREAD = 0.01
"""T, in variances of one value: sharpest for differences of about a tenth of a deviation."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How often something was tried on a version, with the total and the squares about the mean.

    For rates ``total`` counts the successes, and ``squares`` is 0.
    """

    kind: TallyKind
    n: int
    total: float
    squares: float = 0.0

    @property
    def mean(self) -> float:
        """The rate, or the mean of the values."""
        return self.total / self.n

    @property
    def variance(self) -> float:
        """The variance of the values that were seen, or of one trial."""
        if self.kind == "rate":
            return self.mean * (1 - self.mean)
        return self.squares / (self.n - 1) if self.n > 1 else 0.0

    @property
    def tells(self) -> bool:
        """Whether there is enough to go by."""
        if self.kind == "rate":
            return min(self.total, self.n - self.total) >= EVENTS_MIN
        return self.n >= VALUES_MIN and self.variance > 0

    def plus(self, other: Tally) -> Tally:
        """Return both together, of the same kind."""
        n = self.n + other.n
        apart = other.mean - self.mean
        squares = self.squares + other.squares + apart * apart * self.n * other.n / n
        return Tally(
            kind=self.kind,
            n=n,
            total=self.total + other.total,
            squares=squares if self.kind == "value" else 0.0,
        )


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a metric on an arm, or on a version."""

    arm: str | None
    version: str | None
    metric: str
    tally: Tally


@dataclass(frozen=True, kw_only=True)
class VersionTally:
    """All that was reported of a metric on a version."""

    version: str
    metric: str
    tally: Tally


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """How far a candidate lies above its baseline, with an interval that holds at any time."""

    difference: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, kw_only=True)
class ArmOutcome:
    """An arm beside the baseline; figures are None where there is nothing to compare (yet)."""

    arm: str
    version: str
    n: int
    mean: float | None
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    verdict: ArmVerdict


@dataclass(frozen=True, kw_only=True)
class OutcomeComparison:
    """The arms of a split by a metric; with probability 1 - ``alpha`` no verdict is ever wrong."""

    project: str
    model: str
    metric: str
    baseline: str
    direction: Direction
    alpha: float
    arms: tuple[ArmOutcome, ...]
    winner: str | None


def parse_outcome(value: Any) -> Outcome:
    """Return the outcome that a mapping writes. Raises `InvalidInput`.

    ``arm`` or ``version``, ``metric``, and either ``successes`` and ``trials`` or ``values``.
    """
    known = {"arm", "version", "metric", "successes", "trials", "values"}
    if not isinstance(value, Mapping) or not known.issuperset(value):
        raise _invalid(f"An outcome has {', '.join(sorted(known))}, got {value!r:.100}")
    arm, version = value.get("arm"), value.get("version")
    if (arm is None) == (version is None):
        raise _invalid("An outcome names an arm or a version, and not both")
    tally = _values(value) if "values" in value else _rate(value)
    return Outcome(
        arm=None if arm is None else names.sought(arm, "arm"),
        version=None if version is None else names.sought(str(version), "version"),
        metric=names.key_name(value.get("metric"), "metric"),
        tally=tally,
    )


def _rate(value: Mapping[str, Any]) -> Tally:
    successes, trials = value.get("successes"), value.get("trials")
    whole = all(isinstance(x, int) and not isinstance(x, bool) for x in (successes, trials))
    if not whole or not 0 <= successes <= trials <= TRIALS_MAX or not trials:  # type: ignore[operator]
        raise _invalid(
            "An outcome has values, or trials (1 at least) and successes (no more than trials), "
            f"got successes {successes!r:.60} and trials {trials!r:.60}"
        )
    return Tally(kind="rate", n=trials, total=float(successes))  # type: ignore[arg-type]


def _values(value: Mapping[str, Any]) -> Tally:
    if "successes" in value or "trials" in value:
        raise _invalid("An outcome has values, or successes and trials, and not both")
    values = value["values"]
    if not isinstance(values, (list, tuple)) or not values:
        raise _invalid("The values of an outcome are a list of numbers, one at least")
    if len(values) > VALUES_MAX:
        raise LimitExceeded(what="The number of values", observed=len(values), limit=VALUES_MAX)
    numbers = [float(names.metric_value("values", each)) for each in values]
    if max(map(abs, numbers)) > VALUE_MAX:
        raise _invalid(f"A value lies between -{VALUE_MAX:g} and {VALUE_MAX:g}")
    total = math.fsum(numbers)
    mean = total / len(numbers)
    squares = math.fsum((each - mean) ** 2 for each in numbers)
    return Tally(kind="value", n=len(numbers), total=total, squares=squares)


def contrast(candidate: Tally, baseline: Tally, alpha: float) -> Contrast | None:
    """Return how far ``candidate`` lies above ``baseline``, or None while nothing can be said.

    The interval covers the true difference at all times at once with probability 1 - ``alpha``.
    """
    tallies = (candidate, baseline)
    if candidate.kind != baseline.kind or not all(each.tells for each in tallies):
        return None
    variance = sum(each.variance / each.n for each in tallies)
    spread = SPREAD * sum(each.variance for each in tallies) / 2
    seen = candidate.mean - baseline.mean
    penalty = math.log((variance + spread) / variance) / 2
    scale = 2 * variance * (variance + spread) / spread
    radius = math.sqrt(scale * (penalty - math.log(alpha)))
    return Contrast(
        difference=seen,
        low=seen - radius,
        high=seen + radius,
        p_value=math.exp(min(penalty - seen * seen / scale, 0.0)),
    )


def verdict_of(found: Contrast, direction: Direction, min_delta: float = 0.0) -> ArmVerdict:
    """Say whether the candidate is better by more than ``min_delta``, worse, or neither yet."""
    low, high = (found.low, found.high) if direction == "higher" else (-found.high, -found.low)
    if low > min_delta:
        return "better"
    return "worse" if high < min_delta else "undecided"


def _invalid(detail: str) -> InvalidInput:
    return InvalidInput(detail=detail, field="outcomes")
