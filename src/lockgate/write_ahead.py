"""SQLite as this house uses it: the newest library there is, and a log that is written ahead."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Any

try:
    from pysqlite3 import dbapi2 as sqlite3
except ImportError:  # no wheel for this platform: the interpreter's own
    import sqlite3

__all__ = ["is_busy", "sqlite3", "write_ahead"]

PAUSE_S = 0.01


def write_ahead(connection: Any, busy_s: float) -> None:
    """Have the database of a connection write ahead, and each commit wait for the disk.

    Of those who make one file at once each has its turn: SQLite does not wait for somebody who is
    about to do the same, but says at once that it is busy. Raises its error after ``busy_s``.
    """
    until_s = monotonic() + busy_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            if not is_busy(error) or monotonic() > until_s:
                raise
        sleep(PAUSE_S)
    connection.execute("PRAGMA synchronous = FULL")


def is_busy(error: Exception) -> bool:
    """Tell whether another connection was in the way."""
    return "locked" in str(error) or "busy" in str(error)
