"""Files in and out through both servers, and what ten fine-tunes of one model take on disk."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lockgate
from bench.peers.requests import HEALTH
from bench.peers.serving import Server, lockgate_command, mlflow_command, serving
from bench.transfers import (
    copy_file,
    copy_tree,
    hash_file,
    make_large,
    make_small,
    timed,
    tree_bytes,
)
from lockgate.settings import Settings

TUNES = 10
TENSORS_CHANGED = 0.05
TENSOR_BYTES = 4 * 2**20
Row = dict[str, Any]
# The peer's own client, in its own environment: a run's artifacts through the server's proxy.
_CLIENT = """
import sys, time, tempfile
from mlflow import MlflowClient
url, experiment, source, verb = sys.argv[1:]
client = MlflowClient(tracking_uri=url)
if verb == "push":
    found = client.get_experiment_by_name(experiment)
    key = found.experiment_id if found else client.create_experiment(experiment)
    run = client.create_run(key).info.run_id
    began = time.perf_counter()
    client.log_artifacts(run, source, "model")
    print(time.perf_counter() - began, run)
else:
    target = tempfile.mkdtemp(dir=source)
    began = time.perf_counter()
    client.download_artifacts(verb, "model", target)
    print(time.perf_counter() - began, verb)
"""


def measure(python: Path, home: Path, mib: int, tunes: int = TUNES) -> list[Row]:
    """Return a row for each transfer and speaker: seconds, bytes, and those of the yardstick."""
    home.mkdir(parents=True, exist_ok=True)
    large = make_large(home / "large", mib)
    small = make_small(home / "small")
    file = large / "model.safetensors"
    loops: dict[str, Callable[[], Any]] = {
        "large": lambda: copy_file(file, home / "copied"),
        "small": lambda: copy_tree(small, home / f"copied-tree-{len(limits['small'])}"),
        "hash": lambda: hash_file(file),
    }
    limits: dict[str, list[float]] = {name: [] for name in loops}

    def measure_limits() -> None:
        for name, loop in loops.items():
            limits[name].append(timed(loop))

    rows: list[Row] = []
    sizes = {"large": tree_bytes(large), "small": tree_bytes(small)}
    # Before, between and after, and the best counts: a limit is what the machine can do.
    measure_limits()
    ours = home / "lockgate"
    with serving(lockgate_command(f"sqlite:///{ours}/r.db"), HEALTH["lockgate"], ours) as server:
        rows += _ours(server, home, {"large": large, "small": small}, sizes)
    measure_limits()
    theirs = home / "mlflow"
    command = mlflow_command(python, f"sqlite:///{theirs}/m.db", theirs / "store", workers=1)
    with serving(command, HEALTH["mlflow"], theirs) as server:
        rows += _theirs(python, server, home, {"large": large, "small": small}, sizes)
    measure_limits()
    rows += [
        {"speaker": "the limit", "what": name, "seconds": min(took)}
        for name, took in limits.items()
    ]
    if tunes:
        rows += _tunes(python, home, large, tunes)
    shutil.rmtree(home)
    return rows


def _ours(server: Server, home: Path, folders: dict[str, Path], sizes: dict[str, int]) -> list[Row]:
    rows = []
    settings = Settings(cache=str(home / "cache"), timeout_s=600)
    with lockgate.connect(server.url, actor="bench", settings=settings) as registry:
        for kind, folder in folders.items():
            steps: dict[str, Callable[[], Any]] = {
                "push": lambda: registry.push(folder, kind, "1"),  # noqa: B023
                "push again": lambda: registry.push(folder, kind, "2"),  # noqa: B023
                "pull": lambda: registry.pull(f"{kind}:1", home / f"pulled-{kind}"),  # noqa: B023
            }
            for step, work in steps.items():
                _tell(f"Lockgate: {step} {kind}")
                took = timed(work)
                rows.append(_row("Lockgate", f"{step} {kind}", took, sizes[kind]))
    return rows


def _theirs(
    python: Path, server: Server, home: Path, folders: dict[str, Path], sizes: dict[str, int]
) -> list[Row]:
    rows = []
    for kind, folder in folders.items():
        run = ""
        for step in ("push", "push again", "pull"):
            _tell(f"MLflow: {step} {kind}")
            words = [str(home), run] if step == "pull" else [str(folder), "push"]
            took, run = _client(python, server, words)
            rows.append(_row("MLflow", f"{step} {kind}", took, sizes[kind]))
    return rows


def _client(python: Path, server: Server, words: list[str]) -> tuple[float, str]:
    os.sync()
    done = subprocess.run(
        [str(python), "-c", _CLIENT, server.url, "bench", *words],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"},
    )
    took, run = done.stdout.split()[-2:]
    return float(took), run


def _tunes(python: Path, home: Path, large: Path, tunes: int) -> list[Row]:
    """Push one model ten times, a twentieth of its tensors changed each time."""
    file = large / "model.safetensors"
    tuned = home / "tuned"
    tuned.mkdir()
    shutil.copy(file, tuned / file.name)
    count = file.stat().st_size // TENSOR_BYTES
    changed = max(1, int(count * TENSORS_CHANGED))
    chance = random.Random(1)
    ours, theirs = home / "lockgate-tunes", home / "mlflow-tunes"
    command = mlflow_command(python, f"sqlite:///{theirs}/m.db", theirs / "store", workers=1)
    with (
        serving(lockgate_command(f"sqlite:///{ours}/r.db"), HEALTH["lockgate"], ours) as mine,
        serving(command, HEALTH["mlflow"], theirs) as other,
        lockgate.connect(
            mine.url, actor="bench", settings=Settings(cache=str(home / "cache"), timeout_s=600)
        ) as registry,
    ):
        for number in range(1 + tunes):
            _tell(f"fine-tune {number} of {tunes}")
            if number:
                _change(tuned / file.name, chance.sample(range(count), changed))
            registry.push(tuned, "tuned", str(number + 1))
            _client(python, other, [str(tuned), "push"])
    size = file.stat().st_size
    new = size + tunes * changed * TENSOR_BYTES
    return [
        {"speaker": "the limit", "what": "ten fine-tunes", "bytes": new},
        {"speaker": "Lockgate", "what": "ten fine-tunes", "bytes": tree_bytes(ours)},
        {"speaker": "MLflow", "what": "ten fine-tunes", "bytes": tree_bytes(theirs)},
    ]


def _change(path: Path, tensors: list[int]) -> None:
    with path.open("r+b") as file:
        data = 8 + int.from_bytes(file.read(8), "little")
        for number in tensors:
            file.seek(data + number * TENSOR_BYTES)
            file.write(os.urandom(TENSOR_BYTES))


def _row(speaker: str, what: str, seconds: float, size: int) -> Row:
    return {
        "speaker": speaker,
        "what": what,
        "seconds": seconds,
        "bytes": size,
        "mb_per_s": size / seconds / 1e6,
    }


def _tell(what: str) -> None:
    print(f"  {what}", file=sys.stderr, flush=True)
