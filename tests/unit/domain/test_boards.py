"""Boards: how the stages of several lifecycles become one row of columns."""

from __future__ import annotations

from lockgate.domain.boards import merged_stages
from lockgate.domain.presets import preset


def test_stages_of_one_name_are_one_column() -> None:
    """Case makes no other stage, and the first spelling is the one that is shown."""
    merged = merged_stages([preset("standard"), preset("open")])
    assert [stage.name for stage in merged] == ["None", "Staging", "Production", "Archived"]


def test_a_stage_of_one_lifecycle_stands_behind_its_neighbour() -> None:
    """What only one lifecycle has comes where it would be there."""
    merged = merged_stages([preset("standard"), preset("kanban"), preset("linear")])
    assert [stage.name for stage in merged] == [
        "Dev",
        "Development",
        "None",
        "Staging",
        "Production",
        "Archived",
    ]


def test_nothing_has_no_columns() -> None:
    """A project without models has no stages of its own."""
    assert merged_stages([]) == ()
