"""Timelines: bars and durations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from lockgate.cli.timelines import bars, duration_text, in_order_of_places
from lockgate.domain.history import Occupancy

START = datetime(2026, 10, 1, tzinfo=UTC)


def stay(
    version: str,
    place: str,
    since: int,
    until: int | None,
    kind: Literal["stage", "alias"] = "stage",
) -> Occupancy:
    """A stay, in hours since the start."""
    return Occupancy(
        project="default",
        model="churn",
        version=version,
        kind=kind,
        place=place,
        since=START + timedelta(hours=since),
        until=None if until is None else START + timedelta(hours=until),
        by="ana",
    )


def test_a_bar_spans_the_moments_of_its_stay() -> None:
    """Moments are evenly spaced, whatever lies between them; what goes on ends in an arrow."""
    stays = [stay("1", "Dev", 0, 1), stay("1", "Live", 1, 900), stay("2", "Live", 900, None)]
    assert bars(stays, 9) == ["━━━······", "···━━━···", "······━━▶"]


def test_a_bar_has_at_least_one_column() -> None:
    """More moments than columns leave no stay without a mark."""
    stays = [stay(str(hour), "Live", hour, hour + 1) for hour in range(20)]
    drawn = bars(stays, 5)
    assert [len(bar) for bar in drawn] == [5] * 20
    assert all("━" in bar for bar in drawn)


def test_stays_are_grouped_by_place_stages_before_aliases() -> None:
    """A place stands where it was first entered, its stays in order of time."""
    stays = [
        stay("1", "Dev", 0, 1),
        stay("1", "champion", 1, None, "alias"),
        stay("1", "Live", 2, 4),
        stay("2", "Dev", 3, 4),
        stay("2", "Live", 4, None),
    ]
    found = [(each.place, each.version) for each in in_order_of_places(stays)]
    assert found == [("Dev", "1"), ("Dev", "2"), ("Live", "1"), ("Live", "2"), ("champion", "1")]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "<1s"),
        (59, "59s"),
        (60, "1m"),
        (3_661, "1h 1m"),
        (86_400, "1d"),
        (86_400 * 3 + 3_600 * 2 + 59, "3d 2h"),
        (-5, "<1s"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds: int, expected: str) -> None:
    """Long stays are not told to the second; a clock behind the server's tells no negative."""
    assert duration_text(START, START + timedelta(seconds=seconds), START) == expected


def test_a_stay_that_goes_on_lasts_until_now() -> None:
    """Without an end, the duration is the time since."""
    assert duration_text(START, None, START + timedelta(minutes=5)) == "5m"
