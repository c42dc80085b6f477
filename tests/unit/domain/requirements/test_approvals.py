"""Approvals: distinct people, not the author, on this content under this policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lockgate.domain.policies import PromotionPolicy
from lockgate.domain.requirements.approvals import Approvals
from lockgate.domain.requirements.requirement import Row, Surroundings

Build = Callable[..., Any]
POLICY = PromotionPolicy().require_approvals(2)


def row_of(evidence: Build, policy: PromotionPolicy, *decisions: Any, **fields: Any) -> Row:
    """Return the verdict of the policy's only requirement on these decisions."""
    return policy.requirements[0].verdict(
        evidence(policy_digest=policy.digest(), decisions=decisions, **fields)
    )


def test_sentences(evidence: Build, decision: Build) -> None:
    """Too few approvals are missing, enough pass, and the sentence counts them."""
    ana, eve = decision(POLICY), decision(POLICY, actor="eve")
    rows = [row_of(evidence, POLICY, *given) for given in ((), (ana,), (ana, eve))]
    assert [(row.verdict, row.observed, row.sentence) for row in rows] == [
        ("missing", 0, "Approvals 0 < required 2"),
        ("missing", 1, "Approvals 1 < required 2"),
        ("passed", 2, "Approvals 2 >= required 2: ana, eve"),
    ]
    assert rows[0].remedy == "2 more approvals, by somebody other than bob"
    assert rows[1].remedy == "1 more approval, by somebody other than bob"


def test_one_person_counts_once(evidence: Build, decision: Build) -> None:
    """The same person approving twice is one approval."""
    row = row_of(evidence, POLICY, decision(POLICY), decision(POLICY))
    assert (row.verdict, row.observed) == ("missing", 1)


def test_author_does_not_count(evidence: Build, decision: Build) -> None:
    """The author's approval does not count, unless the policy allows it."""
    one = PromotionPolicy().require_approvals(1)
    row = row_of(evidence, one, decision(one, actor="bob"))
    assert row.verdict == "missing"
    assert row.sentence == (
        "Approvals 0 < required 1. Approval by bob does not count: they registered the version"
    )
    allowed = PromotionPolicy().require_approvals(1, allow_author=True)
    assert row_of(evidence, allowed, decision(allowed, actor="bob")).verdict == "passed"


def test_role(evidence: Build, decision: Build) -> None:
    """Only people with the role count, for approving and for rejecting."""
    policy = PromotionPolicy().require_approvals(1, "risk")
    without = decision(policy, roles=frozenset({"other"}))
    row = row_of(evidence, policy, without)
    assert row.sentence == (
        "Approvals 0 < required 1 (role 'risk'). "
        "Approval by ana does not count: without the role 'risk'"
    )
    outsider = replace(without, verdict="reject", actor="eve")
    with_role = decision(policy, roles=frozenset({"risk"}))
    assert row_of(evidence, policy, outsider, with_role).verdict == "passed"


def test_later_decision_replaces_the_earlier(evidence: Build, decision: Build) -> None:
    """A person's last word counts, whichever way they changed their mind."""
    one = PromotionPolicy().require_approvals(1)
    yes, no = decision(one), decision(one, verdict="reject")
    assert row_of(evidence, one, no, yes).verdict == "passed"
    assert row_of(evidence, one, yes, no).verdict == "failed"


def test_rejections_block(evidence: Build, decision: Build) -> None:
    """Enough rejections block, however many approved; the sentence says who and why."""
    policy = PromotionPolicy().require_approvals(1, rejections=2)
    yes = decision(policy)
    first = decision(policy, verdict="reject", actor="eve")
    second = decision(policy, verdict="reject", actor="kim", comment="biased")
    assert row_of(evidence, policy, yes, first).verdict == "passed"
    row = row_of(evidence, policy, yes, first, second)
    assert (row.verdict, row.sentence) == (
        "failed",
        "Rejections 2 >= blocking 2: eve, kim (“biased”)",
    )


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"metrics": {"auc": 0.9}}, "metrics"),
        ({"digest": "cd" * 32}, "files"),
        ({"artifact_uri": "s3://elsewhere"}, "files"),
        ({"metrics": {"auc": 0.9}, "digest": None}, "files and metrics"),
        ({"uid": "another"}, "its content"),
    ],
)
def test_changed_content_voids(
    evidence: Build, decision: Build, version: Build, changes: dict[str, Any], what: str
) -> None:
    """A changed byte or metric voids an approval, and the sentence says what changed."""
    one = PromotionPolicy().require_approvals(1)
    row = row_of(evidence, one, decision(one), version=version(**changes))
    assert (row.verdict, row.sentence) == (
        "missing",
        f"Approvals 0 < required 1. Approval by ana no longer counts: {what} changed since",
    )


def test_changed_policy_voids(evidence: Build, decision: Build) -> None:
    """An approval under another policy does not count, nor does such a rejection block."""
    one = PromotionPolicy().require_approvals(1)
    stale = decision(POLICY)
    assert row_of(evidence, one, stale).sentence == (
        "Approvals 0 < required 1. Approval by ana no longer counts: the policy changed since"
    )
    rejection = replace(stale, verdict="reject", actor="eve")
    assert row_of(evidence, one, rejection, decision(one)).verdict == "passed"


def test_untouched_by_tags_and_words(evidence: Build, decision: Build, version: Build) -> None:
    """Tags and the description are not what was approved."""
    one = PromotionPolicy().require_approvals(1)
    changed = version(tags={"a": "b"}, description="better words", stage="Production")
    assert row_of(evidence, one, decision(one), version=changed).verdict == "passed"


def test_decision_for_another_stage(evidence: Build, decision: Build) -> None:
    """An approval for one stage opens no other; the spelling of the stage does not matter."""
    one = PromotionPolicy().require_approvals(1)
    assert row_of(evidence, one, decision(one, to_stage="Staging")).verdict == "missing"
    assert row_of(evidence, one, decision(one, to_stage="production")).verdict == "passed"


def test_many_that_do_not_count_are_summed_up(evidence: Build, decision: Build) -> None:
    """The sentence names five that do not count and the number of the others."""
    one = PromotionPolicy().require_approvals(1)
    stale = [decision(POLICY, actor=f"p{index}") for index in range(8)]
    sentence = row_of(evidence, one, *stale).sentence
    assert (sentence.count("no longer counts"), sentence.endswith(". 3 more do not count")) == (
        5,
        True,
    )


@pytest.mark.parametrize(
    ("people", "faults"),
    [
        (None, []),
        ({None: 5, "risk": 3}, []),
        (
            {None: 5, "risk": 1},
            ["count: 2 approvals are required, but only 1 people have the role 'risk'"],
        ),
        ({None: 5}, ["count: 2 approvals are required, but only 0 people have the role 'risk'"]),
    ],
)
def test_more_approvals_than_people(people: Any, faults: list[str]) -> None:
    """A policy that nobody could satisfy is refused where it is attached."""
    assert Approvals(2, "risk").faults_in(Surroundings(people=people)) == faults
