"""Starting: what an import, the help and a server cost in time, and the server in memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from bench.serving import LOCKGATE, free_port

TIMES = 7


def run(folder: Path) -> None:
    """Measure import, ``--help`` and ``serve`` until its first answer."""
    python = sys.executable
    bare = _median([python, "-c", "pass"])
    imported = _median([python, "-c", "import lockgate"])
    helped = _median([python, "-c", LOCKGATE, "--help"])
    answered, rss_mb = _serve(folder)
    print("\nStarting, ms")
    print(f"  {'bare Python':<44}{bare * 1e3:>10.0f}")
    print(f"  {'import lockgate, beyond bare (wanted: < 60)':<44}{(imported - bare) * 1e3:>10.0f}")
    print(f"  {'lockgate --help (wanted: < 250)':<44}{helped * 1e3:>10.0f}")
    print(f"  {'lockgate serve, first answer (wanted: < 1500)':<44}{answered * 1e3:>9.0f}")
    print(f"  {'lockgate serve, resident MB (wanted: < 120)':<44}{rss_mb:>10.0f}")


def _median(command: list[str]) -> float:
    taken = []
    for _ in range(TIMES):
        begin = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def _serve(folder: Path) -> tuple[float, float]:
    """Return seconds until the first answer on an empty folder, and the memory then."""
    port = free_port()
    environ = {**os.environ, "LOCKGATE_DATABASE": f"sqlite:///{folder}/serve.db"}
    command = [sys.executable, "-c", LOCKGATE, "serve", "--port", str(port)]
    begin = time.perf_counter()
    server = subprocess.Popen(
        command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while time.perf_counter() - begin < 30:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).read()
            except OSError:
                time.sleep(0.005)
                continue
            answered = time.perf_counter() - begin
            status = Path(f"/proc/{server.pid}/status").read_text()
            kib = int(status.split("VmRSS:")[1].split()[0])
            return answered, kib / 1024
        raise SystemExit("lockgate serve did not answer within 30 s")
    finally:
        server.terminate()
        server.wait(30)
