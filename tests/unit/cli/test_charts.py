"""Charts in a terminal: higher values stand higher, gaps stay empty, wide ones are squeezed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lockgate.cli.charts import chart_lines

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)


def series(values: dict[int, float]) -> list[tuple[datetime, float]]:
    """A value a minute, of some minutes."""
    return [(NOON + timedelta(minutes=minute), value) for minute, value in values.items()]


def test_a_chart_is_drawn_to_scale() -> None:
    """The lowest is an eighth high, the highest fills its column, a step without any is a gap."""
    drawn = chart_lines(series({0: 1.0, 1: 2.0, 3: 3.0}), 60, 80, height=2)
    assert drawn == [
        "3 ┤ ▁ █",
        "1 ┤▁█ █",
        "  └────",
        "   10-01 12:00 10-01 12:03",
    ]


def test_a_chart_without_ups_and_downs_is_half_high() -> None:
    """With its value at the side."""
    drawn = chart_lines(series({0: 0.5, 1: 0.5}), 60, 80, height=2)
    assert drawn[:2] == ["0.5 ┤", "0.5 ┤██"]


def test_a_chart_is_no_wider_than_its_room() -> None:
    """Steps share columns, each of which shows a mean."""
    values = {minute: float(minute % 2) for minute in range(1_000)}
    drawn = chart_lines(series(values), 60, 60, height=4)
    assert max(map(len, drawn)) <= 60
    assert set(drawn[-3][3:]) == {"█"}
