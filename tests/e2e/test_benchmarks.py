"""The benchmarks run, and their page says what was reached, missed and left out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.peers import reporting
from bench.peers.goals import COMMIT, ratios
from bench.peers.trying import Trying
from bench.peers.words import GET, QUESTIONS, TRANSITION, Question

ROOT = Path(__file__).parents[2]


def row(speaker: str, question: Question, cpu_ms: float, connections: int) -> dict[str, Any]:
    """Return what one measurement of requests tells."""
    return {
        "database": "sqlite",
        "size": 1_000,
        "speaker": speaker,
        "question": question.name,
        "connections": connections,
        "requests": 100,
        "per_s": 1_000 / cpu_ms,
        "p50_ms": cpu_ms,
        "p99_ms": cpu_ms,
        "cpu_ms": cpu_ms,
        "resident_bytes": 1e8,
        "statuses": {"200": 100},
    }


def test_our_hot_paths_are_measured() -> None:
    """`python -m bench` measures reads, gates and pages of a small registry."""
    command = [sys.executable, "-m", "bench", "--models", "3", "--versions", "4"]
    command += ["--seconds", "0.01", "--only", "reads", "gates", "pages"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    for said in ("resolve name@alias", "explain, 20 requirements", "plan of search by metric"):
        assert said in done.stdout


def test_a_page_tells_goals_met_and_missed_and_what_was_not_measured(tmp_path: Path) -> None:
    """A part that fails leaves its goals out of the page and its fault on it."""
    results: dict[str, Any] = {
        "machine": reporting.machine(),
        "date": "2026-01-01",
        **{part: [] for part in ("bytes", "resting", "promoters", "missing")},
        "limits": [row("the limit", Question(name=COMMIT), 0.2, 1)],
    }
    trying = Trying(results["missing"], 60)
    asked = [
        row(speaker, question, cpu_ms, connections)
        for speaker, cpu_ms in (("Lockgate", 0.5), ("MLflow", 8.0))
        for question in QUESTIONS
        for connections in (1, 16)
        if (speaker, question) != ("MLflow", GET)
    ]

    def broken() -> Any:
        yield from asked
        raise SystemExit("it did not start")

    results["requests"] = trying("MLflow", broken)
    late = Trying(results["missing"], -1)
    assert late("files", lambda: asked) == []
    found = {ratio.what: ratio for ratio in ratios(results)}
    missed = found[f"{TRANSITION.name}, less CPU a request (sqlite, 1,000 versions)"]
    assert (missed.reached, missed.verdict, missed.limit) == (16.0, "missed by 25%", 40.0)
    assert all(ratio.limit is None for what, ratio in found.items() if "search" in what)
    assert not any(what.startswith(GET.name) for what in found)
    postgres = [each | {"database": "postgresql"} for each in asked]
    later = results | {"requests": postgres, "missing": []}
    reporting.write_page(reporting.beside(results, later), tmp_path / "both")
    both = (tmp_path / "both" / "benchmarks.md").read_text()
    assert "in 2 runs, one after the other" in both
    assert "Requests: 1,000 versions, postgresql" in both
    reporting.write_page(results, tmp_path)
    page = (tmp_path / "benchmarks.md").read_text()
    for said in (
        "| transition, less CPU a request (sqlite, 1,000 versions) | **16** | ≥ 20 | "
        "**missed by 25%** | 0.50 ms | 8.00 ms | 40 |",
        "- MLflow: SystemExit: it did not start",
        "- files: there was no time left for it",
        "![CPU of the server, a request, one client (less is better; logarithmic)](benchmarks/",
    ):
        assert said in page
    assert len(list((tmp_path / "benchmarks").glob("*.svg"))) == 2


def test_what_the_plain_loop_would_reach_stands_beside_a_goal() -> None:
    """Of each transfer it is told how often the loop that only copies would beat the peer."""
    seconds = {
        ("Lockgate", "push large"): 4.0,
        ("MLflow", "push large"): 8.0,
        ("the limit", "large"): 2.0,
    }
    rows = [{"speaker": s, "what": w, "seconds": took} for (s, w), took in seconds.items()]
    parts = ("requests", "limits", "resting", "promoters")
    found = ratios({**{part: [] for part in parts}, "bytes": rows})
    told = {each.what: (each.reached, each.limit) for each in found}
    assert told == {
        "push large": (2.0, 4.0),
        "push large, speed of read + hash + write": (0.5, None),
    }
