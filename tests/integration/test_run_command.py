"""The README's first command: what `make run DEMO=1` does once everything is installed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import lockgate
from conftest import free_port

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent
PATIENCE_S = 120.0


def recipe(port: int) -> str:
    """Return the shell command of `make run DEMO=1`, on this installation."""
    shown = subprocess.run(
        ["make", "-n", "run", "DEMO=1", f"PORT={port}"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return shown[shown.index("if [ -n") :].replace(".venv/bin/", f"{BIN}/")


def test_the_server_is_filled_with_the_demo(tmp_path: Path) -> None:
    """One command gives a running server, and a real model in production on it."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "LOCKGATE_ACTOR": "ana",
    }
    told = (tmp_path / "told.txt").open("w")
    with (
        told,
        subprocess.Popen(
            ["bash", "-c", recipe(port)],
            cwd=tmp_path,
            env=environment,
            stdout=told,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as running,
    ):
        try:
            deadline = time.monotonic() + PATIENCE_S
            while "$ lockgate summary" not in (tmp_path / "told.txt").read_text():
                assert running.poll() is None, (tmp_path / "told.txt").read_text()
                assert time.monotonic() < deadline, (tmp_path / "told.txt").read_text()
                time.sleep(0.2)
            with lockgate.connect(f"http://127.0.0.1:{port}", actor="ana") as registry:
                assert registry.production("digits").metrics["accuracy"] > 0.5
                assert registry.summary().by_stage == {"Production": 1, "Staging": 2}
                assert registry.verify_audit().ok
        finally:
            os.killpg(running.pid, signal.SIGTERM)
