"""Splits: who gets which arm, and which keys a change of weights moves."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.domain.splits import (
    RING,
    SEGMENTS_MAX,
    Arm,
    Segment,
    Split,
    parse_weights,
    place_of,
    recut,
    shares_of,
    split_key,
)
from lockgate.errors import InvalidInput, LimitExceeded

KEYS = 1_000_000
CHI_SQUARE_2_999 = 13.82
"""What a chi-square of two degrees of freedom stays below in 999 of 1,000 cases."""


def arms(**weights: int) -> tuple[Arm, ...]:
    """Arms by name."""
    return tuple(Arm(name=name, kind="alias", weight=each) for name, each in weights.items())


def split(ring: tuple[Segment, ...], of: tuple[Arm, ...]) -> Split:
    """A split with this ring."""
    return Split(
        uid="salt",
        project="default",
        model="churn",
        arms=of,
        ring=ring,
        revision=1,
        moved=0.0,
        set_by="ana",
        set_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def owners(ring: tuple[Segment, ...]) -> dict[str, int]:
    """How much of the ring each arm has."""
    owned: Counter[str] = Counter()
    for each in ring:
        owned[each.arm] += each.end - each.start
    return dict(owned)


def changed(before: tuple[Segment, ...], after: tuple[Segment, ...]) -> Counter[tuple[str, str]]:
    """How much of the ring went from whom to whom."""
    edges = sorted({each.start for each in (*before, *after)} | {RING})
    gone: Counter[tuple[str, str]] = Counter()
    for start, end in pairwise(edges):
        old = next(each.arm for each in before if each.start <= start < each.end)
        new = next(each.arm for each in after if each.start <= start < each.end)
        if old != new:
            gone[old, new] += end - start
    return gone


def test_a_million_keys_fall_by_weight_and_a_change_moves_only_what_it_must() -> None:
    """The shares pass a chi-square test; 90/10 to 80/20 moves a tenth of the ring, to one arm."""
    old = arms(production=90, challenger=10)
    new = arms(production=80, challenger=20)
    first, _ = recut((), old)
    second, moved = recut(first, new)
    assert moved == RING // 10
    assert changed(first, second) == {("production", "challenger"): RING // 10}
    before, after = split(first, old), split(second, new)
    counts: Counter[tuple[str, str]] = Counter()
    for number in range(KEYS):
        key = f"user-{number}"
        counts[before.arm_of(key).name, after.arm_of(key).name] += 1
    stayed = ("production", "production"), ("challenger", "challenger")
    wanted = {stayed[0]: 0.8, stayed[1]: 0.1, ("production", "challenger"): 0.1}
    assert counts.keys() == wanted.keys()
    chi_square = sum(
        (counts[pair] - KEYS * share) ** 2 / (KEYS * share) for pair, share in wanted.items()
    )
    assert chi_square < CHI_SQUARE_2_999


weights = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 100), min_size=1).filter(
    lambda each: sum(each.values()) > 0
)


@given(st.lists(weights, min_size=2, max_size=6))
def test_every_change_is_exact_and_least(changes: list[dict[str, int]]) -> None:
    """The shares are those of the weights, and an arm that grows loses nothing."""
    ring: tuple[Segment, ...] = ()
    for weighted in changes:
        wanted = {name: share for name, share in shares_of(arms(**weighted)).items() if share}
        after, moved = recut(ring, arms(**weighted))
        assert owners(after) == wanted
        assert after[0].start == 0
        assert after[-1].end == RING
        assert [each.end for each in after[:-1]] == [each.start for each in after[1:]]
        if ring:
            had = owners(ring)
            lost = sum(max(0, share - wanted.get(name, 0)) for name, share in had.items())
            assert moved == lost == sum(changed(ring, after).values())
        ring = after


def test_two_arms_stay_in_two_pieces() -> None:
    """However often their weights change to and fro."""
    ring, _ = recut((), arms(a=90, b=10))
    for share in (50, 10, 70, 90, 1, 33, 90):
        ring, _ = recut(ring, arms(a=share, b=100 - share))
        assert len(ring) == 2
    assert ring == recut((), arms(a=90, b=10))[0]


def test_a_ring_that_is_cut_too_finely_is_refused() -> None:
    """With the limit."""
    size = RING // (4 * SEGMENTS_MAX)
    fine = [
        Segment(arm="ab"[i % 2], start=i * size, end=(i + 1) * size)
        for i in range(4 * SEGMENTS_MAX - 1)
    ]
    fine.append(Segment(arm="b", start=fine[-1].end, end=RING))
    with pytest.raises(LimitExceeded):
        recut(fine, arms(a=1, b=1, c=1))


def test_places_are_what_the_documentation_says() -> None:
    """So that a client in another language finds the same: a fixed key lies at a fixed place."""
    assert place_of("salt", "user-1") == 302011808
    assert 0 <= place_of("salt", "ü") < RING


def test_a_key_is_text_or_a_number() -> None:
    """A number is its digits; nothing and half a character are refused."""
    assert split_key(42) == "42"
    for wrong in ("", "\ud800", None, True, 1.5, b"x"):
        with pytest.raises(InvalidInput):
            split_key(wrong)


@pytest.mark.parametrize(
    "wrong",
    [{}, [], None, {"a": 0}, {"a": -1}, {"a": 1.5}, {"a": True}, {"a": "1"}, {"a": 10**7}, {1: 1}],
)
def test_what_are_no_weights_is_refused(wrong: object) -> None:
    """With what would be right."""
    with pytest.raises(InvalidInput):
        parse_weights(wrong)
