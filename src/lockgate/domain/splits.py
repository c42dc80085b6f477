"""Splits: which share of the keys goes to which version of a model.

A key has a place on a ring for ever; arms own intervals of the ring. A change of weights re-cuts
the ring minimally: an arm whose share shrinks gives just what it loses to arms whose shares grow,
and nothing else changes hands. Hashing alone (rendezvous, weighted) cannot promise that for more
than two arms, since there a key may move between two arms that both shrink.

The place of a key is ``int(SHA-256(salt + "\\n" + key)[:8]) * RING >> 64``, big-endian, with the
split's uid as salt, so that clients in any language can compute it.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from lockgate.domain import names
from lockgate.errors import InvalidInput, LimitExceeded

RING = 1_000_000_000
ARMS_MAX = 20
WEIGHT_MAX = 1_000_000
SEGMENTS_MAX = 500
KEY_CHARS_MAX = 1_000

ArmKind = Literal["stage", "alias", "version"]


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A share of the keys: for what stands in a stage, what an alias names, or a version."""

    name: str
    kind: ArmKind
    weight: int


@dataclass(frozen=True, kw_only=True)
class Segment:
    """The interval of the ring from ``start`` up to, but without, ``end``, and whose it is."""

    arm: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Split:
    """How the keys of a model are shared out; ``uid`` salts their places on the ring.

    ``moved`` is the share of all keys that the last change moved.
    """

    uid: str
    project: str
    model: str
    arms: tuple[Arm, ...]
    ring: tuple[Segment, ...]
    revision: int
    moved: float
    set_by: str
    set_at: datetime

    @cached_property
    def _starts(self) -> list[int]:
        return [each.start for each in self.ring]

    def arm_of(self, key: str) -> Arm:
        """Return the arm that ``key`` belongs to."""
        owner = self.ring[bisect_right(self._starts, place_of(self.uid, key)) - 1].arm
        return self.arm(owner)

    def arm(self, name: str) -> Arm:
        """Return an arm by its name, a stage in any case. Raises `InvalidInput`."""
        wanted = name.removeprefix("@").removeprefix(":")
        for each in self.arms:
            stage = each.kind == "stage" and each.name.casefold() == wanted.casefold()
            if stage or each.name == wanted:
                return each
        raise InvalidInput(
            detail=f"The split of model '{self.model}' has no arm {name!r:.80}; its arms are "
            f"{', '.join(each.name for each in self.arms)}",
            field="arm",
        )


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """The arm of a key, and the version that this arm means now."""

    project: str
    model: str
    key: str
    arm: str
    version: str
    reference: str
    digest: str | None


def place_of(salt: str, key: str) -> int:
    """Return where ``key`` lies on the ring: from 0 to `RING` - 1."""
    digest = hashlib.sha256(f"{salt}\n{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") * RING >> 64


def split_key(value: Any) -> str:
    """Return what a split is asked for, as text. Raises `InvalidInput`."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    key = names.plain_text(value, "key", KEY_CHARS_MAX)
    if not key:
        raise InvalidInput(detail="The key of an assignment must not be empty", field="key")
    return key


def parse_weights(arms: Any) -> dict[str, int]:
    """Return arms as written (``@`` left out), each with its weight. Raises `InvalidInput`."""
    if not isinstance(arms, Mapping) or not 1 <= len(arms) <= ARMS_MAX:
        raise InvalidInput(
            detail=f"A split has 1 to {ARMS_MAX} arms with a weight each, such as "
            '{"production": 90, "challenger": 10}',
            field="arms",
        )
    weights: dict[str, int] = {}
    for name, weight in arms.items():
        text = names.sought(name, "arm")
        if isinstance(weight, bool) or not isinstance(weight, int) or not 0 <= weight <= WEIGHT_MAX:
            raise InvalidInput(
                detail=f"The weight of arm {text!r:.80} is a whole number from 0 to {WEIGHT_MAX}, "
                f"got {weight!r:.60}",
                field="arms",
            )
        weights[text] = weight
    if not sum(weights.values()):
        raise InvalidInput(detail="One arm at least has a weight above 0", field="arms")
    return weights


def shares_of(arms: Sequence[Arm]) -> dict[str, int]:
    """Return how much of the ring each arm gets: exact, with what is left over given in order."""
    total = sum(each.weight for each in arms)
    shares = {each.name: RING * each.weight // total for each in arms}
    rest = RING - sum(shares.values())
    by_remainder = sorted(arms, key=lambda each: -(RING * each.weight % total))
    for each in by_remainder[:rest]:
        shares[each.name] += 1
    return shares


def recut(ring: Sequence[Segment], arms: Sequence[Arm]) -> tuple[tuple[Segment, ...], int]:
    """Return the ring with the shares of ``arms``, and how much of it changed hands.

    That is the least there can be: the sum of what the shrinking arms lose. An empty ``ring`` is
    dealt out in the order of ``arms``. Raises `LimitExceeded` for one cut too finely.
    """
    wanted = shares_of(arms)
    if not ring:
        return _dealt(arms, wanted), 0
    cut = list(ring)
    surplus = {each.arm: 0 for each in ring}
    for each in ring:
        surplus[each.arm] += each.end - each.start
    lacks: dict[str, int] = {}
    for name in {**surplus, **wanted}:
        over = surplus.get(name, 0) - wanted.get(name, 0)
        surplus[name], lacks[name] = max(over, 0), max(-over, 0)
    moved = sum(surplus.values())
    for arm, lack in lacks.items():
        while lack:
            index, at_end = _next_cut(cut, arm, surplus)
            source = cut[index]
            taken = min(lack, surplus[source.arm], source.end - source.start)
            cut[index : index + 1] = _parted(source, arm, taken, at_end=at_end)
            surplus[source.arm] -= taken
            lack -= taken
            cut = _merged(cut)
    if len(cut) > SEGMENTS_MAX:
        raise LimitExceeded(
            what="The number of pieces that the keys are cut into",
            observed=len(cut),
            limit=SEGMENTS_MAX,
        )
    return tuple(cut), moved


def _dealt(arms: Sequence[Arm], shares: Mapping[str, int]) -> tuple[Segment, ...]:
    dealt, start = [], 0
    for each in arms:
        end = start + shares[each.name]
        if end > start:
            dealt.append(Segment(arm=each.name, start=start, end=end))
        start = end
    return tuple(dealt)


def _next_cut(cut: Sequence[Segment], arm: str, surplus: Mapping[str, int]) -> tuple[int, bool]:
    """Return which segment gives next and on which side: one beside ``arm``, or the longest."""
    best, found = (-1, -1), (-1, True)
    for index, each in enumerate(cut):
        if not surplus[each.arm]:
            continue
        before = index > 0 and cut[index - 1].arm == arm
        after = index + 1 < len(cut) and cut[index + 1].arm == arm
        rank = (int(before or after), each.end - each.start)
        if rank > best:
            best, found = rank, (index, after or not before)
    return found


def _parted(source: Segment, arm: str, taken: int, *, at_end: bool) -> list[Segment]:
    middle = source.end - taken if at_end else source.start + taken
    owners = (source.arm, arm) if at_end else (arm, source.arm)
    parts = (
        Segment(arm=owners[0], start=source.start, end=middle),
        Segment(arm=owners[1], start=middle, end=source.end),
    )
    return [each for each in parts if each.end > each.start]


def _merged(cut: Sequence[Segment]) -> list[Segment]:
    merged: list[Segment] = []
    for each in cut:
        if merged and merged[-1].arm == each.arm:
            merged[-1] = Segment(arm=each.arm, start=merged[-1].start, end=each.end)
        else:
            merged.append(each)
    return merged
