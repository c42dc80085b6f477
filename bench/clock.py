"""Measuring: medians of calls that take turns, so that a busy machine disturbs all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

BATCH = 50
ROUNDS_MIN = 3


def take_turns(calls: Mapping[str, Callable[[], Any]], seconds: float) -> dict[str, float]:
    """Return the median seconds a call of each, measured in batches that take turns."""
    for call in calls.values():
        call()
    taken: dict[str, list[float]] = {name: [] for name in calls}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(next(iter(taken.values()))) < ROUNDS_MIN:
        for name, call in calls.items():
            begin = time.perf_counter()
            for _ in range(BATCH):
                call()
            taken[name].append((time.perf_counter() - begin) / BATCH)
    return {name: statistics.median(each) for name, each in taken.items()}


def show(title: str, rows: Mapping[str, float], base: str, wanted: float | None = None) -> None:
    """Print microseconds and the rate of each as a part of the rate of ``base``."""
    goal = "" if wanted is None else f"  (wanted: {wanted:.2f} or more)"
    print(f"\n{title}{goal}")
    for name, seconds in rows.items():
        print(f"  {name:<44}{seconds * 1e6:>10.1f} µs   {rows[base] / seconds:>6.2f}")
