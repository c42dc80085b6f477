"""Lifecycles: which stage serves, which archives, and what leads on."""

from __future__ import annotations

from typing import Any

import pytest

from lockgate.domain.lifecycle_documents import parse_lifecycle


def lifecycle(*stages: dict[str, Any], edges: tuple[tuple[str, str], ...] = ()) -> Any:
    """A lifecycle of ``stages`` where a creator may begin anywhere."""
    return parse_lifecycle(
        {
            "name": "own",
            "stages": list(stages),
            "initial": stages[0]["name"],
            "initial_choice": True,
            "edges": [{"from": source, "to": target} for source, target in edges],
        }
    )


@pytest.mark.parametrize(
    ("marks", "serving"),
    [
        ([{"serving": True}, {"exclusive": True}, {}], "A"),
        ([{}, {"exclusive": True}, {}], "B"),
        ([{}, {"exclusive": True}, {"exclusive": True}], "C"),
        ([{}, {}, {"archive": True}], "B"),
        ([{}, {}, {}], "C"),
    ],
)
def test_serving_stage(marks: list[dict[str, Any]], serving: str) -> None:
    """Production is the marked stage, else the last exclusive, else the last but the archive."""
    stages = [{"name": name, **mark} for name, mark in zip("ABC", marks, strict=True)]
    assert serving == lifecycle(*stages).serving_stage.name


def test_next_steps_follow_the_order_of_stages() -> None:
    """The next steps are listed in the order of stages and never lead back to the stage itself."""
    found = lifecycle(
        {"name": "A"},
        {"name": "B"},
        {"name": "Z", "archive": True},
        edges=(("B", "Z"), ("B", "A"), ("B", "B"), ("A", "B")),
    )
    assert found.next_steps("B") == (("demote", "A"), ("archive", "Z"))


def test_transition_is_any_verb_but_rollback() -> None:
    """An edge for rollback alone is closed to `transition`: going back is said explicitly."""
    found = parse_lifecycle(
        {
            "name": "own",
            "stages": [{"name": "A"}, {"name": "B"}],
            "initial": "A",
            "edges": [
                {"from": "A", "to": "B", "verbs": ["promote"]},
                {"from": "B", "to": "A", "verbs": ["rollback"]},
            ],
        }
    )
    expected = {
        ("A", "B", "promote"): True,
        ("A", "B", "transition"): True,
        ("A", "B", "rollback"): False,
        ("B", "A", "rollback"): True,
        ("B", "A", "transition"): False,
        ("B", "A", "demote"): False,
    }
    assert expected == {way: found.allows(*way) for way in expected}


def test_aliases_name_the_stage() -> None:
    """A stage answers to its aliases in any case, and all its words are kept from aliases."""
    found = lifecycle({"name": "Development", "aliases": ["dev"]}, {"name": "Live"})
    assert found.stage("DEV").name == "Development"
    assert found.stage_words == {"development", "dev", "live"}
