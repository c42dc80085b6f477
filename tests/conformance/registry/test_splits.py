"""Splits, and what comes of them, are the same in this process and over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from lockgate.errors import (
    AliasNotFound,
    IdempotencyMismatch,
    InvalidInput,
    PolicyViolated,
    SplitNotFound,
    StageEmpty,
    VersionNotFound,
)
from registries import AnyRegistry

USERS = [f"user-{number}" for number in range(40)]

GATE = {"requirements": [{"kind": "ab_winner", "name": "click"}]}


@pytest.fixture
def churn(registry: AnyRegistry) -> AnyRegistry:
    """A registry with churn 1 in production and 2, the challenger, in staging."""
    for version in ("1", "2"):
        registry.register_model("churn", version)
        registry.promote("churn", version)
    registry.promote("churn", "1")
    registry.set_alias("churn", "challenger", "2")
    return registry


def given(churn: AnyRegistry) -> dict[str, str]:
    """Who gets which arm."""
    return {user: churn.assign("churn", user).arm for user in USERS}


def clicks(arm: str, successes: int, trials: int) -> dict[str, Any]:
    """An outcome."""
    return {"arm": arm, "metric": "click", "successes": successes, "trials": trials}


def test_a_key_has_one_arm_for_ever(churn: AnyRegistry) -> None:
    """And a change of weights moves keys to the arm that grows, and no others."""
    first = churn.set_split("churn", {"production": 90, "@challenger": 10})
    assert [(each.name, each.kind) for each in first.arms] == [
        ("Production", "stage"),
        ("challenger", "alias"),
    ]
    before = given(churn)
    assert before == given(churn)
    after = churn.set_split("churn", {"production": 50, "challenger": 50})
    assert (after.uid, after.revision, after.moved) == (first.uid, 2, 0.4)
    moved = {(before[user], arm) for user, arm in given(churn).items() if before[user] != arm}
    assert moved == {("Production", "challenger")}
    assert churn.set_split("churn", {"Production": 50, "challenger": 50}) == after
    assert churn.get_split("churn") == after
    events = churn.audit(action="set_split")
    assert [event.detail["moved"] for event in events] == [0.0, 0.4]
    assert churn.verify_audit().ok


def test_an_arm_means_what_stands_there_now(churn: AnyRegistry) -> None:
    """A key keeps its arm while the arm's version changes."""
    churn.set_split("churn", {"production": 1})
    found = churn.assign("churn", 7)
    assert (found.key, found.arm, found.reference) == ("7", "Production", "default/churn:1")
    churn.promote("churn", "2")
    assert churn.assign("churn", 7).version == "2"
    churn.archive("churn", "2")
    with pytest.raises(StageEmpty):
        churn.assign("churn", 7)


def test_a_version_can_be_an_arm(churn: AnyRegistry) -> None:
    """By its label or number, with a colon where the word could mean something else."""
    split = churn.set_split("churn", {":1": 1, "2": 1})
    assert [(each.name, each.kind) for each in split.arms] == [("1", "version"), ("2", "version")]
    assert {churn.assign("churn", user).version for user in USERS} == {"1", "2"}


def test_a_split_goes(churn: AnyRegistry) -> None:
    """And says so to whoever asks."""
    churn.set_split("churn", {"production": 1})
    assert churn.remove_split("churn").revision == 1
    for verb in (churn.get_split, churn.remove_split):
        with pytest.raises(SplitNotFound):
            verb("churn")
    with pytest.raises(SplitNotFound):
        churn.assign("churn", "ana")
    assert [event.action for event in churn.audit()][-2:] == ["set_split", "remove_split"]


def test_arms_that_mean_nothing_are_refused(churn: AnyRegistry) -> None:
    """With what was wrong; and nothing is on record."""
    for arms, error in (
        ({"staging": 1, "Archived": 1}, StageEmpty),
        ({"@nobody": 1}, AliasNotFound),
        ({"9": 1}, VersionNotFound),
        ({"production": 1, "Production": 1}, InvalidInput),
        ({"production": 0}, InvalidInput),
    ):
        with pytest.raises(error):
            churn.set_split("churn", arms)
    assert list(churn.audit(action="set_split")) == []


def test_outcomes_are_counted_once(churn: AnyRegistry) -> None:
    """All of a batch or none; the same batch again changes nothing, another of its name fails."""
    churn.set_split("churn", {"production": 1, "challenger": 1})
    batch = [clicks("production", 10, 100), clicks("challenger", 12, 100)]
    first = churn.report_outcomes("churn", batch, batch="monday")
    assert [(each.version, each.tally.n) for each in first] == [("1", 100), ("2", 100)]
    assert churn.report_outcomes("churn", batch, batch="monday") == first
    with pytest.raises(IdempotencyMismatch):
        churn.report_outcomes("churn", batch[:1], batch="monday")
    with pytest.raises(InvalidInput, match="no arm 'nobody'"):
        churn.report_outcomes("churn", [batch[0], clicks("nobody", 1, 2)])
    late = {"version": "2", "metric": "click", "successes": 1, "trials": 1}
    (grown,) = churn.report_outcomes("churn", [late])
    assert (grown.tally.n, grown.tally.total) == (101, 13.0)
    with pytest.raises(InvalidInput, match="as a rate"):
        churn.report_outcomes("churn", [{"version": "2", "metric": "click", "values": [1.0]}])
    found = churn.compare_outcomes("churn", "click")
    assert [(each.arm, each.n, each.verdict) for each in found.arms] == [
        ("Production", 100, "baseline"),
        ("challenger", 101, "undecided"),
    ]
    assert found.winner is None


def test_what_was_measured_is_listed(churn: AnyRegistry) -> None:
    """Each version names the metrics that were reported of it in use, by name."""
    outcome = {"version": "2", "metric": "click", "successes": 1, "trials": 2}
    churn.report_outcomes("churn", [outcome])
    for minute in ("2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z"):
        churn.report_observations("churn", "2", {"error": 0.5, "delay": 3}, at=minute)
    found = churn.measured("churn", "2")
    assert (found.observations, found.outcomes) == (("delay", "error"), ("click",))
    assert churn.measured("churn", "1").observations == ()


def test_a_winner_is_named(churn: AnyRegistry) -> None:
    """And a loser, the other way about."""
    churn.set_split("churn", {"production": 1, "challenger": 1})
    churn.report_outcomes(
        "churn", [clicks("Production", 100, 1000), clicks("challenger", 150, 1000)]
    )
    found = churn.compare_outcomes("churn", "click")
    assert found.winner == "challenger"
    assert found.arms[1].low is not None
    assert 0 < found.arms[1].low < found.arms[1].difference < found.arms[1].high < 0.1
    lower = churn.compare_outcomes("churn", "click", direction="lower", baseline="challenger")
    assert lower.winner == "Production"
    assert churn.compare_outcomes("churn", "click", alpha=0.001).winner is None
    nothing = churn.compare_outcomes("churn", "nothing")
    assert [each.mean for each in nothing.arms] == [None, None]
    with pytest.raises(InvalidInput):
        churn.compare_outcomes("churn", "click", alpha=1.0)


def test_a_gate_asks_for_a_winner(churn: AnyRegistry) -> None:
    """It is closed until the outcomes say so, and says what they say."""
    churn.attach_policy("production", GATE, model="churn")
    churn.set_split("churn", {"production": 1, "challenger": 1})
    with pytest.raises(PolicyViolated, match="version 2 has 0 samples < required 100"):
        churn.promote("churn", "2")
    churn.report_outcomes(
        "churn", [clicks("Production", 100, 1000), clicks("challenger", 110, 1000)]
    )
    (row,) = churn.explain("churn", "2", "production").rows
    assert row.verdict == "missing"
    assert "is undecided: +0.01" in row.sentence
    churn.report_outcomes("churn", [clicks("challenger", 190, 1000)])
    (row,) = churn.explain("churn", "2", "production").rows
    assert (row.verdict, row.observed) == ("passed", {"n": 2000, "mean": 0.15})
    churn.promote("churn", "2")
    assert churn.get_version("churn", "2").stage == "Production"


def test_a_request_is_carried_out_when_its_version_wins(churn: AnyRegistry) -> None:
    """The report that settles the comparison settles what waited for it."""
    churn.attach_policy("production", GATE, model="churn")
    churn.set_split("churn", {"production": 1, "challenger": 1})
    churn.request_promotion("churn", "2", "production", auto_promote=True)
    churn.report_outcomes(
        "churn", [clicks("Production", 100, 1000), clicks("challenger", 200, 1000)]
    )
    assert churn.get_version("churn", "2").stage == "Production"
