"""``metric_vs``: a metric compared with the same metric of a baseline version."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal
from functools import cached_property
from typing import ClassVar, Literal

from lockgate.domain.references import parse_reference
from lockgate.domain.requirements.evidence import Evidence, Needs
from lockgate.domain.requirements.requirement import (
    Requirement,
    Row,
    RowVerdict,
    choice_faults,
    flag_faults,
    name_faults,
    number_faults,
    number_text,
)
from lockgate.errors import InvalidInput

Direction = Literal["higher", "lower"]
DIRECTIONS = ("higher", "lower")
# Differences are taken of the decimals that people read: 0.3 - 0.2 is 0.1.
_EXACT = Context(prec=60)


@dataclass(frozen=True)
class MetricVersusBaseline(Requirement):
    """The metric ``name`` must be better than the baseline's by ``min_delta`` or ``percent``.

    ``baseline`` is ``@alias``, ``@stage``, ``@latest`` or ``:label`` of the same model, or a whole
    reference. ``direction`` says which is better. A negative bound is a tolerance: that much worse
    is still good enough. ``percent`` is of the baseline's absolute value; with neither bound, not
    to be worse is enough. Where nothing stands at the baseline it holds, unless
    ``require_baseline``.
    """

    kind: ClassVar[str] = "metric_vs"
    name: str
    baseline: str = "@production"
    direction: Direction = "higher"
    min_delta: float | None = None
    percent: float | None = None
    require_baseline: bool = False

    def faults(self) -> list[str]:
        found = name_faults("name", self.name)
        found += baseline_faults(self.baseline)
        found += choice_faults("direction", self.direction, DIRECTIONS)
        found += flag_faults("require_baseline", self.require_baseline)
        if self.min_delta is not None:
            found += number_faults("min_delta", self.min_delta)
        if self.percent is not None:
            found += number_faults("percent", self.percent)
            if self.min_delta is not None:
                found.append("percent: give min_delta or percent, not both")
        return found

    def needs(self) -> Needs:
        return Needs(baselines=frozenset({self.baseline}))

    @cached_property
    def _bound(self) -> Decimal:
        bound = self.min_delta if self.percent is None else self.percent
        return Decimal(repr(bound or 0))

    @cached_property
    def amount(self) -> str:
        """``at least 0.01 better than``."""
        bound, sign = (self.min_delta or 0, "") if self.percent is None else (self.percent, "%")
        if bound > 0:
            return f"at least {number_text(bound)}{sign} better than"
        if bound < 0:
            return f"at most {number_text(-bound)}{sign} worse than"
        return "at least as good as"

    @cached_property
    def wanted(self) -> str:
        """``at least 0.01 better than @production (higher is better)``."""
        return f"{self.amount} {self.baseline} ({self.direction} is better)"

    def verdict(self, evidence: Evidence) -> Row:
        name = self.name
        value = evidence.version.metrics.get(name)
        if value is None:
            return self._row(
                "missing", None, f"Missing required metric '{name}'", f"log metric '{name}'"
            )
        incumbent = evidence.baselines.get(self.baseline)
        if incumbent is None:
            if self.require_baseline:
                return self._row(
                    "missing",
                    value,
                    f"There is no {self.baseline} to compare metric '{name}' with",
                    f"a version at {self.baseline} to compare with",
                )
            return self._row(
                "passed",
                value,
                f"There is no incumbent at {self.baseline}: metric '{name}' = "
                f"{number_text(value)} has nothing to beat",
            )
        other = incumbent.metrics.get(name)
        where = f"{self.baseline}, version {incumbent.label}"
        if other is None:
            return self._row(
                "missing",
                value,
                f"Metric '{name}' is missing on the baseline {where}",
                f"log metric '{name}' on version {incumbent.label}",
            )
        return self._compare(value, other, where)

    def _compare(self, value: float, other: float, where: str) -> Row:
        candidate, baseline = Decimal(repr(value)), Decimal(repr(other))
        high, low = (candidate, baseline) if self.direction == "higher" else (baseline, candidate)
        gain = _EXACT.subtract(high, low)
        mine = f"Metric '{self.name}' = {number_text(value)}"
        end = f"{self.amount} {number_text(other)} of {where} ({self.direction} is better)"
        if self.percent is None:
            holds = gain >= self._bound
        elif not baseline:
            return self._row(
                "failed",
                value,
                f"{mine} cannot be compared by percent with 0 of {where}",
                "a policy that compares by min_delta",
            )
        else:
            least = _EXACT.multiply(self._bound, abs(baseline))
            holds = _EXACT.multiply(gain, Decimal(100)) >= least
        if holds:
            return self._row("passed", value, f"{mine} is {end}")
        return self._row(
            "failed",
            value,
            f"{mine} is not {end}",
            f"a version whose metric '{self.name}' is {self.wanted}",
        )

    def _row(
        self, verdict: RowVerdict, value: float | None, sentence: str, remedy: str = ""
    ) -> Row:
        return Row(self.kind, self.name, verdict, value, self.wanted, sentence, remedy)

    def describe(self) -> str:
        end = "; there must be one" if self.require_baseline else ""
        return f"Metric '{self.name}' must be {self.wanted}{end}"

    def implies(self, other: Requirement) -> bool:
        return (
            isinstance(other, MetricVersusBaseline)
            and (self.name, self.baseline, self.direction)
            == (other.name, other.baseline, other.direction)
            and (self.percent is None) == (other.percent is None)
            and (self.percent or 0) >= (other.percent or 0)
            and (self.min_delta or 0) >= (other.min_delta or 0)
            and self.require_baseline >= other.require_baseline
        )


def baseline_faults(value: object) -> list[str]:
    """Return what keeps ``value`` from being a baseline."""
    if isinstance(value, str) and value:
        try:
            parse_reference(f"model{value}" if value[0] in "@:" else value)
        except InvalidInput:
            pass
        else:
            return []
    return [
        "baseline: must be a reference such as @production, @champion, :7 or name@production, "
        f"got {value!r:.60}"
    ]


def baseline_reference(baseline: str, model: str) -> str:
    """Return the whole reference that ``baseline`` means for versions of ``project/model``."""
    return f"{model}{baseline}" if baseline[:1] in ("@", ":") else baseline
