"""Gates, requests, evidence and checkpoints are the same in this process and over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lockgate.domain.policies import PromotionPolicy
from lockgate.errors import (
    AlreadyExists,
    Forbidden,
    InvalidInput,
    InvalidPolicy,
    PolicyNotFound,
    PolicyViolated,
    RequestClosed,
    RequestNotFound,
    VersionNotFound,
)
from registries import AnyRegistry

POLICY = PromotionPolicy().require_metric("auc", ">=", 0.9).require_approvals(1)


@pytest.fixture
def gated(registry: AnyRegistry) -> AnyRegistry:
    """A registry whose churn 1 stands in Staging before a gate that wants an approval."""
    registry.register_model("churn", "1", metrics={"auc": 0.95})
    registry.promote("churn", "1")
    registry.attach_policy("production", POLICY, model="churn")
    return registry


def test_a_closed_gate_refuses_with_its_report(gated: AnyRegistry) -> None:
    """What explain says is what the transition meets."""
    report = gated.explain("churn", "1")
    assert (report.allowed, [row.verdict for row in report.rows]) == (False, ["passed", "missing"])
    assert gated.explain("churn", "1", "PRODUCTION") == report
    with pytest.raises(PolicyViolated) as caught:
        gated.promote("churn", "1")
    assert caught.value.fields["report"]["rows"] == report.to_document()["rows"]
    with pytest.raises(VersionNotFound):
        gated.explain("churn", "9")


def test_a_preview_names_who_makes_room(gated: AnyRegistry) -> None:
    """Beside the gate's report a preview lists every move, and nothing moves."""
    gated.register_model("churn", "2", metrics={"auc": 0.99})
    gated.promote("churn", "2")
    asked = gated.request_promotion("churn", "1", "Production", auto_promote=True)
    gated.acting_as("bob").approve(asked.request.uid)
    seen = gated.preview("churn", "2", "production")
    assert (seen.version, seen.to_stage) == (gated.get_version("churn", "2"), "Production")
    assert seen.report == gated.explain("churn", "2")
    assert [(move.label, move.target, move.displaced_by) for move in seen.moves] == [
        ("1", "Staging", "2"),
        ("2", "Production", None),
    ]
    assert gated.production("churn").label == "1"
    aside = gated.preview("churn", "1", "None")
    assert (aside.moves, aside.report.rows[0].requirement) == ((), "lifecycle")
    assert gated.preview("churn", "1", "Production").moves == ()


def test_an_approval_opens_the_gate(gated: AnyRegistry) -> None:
    """Somebody asks, another approves, and the version is promoted."""
    asked = gated.request_promotion("churn", "1", "Production", comment="please", auto_promote=True)
    assert (asked.request.status, asked.request.requested_by) == ("open", "ana")
    assert [request.uid for request in gated.inbox()] == [asked.request.uid]
    assert gated.get_request(asked.request.uid) == asked
    with pytest.raises(AlreadyExists):
        gated.request_promotion("churn", "1", "Production")
    done = gated.acting_as("bob").approve(asked.request.uid, comment="fine")
    assert done.request.status != "open"
    assert gated.production("churn").label == "1"
    assert list(gated.inbox()) == []
    assert [request.uid for request in gated.list_requests(model="churn")] == [asked.request.uid]
    gated.register_model("churn", "2")
    assert list(gated.list_requests(model="churn", version="2")) == []
    found = gated.list_requests(model="churn", version="1")
    assert [request.uid for request in found] == [asked.request.uid]
    with pytest.raises(InvalidInput):
        gated.list_requests(version="1")
    with pytest.raises(RequestClosed):
        gated.acting_as("eve").approve(asked.request.uid)
    with pytest.raises(RequestNotFound):
        gated.get_request("nothing")


def test_an_inbox_of_ones_own(on_every_database: AnyRegistry) -> None:
    """With mine the inbox has what one may approve and has not decided, as things are now."""
    here = on_every_database
    here.register_model("churn", "1", metrics={"auc": 0.95})
    here.attach_policy("Staging", PromotionPolicy().require_approvals(3), model="churn")
    uid = here.request_promotion("churn", "1", "Staging").request.uid
    bob = here.acting_as("bob")

    def mine(who: AnyRegistry) -> list[str]:
        return [request.uid for request in who.inbox(mine=True)]

    assert (mine(here), mine(bob)) == ([], [uid])  # ana registered the version
    bob.approve(uid)
    assert (mine(bob), mine(here.acting_as("eve"))) == ([], [uid])
    here.log_metrics("churn", "1", {"auc": 0.2})
    assert mine(bob) == [uid]  # what was approved is not there any more
    easy = PromotionPolicy().require_approvals(3, allow_author=True)
    here.attach_policy("Staging", easy, model="churn")
    assert mine(here) == [uid]
    here.set_member("ana", ["admin"])
    here.set_member("bob", ["viewer"])
    assert (mine(bob), list(bob.inbox())) == ([], list(here.inbox()))


def test_an_inbox_of_ones_own_has_pages(registry: AnyRegistry) -> None:
    """Whatever lies between is left out, and no page is short because of it."""
    asked = []
    for number in range(5):
        registry.register_model(f"m{number}", "1")
        policy = PromotionPolicy().require_approvals(2)
        registry.attach_policy("Staging", policy, model=f"m{number}")
        request = registry.request_promotion(f"m{number}", "1", "Staging").request
        asked.insert(0, request.uid)
    bob = registry.acting_as("bob")
    for uid in asked[1::2]:
        bob.approve(uid)
    page = bob.inbox(mine=True, limit=2)
    rest = bob.inbox(mine=True, limit=2, cursor=page.next_cursor)
    assert [request.uid for request in page] == asked[0:3:2]
    assert ([request.uid for request in rest], rest.next_cursor) == ([asked[4]], None)


def test_a_request_is_rejected_or_taken_back(gated: AnyRegistry) -> None:
    """A rejection closes a request, and so does whoever asked."""
    later = datetime.now(UTC) + timedelta(days=1)
    asked = gated.request_promotion("churn", "1", "Production", expires_at=later)
    assert asked.request.expires_at == later
    assert gated.withdraw(asked.request.uid, comment="no").status == "withdrawn"
    again = gated.request_promotion("churn", "1", "Production")
    assert gated.acting_as("bob").reject(again.request.uid).request.status == "rejected"
    assert gated.settle_requests() == 0


def test_policies_are_attached_and_taken_off(gated: AnyRegistry) -> None:
    """To a model or a project; a policy in hand can be tried on any version."""
    attached = gated.attach_policy("Staging", POLICY.to_document(), project="default")
    assert (attached.scope, attached.stage, attached.policy) == ("project", "Staging", POLICY)
    assert gated.list_policies(project="default") == (attached,)
    scopes = {(each.scope, each.stage) for each in gated.list_policies(model="churn")}
    assert scopes == {("project", "Staging"), ("model", "Production")}
    gated.detach_policy("Staging", project="default")
    gated.detach_policy("Production", model="churn")
    assert gated.list_policies(model="churn") == ()
    with pytest.raises(PolicyNotFound):
        gated.detach_policy("Production", model="churn")
    with pytest.raises(InvalidPolicy) as caught:
        gated.attach_policy("Staging", {"requirements": [{"kind": "x"}, {"kind": "y"}]})
    assert len(caught.value.fields["faults"]) == 2
    tried = gated.check_promotion_policy("churn", "1", POLICY, "Production")
    assert tried.allowed is False


def test_force_is_a_permission_with_a_reason(gated: AnyRegistry) -> None:
    """A closed gate is opened by who may, for a reason, on record."""
    with pytest.raises(InvalidInput, match="needs a reason"):
        gated.promote("churn", "1", force=True)
    gated.set_member("ana", ["admin"])
    gated.set_member("bob", ["contributor"])
    assert [(each.person, each.roles) for each in gated.list_members()] == [
        ("ana", ("admin",)),
        ("bob", ("contributor",)),
    ]
    with pytest.raises(Forbidden) as caught:
        gated.acting_as("bob").promote("churn", "1", force=True, reason="urgent")
    assert caught.value.fields["permission"] == "gate.force"
    done = gated.transition("churn", "1", verb="promote", force=True, reason="urgent")
    assert done.transition is not None
    assert (done.transition.forced, done.version.stage) == (True, "Production")
    assert done.report is not None
    assert done.report.allowed is False
    gated.update_version("churn", "1", metadata={"forced": True})
    forced = gated.audit(forced=True).items
    assert [(each.action, each.version, each.detail["reason"]) for each in forced] == [
        ("transition", "1", "urgent")
    ]
    every, others = gated.audit(limit=1000), gated.audit(forced=False, limit=1000)
    assert len(every) == len(others) + 1
    assert forced[0] not in others
    gated.remove_member("bob")
    assert [each.person for each in gated.list_members()] == ["ana"]


def test_checks_are_reported(gated: AnyRegistry) -> None:
    """Every result is kept; the status is one of three."""
    first = gated.report_check("churn", "1", "it", "running", url="https://ci.example/1")
    second = gated.report_check("churn", "1", "it", "passed")
    assert gated.list_checks("churn", "1") == (first, second)
    with pytest.raises(InvalidInput):
        gated.report_check("churn", "1", "it", "green")


def test_a_log_is_signed_and_exported(registry: AnyRegistry) -> None:
    """A checkpoint that was kept verifies the log later; an export has a line an event."""
    registry.register_model("churn", "1")
    kept = registry.checkpoint()
    assert registry.list_checkpoints() == (kept,)
    registry.promote("churn", "1")
    verdict = registry.verify_audit(checkpoints=[kept.note], verifier_key=kept.verifier_key)
    assert verdict.ok is True
    lines = list(registry.export_audit())
    assert all(line.endswith("\n") for line in lines)
    assert len(lines) == 1 + len(registry.audit())
