"""Trying: a part of a run that fails, or for which there is no time, is told and left out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

Row = dict[str, Any]


class Trying:
    """Runs parts until the time is over; ``missing`` is told which are missing, and why."""

    def __init__(self, missing: list[Row], seconds: float) -> None:
        self._missing = missing
        self._until = time.monotonic() + seconds

    def __call__(self, what: str, measure: Callable[[], Iterable[Row]]) -> list[Row]:
        """Return the rows of a part, as many as there were until it failed."""
        print(f"  {what}", file=sys.stderr, flush=True)
        rows: list[Row] = []
        if time.monotonic() > self._until:
            self._miss(what, "there was no time left for it")
            return rows
        try:
            for row in measure():
                rows.append(row)  # an error on the way keeps those before it
        except (Exception, SystemExit) as error:  # noqa: BLE001  # it is told, and the rest goes on
            self._miss(what, f"{type(error).__name__}: {error}"[:300])
        return rows

    def _miss(self, what: str, why: str) -> None:
        print(f"  ✗ {what}: {why}", file=sys.stderr, flush=True)
        self._missing.append({"what": what, "why": why})
