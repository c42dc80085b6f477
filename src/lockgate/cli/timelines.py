"""Timelines: who stood where from when to when, drawn as bars.

A bar's columns are the moments at which something changed, evenly spaced: an hour of trying
things out is as wide as the month of quiet after it, so that every stay can be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from lockgate.domain.history import Occupancy

_THERE, _ELSEWHERE, _STILL = "━", "·", "▶"


def bars(stays: Sequence[Occupancy], columns: int) -> list[str]:
    """Return a bar of ``columns`` characters for each stay; one that goes on ends in an arrow."""
    moments = sorted({moment for stay in stays for moment in (stay.since, stay.until) if moment})
    place = {moment: index * columns // len(moments) for index, moment in enumerate(moments)}
    return [_bar(stay, place, columns) for stay in stays]


def in_order_of_places(stays: Sequence[Occupancy]) -> list[Occupancy]:
    """Return stays grouped by place: stages before aliases, each as it was first entered."""
    first: dict[tuple[str, str], int] = {}
    for index, stay in enumerate(stays):
        first.setdefault((stay.kind, stay.place), index)
    return sorted(
        stays, key=lambda stay: (stay.kind != "stage", first[stay.kind, stay.place], stay.since)
    )


def duration_text(since: datetime, until: datetime | None, now: datetime) -> str:
    """Return how long a stay lasted, in its two largest units."""
    seconds = int(max((until or now) - since, timedelta()).total_seconds())
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    units = [(days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s")]
    while len(units) > 1 and units[0][0] == 0:
        units.pop(0)
    return " ".join(f"{count}{unit}" for count, unit in units[:2] if count) or "<1s"


def _bar(stay: Occupancy, place: dict[datetime, int], columns: int) -> str:
    begin = place[stay.since]
    end = columns if stay.until is None else max(place[stay.until], begin + 1)
    body = _THERE * (end - begin)
    if stay.until is None:
        body = body[:-1] + _STILL
    return _ELSEWHERE * begin + body + _ELSEWHERE * (columns - end)
