"""Projects and lifecycles behave the same in this process and over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from lockgate.domain.presets import PRESET_DOCUMENTS
from lockgate.errors import (
    AlreadyExists,
    InvalidLifecycle,
    InvalidName,
    LifecycleNotFound,
    ProjectNotFound,
    TransitionNotAllowed,
)
from registries import AnyRegistry

TRAIN: dict[str, Any] = {
    "name": "train",
    "initial": "Depot",
    "stages": [{"name": "Depot"}, {"name": "Track", "serving": True}],
    "edges": [{"from": "Depot", "to": "Track"}],
}


def test_a_project_is_made_changed_and_listed(registry: AnyRegistry) -> None:
    """A project has a description and the lifecycle that its new models get."""
    made = registry.create_project("risk", description="Models of risk", lifecycle="strict")
    assert registry.get_project("risk") == made
    after = registry.update_project("risk", description="All models of risk")
    assert (after.description, after.lifecycle, after.revision) == (
        "All models of risk",
        "strict",
        2,
    )
    assert [project.name for project in registry.list_projects()] == ["default", "risk"]
    assert registry.create_model("risk/churn").lifecycle == "strict"


def test_projects_come_in_pages(registry: AnyRegistry) -> None:
    """A page of projects ends with the cursor of the next."""
    registry.create_project("a")
    page = registry.list_projects(limit=1)
    assert [project.name for project in page] == ["a"]
    rest = registry.list_projects(limit=1, cursor=page.next_cursor)
    assert ([project.name for project in rest], rest.next_cursor) == (["default"], None)


def test_a_project_is_refused_that_cannot_be(registry: AnyRegistry) -> None:
    """A project's name is free, lower-case, and its lifecycle exists."""
    with pytest.raises(AlreadyExists):
        registry.create_project("default")
    with pytest.raises(InvalidName):
        registry.create_project("Risk Team")
    with pytest.raises(LifecycleNotFound):
        registry.create_project("risk", lifecycle="nothing")
    with pytest.raises(ProjectNotFound):
        registry.get_project("risk")


def test_the_presets_are_there(registry: AnyRegistry) -> None:
    """Every preset is listed, at its first revision, and reads back as it is."""
    listed = {lifecycle.name: lifecycle for lifecycle in registry.list_lifecycles()}
    assert sorted(listed) == sorted(PRESET_DOCUMENTS)
    assert registry.get_lifecycle("kanban") == listed["kanban"]
    assert listed["kanban"].version_scheme == "int"
    assert [stage.name for stage in listed["strict"].stages] == [
        "None",
        "Staging",
        "Production",
        "Archived",
    ]


def test_a_lifecycle_of_ones_own_gets_revisions(registry: AnyRegistry) -> None:
    """A document is revision 1, 2, …; the same one twice is one; models stay where they are."""
    assert registry.apply_lifecycle(TRAIN).revision == 1
    assert registry.apply_lifecycle(TRAIN).revision == 1
    registry.create_model("express", lifecycle="train")
    assert registry.apply_lifecycle({**TRAIN, "same_stage": "noop"}).revision == 2
    assert registry.get_lifecycle("train").same_stage == "noop"
    assert registry.get_lifecycle("train", 1).same_stage == "reject"
    assert registry.get_model("express").lifecycle_revision == 1
    assert registry.update_model("express", lifecycle_revision=2).lifecycle_revision == 2


def test_every_fault_of_a_document_is_told(registry: AnyRegistry) -> None:
    """A bad document is refused with all of its faults at once, and a preset's name is taken."""
    bad = {**TRAIN, "initial": "Yard", "same_stage": "shout", "colour": "red"}
    with pytest.raises(InvalidLifecycle) as caught:
        registry.apply_lifecycle(bad)
    assert len(caught.value.fields["faults"]) == 3
    with pytest.raises(AlreadyExists):
        registry.apply_lifecycle({**TRAIN, "name": "standard"})
    with pytest.raises(LifecycleNotFound):
        registry.get_lifecycle("train")


def test_a_lifecycle_of_ones_own_decides(registry: AnyRegistry) -> None:
    """A version moves along the edges of its lifecycle and no others."""
    registry.apply_lifecycle(TRAIN)
    registry.register_model("express", "1", lifecycle="train")
    assert registry.promote("express", "1").stage == "Track"
    with pytest.raises(TransitionNotAllowed):
        registry.demote("express", "1")
