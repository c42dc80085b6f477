"""Crashes: writers killed at random, and the power cut; what was acknowledged is still there."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import lockgate
from bare import assert_whole, run
from racer import Racer

KILLS = 12
WRITERS = 2
THREADS = 3
CUTS = 6
IMAGE_BYTES = 64 * 1024 * 1024
LIFE_S = (0.05, 0.6)
FULL = 2
# The file system writes nothing of its own accord while the image is copied.
MOUNT_OPTIONS = "loop,commit=300"


@pytest.fixture
def tmp_path(on_disk: Path) -> Path:
    """These tests are about disks."""
    return on_disk


def assert_acknowledged(registry: Any, url: str, reports: list[Any]) -> None:
    """Everything that a writer was told is done is in the database."""
    labels = {row[0] for row in run(url, "SELECT label FROM versions")}
    passages = {row[0] for row in run(url, "SELECT uid FROM transitions")}
    named = {
        tuple(row)
        for row in run(
            url, "SELECT a.alias, v.label FROM aliases a JOIN versions v ON v.id = a.version_id"
        )
    }
    measured = {
        row[0]
        for row in run(
            url, "SELECT v.label FROM version_metrics m JOIN versions v ON v.id = m.version_id"
        )
    }
    for report in reports:
        if "registered" in report:
            assert report["registered"] in labels
        if "passage" in report:
            assert report["passage"] in passages
        if "alias" in report:
            assert (report["alias"], report["names"]) in named
        if "measured" in report:
            assert report["measured"] in measured
    assert_whole(registry, url)
    standing = run(url, "SELECT count(*) FROM versions WHERE stage = 'Production'")
    assert standing[0][0] <= 1


def test_kill_9(database_url: str) -> None:
    """Writers killed at any point lose nothing that was acknowledged, and leave nothing broken."""
    chance = random.Random(20261)
    lockgate.connect(database_url, actor="ana").close()
    reports: list[Any] = []
    for turn in range(KILLS // WRITERS):
        racers = [
            Racer(
                database_url, "crowd", model="churn", seed=turn * WRITERS + number, writers=THREADS
            )
            for number in range(WRITERS)
        ]
        for racer in racers:
            racer.wait_ready()
        for racer in racers:
            racer.start()
        for racer in racers:
            time.sleep(chance.uniform(*LIFE_S))
            reports += racer.kill()
    assert reports
    with lockgate.connect(database_url, actor="ana") as registry:
        assert_acknowledged(registry, database_url, reports)
        # The next writer finds a registry that works, with numbers that go on without a gap.
        count = len(run(database_url, "SELECT 1 FROM versions"))
        assert registry.register_model("churn").seq == count + 1


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    """The file system in ``image``, mounted at ``folder``."""
    folder.mkdir()
    subprocess.run(["mount", "-o", MOUNT_OPTIONS, image, folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def can_mount(tmp_path: Path) -> bool:
    """Say whether this machine lets us mount a file system from a file."""
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        return False
    image = tmp_path / "probe.img"
    make_image(image, 4 * 1024 * 1024)
    try:
        with mounted(image, tmp_path / "probe"):
            return True
    except subprocess.CalledProcessError:
        return False


def make_image(image: Path, size: int = IMAGE_BYTES) -> None:
    """Make a file that holds an empty file system."""
    with image.open("wb") as file:
        file.truncate(size)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)


def cut_power(racer: Racer, image: Path, copy: Path, life_s: float) -> list[Any]:
    """Stop a writer, copy the disk as it is at that moment, and let nobody tidy up.

    What the writer's system still held in memory is lost with it: the copy is made of what was
    written to the image, and the image is behind the file system's cache.
    """
    racer.wait_ready()
    racer.start()
    time.sleep(life_s)
    os.kill(racer.process.pid or 0, signal.SIGSTOP)
    shutil.copyfile(image, copy)
    return racer.kill()


def test_power_cut(tmp_path: Path) -> None:
    """What was acknowledged is on the disk before the answer: it survives a power cut.

    On a disk of its own, in a loop-mounted file, the image is copied while the writer is
    stopped: that is what a cut leaves. Where mounting is not allowed, nothing but the driver's
    own word can be had: that it waits for the disk at every commit.
    """
    if not can_mount(tmp_path):
        assert_waits_for_the_disk(tmp_path)
        return
    chance = random.Random(20262)
    told = 0
    for turn in range(CUTS):
        told += _cut_disk(tmp_path / str(turn), turn, chance.uniform(*LIFE_S))
    assert told > CUTS


def assert_waits_for_the_disk(folder: Path) -> None:
    """The writing connection syncs its log at every commit, and its database at checkpoints."""
    with lockgate.connect(f"sqlite:///{folder}/lockgate.db", actor="ana") as registry:
        driver: Any = registry._store.database.driver
        with driver.writing() as connection:
            settings = {
                name: connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("journal_mode", "synchronous")
            }
    assert settings == {"journal_mode": "wal", "synchronous": FULL}


def test_every_commit_waits_for_the_disk(tmp_path: Path) -> None:
    """SQLite writes ahead to a log and waits for the disk at every commit."""
    assert_waits_for_the_disk(tmp_path)


def _cut_disk(folder: Path, turn: int, life_s: float) -> int:
    folder.mkdir()
    image, copy = folder / "disk.img", folder / "cut.img"
    make_image(image)
    with mounted(image, folder / "disk") as disk:
        racer = Racer(
            f"sqlite:///{disk}/lockgate.db", "crowd", model="churn", seed=turn, writers=THREADS
        )
        reports = cut_power(racer, image, copy, life_s)
    with mounted(copy, folder / "after") as after:
        url = f"sqlite:///{after}/lockgate.db"
        with lockgate.connect(url, actor="ana") as registry:
            assert_acknowledged(registry, url, reports)
    image.unlink()
    copy.unlink()
    return len(reports)
