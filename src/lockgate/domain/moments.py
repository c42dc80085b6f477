"""Moments: timezone-aware datetimes, stored as integer microseconds since 1970 UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lockgate.errors import InvalidInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Return microseconds since the epoch, exactly."""
    return (moment - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the UTC datetime ``micros`` microseconds after the epoch, exactly."""
    return EPOCH + micros * _MICROSECOND


def to_text(moment: datetime) -> str:
    """Return ``2026-10-01T12:00:00.000000Z``: fixed width, so that text order is time order."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def parse_moment(value: datetime | str, field: str = "at") -> datetime:
    """Return ``value`` as an aware UTC datetime.

    Text is ISO 8601; a date alone means its first instant, a time without zone means UTC.
    Raises `InvalidInput` naming ``field``.
    """
    if isinstance(value, datetime):
        moment = value
    else:
        try:
            moment = datetime.fromisoformat(value.strip())
        except (ValueError, AttributeError):
            raise InvalidInput(
                detail=f"{field} must be an ISO 8601 time such as 2026-10-01T12:00Z, got {value!r}",
                field=field,
            ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(detail=f"{field} is out of range: {value!r}", field=field) from None
