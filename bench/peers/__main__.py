"""``python -m bench.peers``: everything beside the peer, in one run."""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.peers import bytes as transfers
from bench.peers import promoters, reporting, requests, resting
from bench.peers.environment import peer_python
from bench.peers.postgres import postgres
from bench.peers.requests import Round

ROOT = Path(__file__).parents[2]
PARTS = ("requests", "bytes", "resting", "promoters")


def main() -> None:
    """Measure what was asked for, print the ratios, and keep the results."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="SQLite, 1,000 versions, 128 MiB")
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[1_000, 100_000, 1_000_000])
    parser.add_argument("--seconds", type=float, default=2.0, help="for each measurement")
    parser.add_argument("--mib", type=int, default=1_024, help="of the large file")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--page", type=Path, help="write benchmarks.md and its charts here")
    parser.add_argument("--json", type=Path, help="write the results here")
    asked = parser.parse_args()
    if asked.quick:
        asked.databases, asked.sizes, asked.seconds, asked.mib = ["sqlite"], [1_000], 0.6, 128
    python = peer_python(ROOT / ".bench" / "mlflow")
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lockgate-bench-")))
        server = stack.enter_context(postgres()) if "postgresql" in asked.databases else None
        results = _measure(asked, python, home, server)
    if asked.json is not None:
        asked.json.write_text(json.dumps(results, indent=1))
    if asked.page is not None:
        reporting.write_page(results, asked.page)
    reporting.show(results)


def _measure(
    asked: argparse.Namespace, python: Path, home: Path, server: str | None
) -> dict[str, Any]:
    results: dict[str, Any] = {
        "machine": reporting.machine(),
        "date": datetime.now(UTC).date().isoformat(),
        **{part: [] for part in (*PARTS, "limits")},
    }
    rounds = [
        Round(database=database, size=size, seconds=asked.seconds, defaults=size == 100_000)
        for database in asked.databases
        for size in asked.sizes
    ]
    if "requests" in asked.only:
        results["limits"] = list(requests.limits(asked.seconds, home / "limits"))
        for number, this in enumerate(rounds):
            results["requests"] += requests.measure(this, python, home / str(number), server)
    if "promoters" in asked.only:
        for database in asked.databases:
            this = Round(database=database, size=0, seconds=asked.seconds)
            results["promoters"] += promoters.measure(this, python, home / "promoters", server)
    if "resting" in asked.only:
        results["resting"] = resting.measure(python, home / "resting")
    if "bytes" in asked.only:
        results["bytes"] = transfers.measure(
            python, home / "bytes", asked.mib, 0 if asked.quick else 10
        )
    return results


if __name__ == "__main__":
    main()
