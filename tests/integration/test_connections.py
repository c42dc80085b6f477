"""Connections: as many as are needed, alive when they are used, never shared across a fork."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

import lockgate
from bare import run
from lockgate.errors import Contended

HANG_UP = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
    "WHERE application_name = 'lockgate' AND datname = current_database()"
)
THREADS = 8


def open_files() -> int:
    """Return how many files this process has open."""
    return len(os.listdir("/proc/self/fd"))


def in_a_thread(work: Any) -> None:
    """Run ``work`` in a thread that then ends."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_threads_that_come_and_go(tmp_path: Path) -> None:
    """A thread that has ended keeps no connection: files stay as few as threads are."""
    with lockgate.connect(f"sqlite:///{tmp_path}/a.db", actor="ana") as registry:
        registry.register_model("churn", "1")
        in_a_thread(lambda: registry.get_version("churn", "1"))
        after_one = open_files()
        for _ in range(20):
            in_a_thread(lambda: registry.get_version("churn", "1"))
        assert after_one == open_files()


def test_every_idle_connection_was_cut(postgres_url: str) -> None:
    """However many connections lay idle when the server hung up, the next calls all work."""
    with lockgate.connect(postgres_url, actor="ana") as registry:
        registry.register_model("churn", "1")
        together = threading.Barrier(THREADS)

        def hold(_session: Any) -> None:
            together.wait(timeout=20)

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(registry._store.snapshot, [hold] * THREADS))
        assert len(run(postgres_url, HANG_UP)) == THREADS
        labels = [registry.get_version("churn", "1").label for _ in range(THREADS)]
        assert labels == ["1"] * THREADS


def test_a_forked_child_reads_and_writes(database_url: str) -> None:
    """A child works on connections of its own, and the parent's go on working."""
    with lockgate.connect(database_url, actor="ana") as registry:
        registry.register_model("churn", "1")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                registry.register_model("churn", "2")
                code = 0 if registry.get_version("churn", "1").label == "1" else 1
            finally:
                os._exit(code)
        for _ in range(50):
            assert registry.get_version("churn", "1").label == "1"
        assert os.waitpid(child, 0)[1] == 0
        assert registry.get_version("churn", "2").label == "2"
        assert registry.verify_audit().ok


def test_a_lock_that_is_not_given_up(postgres_url: str) -> None:
    """A row that somebody keeps locked is contended after one wait, not after eight."""
    with (
        lockgate.connect(postgres_url, actor="ana") as registry,
        psycopg.connect(postgres_url) as other,
    ):
        registry.create_model("churn")
        other.execute("SELECT id FROM models FOR UPDATE")
        attempts = []

        def change(session: Any) -> None:
            attempts.append(1)
            session._connection.execute("SET LOCAL lock_timeout = '20ms'")
            session._connection.execute("UPDATE models SET owner = 'bob'")

        with pytest.raises(Contended, match="try again"):
            registry._store.database.write(change)
        assert attempts == [1]
        other.rollback()
        assert registry.get_model("churn").owner == "ana"
