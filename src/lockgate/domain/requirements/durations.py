"""Durations: how long, written ``90m``, ``24h``, ``7d`` or ``1d 12h``, kept in whole seconds."""

from __future__ import annotations

import re
from typing import Any

from lockgate.errors import InvalidInput

SECONDS_MAX = 10 * 366 * 86_400
_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART = re.compile(r"([0-9]{1,9})\s*([wdhms])\s*")
_CHARS_MAX = 60


def parse_duration(value: Any) -> int:
    """Return ``value`` (text, or a whole number of seconds) in seconds, at least 1.

    Raises `InvalidInput`.
    """
    seconds = _seconds(value)
    if seconds is None or not 1 <= seconds <= SECONDS_MAX:
        raise InvalidInput(
            detail=f"must be a time such as 90m, 24h, 7d or a number of seconds, from 1 second to "
            f"10 years, got {value!r:.60}",
            field="duration",
        )
    return seconds


def duration_faults(where: str, value: object) -> list[str]:
    """Return what keeps ``value`` from being a duration."""
    try:
        parse_duration(value)
    except InvalidInput as error:
        return [f"{where}: {error}"]
    return []


def as_seconds(value: Any) -> Any:
    """Return ``value`` in seconds, or as it is when it is none: `duration_faults` says why."""
    return value if duration_faults("duration", value) else parse_duration(value)


def duration_text(seconds: float) -> str:
    """Return ``seconds`` for people: the two largest units, rounded down (``1d 12h``)."""
    rest = max(0, int(seconds))
    parts = []
    for unit in "dhms":
        count, rest = divmod(rest, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"


def exact_text(seconds: int) -> str:
    """Return the one spelling that `parse_duration` reads back exactly (``36h``)."""
    unit = next(unit for unit in "wdhms" if seconds % _UNITS[unit] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def _seconds(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if not isinstance(value, str) or len(value) > _CHARS_MAX:
        return None
    text = value.strip().casefold()
    total = position = 0
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            return None
        total += int(part[1]) * _UNITS[part[2]]
        position = part.end()
    return total if text else None
