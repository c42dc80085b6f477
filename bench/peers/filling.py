"""The same models and versions in both registries, written straight into their tables."""

from __future__ import annotations

import itertools
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from bench import filling
from bench.filling import BEGIN_US, model_name
from lockgate.bootstrap import open_driver
from lockgate.settings import Settings

Rows = Iterator[tuple[Any, ...]]
_MODELS = ("name", "creation_time", "last_updated_time", "workspace")
_VERSIONS = (
    *("name", "version", "creation_time", "last_updated_time", "current_stage", "source"),
    *("status", "workspace"),
)
_TAGS = ("key", "value", "name", "version", "workspace")
_ALIASES = ("alias", "version", "name", "workspace")
_SPACE = "default"


def fill_lockgate(database: str, models: int, versions: int) -> None:
    """Fill Lockgate's database."""
    filling.fill_behind(open_driver(database, Settings()), models, versions).close()


def fill_mlflow(python: Path, database: str, models: int, versions: int) -> None:
    """Let MLflow make its tables, then fill them."""
    theirs = database.replace("postgresql://", "postgresql+psycopg2://")
    command = [str(python), "-m", "mlflow", "db", "upgrade", theirs]
    subprocess.run(command, check=True, capture_output=True)
    tables = _tables(models, versions)
    if database.startswith("sqlite:///"):
        connection = sqlite3.connect(database.removeprefix("sqlite:///"))
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(f"PRAGMA cache_size = -{filling.CACHE_KIB}")
        with connection:
            for table, (names, rows) in tables.items():
                marks = ", ".join("?" * len(names))
                columns = ", ".join(f'"{name}"' for name in names)
                connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)
        connection.close()
        return
    with psycopg.connect(database, autocommit=True) as server:
        for table, (names, rows) in tables.items():
            filling.copy_rows(server, table, names, rows)
        server.execute("ANALYZE")


def _tables(models: int, versions: int) -> dict[str, tuple[tuple[str, ...], Rows]]:
    def pairs() -> Iterator[tuple[int, int]]:
        return itertools.product(range(1, models + 1), range(1, versions + 1))

    begin = BEGIN_US // 1000
    return {
        "registered_models": (
            _MODELS,
            ((model_name(m), begin + m, begin + m, _SPACE) for m in range(1, models + 1)),
        ),
        "model_versions": (
            _VERSIONS,
            (
                (
                    *(model_name(m), seq, begin + m * versions + seq, begin + m * versions + seq),
                    *(_stage(seq, versions), f"s3://models/{m}/{seq}", "READY", _SPACE),
                )
                for m, seq in pairs()
            ),
        ),
        "model_version_tags": (
            _TAGS,
            (
                (key, value, model_name(m), seq, _SPACE)
                for m, seq in pairs()
                for key, value in (
                    ("team", f"team-{m % 10}"),
                    ("auc", str(filling.metric_of(m, seq))),
                )
            ),
        ),
        "registered_model_aliases": (
            _ALIASES,
            (("champion", versions // 2, model_name(m), _SPACE) for m in range(1, models + 1)),
        ),
    }


def _stage(seq: int, versions: int) -> str:
    return "Production" if seq == versions - 1 else "Staging" if seq % 50 == 0 else "None"
