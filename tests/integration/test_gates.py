"""Gates hold: which policies apply, what each requirement looks at, and what goes on record."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from gate_racer import GateRacer
from gate_world import World
from lockgate.bootstrap import connect
from lockgate.domain.policies import PromotionPolicy
from lockgate.errors import (
    Forbidden,
    InvalidInput,
    InvalidPolicy,
    PolicyNotFound,
    PolicyViolated,
    TransitionNotAllowed,
)
from racer import race


@pytest.fixture
def world() -> Iterator[World]:
    """Version 1 of ``m``, registered by ana, in Staging."""
    made = World()
    made.registry.register_model("m", metrics={"accuracy": 0.85})
    made.registry.transition_stage("m", "1", "Staging")
    yield made
    made.close()


def guard(world: World, policy: PromotionPolicy, **place: Any) -> None:
    """Let a policy guard the way into production."""
    world.registry.attach_policy("Production", policy, **(place or {"model": "m"}))


def sentences(world: World) -> list[str]:
    """Return what the gate to production says of version 1."""
    return [row.sentence for row in world.registry.explain("m", "1", "production").rows]


def test_all_faults_at_once(world: World) -> None:
    """A refusal carries a row for every requirement, and what is still missing."""
    guard(
        world,
        PromotionPolicy()
        .require_metric("accuracy", ">=", 0.9)
        .require_metric("auc", ">", 0.5)
        .require_approvals(2)
        .require_check("integration-tests"),
    )
    with pytest.raises(PolicyViolated) as refused:
        world.registry.promote("m", "1")
    report = refused.value.fields["report"]
    assert [row["sentence"] for row in report["rows"]] == [
        "Metric 'accuracy' = 0.85 does not satisfy >= 0.9",
        "Missing required metric 'auc'",
        "Approvals 0 < required 2",
        "Missing required check 'integration-tests'",
    ]
    assert len(report["missing"]) == 4
    assert world.registry.get_version("m", "1").stage == "Staging"


def test_refusal_is_on_record(world: World) -> None:
    """A transition that a gate refused is an event, with the report; nothing else changed."""
    guard(world, PromotionPolicy().require_tag("team"))
    before = world.registry.get_version("m", "1")
    with pytest.raises(PolicyViolated):
        world.as_("bob").promote("m", "1", comment="now")
    event = world.registry.audit(newest_first=True).items[0]
    assert (event.action, event.actor, event.version) == ("transition_refused", "bob", "1")
    assert event.detail["report"]["rows"][0]["sentence"] == "Missing required tag 'team'"
    assert event.detail["comment"] == "now"
    assert world.registry.get_version("m", "1") == before
    assert world.registry.verify_audit().ok


def test_report_of_a_passage_is_on_record(world: World) -> None:
    """What let a version in stands with its passage, and in the log."""
    guard(world, PromotionPolicy().require_metric("accuracy", ">", 0.8))
    promoted = world.registry.transition("m", "1", "Production")
    assert promoted.report is not None
    document = promoted.report.to_document()
    assert world.registry.get_transitions("m", "1")[-1].report == document
    event = world.registry.audit(newest_first=True, action="transition").items[0]
    assert event.detail["report"] == document


def test_strictest_set_applies(world: World) -> None:
    """What the project and the model ask for is asked for together; the laxer duplicate goes."""
    guard(world, PromotionPolicy().require_metric("accuracy", ">=", 0.7).require_tag("team"))
    guard(world, PromotionPolicy().require_metric("accuracy", ">=", 0.9), project="default")
    assert sorted(sentences(world)) == [
        "Metric 'accuracy' = 0.85 does not satisfy >= 0.9",
        "Missing required tag 'team'",
    ]


def test_lifecycle_brings_its_own(world: World) -> None:
    """A policy in a lifecycle's document guards the models that are pinned to it."""
    document = tomllib.loads(
        """
        name = "careful"
        initial = "Draft"
        stages = [{name = "Draft"}, {name = "Live"}]
        edges = [{from = "Draft", to = "Live", verbs = ["promote"]}]
        [policies.Live]
        requirements = [{kind = "card", chars_min = 20}]
        """
    )
    world.registry.apply_lifecycle(document)
    world.registry.create_model("c", lifecycle="careful")
    world.registry.register_model("c", description="short")
    report = world.registry.explain("c", "1")
    assert [row.sentence for row in report.rows] == ["Model card has 5 characters, required 20"]
    assert [each.scope for each in world.registry.list_policies(model="c")] == ["lifecycle"]


def test_advisory_lifecycle_softens_what_is_attached(world: World) -> None:
    """Under ``kanban`` a policy tells and never blocks."""
    world.registry.create_model("k", lifecycle="kanban")
    world.registry.register_model("k", "1")
    world.registry.attach_policy("Staging", PromotionPolicy().require_tag("team"), model="k")
    report = world.registry.explain("k", "1", "Staging")
    assert (report.allowed, report.holds, report.rows[0].mode) == (True, False, "advisory")
    assert world.registry.promote("k", "1").stage == "Staging"


def test_advice_beside_an_enforced_requirement(world: World) -> None:
    """A requirement with a mode of its own advises while the others block."""
    guard(world, PromotionPolicy().require_tag("team", mode="advisory").require_card())
    report = world.registry.explain("m", "1", "Production")
    assert [row.mode for row in report.rows] == ["advisory", "enforce"]
    world.registry.update_version("m", "1", description="A card.")
    assert world.registry.promote("m", "1").stage == "Production"


def test_metric_against_the_incumbent(world: World) -> None:
    """A candidate is compared with what is in production, with a tolerance."""
    world.registry.promote("m", "1")
    world.registry.register_model("m", metrics={"accuracy": 0.84})
    world.registry.promote("m", "2")
    guard(world, PromotionPolicy().require_metric_vs("accuracy", min_delta=0.01))
    report = world.registry.explain("m", "2", "Production")
    assert report.rows[0].sentence == (
        "Metric 'accuracy' = 0.84 is not at least 0.01 better than 0.85 of @production, "
        "version 1 (higher is better)"
    )
    guard(world, PromotionPolicy().require_metric_vs("accuracy", min_delta=-0.02))
    assert world.registry.explain("m", "2", "Production").allowed


def test_metric_against_another_model(world: World) -> None:
    """A baseline may be a version of another model; when that is not there, that is said."""
    policy = PromotionPolicy().require_metric_vs("accuracy", "n@production", require_baseline=True)
    guard(world, policy)
    assert sentences(world) == ["There is no n@production to compare metric 'accuracy' with"]
    world.registry.register_model("n", metrics={"accuracy": 0.8})
    for _ in range(2):
        world.registry.promote("n", "1")
    assert world.registry.promote("m", "1").stage == "Production"


def test_checks_are_reported_again_and_run_out(world: World) -> None:
    """The last report counts; after its expiry or its greatest age it does not."""
    guard(world, PromotionPolicy().require_check("ci", max_age="2h"))
    report = world.registry.report_check
    report("m", "1", "ci", "running")
    assert sentences(world) == ["Check 'ci' is still running"]
    report("m", "1", "ci", "failed", url="https://ci.example/1")
    assert sentences(world) == ["Check 'ci' failed (https://ci.example/1)"]
    report("m", "1", "ci", "passed", expires_at=world.clock.now.replace(hour=13))
    assert sentences(world) == ["Check 'ci' passed"]
    world.clock.go(hours=1)
    assert sentences(world) == [
        "Check 'ci' passed but no longer counts: it expired at 2026-10-01T13:00:00.000000Z"
    ]
    report("m", "1", "ci", "passed")
    world.clock.go(hours=3)
    assert sentences(world) == ["Check 'ci' passed but no longer counts: it is 3h old, at most 2h"]
    assert [each.status for each in world.registry.list_checks("m", "1")] == [
        "running",
        "failed",
        "passed",
        "passed",
    ]


def test_soak(world: World) -> None:
    """A version has to stand for its time; when only time was missing, settling carries it out."""
    guard(world, PromotionPolicy().require_soak("Staging", "24h"))
    uid = world.registry.request_promotion("m", "1", "Production", auto_promote=True).request.uid
    world.clock.go(hours=23)
    assert sentences(world) == ["Stood in Staging for only 22h 59m, required 1d"]
    assert world.registry.settle_requests() == 0
    world.clock.go(hours=2)
    assert world.registry.settle_requests() == 1
    assert world.registry.get_request(uid).request.status == "completed"
    assert world.registry.production("m").label == "1"


def test_check_carries_a_request_out(world: World) -> None:
    """The last thing that was missing may be a machine's word."""
    guard(world, PromotionPolicy().require_check("ci"))
    world.registry.request_promotion("m", "1", "Production", auto_promote=True)
    world.as_("ci").report_check("m", "1", "ci", "passed")
    assert world.registry.production("m").label == "1"


@pytest.mark.parametrize("place", [{"model": "m"}, {"project": "default"}])
def test_policy_that_goes_carries_a_request_out(world: World, place: dict[str, str]) -> None:
    """A gate that opens because its policy changed lets in who waited there."""
    guard(world, PromotionPolicy().require_tag("team"), **place)
    world.registry.request_promotion("m", "1", "Production", auto_promote=True)
    world.registry.detach_policy("Production", **place)
    assert world.registry.production("m").label == "1"
    with pytest.raises(PolicyNotFound):
        world.registry.detach_policy("Production", **place)


def test_policy_in_hand(world: World) -> None:
    """A policy can be tried that is attached nowhere, as an object or as a document."""
    policy = PromotionPolicy().require_metric("accuracy", ">=", 0.9)
    before = world.dump()
    for given in (policy, policy.to_document()):
        report = world.registry.check_promotion_policy("m", "1", given)
        assert [row.verdict for row in report.rows] == ["failed"]
    assert world.dump() == before


def test_faults_are_refused_all_at_once(world: World) -> None:
    """Unknown operator, NaN, an unknown stage, too few people: refused when attached, together."""
    for person, role in (("ana", "admin"), ("bob", "approver")):
        world.registry.set_member(person, [role])
    document = {
        "mode": "strict",
        "requirements": [
            {"kind": "metric", "name": "auc", "comparison": "=>", "threshold": float("nan")},
            {"kind": "karma"},
        ],
    }
    with pytest.raises(InvalidPolicy) as refused:
        world.registry.attach_policy("Production", document, model="m")
    assert [fault.partition(":")[0] for fault in refused.value.fields["faults"]] == [
        "mode",
        "requirements[0].comparison",
        "requirements[0].threshold",
        "requirements[1].kind",
    ]
    policy = PromotionPolicy().require_soak("Nowhere", "1h").require_approvals(3)
    with pytest.raises(InvalidPolicy) as refused:
        world.registry.attach_policy("Production", policy, model="m")
    soak, people = refused.value.fields["faults"]
    assert soak.startswith("requirements[0].stage: there is no stage 'Nowhere'")
    assert people == (
        "requirements[1].count: 3 approvals are required, but only 2 people may decide"
    )
    with pytest.raises(InvalidInput, match="Invalid stage 'Moon'"):
        world.registry.attach_policy("Moon", PromotionPolicy(), model="m")
    assert world.registry.list_policies(model="m") == ()


def test_break_glass(world: World) -> None:
    """Forcing a gate takes the permission and a reason, and stands out on record."""
    guard(world, PromotionPolicy().require_approvals(1))
    for person, role in (("ana", "admin"), ("bob", "maintainer")):
        world.registry.set_member(person, [role])
    with pytest.raises(InvalidInput, match="needs a reason"):
        world.registry.promote("m", "1", force=True)
    with pytest.raises(Forbidden, match=r"bob lacks the permission 'gate\.force'"):
        world.as_("bob").promote("m", "1", force=True, reason="it burns")
    world.registry.promote("m", "1", force=True, reason="it burns")
    passage = world.registry.get_transitions("m", "1")[-1]
    assert passage.forced
    event = world.registry.audit(newest_first=True).items[0]
    assert (event.detail["forced"], event.detail["reason"]) == (True, "it burns")
    assert event.detail["report"]["allowed"] is False


def test_force_does_not_make_a_way(world: World) -> None:
    """Force opens a gate and never makes an edge that the lifecycle does not have."""
    with pytest.raises(TransitionNotAllowed):
        world.registry.transition("m", "1", "None", verb="promote", force=True, reason="now")


def test_open_gate_is_not_forced(world: World) -> None:
    """Who passes an open gate with force did not force anything."""
    world.registry.promote("m", "1", force=True, reason="to be sure")
    assert not world.registry.get_transitions("m", "1")[-1].forced


def test_rollback_needs_no_new_verdict_for_what_was_let_in(world: World) -> None:
    """What production held before comes back though the policy is stricter now; others do not."""
    world.registry.promote("m", "1")
    world.registry.register_model("m", metrics={"accuracy": 0.99})
    for _ in range(2):
        world.registry.promote("m", "2")
    guard(world, PromotionPolicy().require_metric("accuracy", ">=", 0.9))
    assert not world.registry.explain("m", "1", "Production").allowed
    assert world.registry.rollback("m").label == "1"
    passage = world.registry.get_transitions("m", "1")[-1]
    assert (passage.verb, passage.forced) == ("rollback", False)
    assert passage.report is not None
    assert passage.report["allowed"] is False
    world.registry.promote("m", "2")
    world.registry.log_metrics("m", "1", {"accuracy": 0.5})
    with pytest.raises(PolicyViolated):
        world.registry.rollback("m")


def test_chosen_initial_stage_passes_its_gate(world: World) -> None:
    """Who may choose where a version begins cannot begin behind a closed gate."""
    world.registry.create_model("o", lifecycle="open")
    world.registry.attach_policy("production", PromotionPolicy().require_tag("team"), model="o")
    with pytest.raises(PolicyViolated):
        world.registry.register_model("o", stage="production")
    made = world.registry.register_model("o", stage="production", tags={"team": "risk"})
    assert made.stage == "production"


# --- evidence cannot change between the verdict and the move -------------------------------------


def test_every_passage_agrees_with_the_evidence_of_its_moment(database_url: str) -> None:
    """While processes change the metric and the project's policy, every verdict fits the log."""
    registry = connect(database_url, actor="ana")
    registry.register_model("m", metrics={"auc": 0.2})
    registry.attach_policy("Staging", PromotionPolicy().require_metric("auc", ">=", 0.5))
    race(
        [
            GateRacer(database_url, "measure", model="m", rounds=60),
            GateRacer(database_url, "tighten", rounds=60),
            GateRacer(database_url, "pass_gate", model="m", rounds=60),
        ]
    )
    auc, policy, verdicts = 0.2, "", []
    events = []
    cursor: str | None = None
    while True:
        page = registry.audit(limit=1_000, cursor=cursor)
        events += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    for event in events:
        if event.action == "log_metrics":
            auc = event.detail["metrics"]["auc"]
        elif event.action == "attach_policy":
            policy = event.detail["digest"]
        elif "report" in event.detail:
            report = event.detail["report"]
            assert (report["rows"][0]["observed"], report["policy_digest"]) == (auc, policy)
            assert report["allowed"] is (event.action == "transition")
            verdicts.append(event.action)
    assert verdicts
    assert registry.verify_audit().ok
    registry.close()
