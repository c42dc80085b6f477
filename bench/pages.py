"""Pages of lists and searches: their time must not grow with the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.clock import take_turns
from bench.filling import model_name
from lockgate.registry import Registry

CALLS: dict[str, Callable[[Registry], Any]] = {
    "list_models": lambda r: r.list_models(limit=50),
    "list_versions of one model": lambda r: r.list_versions(model_name(1), limit=50),
    "get_by_stage": lambda r: r.get_by_stage("production", limit=50),
    "search, newest first": lambda r: r.search(limit=50),
    "search tags and stage": lambda r: r.search(
        "tags.team = 'team-1' and stage = 'Staging'", limit=50
    ),
    "search by metric, ordered by it": lambda r: r.search(
        "metrics.auc > 0.9", order_by="metrics.auc desc", limit=50
    ),
}


def run(small: Registry, small_rows: int, large: Registry, large_rows: int, seconds: float) -> None:
    """Measure the first page of each list on a small and on a large registry."""
    print(f"\nFirst pages of 50, µs: {small_rows:,} versions, {large_rows:,} versions, growth")
    for name, call in CALLS.items():
        rows = take_turns({"small": lambda: call(small), "large": lambda: call(large)}, seconds)  # noqa: B023
        little, much = rows["small"] * 1e6, rows["large"] * 1e6
        print(f"  {name:<44}{little:>10.1f} {much:>10.1f}   {much / little:>6.2f}")
    for name in CALLS:
        print(f"  plan of {name}: {'; '.join(_plan(large, CALLS[name]))}")


def _plan(registry: Registry, call: Callable[[Registry], Any]) -> list[str]:
    """Return how SQLite goes about the longest statement that a call runs."""
    seen: list[str] = []
    # The connection that this thread's reads go through.
    with registry._store.database.driver.reading() as reader:
        reader.set_trace_callback(seen.append)
        try:
            call(registry)
        finally:
            reader.set_trace_callback(None)
        asked = [sql for sql in seen if sql.startswith(("SELECT", "WITH")) and "LIMIT" in sql]
        sql = max(asked, key=len)
        return [row[3] for row in reader.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()]
