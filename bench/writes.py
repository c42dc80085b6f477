"""Durable transitions against bare fsynced transactions of the same SQLite."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from bench.clock import show, take_turns
from bench.filling import open_registry
from lockgate.storage.sqlite import sqlite3

WANTED = 1 / 2
BARE = "bare transaction: one row updated, one fsync"
ALIKE = "bare transaction: the rows of a transition"
_TABLES = """
    CREATE TABLE bare (id INTEGER PRIMARY KEY, stage TEXT, count INTEGER);
    INSERT INTO bare VALUES (1, 'a', 0);
    CREATE TABLE bare_version (id INTEGER PRIMARY KEY, stage TEXT, body TEXT);
    CREATE INDEX bare_version_stage ON bare_version (stage, id);
    CREATE INDEX bare_version_model ON bare_version (stage, body, id);
    INSERT INTO bare_version VALUES (1, 'a', 'body');
    CREATE TABLE bare_stay (id INTEGER PRIMARY KEY, uid TEXT UNIQUE, stage TEXT, ended INTEGER);
    CREATE UNIQUE INDEX bare_stay_open ON bare_stay (stage) WHERE ended IS NULL;
    CREATE INDEX bare_stay_stage ON bare_stay (stage, id);
    CREATE TABLE bare_event (id INTEGER PRIMARY KEY, actor TEXT, model TEXT, body TEXT);
    CREATE INDEX bare_event_actor ON bare_event (actor, id);
    CREATE INDEX bare_event_model ON bare_event (model, id);
    CREATE TABLE bare_head (id INTEGER PRIMARY KEY, size INTEGER);
    INSERT INTO bare_head VALUES (1, 0);
"""


def run(folder: Path, seconds: float) -> None:
    """Measure promotions, with and without an incumbent that makes room."""
    path = folder / "writes.db"
    registry = open_registry(path)
    registry.create_model("open", lifecycle="open")
    registry.create_model("single", lifecycle="single")
    for model, _ in itertools.product(("open", "single"), range(2)):
        registry.register_model(model, metrics={"auc": 0.5})
    bare = sqlite3.connect(str(path), isolation_level=None)
    bare.execute("PRAGMA synchronous = FULL")
    bare.executescript(_TABLES)
    turn = itertools.count()

    def one_row() -> None:
        bare.execute("BEGIN IMMEDIATE")
        bare.execute("UPDATE bare SET stage = ?, count = count + 1 WHERE id = 1", ("b",))
        bare.execute("COMMIT")

    def alike() -> None:
        number = next(turn)
        stage, body = "ab"[number % 2], "x" * 400
        bare.execute("BEGIN IMMEDIATE")
        bare.execute("UPDATE bare_version SET stage = ? WHERE id = 1", (stage,))
        bare.execute("UPDATE bare_stay SET ended = ? WHERE ended IS NULL", (number,))
        bare.execute(
            "INSERT INTO bare_stay (uid, stage) VALUES (?, ?)", (f"{number * 7919:032x}", stage)
        )
        bare.execute(
            "INSERT INTO bare_event (actor, model, body) VALUES ('ana', 'churn', ?)", (body,)
        )
        bare.execute("UPDATE bare_head SET size = size + 1 WHERE id = 1")
        bare.execute("COMMIT")

    def plain() -> Any:
        return registry.transition_stage("open", "1", ("staging", "none")[next(turn) % 2])

    def displacing() -> Any:
        return registry.transition_stage("single", "12"[next(turn) % 2], "production")

    rows = take_turns(
        {
            BARE: one_row,
            ALIKE: alike,
            "transition": plain,
            "transition that displaces an incumbent": displacing,
        },
        seconds,
    )
    show("Durable writes", rows, BARE, WANTED)
    show("The same, against the same rows written barely", rows, ALIKE)
    registry.close()
    bare.close()
