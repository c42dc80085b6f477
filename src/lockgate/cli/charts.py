"""Charts for a terminal: a column of block characters for each step of a series.

0.91 ┤    ▃▆▇▇
     │  ▄▇████▂
0.85 ┤▁▆███████▅
     └───────────
      10-01 12:00   10-01 12:10
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from lockgate.cli.output import number_text

EIGHTHS = " ▁▂▃▄▅▆▇█"
HEIGHT = 8
WIDTH_MIN, WIDTH_MAX = 10, 200


def chart_lines(
    points: Sequence[tuple[datetime, float]], step_s: int, columns: int, height: int = HEIGHT
) -> list[str]:
    """Return a chart of values by time, oldest first, at most so many columns wide.

    Steps without a value stay empty. More steps than there is room for share columns, which show
    the mean of theirs.
    """
    low, high = min(value for _, value in points), max(value for _, value in points)
    labels = [number_text(float(high)), number_text(float(low))]
    margin = max(map(len, labels))
    begin = points[0][0]
    last = round((points[-1][0] - begin).total_seconds() / step_s)
    room = min(max(columns - margin - 3, WIDTH_MIN), WIDTH_MAX)
    shared = -(-(last + 1) // room)
    held: dict[int, list[float]] = {}
    for at, value in points:
        place = round((at - begin).total_seconds() / step_s) // shared
        held.setdefault(place, []).append(value)
    width = last // shared + 1
    levels = [_level(held.get(place), low, high, height) for place in range(width)]
    lines = []
    for row in range(height - 1, -1, -1):
        label = {0: labels[1], height - 1: labels[0]}.get(row, "")
        bars = "".join(EIGHTHS[min(max(level - 8 * row, 0), 8)] for level in levels)
        lines.append(f"{label:>{margin}} {'┤' if label else '│'}{bars}".rstrip())
    lines.append(" " * (margin + 1) + "└" + "─" * width)
    ends = [f"{at:%m-%d %H:%M}" for at in (begin, points[-1][0])]
    gap = max(width - len("".join(ends)), 1)
    line = ends[0] if ends[0] == ends[1] else ends[0] + " " * gap + ends[1]
    lines.append(" " * (margin + 2) + line)
    return lines


def _level(values: Sequence[float] | None, low: float, high: float, height: int) -> int:
    """Return how high a column is, in eighths of a line: 0 without values, else 1 at least."""
    if not values:
        return 0
    if high == low:
        return 4 * height
    share = (sum(values) / len(values) - low) / (high - low)
    return 1 + round(min(max(share, 0.0), 1.0) * (8 * height - 1))
