"""Moments: microseconds and back, text that sorts, and what is no time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.domain.moments import from_micros, parse_moment, to_micros, to_text
from lockgate.errors import InvalidInput

# Hypothesis wants bounds without a zone.
EARLIEST, LATEST = datetime(1, 1, 2), datetime(9999, 12, 30)  # noqa: DTZ001
MOMENTS = st.datetimes(min_value=EARLIEST, max_value=LATEST, timezones=st.just(UTC))


@given(MOMENTS)
def test_micros_are_exact(moment: datetime) -> None:
    """A moment through microseconds is the same moment."""
    assert moment == from_micros(to_micros(moment))


@given(st.tuples(MOMENTS, MOMENTS))
def test_text_order_is_time_order(moments: tuple[datetime, datetime]) -> None:
    """Written moments sort as the moments do, and are read back exactly."""
    first, second = moments
    assert (first < second) == (to_text(first) < to_text(second))
    assert first == parse_moment(to_text(first))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-10-01", datetime(2026, 10, 1, tzinfo=UTC)),
        ("2026-10-01T12:00Z", datetime(2026, 10, 1, 12, tzinfo=UTC)),
        (" 2026-10-01T12:00:00.5+02:00 ", datetime(2026, 10, 1, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-10-01 12:00", datetime(2026, 10, 1, 12, tzinfo=UTC)),
        (datetime(2026, 10, 1), datetime(2026, 10, 1, tzinfo=UTC)),  # noqa: DTZ001
        (
            datetime(2026, 10, 1, 2, tzinfo=timezone(timedelta(hours=2))),
            datetime(2026, 10, 1, tzinfo=UTC),
        ),
    ],
)
def test_parse(value: Any, expected: datetime) -> None:
    """ISO 8601 is read; a date is its first instant, and a time without zone is UTC."""
    found = parse_moment(value)
    assert (expected, UTC) == (found, found.tzinfo)


@pytest.mark.parametrize(
    "value", ["", "yesterday", "2026-13-01", "12:00", None, 5, "0001-01-01T00:00+14:00"]
)
def test_what_is_no_time(value: Any) -> None:
    """Anything else is refused, naming the field."""
    with pytest.raises(InvalidInput) as caught:
        parse_moment(value, "since")
    assert caught.value.fields["field"] == "since"
