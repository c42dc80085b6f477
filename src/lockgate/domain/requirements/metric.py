"""``metric``: a metric satisfies a comparison with a threshold."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from lockgate.domain.requirements.evidence import Evidence
from lockgate.domain.requirements.requirement import (
    Requirement,
    Row,
    choice_faults,
    name_faults,
    number_faults,
    number_text,
)

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
}


@dataclass(frozen=True)
class MetricThreshold(Requirement):
    """The metric ``name`` must be ``comparison`` (``> >= < <= ==``) ``threshold``."""

    kind: ClassVar[str] = "metric"
    name: str
    comparison: str
    threshold: float

    def faults(self) -> list[str]:
        return (
            name_faults("name", self.name)
            + choice_faults("comparison", self.comparison, COMPARISONS)
            + number_faults("threshold", self.threshold)
        )

    @cached_property
    def wanted(self) -> str:
        """``>= 0.9``."""
        return f"{self.comparison} {number_text(self.threshold)}"

    def verdict(self, evidence: Evidence) -> Row:
        name, wanted = self.name, self.wanted
        value = evidence.version.metrics.get(name)
        if value is None:
            return Row(
                self.kind,
                name,
                "missing",
                None,
                wanted,
                f"Missing required metric '{name}'",
                f"log metric '{name}' (wanted {wanted})",
            )
        shown = number_text(value)
        if COMPARISONS[self.comparison](value, self.threshold):
            sentence = f"Metric '{name}' = {shown} satisfies {wanted}"
            return Row(self.kind, name, "passed", value, wanted, sentence)
        return Row(
            self.kind,
            name,
            "failed",
            value,
            wanted,
            f"Metric '{name}' = {shown} does not satisfy {wanted}",
            f"a version whose metric '{name}' is {wanted}",
        )

    def describe(self) -> str:
        return f"Metric '{self.name}' must be {self.wanted}"

    def implies(self, other: Requirement) -> bool:
        if not isinstance(other, MetricThreshold) or self.name != other.name:
            return False
        mine, theirs = self.comparison, other.comparison
        if mine == "==":
            return COMPARISONS[theirs](self.threshold, other.threshold)
        if theirs == "==" or mine[0] != theirs[0]:
            return False
        if self.threshold == other.threshold:
            return mine == theirs or len(mine) == 1
        return COMPARISONS[mine](self.threshold, other.threshold)
