"""Model versions and their stages, as MLflow's own client sees them."""

from __future__ import annotations

import concurrent.futures
from typing import Any

import pytest

from lockgate.errors import InUse
from lockgate.registry import Registry


@pytest.fixture
def three(client: Any) -> Any:
    """A client of a registry with versions 1, 2 and 3 of churn."""
    client.create_registered_model("churn")
    for number in (1, 2, 3):
        client.create_model_version("churn", f"s3://b/{number}", run_id=f"run{number}")
    return client


def stages(client: Any) -> dict[str, str]:
    """Where each version of churn stands."""
    return {v.version: v.current_stage for v in client.search_model_versions("name = 'churn'")}


def test_a_version_keeps_what_was_said_of_it(client: Any, registry: Registry) -> None:
    """Source, run, link, tags and description come back, times in milliseconds, ready at once."""
    client.create_registered_model("churn")
    made = client.create_model_version(
        "churn", "s3://b/m", "r1", {"a": "b"}, "https://runs/1", "first", model_id="m-12"
    )
    assert (made.version, made.source, made.run_id, made.tags) == (
        "1", "s3://b/m", "r1", {"a": "b"},
    )  # fmt: skip
    assert (made.run_link, made.description, made.status) == ("https://runs/1", "first", "READY")
    assert made.current_stage == "None"
    ours = registry.get_version("churn", "1")
    assert made.creation_timestamp == int(ours.created_at.timestamp() * 1000)
    assert ours.metadata["mlflow.model_id"] == "m-12"
    client.update_model_version("churn", "1", "second")
    client.set_model_version_tag("churn", "1", "c", "d")
    client.delete_model_version_tag("churn", "1", "a")
    client.delete_model_version_tag("churn", "1", "never there")
    found = client.get_model_version("churn", "1")
    assert (found.description, found.tags) == ("second", {"c": "d"})
    assert client.get_model_version_download_uri("churn", "1") == "s3://b/m"


def test_a_number_is_not_a_label(client: Any, registry: Registry) -> None:
    """MLflow's version 2 is the second that was registered, whatever labels there are."""
    for label in ("2", "1.0.0", "1"):
        registry.register_model("churn", label, f"s3://b/{label}", lifecycle="open")
    found = [client.get_model_version("churn", number).source for number in "123"]
    assert found == ["s3://b/2", "s3://b/1.0.0", "s3://b/1"]
    client.set_registered_model_alias("churn", "champion", "2")
    assert client.get_registered_model("churn").aliases == {"champion": "2"}
    assert registry.resolve("churn@champion").label == "1.0.0"
    client.transition_model_version_stage("churn", "2", "Staging")
    assert [v.label for v in registry.list_versions("churn", stage="staging")] == ["1.0.0"]
    client.delete_model_version("churn", "1")
    assert [v.label for v in registry.list_versions("churn")] == ["1", "1.0.0"]


def test_numbers_are_never_used_again(three: Any) -> None:
    """A number that was deleted stays unused."""
    three.delete_model_version("churn", "3")
    assert three.create_model_version("churn", "s3://b/4").version == "4"


def test_a_copy_leads_to_the_files_of_the_original(three: Any) -> None:
    """A copy names what it copies, and is downloaded from where that lies; so is its copy."""
    copied = three.copy_model_version("models:/churn/2", "elsewhere")
    assert (copied.version, copied.source, copied.run_id) == ("1", "models:/churn/2", "run2")
    again = three.copy_model_version("models:/elsewhere/1", "elsewhere")
    assert again.source == "models:/elsewhere/1"
    assert three.get_model_version_download_uri("elsewhere", again.version) == "s3://b/2"


def test_stages_are_passed_in_any_case(three: Any, mlflow: Any, registry: Registry) -> None:
    """A stage is read in any case and shown as MLflow spells it; others are refused."""
    for word in ("STAGING", "staging", "Production", "none"):
        three.transition_model_version_stage("churn", "1", word)
    three.transition_model_version_stage("churn", "1", "pRoduction")
    assert three.get_model_version("churn", "1").current_stage == "Production"
    assert registry.get_version("churn", "1").stage == "production"
    with pytest.raises(mlflow.exceptions.MlflowException) as caught:
        three.transition_model_version_stage("churn", "1", "unknown")
    assert str(caught.value) == (
        "INVALID_PARAMETER_VALUE: Invalid Model Version stage: unknown. Value must be one of "
        "None, Staging, Production, Archived."
    )


def test_the_latest_of_each_stage(three: Any) -> None:
    """Latest versions are those of each stage that has one, or of the stages named."""
    three.transition_model_version_stage("churn", "1", "Production")
    three.transition_model_version_stage("churn", "2", "Production")

    def latest(*stages: str) -> list[tuple[str, str]]:
        found = three.get_latest_versions("churn", list(stages) or None)
        return [(version.current_stage, version.version) for version in found]

    assert latest() == [("None", "3"), ("Production", "2")]
    assert latest("Staging") == []
    assert latest("production", "None") == [("Production", "2"), ("None", "3")]
    shown = three.get_registered_model("churn").latest_versions
    assert [version.version for version in shown] == ["3", "2"]


def test_others_are_archived_when_asked_to(three: Any, mlflow: Any, registry: Registry) -> None:
    """Only with archive_existing_versions, in one change, and not out of None or Archived."""
    three.transition_model_version_stage("churn", "1", "Production")
    three.transition_model_version_stage("churn", "2", "Production")
    assert stages(three) == {"1": "Production", "2": "Production", "3": "None"}
    three.transition_model_version_stage("churn", "3", "Production", True)
    assert stages(three) == {"1": "Archived", "2": "Archived", "3": "Production"}
    three.transition_model_version_stage("churn", "3", "Production", True)
    assert stages(three) == {"1": "Archived", "2": "Archived", "3": "Production"}
    causes = [passage.cause for passage in registry.get_transitions("churn", "1")]
    assert causes[-1] == "default/churn:3"
    for stage in ("Archived", "None"):
        with pytest.raises(mlflow.exceptions.MlflowException, match="is not an Active stage"):
            three.transition_model_version_stage("churn", "1", stage, True)


def test_one_is_left_however_many_promote_at_once(three: Any) -> None:
    """Promoters that archive the others at the same time leave exactly one in Production."""
    for _ in range(5):
        three.create_model_version("churn", "s3://b/m")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda n: three.transition_model_version_stage("churn", str(n), "Production", True),
                range(1, 9),
            )
        )
    assert sorted(stages(three).values()) == ["Archived"] * 7 + ["Production"]


def test_a_closed_gate_says_every_requirement(client: Any, mlflow: Any, registry: Registry) -> None:
    """A refusal reaches MLflow's user as an exception with the sentences of the report."""
    client.create_registered_model("churn")
    registry.register_model("churn", artifact_uri="s3://b/m", metrics={"auc": 0.85})
    policy = {
        "requirements": [
            {"kind": "metric", "name": "auc", "comparison": ">=", "threshold": 0.9},
            {"kind": "tag", "name": "owner"},
        ]
    }
    registry.attach_policy("production", policy, model="churn")
    with pytest.raises(mlflow.exceptions.MlflowException) as caught:
        client.transition_model_version_stage("churn", "1", "Production")
    assert caught.value.error_code == "INVALID_STATE"
    assert "The gate to production for version 1 is closed: 2 of 2 do not hold" in str(caught.value)
    assert "Metric 'auc' = 0.85 does not satisfy >= 0.9" in str(caught.value)
    client.set_model_version_tag("churn", "1", "owner", "ana")
    registry.log_metrics("churn", "1", {"auc": 0.95})
    done = client.transition_model_version_stage("churn", "1", "Production")
    assert done.current_stage == "Production"


def test_a_lifecycle_of_gates_says_what_is_allowed(
    client: Any, mlflow: Any, registry: Registry
) -> None:
    """Under a stricter lifecycle an edge that is not there is refused with the steps that are."""
    registry.create_model("churn", lifecycle="strict")
    client.create_model_version("churn", "s3://b/m")
    with pytest.raises(mlflow.exceptions.MlflowException) as caught:
        client.transition_model_version_stage("churn", "1", "Production")
    assert str(caught.value) == (
        "INVALID_STATE: Illegal transition None → Production. Allowed: promote to Staging."
    )
    client.transition_model_version_stage("churn", "1", "Staging")
    client.transition_model_version_stage("churn", "1", "Production")
    with pytest.raises(mlflow.exceptions.MlflowException, match="INVALID_STATE"):
        client.delete_model_version("churn", "1")
    with pytest.raises(InUse):
        registry.delete_version("churn", "1")


def test_production_does_not_protect_from_mlflows_delete(three: Any) -> None:
    """Under the open lifecycle a version is deleted from any stage, as MLflow has it."""
    three.transition_model_version_stage("churn", "1", "Production")
    three.set_registered_model_alias("churn", "champion", "1")
    three.delete_model_version("churn", "1")
    assert stages(three) == {"2": "None", "3": "None"}
    three.transition_model_version_stage("churn", "2", "Production")
    three.delete_registered_model("churn")
    assert list(three.search_registered_models()) == []


@pytest.mark.parametrize(
    "source",
    [
        "mlflow-artifacts:/../secret",
        "http://host/api/2.0/mlflow-artifacts/artifacts/../../x",
        "s3://b/%2e%2e/x",
        "mlflow-artifacts:/..%255cx",
    ],
)
def test_a_source_that_climbs_is_refused(client: Any, mlflow: Any, source: str) -> None:
    """A URI with .. in it, however encoded, is no source."""
    client.create_registered_model("churn")
    with pytest.raises(mlflow.exceptions.MlflowException) as caught:
        client.create_model_version("churn", source)
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
    assert str(caught.value).startswith("INVALID_PARAMETER_VALUE: Invalid model version source")


def test_numbers_are_given_once_however_many_ask(client: Any) -> None:
    """Versions that are registered at once have numbers of their own, without a gap."""
    client.create_registered_model("many")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: client.create_model_version("many", "s3://b/m"), range(24)))
    assert sorted(int(version.version) for version in made) == list(range(1, 25))
    assert len(client.search_model_versions("name = 'many'")) == 24
