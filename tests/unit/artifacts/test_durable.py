"""Writing files so that they are on the disk: the ways to do it, and what each falls back to."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lockgate.artifacts import durable
from lockgate.artifacts.slots import Slots


@pytest.fixture
def tmp_path(on_disk: Path) -> Path:
    """These tests are about disks."""
    return on_disk


@pytest.mark.parametrize(
    "size", [0, 1, 4096, durable.DIRECT_BYTES_MIN, 2**20 + 1, 2**22, 2**22 + 4095, 9 * 2**20 + 17]
)
def test_every_length_is_written_whole(tmp_path: Path, size: int) -> None:
    """Whatever its length, and wherever in memory it begins, all of it is in the file."""
    data = os.urandom(size + 3)
    path = tmp_path / "file"
    with path.open("xb", buffering=0) as file:
        durable.write_new(file.fileno(), memoryview(data)[3:])
    assert path.read_bytes() == data[3:]


def test_the_flag_of_direct_writes_does_not_stay(tmp_path: Path) -> None:
    """A file written past the page cache is an ordinary one afterwards: any length can follow."""
    with (tmp_path / "file").open("xb", buffering=0) as file:
        durable.write_new(file.fileno(), bytes(durable.DIRECT_BYTES_MIN))
        os.write(file.fileno(), b"odd")
    assert (tmp_path / "file").stat().st_size == durable.DIRECT_BYTES_MIN + 3


def test_a_disk_that_refuses_is_an_error(tmp_path: Path) -> None:
    """A limit on the file's size stops a large write with the system's own error."""
    import resource
    import signal

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (durable.DIRECT_BYTES_MIN // 2, limits[1]))
    try:
        with (
            (tmp_path / "file").open("xb", buffering=0) as file,
            pytest.raises(OSError, match="large"),
        ):
            durable.write_new(file.fileno(), bytes(durable.DIRECT_BYTES_MIN))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_many_share_a_sync(tmp_path: Path) -> None:
    """Whoever waits is let go after a sync that began later, however many wait at once."""
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        shared = durable.SharedSync(folder)
        with ThreadPoolExecutor(8) as pool:
            for waited in [pool.submit(shared.wait, shared.begin()) for _ in range(20)]:
                assert waited.result(60) is None
    finally:
        os.close(folder)


def test_all_who_had_begun_are_told_of_a_failure(tmp_path: Path) -> None:
    """A sync that fails is an error for everybody who had begun to write, and nobody later."""
    folder = os.open(tmp_path, os.O_RDONLY)
    lent = os.dup(folder)
    shared = durable.SharedSync(lent)
    first, second = shared.begin(), shared.begin()
    os.close(lent)
    with pytest.raises(OSError, match="Bad file"):
        shared.wait(first)
    os.dup2(folder, lent)
    try:
        with pytest.raises(OSError, match="Bad file"):
            shared.wait(second)
        assert shared.wait(shared.begin()) is None
    finally:
        os.close(lent)
        os.close(folder)


def test_a_file_system_that_is_gone_cannot_be_synced() -> None:
    """What the system refuses is its own error, never silence."""
    with pytest.raises(OSError, match="Bad file"):
        durable.sync_file_system(-1)


def test_other_file_systems_are_synced_one_by_one() -> None:
    """A file system that is not known to report failures is not trusted to sync as one."""
    folder = os.open("/proc", os.O_RDONLY)
    try:
        assert durable.syncs_as_one(folder) is False
    finally:
        os.close(folder)


def test_memory_that_begins_at_a_page_is_written_as_it_lies(tmp_path: Path) -> None:
    """A chunk in a slot, and the odd end of it, is in the file."""
    data = os.urandom(durable.DIRECT_BYTES_MIN + 5)
    first, second = Slots().places([7, len(data)])
    second[:] = data
    first[:] = bytes(7)
    path = tmp_path / "file"
    with path.open("xb", buffering=0) as file:
        durable.write_new(file.fileno(), second)
    assert path.read_bytes() == data
