"""Sixteen promoters at once, each putting its own version of one model into production."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.peers.driving import Load, Result, drive
from bench.peers.requests import HEALTH, Round, database_of, prepare
from bench.peers.serving import Server, lockgate_command, mlflow_command, serving
from bench.peers.words import MlflowWords, NativeWords, Words

PROMOTERS = 16
MODEL = "contested"
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Contestant:
    speaker: str
    words: Words
    standing: Callable[[Server], int]


def measure(this: Round, python: Path, home: Path, postgres: str | None) -> list[Row]:
    """Return a row for each speaker: what it answered, and how many stood in production then."""
    ours = database_of(this, home, postgres, "lockgate_promoters")
    theirs = database_of(this, home, postgres, "mlflow_promoters")
    their_url = theirs.replace("postgresql://", "postgresql+psycopg2://")
    subprocess.run(
        [str(python), "-m", "mlflow", "db", "upgrade", their_url], check=True, capture_output=True
    )
    rows = []
    for contestant, command, health in (
        (
            _Contestant(speaker="Lockgate", words=NativeWords(), standing=_ours),
            lockgate_command(ours),
            HEALTH["lockgate"],
        ),
        (
            _Contestant(speaker="MLflow", words=MlflowWords(), standing=_theirs),
            mlflow_command(python, theirs, home / "artifacts", workers=1),
            HEALTH["mlflow"],
        ),
    ):
        with serving(command, health, home / f"promoters-{contestant.speaker}") as server:
            rows.append(_contest(this, contestant, server))
    return rows


def _contest(this: Round, contestant: _Contestant, server: Server) -> Row:
    words = contestant.words
    making = [words.create(MODEL), *(words.register(MODEL) for _ in range(PROMOTERS))]
    prepare(server, making)
    moves = [[words.move(MODEL, seq + 1, "Production")] for seq in range(PROMOTERS)]
    load = Load(port=server.port, pid=server.pid, connections=moves, seconds=this.seconds * 2)
    result: Result = drive(load)
    return {
        "database": this.database,
        "speaker": contestant.speaker,
        "standing": contestant.standing(server),
        "refused": sum(n for status, n in result.statuses.items() if status != "200"),
        **asdict(result),
    }


def _ours(server: Server) -> int:
    base = f"{server.url}/api/v1/projects/default/models/{MODEL}/versions"
    return len(_read(f"{base}?stage=Production&limit=100")["items"])


def _theirs(server: Server) -> int:
    base = f"{server.url}/api/2.0/mlflow/model-versions/get?name={MODEL}"
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda seq: _read(f"{base}&version={seq}"), range(1, PROMOTERS + 1))
    return Counter(each["model_version"]["current_stage"] for each in found)["Production"]


def _read(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310  # our own server
        return json.load(answer)
