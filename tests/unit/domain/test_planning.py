"""Planning: what a transition would change, and what its refusals say."""

from __future__ import annotations

from typing import Any

import pytest

from lockgate.domain.lifecycle_documents import parse_lifecycle
from lockgate.domain.planning import Plan, Standing, plan_target, plan_transition
from lockgate.domain.presets import preset
from lockgate.errors import InvalidInput, TransitionNotAllowed


def at(stage: str, label: str = "1") -> Standing:
    """A version that stands in ``stage``."""
    return Standing(label=label, stage=stage)


def with_incumbent(rule: str) -> Any:
    """A lifecycle whose exclusive stage treats its incumbent by ``rule``."""
    return parse_lifecycle(
        {
            "name": "rooms",
            "stages": [
                {"name": "Bench"},
                {"name": "Live", "exclusive": True, "incumbent": rule},
                {"name": "Attic", "archive": True},
            ],
            "initial": "Bench",
            "edges": [
                {"from": "Bench", "to": "Live"},
                {"from": "Live", "to": "Bench"},
                {"from": "Live", "to": "Attic"},
            ],
        }
    )


def test_refusal_names_the_allowed_steps() -> None:
    """A refused edge is refused with the list of what is allowed, in words and as data."""
    standard = preset("standard")
    with pytest.raises(TransitionNotAllowed) as caught:
        plan_transition(standard, at("None"), standard.stage("prod"), "promote")
    assert str(caught.value) == (
        "Illegal transition None → Production. Allowed: promote to Staging, archive to Archived."
    )
    assert caught.value.fields["allowed"] == [
        {"verb": "promote", "stage": "Staging"},
        {"verb": "archive", "stage": "Archived"},
    ]
    assert caught.value.fields["from_stage"] == "None"
    assert caught.value.fields["to_stage"] == "Production"


def test_refusal_of_a_verb_names_the_edge_s_own() -> None:
    """An edge that is bound to its verb says which verb that is."""
    linear = preset("linear")
    with pytest.raises(TransitionNotAllowed) as caught:
        plan_transition(linear, at("Staging"), linear.stage("Production"), "rollback")
    assert str(caught.value).startswith(
        "Staging → Production is not open to rollback, only to promote. Allowed: "
    )


def test_rollback_only_edge_is_offered_as_rollback() -> None:
    """Out of the archive, `standard` offers nothing but the rollback into Production."""
    assert preset("standard").next_steps("Archived") == (("rollback", "Production"),)
    with pytest.raises(TransitionNotAllowed) as caught:
        plan_target(preset("strict"), at("Archived"), "promote")
    assert "Nothing leads out of Archived in lifecycle 'strict'." in str(caught.value)


@pytest.mark.parametrize("rule", ["noop", "noop_audit", "record"])
def test_same_stage_rules(rule: str) -> None:
    """Sent to where it stands, a version is left alone, noted, or recorded, as the rule says."""
    document = {
        "name": "still",
        "stages": [{"name": "Here", "on_enter": ["stamp_approval"]}],
        "initial": "Here",
        "same_stage": rule,
    }
    lifecycle = parse_lifecycle(document)
    plan = plan_transition(lifecycle, at("Here"), lifecycle.stage("here"), "transition")
    if rule == "record":
        assert [(move.source, move.target, move.stamps_approval) for move in plan.moves] == [
            ("Here", "Here", True)
        ]
    else:
        assert plan == Plan(target="Here", moves=(), audited=rule == "noop_audit")


def test_same_stage_reject() -> None:
    """Under `reject`, a version that already stands there is told so, with the next steps."""
    linear = preset("linear")
    with pytest.raises(TransitionNotAllowed) as caught:
        plan_transition(linear, at("Dev"), linear.stage("dev"), "promote")
    assert str(caught.value) == "Version '1' already stands in Dev. Allowed: promote to Staging."


@pytest.mark.parametrize(
    ("rule", "retreat", "verb"),
    [("demote:bench", "Bench", "demote"), ("archive", "Attic", "archive")],
)
def test_incumbent_rules(rule: str, retreat: str, verb: str) -> None:
    """The incumbent steps back to the stage named in any case, or goes to the archive."""
    lifecycle = with_incumbent(rule)
    plan = plan_transition(
        lifecycle, at("Bench", "2"), lifecycle.stage("Live"), "promote", [at("Live", "1")]
    )
    assert [("1", retreat, verb, "2"), ("2", "Live", "promote", None)] == [
        (move.label, move.target, move.verb, move.displaced_by) for move in plan.moves
    ]


def test_incumbent_reject_names_the_holder() -> None:
    """Under `reject`, an occupied exclusive stage refuses and names who stands there."""
    lifecycle = with_incumbent("reject")
    with pytest.raises(TransitionNotAllowed) as caught:
        plan_transition(
            lifecycle, at("Bench", "2"), lifecycle.stage("Live"), "promote", [at("Live", "1")]
        )
    assert caught.value.fields["incumbent"] == "1"
    assert str(caught.value) == (
        "Live holds one version at a time and version '1' stands there; move it first."
    )


@pytest.mark.parametrize(
    ("name", "stage", "verb", "target"),
    [
        ("standard", "None", "promote", "Staging"),
        ("standard", "Staging", "promote", "Production"),
        ("standard", "Production", "demote", "Staging"),
        ("standard", "Staging", "demote", "None"),
        ("standard", "None", "archive", "Archived"),
        ("standard", "Archived", "archive", "Archived"),
        ("linear", "Production", "demote", "Staging"),
        ("open", "none", "promote", "staging"),
        ("open", "archived", "demote", "production"),
    ],
)
def test_verbs_find_their_target(name: str, stage: str, verb: str, target: str) -> None:
    """A verb without a target leads to the nearest stage in its direction."""
    assert target == plan_target(preset(name), at(stage), verb).name


@pytest.mark.parametrize(
    ("name", "stage", "verb"),
    [
        ("standard", "Production", "promote"),
        ("standard", "None", "demote"),
        ("standard", "Archived", "promote"),
        ("linear", "Staging", "archive"),
        ("kanban", "Staging", "demote"),
        ("strict", "None", "archive"),
    ],
)
def test_a_verb_that_leads_nowhere(name: str, stage: str, verb: str) -> None:
    """A verb that leads nowhere from a stage is refused."""
    with pytest.raises(TransitionNotAllowed):
        plan_target(preset(name), at(stage), verb)


def test_unknown_stage_lists_the_known() -> None:
    """A stage that does not exist is refused with those that do."""
    with pytest.raises(InvalidInput) as caught:
        preset("standard").stage("Qa")
    assert str(caught.value) == (
        "Invalid stage 'Qa'. Allowed: None, Staging, Production, Archived."
    )
    assert caught.value.fields["allowed"] == ["None", "Staging", "Production", "Archived"]


@pytest.mark.parametrize("word", [None, 3, "", ["Staging"]])
def test_what_is_not_text_is_no_stage(word: Any) -> None:
    """Whatever is not the name of a stage finds none."""
    assert preset("standard").find_stage(word) is None


def test_others_are_archived_where_several_may_stand() -> None:
    """Asked to, a plan archives the others first, in the name of the version that comes."""
    lifecycle = preset("open")
    production = lifecycle.stage("production")
    others = [at("production", "1"), at("production", "2")]
    plan = plan_transition(
        lifecycle, at("none", "3"), production, "transition", others, archive_others=True
    )
    assert [(m.label, m.target, m.verb, m.displaced_by) for m in plan.moves] == [
        ("1", "archived", "archive", "3"),
        ("2", "archived", "archive", "3"),
        ("3", "production", "promote", None),
    ]
    assert len(plan_transition(lifecycle, others[0], production, "transition", others).moves) == 1


@pytest.mark.parametrize("name", ["open", "standard"])
def test_standing_there_already_archives_the_others_all_the_same(name: str) -> None:
    """Who stands in the stage already is alone there afterwards, whatever the stage's rule."""
    lifecycle = preset(name)
    staging = lifecycle.stage("staging")
    here, other = at(staging.name, "1"), at(staging.name, "2")
    plan = plan_transition(
        lifecycle, here, staging, "transition", [here, other], archive_others=True
    )
    assert [(m.label, m.source == m.target) for m in plan.moves] == [("2", False), ("1", True)]
    alone = plan_transition(lifecycle, here, staging, "transition", [here], archive_others=True)
    assert [move.label for move in alone.moves] == (["1"] if name == "open" else [])


def test_others_are_archived_only_where_the_lifecycle_lets_them() -> None:
    """Without a way into the archive, and where the holder must not be moved, it is refused."""
    linear = preset("linear")
    with pytest.raises(TransitionNotAllowed, match="has no stage to archive to"):
        plan_transition(
            linear,
            at("Staging", "2"),
            linear.stage("Production"),
            "promote",
            [at("Production", "1")],
            archive_others=True,
        )
    guarded = with_incumbent("reject")
    with pytest.raises(TransitionNotAllowed, match="version '1' stands there"):
        plan_transition(
            guarded,
            at("Bench", "2"),
            guarded.stage("Live"),
            "promote",
            [at("Live", "1")],
            archive_others=True,
        )
    demoting = with_incumbent("demote:Bench")
    moves = plan_transition(
        demoting,
        at("Bench", "2"),
        demoting.stage("Live"),
        "promote",
        [at("Live", "1")],
        archive_others=True,
    ).moves
    assert [(move.label, move.target) for move in moves] == [("1", "Attic"), ("2", "Live")]
