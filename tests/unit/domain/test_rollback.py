"""Rollback: the record of who stood in a stage, read as a stack."""

from __future__ import annotations

import pytest

from lockgate.domain.rollback import Stay, plan_rollback


def record(text: str) -> list[Stay]:
    """Write stays as ``label`` (promoted), ``<label`` (rolled back to), ``!`` for still there."""
    return [
        Stay(
            label=word.strip("<!"),
            verb="rollback" if word.startswith("<") else "promote",
            over=not word.endswith("!"),
        )
        for word in text.split()
    ]


@pytest.mark.parametrize(
    ("stays", "expected"),
    [
        ("", None),
        ("1!", None),
        ("1", "1"),  # the stage is empty: the version that left last comes back
        ("1 2!", "1"),
        ("1 2", "2"),
        ("1 2 3!", "2"),
        ("1 2 3 <2!", "1"),  # twice back is two versions back, never to the bad one
        ("1 2 3 <2 <1!", None),
        ("1 2 3 <2 4!", "2"),  # a promotion after a rollback goes on top of it
        ("1 2 3 <1!", None),  # a rollback to a version that was named takes off all above it
        ("1 2 1!", "2"),  # promoted again, by choice: the one before is the one before
        ("1 1!", None),  # the same version twice in a row is one stay
        ("1 2 2!", "1"),
        ("1! 2!", None),  # where several may stand, none has left
        ("1 2! 3!", "1"),
        ("1 2 <9!", None),  # a rollback to what the record does not know empties the stack
    ],
)
def test_which_version_comes_back(stays: str, expected: str | None) -> None:
    """The version below the one that stands there comes back, by the record of occupancy."""
    assert expected == plan_rollback(record(stays))


def test_rolling_back_ends() -> None:
    """Rolling back again and again goes down the record and never up."""
    stays = record("1 2 3 4 5!")
    seen = []
    while (label := plan_rollback(stays)) is not None:
        seen.append(label)
        stays[-1] = Stay(label=stays[-1].label, verb=stays[-1].verb, over=True)
        stays.append(Stay(label=label, verb="rollback", over=False))
    assert seen == ["4", "3", "2", "1"]
