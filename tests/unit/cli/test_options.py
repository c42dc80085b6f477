"""Options that every command has, beside those of its own."""

from __future__ import annotations

from collections import Counter
from typing import Any

from lockgate.cli.main import command


def test_no_parameter_of_a_command_stands_for_two_things() -> None:
    """A command's own option never carries the name of one that every command has.

    Both would be told of what either was given: a link would become the registry's URL.
    """
    twice = []
    for path, each in _below(command(), "lockgate"):
        names = Counter(parameter.name for parameter in each.params)
        words = Counter(word for parameter in each.params for word in parameter.opts)
        twice += [f"{path}: {name}" for name, count in (names | words).items() if count > 1]
    assert twice == []


def _below(group: Any, path: str) -> list[tuple[str, Any]]:
    """Return every command at and below ``group`` that is no group, with how it is called."""
    if not hasattr(group, "commands"):
        return [(path, group)]
    return [
        found for name, each in group.commands.items() for found in _below(each, f"{path} {name}")
    ]
