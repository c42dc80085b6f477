"""``ab_winner``: outcomes in use, with what is still missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lockgate.domain.requirements.ab_winner import AbWinner
from lockgate.domain.trials import Tally
from lockgate.errors import InvalidPolicy

Build = Callable[..., Any]


def clicks(successes: int, trials: int) -> Tally:
    """Successes of trials."""
    return Tally(kind="rate", n=trials, total=float(successes))


@pytest.mark.parametrize(
    ("mine", "base", "verdict", "said"),
    [
        (None, clicks(100, 1000), "missing", "version 7 has 0 samples < required 100"),
        (clicks(150, 1000), clicks(9, 99), "missing", "version 6 has 99 samples < required 100"),
        (clicks(5, 1000), clicks(100, 1000), "missing", "does not tell yet"),
        (clicks(110, 1000), clicks(100, 1000), "missing", "is undecided: +0.01"),
        (clicks(150, 1000), clicks(100, 1000), "passed", "wins: +0.05"),
        (clicks(100, 1000), clicks(150, 1000), "failed", "loses: -0.05"),
    ],
)
def test_outcomes_decide(
    evidence: Build, version: Build, mine: Tally | None, base: Tally, verdict: str, said: str
) -> None:
    """Better is passed, worse is failed, and too little of either is missing."""
    found = evidence(
        baselines={"@production": version(label="6", uid="uid-6")},
        outcomes={"": {"click": mine}, "@production": {"click": base}},
    )
    row = AbWinner("click").verdict(found)
    assert row.verdict == verdict
    assert said in row.sentence
    assert bool(row.remedy) == (verdict != "passed")


def test_the_first_has_nothing_to_beat(evidence: Build) -> None:
    """Where nothing stands at the baseline it holds."""
    row = AbWinner("click").verdict(evidence(baselines={"@production": None}))
    assert row.verdict == "passed"


def test_a_stricter_one_implies_a_laxer_one() -> None:
    """By margin, probability and samples."""
    assert AbWinner("click", alpha=0.01, min_samples=500).implies(AbWinner("click"))
    assert not AbWinner("click").implies(AbWinner("click", min_delta=0.01))
    assert not AbWinner("click").implies(AbWinner("buy"))


def test_what_makes_no_sense_is_refused_with_all_its_faults() -> None:
    """Every one at once."""
    with pytest.raises(InvalidPolicy) as caught:
        AbWinner("", baseline="", direction="up", min_delta="x", alpha=2, min_samples=0)  # type: ignore[arg-type]
    assert len(caught.value.fields["faults"]) == 6
