"""Gates: reports, modes, and approvals that cannot be tricked by any order of events."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lockgate.domain.approvals import Decision, PromotionRequest, content_digest, content_parts
from lockgate.domain.frozen import FrozenDict
from lockgate.domain.gates import GateReport, evaluate, next_step
from lockgate.domain.policies import PromotionPolicy, combine
from lockgate.domain.requirements.evidence import Evidence
from lockgate.domain.versions import ModelVersion
from lockgate.errors import InvalidInput

Build = Callable[..., Any]
POLICY = (
    PromotionPolicy()
    .require_metric("accuracy", ">=", 0.90)
    .require_metric("auc", ">", 0.5)
    .require_approvals(2)
    .require_tag("team", mode="advisory")
)


def test_report(evidence: Build, version: Build) -> None:
    """All faults are told at once, with what is still missing to get through."""
    report = evaluate(POLICY, evidence(version(metrics={"accuracy": 0.85})))
    assert (report.allowed, report.holds) == (False, False)
    assert [(row.verdict, row.sentence, row.mode) for row in report.rows] == [
        ("failed", "Metric 'accuracy' = 0.85 does not satisfy >= 0.9", "enforce"),
        ("missing", "Missing required metric 'auc'", "enforce"),
        ("missing", "Approvals 0 < required 2", "enforce"),
        ("missing", "Missing required tag 'team'", "advisory"),
    ]
    assert report.missing == (
        "a version whose metric 'accuracy' is >= 0.9",
        "log metric 'auc' (wanted > 0.5)",
        "2 more approvals, by somebody other than bob",
    )
    assert report.sentence.startswith(
        "The gate to Production for version 7 is closed: 4 of 4 do not hold: Metric 'accuracy'"
    )


def test_advisory_policy_blocks_nobody(evidence: Build) -> None:
    """An advisory policy tells what does not hold and lets everybody in."""
    report = evaluate(PromotionPolicy("advisory", POLICY.requirements[:3]), evidence())
    assert (report.allowed, report.holds, report.missing) == (True, False, ())
    assert "is open, with advice: 3 of 3" in report.sentence


def test_empty_policy(evidence: Build) -> None:
    """A policy that asks for nothing lets everybody in."""
    report = evaluate(PromotionPolicy(), evidence())
    assert (report.allowed, report.holds, report.rows) == (True, True, ())


def test_report_survives_json(evidence: Build) -> None:
    """A report read back from its JSON is the report."""
    report = evaluate(POLICY, evidence())
    document = json.loads(json.dumps(report.to_document()))
    assert GateReport.from_document(document) == report
    assert (document["allowed"], document["missing"]) == (False, list(report.missing))


@pytest.mark.parametrize(
    "change",
    [
        {"rows": [{}]},
        {"rows": None},
        {"mode": "loud"},
        {"rows": [dict.fromkeys(("requirement", "name", "verdict", "observed", "wanted"), "")]},
    ],
)
def test_no_report(evidence: Build, change: dict[str, Any]) -> None:
    """What is no report is refused, not half read."""
    document = {**evaluate(PromotionPolicy(), evidence()).to_document(), **change}
    with pytest.raises(InvalidInput):
        GateReport.from_document(document)


@given(
    st.dictionaries(st.sampled_from("ab"), st.integers(0, 3)),
    st.lists(
        st.tuples(
            st.sampled_from("ab"), st.sampled_from([">", ">=", "<", "=="]), st.integers(0, 3)
        ),
        max_size=4,
    ),
    st.lists(
        st.tuples(
            st.sampled_from("ab"), st.sampled_from([">", ">=", "<", "=="]), st.integers(0, 3)
        ),
        max_size=4,
    ),
)
def test_combined_gate_is_both_gates(
    version: Callable[..., ModelVersion],
    evidence: Callable[..., Evidence],
    metrics: dict[str, int],
    first: list[Any],
    second: list[Any],
) -> None:
    """The combination of two policies opens exactly when both do."""
    policies = []
    for thresholds in (first, second):
        policy = PromotionPolicy()
        for threshold in thresholds:
            policy = policy.require_metric(*threshold)
        policies.append(policy)
    known = evidence(version(metrics=metrics))
    expected = all(evaluate(policy, known).allowed for policy in policies)
    assert evaluate(combine(policies), known).allowed == expected


def test_next_step(evidence: Build, version: Build, decision: Build, now: datetime) -> None:
    """An open request waits, is carried out when the gate opens, or ends by rejection."""
    policy = PromotionPolicy().require_approvals(1)
    request = PromotionRequest(
        uid="r1",
        project="default",
        model="churn",
        version="7",
        to_stage="Production",
        requested_by="bob",
        created_at=now,
        auto_promote=True,
    )
    yes, no = decision(policy), decision(policy, verdict="reject", actor="eve")
    reports = [evaluate(policy, evidence(decisions=each)) for each in ((), (yes,), (yes, no))]
    assert [next_step(request, report) for report in reports] == ["wait", "promote", "reject"]
    assert next_step(replace(request, auto_promote=False), reports[1]) == "wait"


class Gate(RuleBasedStateMachine):
    """People decide, content and policy change, in any order: the gate counts right.

    The model keeps, for each person, whether their last word was yes to what there is now.
    """

    people = st.sampled_from(["ana", "bob", "eve", "kim", "lee"])

    def __init__(self) -> None:
        super().__init__()
        self.decisions: list[Decision] = []
        self.standing: dict[str, str] = {}
        self.moment = datetime.fromisoformat("2026-10-01T12:00:00+00:00")

    @initialize(wanted=st.integers(1, 3), rejections=st.integers(1, 2))
    def open(self, wanted: int, rejections: int) -> None:
        self.wanted, self.rejections = wanted, rejections
        self.policy = PromotionPolicy().require_approvals(wanted, rejections=rejections)
        self.version = ModelVersion(
            uid="u",
            project="default",
            model="churn",
            label="7",
            seq=7,
            stage="Staging",
            stage_since=self.moment,
            created_by="bob",
            created_at=self.moment,
            updated_at=self.moment,
        )

    def decide(self, actor: str, verdict: Any) -> None:
        self.moment += timedelta(seconds=1)
        self.decisions.append(
            Decision(
                verdict=verdict,
                actor=actor,
                to_stage="Production",
                at=self.moment,
                content_digest=content_digest(self.version),
                content_parts=content_parts(self.version),
                policy_digest=self.policy.digest(),
            )
        )
        self.standing[actor] = verdict

    @rule(actor=people)
    def approve(self, actor: str) -> None:
        self.decide(actor, "approve")

    @rule(actor=people)
    def reject(self, actor: str) -> None:
        self.decide(actor, "reject")

    @rule(value=st.integers(0, 2))
    def change_metric(self, value: int) -> None:
        before, metrics = self.version.metrics, FrozenDict({"auc": value})
        self.version = replace(self.version, metrics=metrics)
        if before != metrics:
            self.forget()

    @rule(digest=st.sampled_from(["ab" * 32, "cd" * 32]))
    def change_bytes(self, digest: str) -> None:
        changed = digest != self.version.digest
        self.version = replace(self.version, digest=digest)
        if changed:
            self.forget()

    @rule(data=st.booleans())
    def change_policy(self, data: bool) -> None:
        before = self.policy
        self.policy = PromotionPolicy(before.mode, before.requirements[:1])
        if data:
            self.policy = self.policy.require_metric("other", "<", 1, mode="advisory")
        if self.policy != before:
            self.forget()

    def forget(self) -> None:
        """What was decided on something else no longer counts; if it comes back, it may again."""
        content, policy = content_digest(self.version), self.policy.digest()
        last = {each.actor: each for each in self.decisions}
        self.standing = {
            actor: each.verdict
            for actor, each in last.items()
            if (each.content_digest, each.policy_digest) == (content, policy)
        }

    @rule()
    def change_words(self) -> None:
        self.version = replace(self.version, description="other words", tags=FrozenDict({"a": "b"}))

    @invariant()
    def counts_right(self) -> None:
        if not hasattr(self, "version"):
            return
        evidence = Evidence(
            version=self.version,
            to_stage="Production",
            now=self.moment,
            decisions=tuple(self.decisions),
        )
        approved = sum(
            verdict == "approve" and actor != "bob" for actor, verdict in self.standing.items()
        )
        rejected = sum(verdict == "reject" for verdict in self.standing.values())
        expected = approved >= self.wanted and rejected < self.rejections
        assert evaluate(self.policy, evidence).allowed == expected


TestGate = Gate.TestCase
TestGate.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
