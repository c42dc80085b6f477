"""Splits: the verbs, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.domain.splits import Assignment, Split
from lockgate.domain.trials import Direction, OutcomeComparison, VersionTally
from lockgate.sdk.calls import Calls, given
from lockgate.wire.records import from_wire


class SplitVerbs(Calls):
    """Which keys get which version, and what came of it."""

    def set_split(self, name: str, arms: Mapping[str, int]) -> Split:
        """Share the keys of a model out: ``{"production": 90, "challenger": 10}``.

        An arm is a stage, an alias or a version (``:1.0.0`` where a word could be either), with a
        whole number as weight. Set again with other weights, it moves only the keys that it must.
        Raises what resolving an arm raises.
        """
        return self._change(Split, "PUT", self._model(name, "split"), {"arms": dict(arms)})

    def get_split(self, name: str) -> Split:
        """Return a model's split. Raises `SplitNotFound`."""
        return self._load(Split, self._model(name, "split"))

    def remove_split(self, name: str) -> Split:
        """Take a model's split away, and return it. Raises `SplitNotFound`."""
        return self._change(Split, "DELETE", self._model(name, "split"))

    def assign(self, name: str, key: str | int) -> Assignment:
        """Return the arm of a key, and the version that this arm means now.

        The same key has the same arm for as long as the split gives that arm its share. Raises
        `SplitNotFound`, and `StageEmpty` and the like for an arm that means nothing now.
        """
        return self._load(Assignment, self._model(name, "assign"), key=key)

    def report_outcomes(
        self, name: str, outcomes: Sequence[Mapping[str, Any]], *, batch: str | None = None
    ) -> tuple[VersionTally, ...]:
        """Count what came of the arms of a split, all or none.

        Each has an ``arm`` (counted for the version that it means now) or a ``version``, a
        ``metric``, and either ``successes`` and ``trials`` or ``values``. A ``batch`` of one name
        counts once, however often it is sent within 30 days. Returns all that is known of each
        version and metric that they name.
        """
        body = given(outcomes=[dict(each) for each in outcomes], batch=batch)
        found = self._write("POST", self._model(name, "outcomes"), body)
        return tuple(from_wire(VersionTally, each) for each in found)

    def compare_outcomes(
        self,
        name: str,
        metric: str,
        *,
        baseline: str | None = None,
        direction: Direction = "higher",
        alpha: float = 0.05,
    ) -> OutcomeComparison:
        """Compare the arms of a split by a metric, at any time and as often as one likes.

        The first arm is the ``baseline`` unless told. Intervals and verdicts hold at all times at
        once, with a probability of 1 - ``alpha``.
        """
        return self._load(
            OutcomeComparison,
            self._model(name, "outcomes"),
            metric=metric,
            baseline=baseline,
            direction=direction,
            alpha=alpha,
        )
