"""Start to first answer, memory at rest, import, help, and what is installed."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.peers.environment import installed_bytes, installer
from bench.peers.processes import family, resident_bytes
from bench.peers.requests import HEALTH
from bench.peers.serving import lockgate_command, mlflow_command, serving
from bench.serving import LOCKGATE

TIMES = 3
Row = dict[str, Any]


def measure(python: Path, home: Path, weighed: bool) -> list[Row]:
    """Return a row for each speaker. The peer runs as it does by default, with four workers.

    To be ``weighed`` we are built and installed, which takes longer than all the rest.
    """
    ours = _Speaker(
        "Lockgate",
        lockgate_command(f"sqlite:///{home}/rest.db"),
        HEALTH["lockgate"],
        [sys.executable, "-c", "import lockgate"],
        [sys.executable, "-c", LOCKGATE, "--help"],
    )
    theirs = _Speaker(
        "MLflow",
        mlflow_command(python, f"sqlite:///{home}/rest-m.db", home / "store", workers=4),
        HEALTH["mlflow"],
        [str(python), "-c", "import mlflow"],
        [str(python), "-m", "mlflow", "--help"],
    )
    weights: dict[str, int | None] = {"Lockgate": None, "MLflow": None}
    if weighed:
        weights = {"Lockgate": _own_bytes(home), "MLflow": installed_bytes(python.parents[1])}
    return [{**each.row(home), "installed_bytes": weights[each.name]} for each in (ours, theirs)]


class _Speaker:
    def __init__(
        self,
        name: str,
        command: list[str],
        health: str,
        importing: list[str],
        helping: list[str],
    ) -> None:
        self.name = name
        self._command = command
        self._health = health
        self._importing = importing
        self._helping = helping

    def row(self, home: Path) -> Row:
        """Start it twice (the first time makes the database), and count the second."""
        for attempt in range(2):
            where = home / f"rest-{self.name}-{attempt}"
            with serving(self._command, self._health, where) as server:
                time.sleep(2)
                found = {
                    "speaker": self.name,
                    "ready_s": server.ready_s,
                    "resident_bytes": resident_bytes(server.pid),
                    "processes": len(family(server.pid)),
                }
        return {
            **found,
            "import_s": _median_s(self._importing),
            "help_s": _median_s(self._helping),
        }


def _median_s(command: list[str]) -> float:
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _own_bytes(home: Path) -> int:
    """Return what Lockgate weighs, installed with what it needs and nothing else."""
    folder = home / "installed"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    root = Path(__file__).parents[2]
    before = installed_bytes(folder)
    subprocess.run([*installer(folder / "bin" / "python"), str(root)], check=True)
    return installed_bytes(folder) - before
