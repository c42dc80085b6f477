"""Passages behave the same in this process and over HTTP."""

from __future__ import annotations

import pytest

from lockgate.errors import (
    InvalidInput,
    NothingToRollBackTo,
    StageChanged,
    StageEmpty,
    TransitionNotAllowed,
    VersionNotFound,
)
from registries import AnyRegistry


def to_production(registry: AnyRegistry, *labels: str) -> None:
    """Register versions of churn and bring each to Production, in turn."""
    for label in labels:
        registry.register_model("churn", label)
        registry.promote("churn", label)
        registry.promote("churn", label)


def test_a_version_rises_and_the_incumbent_makes_room(on_every_database: AnyRegistry) -> None:
    """A promotion says what it did: the version, its passage, and who stepped back."""
    to_production(on_every_database, "1.0")
    on_every_database.register_model("churn", "1.1")
    on_every_database.promote("churn", "1.1", comment="better")
    done = on_every_database.transition("churn", "1.1", "production", comment="go")
    assert (done.version.stage, done.displaced) == ("Production", ("1.0",))
    assert done.transition is not None
    assert (done.transition.from_stage, done.transition.to_stage) == ("Staging", "Production")
    assert (done.transition.verb, done.transition.actor) == ("promote", "ana")
    assert done.transition.comment == "go"
    assert on_every_database.production("churn") == done.version
    assert on_every_database.get_version("churn", "1.0").stage == "Staging"
    back = on_every_database.get_transitions("churn", "1.0")[-1]
    assert (back.verb, back.cause) == ("demote", "default/churn:1.1")


def test_a_refusal_lists_the_next_steps(registry: AnyRegistry) -> None:
    """A step that the lifecycle does not have is refused with those that it has."""
    registry.register_model("churn", "1")
    with pytest.raises(TransitionNotAllowed) as caught:
        registry.transition_stage("churn", "1", "Production")
    assert str(caught.value) == (
        "Illegal transition None → Production. Allowed: promote to Staging, archive to Archived."
    )
    assert caught.value.fields == {
        "detail": str(caught.value),
        "version": "1",
        "from_stage": "None",
        "to_stage": "Production",
        "verb": "transition",
        "lifecycle": "standard",
        "allowed": [
            {"verb": "promote", "stage": "Staging"},
            {"verb": "archive", "stage": "Archived"},
        ],
    }


def test_verbs_go_their_own_way(registry: AnyRegistry) -> None:
    """promote, demote and archive find the stage; on `linear` an edge is bound to its verb."""
    registry.register_model("churn", "1")
    assert registry.promote("churn", "1").stage == "Staging"
    assert registry.demote("churn", "1").stage == "None"
    assert registry.archive("churn", "1").stage == "Archived"
    registry.register_model("line", "1", lifecycle="linear")
    with pytest.raises(TransitionNotAllowed):
        registry.demote("line", "1", "Staging")
    with pytest.raises(TransitionNotAllowed):
        registry.archive("line", "1")


def test_standing_still_is_the_lifecycles_to_judge(registry: AnyRegistry) -> None:
    """The stage a version stands in: a no-op on `standard`, refused on `kanban`, kept on `open`."""
    registry.register_model("a", "1")
    assert registry.transition("a", "1", "none").transition is None
    assert len(registry.get_transitions("a", "1")) == 0
    registry.register_model("b", "1", lifecycle="kanban")
    with pytest.raises(TransitionNotAllowed, match="already stands in Development"):
        registry.transition_stage("b", "1", "Development")
    registry.register_model("c", "1", lifecycle="open")
    assert registry.transition("c", "1", "none").transition is not None


def test_several_productions_or_one(registry: AnyRegistry) -> None:
    """On `open` versions share production; on `single` the incumbent goes to staging."""
    for lifecycle, stands in [("open", "production"), ("single", "staging")]:
        for label in ["1", "2"]:
            registry.register_model(lifecycle, label, lifecycle=lifecycle)
            registry.transition_stage(lifecycle, label, "Production")
        assert registry.get_version(lifecycle, "1").stage == stands
        assert registry.production(lifecycle).label == "2"


def test_strict_leaves_the_archived_archived(registry: AnyRegistry) -> None:
    """On `strict` nothing leads out of the archive."""
    registry.register_model("m", "1", lifecycle="strict")
    registry.promote("m", "1")
    registry.archive("m", "1")
    with pytest.raises(TransitionNotAllowed, match="Nothing leads out of Archived"):
        registry.transition_stage("m", "1", "Production")


def test_expected_stage_guards_a_lost_race(registry: AnyRegistry) -> None:
    """A transition is refused when the version stands elsewhere than the caller thinks."""
    registry.register_model("churn", "1")
    registry.promote("churn", "1", expected_stage="none")
    with pytest.raises(StageChanged) as caught:
        registry.promote("churn", "1", expected_stage="None")
    assert (caught.value.fields["stage"], caught.value.fields["expected_stage"]) == (
        "Staging",
        "None",
    )
    assert registry.get_version("churn", "1").stage == "Staging"


def test_rollback_goes_back_on_the_record(on_every_database: AnyRegistry) -> None:
    """Rolling back twice goes two versions back; a third time there is nothing left."""
    to_production(on_every_database, "1", "2", "3")
    done = on_every_database.rollback_stage("churn", comment="broken")
    assert (done.version.label, done.version.stage, done.displaced) == ("2", "Production", ("3",))
    assert on_every_database.rollback("churn").label == "1"
    with pytest.raises(NothingToRollBackTo):
        on_every_database.rollback("churn")
    assert on_every_database.production("churn").label == "1"


def test_rollback_can_name_a_version(registry: AnyRegistry) -> None:
    """A named version must have stood in the stage, and be there still."""
    to_production(registry, "1", "2", "3")
    assert registry.rollback("churn", to_version=1, stage="prod").label == "1"
    registry.register_model("churn", "4")
    with pytest.raises(NothingToRollBackTo, match="never stood there"):
        registry.rollback("churn", to_version="4")
    with pytest.raises(VersionNotFound):
        registry.rollback("churn", to_version="9")


def test_rollback_refuses_a_deleted_version(registry: AnyRegistry) -> None:
    """The version that stood there before must not be deleted."""
    to_production(registry, "1", "2")
    registry.archive("churn", "1")
    registry.delete_version("churn", "1")
    with pytest.raises(NothingToRollBackTo, match="is deleted"):
        registry.rollback("churn")


def test_words_that_mean_nothing_are_refused(registry: AnyRegistry) -> None:
    """An unknown stage is refused with those that exist; what is missing is named."""
    registry.register_model("churn", "1")
    with pytest.raises(InvalidInput) as caught:
        registry.transition_stage("churn", "1", "Limbo")
    assert caught.value.fields["allowed"] == ["None", "Staging", "Production", "Archived"]
    with pytest.raises(VersionNotFound):
        registry.promote("churn", "9")
    with pytest.raises(InvalidInput):
        registry.transition("churn", "1", verb="fly")
    with pytest.raises(InvalidInput):
        registry.transition("churn", "1")
    with pytest.raises(StageEmpty):
        registry.production("churn")


def test_history_shows_who_stood_where(registry: AnyRegistry) -> None:
    """Stays in stages and under aliases are intervals without gaps."""
    to_production(registry, "1", "2")
    registry.set_alias("churn", "champion", "2")
    stays = registry.history("churn")
    production = [stay for stay in stays if stay.place == "Production"]
    assert [(stay.version, stay.until is None) for stay in production] == [
        ("1", False),
        ("2", True),
    ]
    assert production[0].until == production[1].since
    assert [(stay.place, stay.version) for stay in stays if stay.kind == "alias"] == [
        ("champion", "2")
    ]


def test_others_are_archived_when_asked_to(on_every_database: AnyRegistry) -> None:
    """archive_others clears the stage in the same change, and the record says for whom."""
    registry = on_every_database
    for label in ("1", "2", "3"):
        registry.register_model("churn", label, lifecycle="open")
    for label in ("1", "2"):
        registry.transition("churn", label, "production")
    done = registry.transition("churn", "3", "production", archive_others=True)
    assert sorted(done.displaced) == ["1", "2"]
    assert [registry.get_version("churn", label).stage for label in "123"] == [
        "archived", "archived", "production",
    ]  # fmt: skip
    assert registry.get_transitions("churn", "1")[-1].cause == "default/churn:3"
