"""Versions behave the same in this process and over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from lockgate.errors import (
    AlreadyExists,
    InUse,
    InvalidInput,
    InvalidName,
    LimitExceeded,
    ModelNotFound,
    StaleRevision,
    TransitionNotAllowed,
    VersionNotFound,
)
from lockgate.storage.preconditions import Unchanged
from registries import AnyRegistry


def test_a_version_is_returned_as_it_was_registered(on_every_database: AnyRegistry) -> None:
    """Everything that is said of a version comes back, of the same types, to the last digit."""
    made = on_every_database.register_model(
        "churn",
        "1.0.0",
        "s3://models/churn",
        metrics={"auc": 0.91, "rows": 2**63 - 1, "loss": -(2**63), "one": 1.0, "zero": 0},
        params={"depth": 7, "rate": 0.1, "on": True, "none": None, "text": "é"},
        tags={"team": "risk"},
        metadata={"nested": {"list": [1, 2.5, {"deep": None}]}, "big": 2**53 + 1},
        run_id="run-1",
        dataset="data@7",
        code="git:abc",
        parents=["default/base:1"],
        description="The first",
    )
    found = on_every_database.get_version("churn", "1.0.0")
    assert found == made
    assert dict(found.metrics) == {
        "auc": 0.91,
        "rows": 2**63 - 1,
        "loss": -(2**63),
        "one": 1.0,
        "zero": 0,
    }
    assert {name: type(value) for name, value in found.metrics.items()} == {
        "auc": float,
        "rows": int,
        "loss": int,
        "one": float,
        "zero": int,
    }
    assert found.params["on"] is True
    assert found.metadata["nested"] == {"list": [1, 2.5, {"deep": None}]}
    assert (found.sources.run_id, found.sources.parents) == ("run-1", ("default/base:1",))
    assert (found.seq, found.stage, found.created_by) == (1, "None", "ana")
    assert found.created_at == found.stage_since


def test_versions_are_numbered_when_nobody_names_them(registry: AnyRegistry) -> None:
    """Left out, a version's label is the next number that is free."""
    registry.register_model("churn", "2")
    assert registry.register_model("churn").label == "3"
    assert registry.register_model("churn", 7).label == "7"
    assert registry.get_version("churn", 1).label == "2"


@pytest.mark.parametrize(
    ("lifecycle", "outcome"), [("linear", "the first"), ("kanban", None), ("open", None)]
)
def test_a_taken_label_is_the_lifecycles_to_judge(
    registry: AnyRegistry, lifecycle: str, outcome: str | None
) -> None:
    """A second registration of a label gives the first version back, or is refused."""
    first = registry.register_model("m", "1", description="the first", lifecycle=lifecycle)
    if outcome is None:
        with pytest.raises(AlreadyExists, match="Version 'default/m:1' already exists"):
            registry.register_model("m", "1")
    else:
        assert registry.register_model("m", "1", description="another") == first


def test_version_schemes_are_kept(registry: AnyRegistry) -> None:
    """`kanban` wants whole numbers and says so."""
    with pytest.raises(InvalidInput, match="wants whole numbers as versions, got 'one'"):
        registry.register_model("m", "one", lifecycle="kanban")


def test_an_initial_stage_may_be_chosen_where_the_lifecycle_says_so(registry: AnyRegistry) -> None:
    """`open` lets the creator choose a stage, in any case; `standard` does not."""
    made = registry.register_model("m", stage="PRODUCTION", lifecycle="open")
    assert (made.stage, made.approved_by) == ("production", "ana")
    with pytest.raises(TransitionNotAllowed) as caught:
        registry.register_model("n", stage="Production")
    assert caught.value.fields["allowed"] == [{"verb": "register", "stage": "None"}]


@pytest.mark.parametrize(
    "bad",
    [
        {"metrics": {"auc": float("nan")}},
        {"metrics": {"auc": float("inf")}},
        {"metrics": {"auc": "high"}},
        {"metrics": {"auc": True}},
        {"metrics": {"auc": 2**63}},
        {"metrics": [("auc", 0.9)]},
        {"metrics": {"": 0.9}},
        {"params": {"nested": {"a": 1}}},
        {"params": {"rate": float("-inf")}},
        {"tags": "risk"},
        {"tags": {"team": 1}},
        {"tags": {"team": "a\0b"}},
        {"metadata": {"a": "\ud800"}},
        {"description": "\0"},
        {"parents": "base:1"},
        {"parents": ["not a reference@@"]},
    ],
)
def test_what_cannot_be_stored_is_refused(registry: AnyRegistry, bad: dict[str, Any]) -> None:
    """NaN, infinity, wrong types, numbers over 64 bits, NUL and half characters are refused."""
    with pytest.raises(InvalidInput):
        registry.register_model("churn", "1.0", **bad)
    with pytest.raises(ModelNotFound):
        registry.get_model("churn")


@pytest.mark.parametrize("label", ["", "a b", "a/b", "latest", "..", "x" * 51, "a\x07"])
def test_a_bad_label_is_refused(registry: AnyRegistry, label: str) -> None:
    """A label is 1 to 50 characters without spaces and / : @, and is not `latest`."""
    with pytest.raises(InvalidName):
        registry.register_model("churn", label)


def test_limits_are_kept(registry: AnyRegistry) -> None:
    """Too many metrics, or too long a description, are refused with the limit."""
    with pytest.raises(LimitExceeded) as caught:
        registry.register_model("churn", "1", metrics={f"m{i}": i for i in range(1_001)})
    assert caught.value.fields == {
        "what": "The number of metrics",
        "observed": 1_001,
        "limit": 1_000,
    }
    with pytest.raises(LimitExceeded):
        registry.register_model("churn", "1", description="x" * 100_001)


def test_a_version_changes_by_what_is_given(registry: AnyRegistry) -> None:
    """update_version merges tags, params and metadata, and takes away what is None."""
    registry.register_model("churn", "1", tags={"a": "1"}, params={"p": 1}, metadata={"m": 1})
    after = registry.update_version(
        "churn", "1", description="d", tags={"a": None, "b": "2"}, params={"q": 2}, metadata={}
    )
    assert (after.description, dict(after.tags), dict(after.params), dict(after.metadata)) == (
        "d",
        {"b": "2"},
        {"p": 1, "q": 2},
        {"m": 1},
    )
    assert registry.get_version("churn", "1") == after
    with pytest.raises(InvalidInput):
        registry.update_version("churn", "1", stage="Production")


def test_metrics_are_added_changed_and_taken_away(on_every_database: AnyRegistry) -> None:
    """log_metrics merges; None takes a metric away; a stale revision is refused."""
    first = on_every_database.register_model("churn", "1", metrics={"a": 1, "b": 2.5})
    after = on_every_database.log_metrics("churn", 1, {"a": None, "c": 2**62}, revision=1)
    assert dict(after.metrics) == {"b": 2.5, "c": 2**62}
    assert after.revision == first.revision + 1
    with pytest.raises(StaleRevision):
        on_every_database.log_metrics("churn", "1", {"d": 1}, revision=1)
    with pytest.raises(InvalidInput):
        on_every_database.log_metrics("churn", "1", {"d": float("nan")})


def test_versions_are_listed_newest_first(registry: AnyRegistry) -> None:
    """list_versions pages from the newest on, and can ask for one stage in any case."""
    for _ in range(5):
        registry.register_model("churn")
    registry.promote("churn", "2")
    page = registry.list_versions("churn", limit=2)
    seen = [version.label for version in page]
    while page.next_cursor is not None:
        page = registry.list_versions("churn", limit=2, cursor=page.next_cursor)
        seen += [version.label for version in page]
    assert seen == ["5", "4", "3", "2", "1"]
    assert [version.label for version in registry.list_versions("churn", stage="STAGING")] == ["2"]
    with pytest.raises(InvalidInput, match="Invalid stage 'Limbo'"):
        registry.list_versions("churn", stage="Limbo")


def test_a_version_in_use_is_not_deleted(registry: AnyRegistry) -> None:
    """A version that serves, or that an alias names, is deleted by force only."""
    registry.register_model("churn", "1")
    registry.set_alias("churn", "champion", "1")
    with pytest.raises(InUse) as caught:
        registry.delete_version("churn", "1")
    assert caught.value.fields["users"] == ["alias 'champion' names it"]
    registry.delete_version("churn", "1", force=True)
    with pytest.raises(VersionNotFound, match=r"Version '1' of model 'churn' not found\."):
        registry.get_version("churn", "1")
    assert registry.list_aliases("churn") == ()


def test_a_deleted_version_keeps_its_label_and_begins_again(registry: AnyRegistry) -> None:
    """A deleted label is not given again; restored, the version stands in the initial stage."""
    registry.register_model("churn", "1")
    registry.promote("churn", "1")
    registry.delete_version("churn", "1")
    with pytest.raises(AlreadyExists) as caught:
        registry.register_model("churn", "1")
    assert caught.value.__notes__ == ["It was deleted; restore it, or choose another label."]
    assert registry.restore_version("churn", "1").stage == "None"
    assert registry.register_model("churn").label == "2"
    with pytest.raises(VersionNotFound):
        registry.restore_version("churn", "9")


def test_a_change_on_condition(registry: AnyRegistry) -> None:
    """A write that is to find things unchanged is refused once they are not, whatever it is."""
    seen = registry.register_model("churn", "1")
    still = Unchanged(
        project="default", model="churn", version="1", uid=seen.uid, revision=seen.revision
    )
    careful = registry.acting_as("ana", only_if=still)
    assert careful.promote("churn", "1").stage == "Staging"
    for change in (careful.delete_version, careful.promote):
        with pytest.raises(StaleRevision):
            change("churn", "1")
    assert registry.get_version("churn", "1").stage == "Staging"
