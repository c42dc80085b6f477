"""``python -m bench.peers``: everything beside the peer, in one run.

python -m bench.peers --quick                               SQLite, 1,000 versions, small files
python -m bench.peers --minutes-max 20 --page docs          all there is time for, as a page
python -m bench.peers --only requests --databases sqlite --sizes 1000 100000

What fails, and what there was no time for, is told in the results; the rest goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import shutil
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench.peers import bytes as transfers
from bench.peers import promoters, reporting, requests, resting
from bench.peers.environment import peer_python
from bench.peers.postgres import postgres
from bench.peers.requests import Round
from bench.peers.trying import Trying

ROOT = Path(__file__).parents[2]
PARTS = ("requests", "bytes", "resting", "promoters")


def main() -> None:
    """Measure what was asked for, print the ratios, and keep the results."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="SQLite, 1,000 versions, 128 MiB")
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[1_000, 100_000, 1_000_000])
    parser.add_argument("--seconds", type=float, default=2.0, help="for each measurement")
    parser.add_argument("--mib", type=int, default=1_024, help="of the large file")
    parser.add_argument(
        "--minutes-max", type=float, default=60.0, help="begin nothing more after as long"
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--page", type=Path, help="write benchmarks.md and its charts here")
    parser.add_argument("--json", type=Path, help="write the results here")
    parser.add_argument(
        "--beside", type=Path, help="results of a run before, of this machine, to show with these"
    )
    asked = parser.parse_args()
    if asked.quick:
        asked.databases, asked.sizes, asked.seconds, asked.mib = ["sqlite"], [1_000], 0.6, 128
        asked.minutes_max = min(asked.minutes_max, 4.0)
    python = peer_python(ROOT / ".bench" / "mlflow")
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lockgate-bench-")))
        server = stack.enter_context(postgres()) if "postgresql" in asked.databases else None
        results = _measure(asked, python, home, server)
    if asked.beside is not None:
        results = reporting.beside(json.loads(asked.beside.read_text()), results)
    if asked.json is not None:
        asked.json.write_text(json.dumps(results, indent=1))
    if asked.page is not None:
        reporting.write_page(results, asked.page)
    reporting.show(results)


def _measure(
    asked: argparse.Namespace, python: Path, home: Path, server: str | None
) -> dict[str, Any]:
    """Measure part by part: requests to the smallest registry first, to the largest last."""
    results: dict[str, Any] = {
        "machine": reporting.machine(),
        "date": datetime.now(UTC).date().isoformat(),
        **{part: [] for part in (*PARTS, "limits", "missing")},
    }
    trying = Trying(results["missing"], asked.minutes_max * 60)

    def ask(sizes: Iterable[int]) -> None:
        for size, database in itertools.product(sizes, asked.databases):
            this = Round(
                database=database, size=size, seconds=asked.seconds, defaults=size == 100_000
            )
            where = home / f"{database}-{size}"
            results["requests"] += requests.measure(this, python, where, server, trying)
            shutil.rmtree(where, ignore_errors=True)

    sizes = sorted(asked.sizes) if "requests" in asked.only else []
    if sizes:
        results["limits"] = trying(
            "the limits of requests", lambda: requests.limits(asked.seconds, home / "limits")
        )
    ask(sizes[:1])
    if "promoters" in asked.only:
        for database in asked.databases:
            this = Round(database=database, size=0, seconds=asked.seconds)
            results["promoters"] += trying(
                f"sixteen promoters, {database}",
                partial(promoters.measure, this, python, home / "promoters", server),
            )
    if "bytes" in asked.only:
        tunes = 0 if asked.quick else transfers.TUNES
        results["bytes"] = trying(
            "files", lambda: transfers.measure(python, home / "bytes", asked.mib, tunes)
        )
    if "resting" in asked.only:
        results["resting"] = trying(
            "start and rest",
            lambda: resting.measure(python, home / "resting", weighed=not asked.quick),
        )
    ask(sizes[1:])
    return results


if __name__ == "__main__":
    main()
