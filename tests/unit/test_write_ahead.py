"""How SQLite is opened: whoever makes a file waits for who is at it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lockgate.coordination.sql import engine_for
from lockgate.storage.sqlite import SqliteDriver
from lockgate.write_ahead import sqlite3, write_ahead


def by_the_registry(path: str) -> Any:
    """Open a file as a database of models; return its journal mode."""
    driver = SqliteDriver(path)
    try:
        with driver.reading() as connection:
            return connection.execute("PRAGMA journal_mode").fetchone()[0]
    finally:
        driver.close()


def by_a_coordinator(path: str) -> Any:
    """Open a file as a database of claims; return its journal mode."""
    engine = engine_for(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            return connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    finally:
        engine.dispose()


@pytest.mark.parametrize("opened", [by_the_registry, by_a_coordinator])
def test_a_file_that_another_is_making(tmp_path: Path, opened: Callable[[str], Any]) -> None:
    """Whoever opens a new file while another writes to it waits until the other is done."""
    path = str(tmp_path / "new.db")
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.1, other.close).start()
    assert opened(path) == "wal"


def test_a_file_that_stays_locked(tmp_path: Path) -> None:
    """Waiting ends, with SQLite's own words."""
    path = str(tmp_path / "new.db")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    mine = sqlite3.connect(path)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        write_ahead(mine, 0.05)
    mine.close()
    other.close()
