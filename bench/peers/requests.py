"""Requests a second, latency and CPU a request of every question, one connection and sixteen."""

from __future__ import annotations

import http.client
import itertools
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg

from bench.peers import filling
from bench.peers.driving import Load, drive, request
from bench.peers.goals import ANSWER, COMMIT
from bench.peers.processes import resident_bytes
from bench.peers.serving import (
    Server,
    bare_command,
    lockgate_command,
    mlflow_command,
    serving,
)
from bench.peers.trying import Trying
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


def measure(
    this: Round, python: Path, home: Path, postgres: str | None, trying: Trying
) -> list[Row]:
    """Return a row for each question, speaker and number of connections."""
    place = f"{this.size:,} versions on {this.database}"
    rows = trying(f"Lockgate with {place}", lambda: _measure_ours(this, home, postgres, trying))
    return rows + trying(
        f"MLflow with {place}", lambda: _measure_theirs(this, python, home, postgres, trying)
    )


def _measure_ours(this: Round, home: Path, postgres: str | None, trying: Trying) -> Iterator[Row]:
    database = database_of(this, home, postgres, "lockgate")
    filling.fill_lockgate(database, this.models, VERSIONS_A_MODEL)
    with serving(lockgate_command(database), HEALTH["lockgate"], home / "lockgate") as server:
        prepare(server, preparing(NativeWords(), max(CONNECTIONS)))
        yield from _ask_all(this, "Lockgate", NativeWords(), server, trying)
        yield from _ask_all(this, "Lockgate, as MLflow", MlflowWords(), server, trying)


def _measure_theirs(
    this: Round, python: Path, home: Path, postgres: str | None, trying: Trying
) -> Iterator[Row]:
    database = database_of(this, home, postgres, "mlflow")
    filling.fill_mlflow(python, database, this.models, VERSIONS_A_MODEL)
    command = mlflow_command(python, database, home / "artifacts", workers=1)
    with serving(command, HEALTH["mlflow"], home / "mlflow") as server:
        prepare(server, preparing(MlflowWords(), max(CONNECTIONS)))
        yield from _ask_all(this, "MLflow", MlflowWords(), server, trying)
    if this.defaults:
        command = mlflow_command(python, database, home / "artifacts", workers=4)
        with serving(command, HEALTH["mlflow"], home / "mlflow-4") as server:
            yield from _ask_all(this, "MLflow, 4 workers", MlflowWords(), server, trying)


def limits(seconds: float, home: Path) -> Iterator[Row]:
    """Yield what the HTTP server can do when the application does nearly nothing."""
    environ = {"BENCH_BARE_DATABASE": str(home / "bare.db")}
    for app, name, text in (
        ("hello", ANSWER, request("GET", "/")),
        ("commit", COMMIT, request("POST", "/", {})),
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
    this: Round, speaker: str, words: Words, server: Server, trying: Trying
) -> Iterator[Row]:
    """Yield the rows of every question; the memory is what the server holds after it."""
    for question, connections in itertools.product(QUESTIONS, CONNECTIONS):
        asked = connections_of(words, question, connections, this.models, VERSIONS_A_MODEL)
        load = _load(server, asked, _patience(this, question))
        told = {
            "database": this.database,
            "size": this.size,
            "speaker": speaker,
            "question": question.name,
            "connections": connections,
        }

        def row(load: Load = load, told: Row = told) -> Iterator[Row]:
            yield {**told, **asdict(drive(load)), "resident_bytes": resident_bytes(server.pid)}

        place = f"{this.database} {this.size:,}"
        yield from trying(f"{place}: {speaker}: {question.name}, {connections}", row)


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
