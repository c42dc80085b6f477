"""Numbers in SQL: how a metric is bound so that the database compares it exactly."""

from __future__ import annotations

from decimal import Decimal


def to_numeric(value: int | float, dialect: str) -> int | float | Decimal:
    """Return ``value`` as the driver must get it for a NUMERIC column to hold it exactly.

    PostgreSQL casts a float to NUMERIC by way of 15 digits; its decimal expansion arrives whole.
    SQLite compares its integers and floats exactly as they are.
    """
    return Decimal(value) if dialect == "postgresql" else value
