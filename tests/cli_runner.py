"""The command line, run in this process or as a program of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lockgate.cli.main import run

READS = [
    ["model", "list"],
    ["model", "show", "churn"],
    ["version", "list", "churn"],
    ["version", "show", "churn:1.0.0"],
    ["version", "transitions", "churn:1.0.0"],
    ["alias", "list", "churn"],
    ["resolve", "churn@production"],
    ["latest", "churn"],
    ["history", "churn"],
    ["compare", "churn:1.0.0", "churn:1.1.0"],
    ["search", "metrics.auc > 0.5"],
    ["search", "--models", "name = 'churn'"],
    ["summary"],
    ["audit", "log"],
    ["audit", "verify"],
    ["lifecycle", "list"],
    ["lifecycle", "show", "standard"],
    ["lifecycle", "draw", "standard"],
    ["project", "list"],
    ["project", "show", "default"],
]
"""Every command that only reads, on a registry with churn 1.0.0 and 1.1.0."""


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it wrote as JSON."""
        return json.loads(self.out)


class Terminal:
    """Runs commands on one registry, whose database is a file of the test's own."""

    def __init__(
        self,
        folder: Path,
        capture: pytest.CaptureFixture[str],
        environ: pytest.MonkeyPatch,
    ) -> None:
        for name in [name for name in os.environ if name.startswith("LOCKGATE_")]:
            environ.delenv(name)
        self.url = f"sqlite:///{folder}/registry.db"
        self._capture = capture

    def __call__(self, *arguments: str) -> Ended:
        """Run a command in this process; return how it ended."""
        self._capture.readouterr()
        with pytest.raises(SystemExit) as ended:
            run(["--url", self.url, "--actor", "ana", *arguments])
        written = self._capture.readouterr()
        assert isinstance(ended.value.code, int)
        return Ended(ended.value.code, written.out, written.err)

    def done(self, *arguments: str) -> str:
        """Run a command that must succeed; return what it wrote."""
        ended = self(*arguments)
        assert (ended.code, ended.err) == (0, ""), ended
        return ended.out


def program(*arguments: str) -> list[str]:
    """Return the command that runs ``lockgate`` as a program of its own."""
    return [sys.executable, "-c", "from lockgate.cli.main import run; run()", *arguments]


def environment(**more: str) -> dict[str, str]:
    """Return an environment without settings of whoever runs the tests."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LOCKGATE_")}
    return {**kept, **more}


def run_program(*arguments: str, cwd: Path, **more: str) -> Ended:
    """Run ``lockgate`` as a program; return how it ended."""
    ended = subprocess.run(
        program(*arguments),
        cwd=cwd,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)
