"""Which version a rollback brings back: read off the record of who stood in the stage.

The record is read as a stack. Entering a stage puts a version on top; a rollback takes off
everything above the version it brings back. So rolling back twice goes two versions back, and
never returns to the version that was just found to be bad.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lockgate.domain.lifecycles import ROLLBACK


@dataclass(frozen=True, kw_only=True)
class Stay:
    """One version's stay in the stage: how it came in, and whether it has left."""

    label: str
    verb: str
    over: bool


def plan_rollback(stays: Iterable[Stay]) -> str | None:
    """Return the label to bring back, or None when nothing stood there before.

    ``stays`` are oldest first. If the stage is empty now, the version that left last comes back.
    """
    stack: list[Stay] = []
    for stay in stays:
        if stay.verb == ROLLBACK:
            while stack and stack[-1].label != stay.label:
                stack.pop()
        if stack and stack[-1].label == stay.label:
            stack[-1] = stay
        else:
            stack.append(stay)
    standing = {stay.label for stay in stack if not stay.over}
    while stack and stack[-1].label in standing:
        stack.pop()
    return stack[-1].label if stack else None
