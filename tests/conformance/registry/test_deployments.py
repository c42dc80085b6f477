"""Deployments, and who uses a version, are the same in this process and over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockgate.domain.deployments import Deployment
from lockgate.errors import DeploymentNotFound, InUse, InvalidInput, VersionNotFound
from registries import AnyRegistry


@pytest.fixture
def churn(registry: AnyRegistry) -> AnyRegistry:
    """A registry with churn 1 and 2."""
    registry.register_model("churn", "1")
    registry.register_model("churn", "2")
    return registry


def running(registry: AnyRegistry, **words: str) -> list[tuple[str, str]]:
    """What runs where, the latest first."""
    return [(each.version, each.place) for each in registry.list_deployments(**words)]


def test_a_target_runs_one_version_at_a_time(churn: AnyRegistry) -> None:
    """Reporting another one ends the one before; other targets stay as they are."""
    first = churn.report_deployment("churn", "1", "eu", target="a", url="https://eu.example/")
    churn.report_deployment("churn", "1", "eu", target="b")
    second = churn.report_deployment("churn", 2, "eu", target="a", status="deploying")
    assert running(churn) == [("2", "eu/a"), ("1", "eu/b")]
    ended = churn.get_deployment(first.uid)
    assert (ended.status, ended.ended_by) == ("ended", "ana")
    everything = churn.list_deployments(include_ended=True, model="churn", environment="eu")
    assert next(iter(everything)).uid == second.uid
    assert len(everything) == 3
    assert running(churn, environment="us") == []


def test_reporting_again_is_a_sign_of_life(churn: AnyRegistry) -> None:
    """The same deployment, seen later; only what changed is on record."""
    first = churn.report_deployment("churn", "1", "eu", status="deploying", heartbeat_s=60)
    again = churn.report_deployment("churn", "1", "eu", status="deploying", heartbeat_s=60)
    well = churn.report_deployment("churn", "1", "eu", heartbeat_s=60)
    beaten = churn.heartbeat_deployment(first.uid)
    assert first.uid == again.uid == well.uid == beaten.uid
    assert first.seen_at < again.seen_at < well.seen_at <= beaten.seen_at
    told = [event for event in churn.audit() if event.action == "report_deployment"]
    assert [event.detail["status"] for event in told] == ["deploying", "running"]
    assert churn.end_deployment(first.uid).status == "ended"
    assert churn.end_deployment(first.uid).ended_by == "ana"
    with pytest.raises(DeploymentNotFound):
        churn.heartbeat_deployment(first.uid)
    with pytest.raises(DeploymentNotFound):
        churn.get_deployment("nothing")


def test_what_is_deployed_is_not_deleted(churn: AnyRegistry) -> None:
    """Unless by force and for a reason, which goes on record."""
    churn.report_deployment("churn", "1", "eu", target="a")
    with pytest.raises(InUse) as caught:
        churn.delete_version("churn", "1")
    assert caught.value.fields["users"] == ["it is deployed to eu/a"]
    with pytest.raises(InUse):
        churn.delete_model("churn")
    with pytest.raises(InvalidInput, match="needs a reason"):
        churn.delete_version("churn", "1", force=True)
    churn.delete_version("churn", "1", force=True, reason="leaked data")
    (event,) = churn.audit(action="delete_version")
    assert event.detail["reason"] == "leaked data"
    with pytest.raises(InvalidInput, match="needs a reason"):
        churn.delete_model("churn", force=True)
    churn.delete_model("churn", force=True, reason="it is all over")
    assert churn.verify_audit().ok


def test_what_was_just_pulled_is_not_deleted(churn: AnyRegistry, tmp_path: Path) -> None:
    """By others: one's own pull is no reason to keep it."""
    source = tmp_path / "model.txt"
    source.write_text("weights")
    version = churn.push(source, "churn", "3")
    churn.acting_as("bob").pull(version.reference, tmp_path / "pulled")
    churn.pull(version.reference, tmp_path / "again")
    assert sorted((user.kind, user.name) for user in churn.used_by("churn", "3")) == [
        ("pull", "ana"),
        ("pull", "bob"),
    ]
    with pytest.raises(InUse, match="bob pulled it"):
        churn.delete_version("churn", "3")
    churn.delete_version("churn", "3", force=True, reason="a copy is enough")
    assert churn.used_by("churn", "2") == ()


@pytest.mark.parametrize(
    "words",
    [
        {"environment": ""},
        {"environment": "a\nb"},
        {"environment": "eu", "status": "well"},
        {"environment": "eu", "status": "ended"},
        {"environment": "eu", "url": "javascript:alert(1)"},
        {"environment": "eu", "heartbeat_s": 0},
    ],
)
def test_what_is_no_deployment_is_refused(churn: AnyRegistry, words: dict[str, str]) -> None:
    """With what was wrong; and nothing is on record."""
    with pytest.raises(InvalidInput):
        churn.report_deployment("churn", "1", **words)
    assert list(churn.list_deployments(include_ended=True)) == []


def test_only_versions_are_deployed(churn: AnyRegistry) -> None:
    """Of models that there are."""
    with pytest.raises(VersionNotFound):
        churn.report_deployment("churn", "9", "eu")
    with pytest.raises(VersionNotFound):
        churn.used_by("churn", "9")
    made: Deployment = churn.report_deployment("churn", "1", "eu")
    assert churn.get_deployment(made.uid) == made
