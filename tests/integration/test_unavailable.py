"""A database that is lost, full, unwritable or no database: unavailable, never "not found"."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import lockgate
from bare import run
from lockgate.errors import Contended, DatabaseUnavailable, InvalidSetting, ModelNotFound
from lockgate.settings import Settings
from lockgate.storage.sqlite import sqlite3

# The number makes the server wait, in milliseconds, until each connection has ended.
HANG_UP = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
    "WHERE application_name = 'lockgate' AND datname = current_database()"
)
ROOM_BYTES = 3 * 1024 * 1024


def test_idle_connections_that_were_cut(postgres_url: str) -> None:
    """After the server hung up on every connection the next call simply works."""
    with lockgate.connect(postgres_url, actor="ana") as registry:
        registry.register_model("churn", "1")
        for _ in range(3):
            run(postgres_url, HANG_UP)
            assert registry.get_version("churn", "1").label == "1"
            run(postgres_url, HANG_UP)
            assert registry.log_metrics("churn", "1", {"auc": 0.5}).metrics == {"auc": 0.5}
        assert registry.verify_audit().ok


def test_a_connection_cut_in_a_transaction(postgres_url: str) -> None:
    """A write whose connection dies is unavailable and changed nothing; the next one works."""
    with lockgate.connect(postgres_url, actor="ana") as registry:
        registry.register_model("churn", "1")

        def cut(session: Any) -> None:
            session.settle_time(0)
            run(postgres_url, HANG_UP)
            registry._store.lifecycles.load(session, -1)

        with pytest.raises(DatabaseUnavailable):
            registry._store.database.write(cut)
        assert registry.register_model("churn", "2").seq == 2
        assert registry.verify_audit().ok


def test_a_server_that_is_gone(postgres_url: str) -> None:
    """Reads and writes without a database are unavailable: nothing is said to be missing."""
    server, name = postgres_url.rsplit("/", 1)
    with lockgate.connect(postgres_url, actor="ana") as registry:
        registry.register_model("churn", "1")
        run(f"{server}/postgres", f"DROP DATABASE {name} WITH (FORCE)")
        for call in (
            lambda: registry.get_version("churn", "1"),
            lambda: registry.get_version("nothing", "1"),
            lambda: registry.resolve("churn@production"),
            lambda: registry.register_model("churn", "2"),
            lambda: registry.search("stage = 'None'"),
            registry.ping,
        ):
            with pytest.raises(DatabaseUnavailable) as caught:
                call()
            assert "postgres" in str(caught.value)


def test_nobody_listens() -> None:
    """A server that nobody answers for is unavailable, and its password is not repeated."""
    with pytest.raises(DatabaseUnavailable) as caught:
        lockgate.connect("postgresql://ana:secret@127.0.0.1:1/lockgate")
    assert "secret" not in str(caught.value)
    assert "secret" not in str(caught.value.fields)


def test_an_unwritable_folder(tmp_path: Path) -> None:
    """A SQLite file that cannot be made is unavailable, with the path."""
    folder = tmp_path / "missing"
    with pytest.raises(DatabaseUnavailable, match="missing"):
        lockgate.connect(f"sqlite:///{folder}/lockgate.db")
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseUnavailable):
        lockgate.connect(f"sqlite:///{tmp_path}/file/lockgate.db")
    with pytest.raises(DatabaseUnavailable):
        lockgate.connect(f"sqlite:///{tmp_path}")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """A file of another kind is refused and left as it was."""
    path = tmp_path / "notes.txt"
    path.write_text("no database at all\n" * 100)
    with pytest.raises(DatabaseUnavailable, match="not a database"):
        lockgate.connect(f"sqlite:///{path}")
    assert path.read_text() == "no database at all\n" * 100


def test_a_database_of_somebody_else_s(tmp_path: Path) -> None:
    """Another program's SQLite database, with a table of a name of ours, is not touched."""
    path = tmp_path / "other.db"
    run(f"sqlite:///{path}", "CREATE TABLE models (id INTEGER)", "INSERT INTO models VALUES (7)")
    with pytest.raises(DatabaseUnavailable, match="models"):
        lockgate.connect(f"sqlite:///{path}")
    assert run(f"sqlite:///{path}", "SELECT name FROM sqlite_master") == [("models",)]


def test_a_damaged_database(tmp_path: Path) -> None:
    """A database whose pages were overwritten is unavailable, not empty."""
    path = tmp_path / "lockgate.db"
    with lockgate.connect(f"sqlite:///{path}", actor="ana") as registry:
        for _ in range(50):
            registry.register_model("churn")
    run(f"sqlite:///{path}", "PRAGMA wal_checkpoint(TRUNCATE)")
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    with pytest.raises(DatabaseUnavailable):
        lockgate.connect(f"sqlite:///{path}", actor="ana").get_version("churn", "1")


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///", "mysql://x/y", "lockgate.db", "ftp://x"]
)
def test_urls_that_name_nothing(url: str) -> None:
    """A URL of no kind that is known is refused, with those that are."""
    with pytest.raises(InvalidSetting):
        lockgate.connect(url)


def test_another_writer_that_does_not_end(tmp_path: Path) -> None:
    """A writer waits for another as long as the setting says, and is then told to try again."""
    url = f"sqlite:///{tmp_path}/lockgate.db"
    with lockgate.connect(url, actor="ana", settings=Settings(busy_s=0.1)) as registry:
        registry.register_model("churn", "1")
        other = sqlite3.connect(f"{tmp_path}/lockgate.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Contended):
            registry.register_model("churn", "2")
        assert registry.get_version("churn", "1").label == "1"  # reading goes on
        other.execute("ROLLBACK")
        other.close()
        assert registry.register_model("churn", "2").seq == 2


def test_waiting_writers_all_get_their_turn(tmp_path: Path) -> None:
    """Threads that write at once wait for each other and all succeed."""
    with lockgate.connect(f"sqlite:///{tmp_path}/lockgate.db", actor="ana") as registry:
        threads = [
            threading.Thread(target=lambda: registry.register_model("churn")) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert registry.get_model("churn").version_count == 8


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path | None]:
    """A file system with little room; None where mounting is not allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM_BYTES}", "none", str(folder)]
    allowed = False
    with suppress(OSError):
        allowed = os.geteuid() == 0 and subprocess.run(mount, check=False).returncode == 0
    yield folder if allowed else None
    if allowed:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(registry: Any) -> None:
    """Register more than there is room for."""
    for _ in range(200):
        registry.register_model("churn", metadata={"weight": "x" * 50_000})


def test_a_full_disk(small_disk: Path | None, tmp_path: Path) -> None:
    """On a full disk a write is unavailable and reading goes on; with room again, so does all.

    Where no small disk can be mounted, the database's own limit of pages stands in for it.
    """
    folder = small_disk or tmp_path
    url = f"sqlite:///{folder}/lockgate.db"
    with lockgate.connect(url, actor="ana") as registry:
        driver: Any = registry._store.database.driver
        if small_disk is None:
            with driver.writing() as connection:
                pages = connection.execute("PRAGMA page_count").fetchone()[0]
                connection.execute(f"PRAGMA max_page_count = {pages + 50}")
        with pytest.raises(DatabaseUnavailable, match="full"):
            fill(registry)
        done = registry.get_model("churn").version_count
        assert done > 0
        assert registry.get_version("churn", str(done)).seq == done
        with pytest.raises(ModelNotFound):
            registry.get_model("nothing")
        if small_disk is None:
            with driver.writing() as connection:
                connection.execute("PRAGMA max_page_count = 1000000")
        else:
            subprocess.run(
                ["mount", "-o", f"remount,size={ROOM_BYTES * 4}", str(folder)], check=True
            )
        assert registry.register_model("churn").seq == done + 1
        assert registry.verify_audit().ok
