"""Requests a second, latency and CPU a request of every question, one connection and sixteen."""

from __future__ import annotations

import http.client
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg

from bench.peers import filling
from bench.peers.driving import Load, drive, request
from bench.peers.serving import (
    Server,
    bare_command,
    lockgate_command,
    mlflow_command,
    serving,
)
from bench.peers.words import (
    QUESTIONS,
    MlflowWords,
    NativeWords,
    Question,
    Words,
    connections_of,
    preparing,
)

CONNECTIONS = (1, 16)
VERSIONS_A_MODEL = 100
HEALTH = {"lockgate": "/healthz", "mlflow": "/health", "bare": "/"}
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Round:
    """One size on one kind of database, and how long each measurement takes."""

    database: str
    size: int
    seconds: float
    defaults: bool = False

    @property
    def models(self) -> int:
        """How many models share the versions."""
        return max(1, self.size // VERSIONS_A_MODEL)


def measure(this: Round, python: Path, home: Path, postgres: str | None) -> Iterator[Row]:
    """Yield a row for each question, speaker and number of connections."""
    ours = database_of(this, home, postgres, "lockgate")
    _tell(f"filling Lockgate with {this.size:,} versions on {this.database}")
    filling.fill_lockgate(ours, this.models, VERSIONS_A_MODEL)
    with serving(lockgate_command(ours), HEALTH["lockgate"], home / "lockgate") as server:
        yield from _ask_all(this, "Lockgate", NativeWords(), server)
        yield from _ask_all(this, "Lockgate, as MLflow", MlflowWords(), server, prepared=False)
    theirs = database_of(this, home, postgres, "mlflow")
    _tell(f"filling MLflow with {this.size:,} versions on {this.database}")
    filling.fill_mlflow(python, theirs, this.models, VERSIONS_A_MODEL)
    command = mlflow_command(python, theirs, home / "artifacts", workers=1)
    with serving(command, HEALTH["mlflow"], home / "mlflow") as server:
        yield from _ask_all(this, "MLflow", MlflowWords(), server)
    if this.defaults:
        command = mlflow_command(python, theirs, home / "artifacts", workers=4)
        with serving(command, HEALTH["mlflow"], home / "mlflow-4") as server:
            yield from _ask_all(this, "MLflow, 4 workers", MlflowWords(), server, prepared=False)


def limits(seconds: float, home: Path) -> Iterator[Row]:
    """Yield what the HTTP server can do when the application does nearly nothing."""
    environ = {"BENCH_BARE_DATABASE": str(home / "bare.db")}
    for app, name, text in (
        ("hello", "bare answer", request("GET", "/")),
        ("commit", "bare durable commit", request("POST", "/", {})),
    ):
        with serving(bare_command(app), HEALTH["bare"], home / app, environ) as server:
            for connections in CONNECTIONS:
                load = _load(server, [[text]] * connections, seconds)
                yield {
                    "speaker": "the limit",
                    "question": name,
                    "connections": connections,
                    **asdict(drive(load)),
                }


def _ask_all(
    this: Round, speaker: str, words: Words, server: Server, prepared: bool = True
) -> Iterator[Row]:
    if prepared:
        prepare(server, preparing(words, max(CONNECTIONS)))
    for question in QUESTIONS:
        for connections in CONNECTIONS:
            _tell(f"{this.database} {this.size:,}: {speaker}: {question.name}, {connections}")
            asked = connections_of(words, question, connections, this.models, VERSIONS_A_MODEL)
            yield {
                "database": this.database,
                "size": this.size,
                "speaker": speaker,
                "question": question.name,
                "connections": connections,
                **asdict(drive(_load(server, asked, _patience(this, question)))),
            }


def _patience(this: Round, question: Question) -> float:
    """Writes take a while to settle down: commits of one moment are not those of the next."""
    return this.seconds * (1.5 if question.writes else 1.0)


def _load(server: Server, connections: list[list[str]], seconds: float) -> Load:
    return Load(port=server.port, pid=server.pid, connections=connections, seconds=seconds)


def prepare(server: Server, requests: list[str]) -> None:
    """Send requests one after the other; each must be taken."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for text in requests:
        head, _, body = text.partition("\r\n\r\n")
        method, path, _ = head.split(" ", 2)
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.read()
        if answer.status not in (200, 201):
            raise SystemExit(f"{method} {path} answered {answer.status}: {said[:300]!r}")
    connection.close()


def database_of(this: Round, home: Path, postgres: str | None, whose: str) -> str:
    """Return the URL of an empty database."""
    if this.database == "sqlite":
        home.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{home / whose}.db"
    name = f"{whose}_{this.size}"
    assert postgres is not None
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name}")
    return f"{postgres}/{name}"


def _tell(what: str) -> None:
    print(f"  {what}", file=sys.stderr, flush=True)
