"""Servers to be measured: started on a free port, waited for, ended with all their children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.serving import LOCKGATE, free_port

READY_S_MAX = 120.0
GRACE_S = 20.0
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server: its port, its first process, and how long its first answer took."""

    port: int
    pid: int
    ready_s: float

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(
    command: list[str], health: str, home: Path, environ: dict[str, str] | None = None
) -> Iterator[Server]:
    """Yield the server that ``command`` with a port starts; its log lies in ``home``."""
    home.mkdir(parents=True, exist_ok=True)
    port = free_port()
    began = time.perf_counter()
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=home,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environ or {})},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{health}", timeout=5).read()
                break
            except OSError:
                if process.poll() is not None or time.perf_counter() - began > READY_S_MAX:
                    raise SystemExit(f"it did not start: see {home / 'server.log'}") from None
                time.sleep(0.005)
        yield Server(port=port, pid=process.pid, ready_s=time.perf_counter() - began)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server and its children, by force when asking does not do."""
    for force in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, force)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
            return


def lockgate_command(database: str) -> list[str]:
    """Return what starts Lockgate on a database."""
    return [sys.executable, "-c", LOCKGATE, "serve", "--database", database]


def mlflow_command(python: Path, database: str, artifacts: Path, workers: int) -> list[str]:
    """Return what starts MLflow on a database; four workers are its default."""
    return [
        *(str(python), "-m", "mlflow", "server", "--host", "127.0.0.1"),
        *("--backend-store-uri", database.replace("postgresql://", "postgresql+psycopg2://")),
        *("--artifacts-destination", str(artifacts), "--workers", str(workers)),
    ]


def bare_command(app: str) -> list[str]:
    """Return what starts a bare ASGI application on the server that Lockgate runs on."""
    return [sys.executable, "-m", "uvicorn", f"bench.peers.bare:{app}", "--log-level", "error"]
