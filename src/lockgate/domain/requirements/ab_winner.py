"""``ab_winner``: what was reported of the version in use beats what was of a baseline version."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from lockgate.domain.requirements.evidence import Evidence, Needs
from lockgate.domain.requirements.metric_vs import DIRECTIONS, baseline_faults
from lockgate.domain.requirements.requirement import (
    Requirement,
    Row,
    RowVerdict,
    choice_faults,
    count_faults,
    name_faults,
    number_faults,
    number_text,
)
from lockgate.domain.trials import TRIALS_MAX, Contrast, Direction, Tally, contrast, verdict_of


@dataclass(frozen=True)
class AbWinner(Requirement):
    """The outcomes ``name`` of the version must be better than the baseline's.

    Better by more than ``min_delta``, with a probability of at most ``alpha`` to say so wrongly
    however often anybody looks, and with ``min_samples`` trials or values of each. ``baseline``
    and ``direction`` are as in ``metric_vs``. Where nothing stands at the baseline it holds.
    """

    kind: ClassVar[str] = "ab_winner"
    name: str
    baseline: str = "@production"
    direction: Direction = "higher"
    min_delta: float = 0.0
    alpha: float = 0.05
    min_samples: int = 100

    def faults(self) -> list[str]:
        found = name_faults("name", self.name) + baseline_faults(self.baseline)
        found += choice_faults("direction", self.direction, DIRECTIONS)
        found += number_faults("min_delta", self.min_delta)
        found += count_faults("min_samples", self.min_samples, 1, TRIALS_MAX)
        odd = number_faults("alpha", self.alpha)
        if not odd and not 0 < self.alpha < 1:
            odd = [f"alpha: must be between 0 and 1, such as 0.05, got {self.alpha!r}"]
        return found + odd

    def needs(self) -> Needs:
        return Needs(
            baselines=frozenset({self.baseline}), outcomes=frozenset({(self.baseline, self.name)})
        )

    @cached_property
    def wanted(self) -> str:
        """``better than @production (higher is better, alpha 0.05)``."""
        by = f"by more than {number_text(self.min_delta)} " if self.min_delta else ""
        end = f"({self.direction} is better, alpha {number_text(self.alpha)})"
        return f"better {by}than {self.baseline} {end}"

    def verdict(self, evidence: Evidence) -> Row:
        incumbent = evidence.baselines.get(self.baseline)
        mine = evidence.outcomes.get("", {}).get(self.name)
        if incumbent is None:
            return self._row(
                "passed",
                mine,
                f"There is no incumbent at {self.baseline}: outcome '{self.name}' has nothing to "
                "beat",
            )
        base = evidence.outcomes.get(self.baseline, {}).get(self.name)
        sides = {evidence.version.label: mine, incumbent.label: base}
        for label, tally in sides.items():
            n = 0 if tally is None else tally.n
            if n < self.min_samples:
                return self._row(
                    "missing",
                    mine,
                    f"Outcome '{self.name}' of version {label} has {n} samples < required "
                    f"{self.min_samples}",
                )
        assert mine is not None and base is not None  # noqa: S101, PT018  # enough samples of both
        found = contrast(mine, base, self.alpha)
        where = f"{self.baseline}, version {incumbent.label}"
        if found is None:
            return self._row(
                "missing",
                mine,
                f"Outcome '{self.name}' does not tell yet how the version compares with {where}",
            )
        return self._judge(mine, found, where)

    def _judge(self, mine: Tally, found: Contrast, where: str) -> Row:
        verdict = verdict_of(found, self.direction, self.min_delta)
        apart = (
            f"{found.difference:+.4g} beside {where}, at any time between {found.low:+.4g} and "
            f"{found.high:+.4g}"
        )
        if verdict == "better":
            return self._row("passed", mine, f"Outcome '{self.name}' wins: {apart}")
        if verdict == "worse":
            return self._row("failed", mine, f"Outcome '{self.name}' loses: {apart}")
        return self._row("missing", mine, f"Outcome '{self.name}' is undecided: {apart}")

    def _row(self, verdict: RowVerdict, mine: Tally | None, sentence: str) -> Row:
        remedy = f"report outcomes '{self.name}' until the version is {self.wanted}"
        observed = None if mine is None else {"n": mine.n, "mean": mine.mean}
        remedy = "" if verdict == "passed" else remedy
        return Row(self.kind, self.name, verdict, observed, self.wanted, sentence, remedy)

    def describe(self) -> str:
        return f"Outcome '{self.name}' must be {self.wanted}, of {self.min_samples} samples each"

    def implies(self, other: Requirement) -> bool:
        return (
            isinstance(other, AbWinner)
            and (self.name, self.baseline, self.direction)
            == (other.name, other.baseline, other.direction)
            and self.min_delta >= other.min_delta
            and self.alpha <= other.alpha
            and self.min_samples >= other.min_samples
        )
