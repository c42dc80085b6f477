"""A store that is full or gone in the middle of it: said plainly, and nothing is half done."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import lockgate
from lockgate.artifacts.local import LocalStore
from lockgate.artifacts.sending import PushProgress
from lockgate.artifacts.store import Data
from lockgate.errors import BlobStoreUnavailable, ModelNotFound
from lockgate.http.app import build_app
from lockgate.registry import Registry
from lockgate.services.depot import Depot
from lockgate.settings import Settings
from registries import embedded, running

ROOM_BYTES = 4 * 2**20
FILE_BYTES_MAX = 500_000


class Failing(LocalStore):
    """A store that loses its bucket, so to speak, whenever it is told to."""

    fails: Callable[[str], bool] = staticmethod(lambda _what: False)

    def _check(self, what: str) -> None:
        if self.fails(what):
            raise BlobStoreUnavailable(detail="the connection was refused.")

    def put_many(self, blobs: Sequence[tuple[str, Data]]) -> None:
        self._check("put")
        super().put_many(blobs)

    def put_manifest(self, digest: str, data: bytes) -> None:
        self._check("manifest")
        super().put_manifest(digest, data)

    def read(self, digest: str) -> bytes:
        self._check("read")
        return super().read(digest)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Files of which some fit, and all together do not."""
    folder = tmp_path / "out"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number:02}.bin").write_bytes(os.urandom(200_000))
    (folder / "weights.bin").write_bytes(os.urandom(6_000_000))
    return folder


@contextmanager
def little_room(folder: Path) -> Iterator[Callable[[], object]]:
    """Give a folder a small disk; yields what gives it more room.

    Where nothing can be mounted, no file of this process may become large for as long.
    """
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM_BYTES}", "none", str(folder)]
    allowed = False
    with suppress(OSError):
        allowed = os.geteuid() == 0 and subprocess.run(mount, check=False).returncode == 0
    if allowed:
        try:
            more = ["mount", "-o", f"remount,size={ROOM_BYTES * 8}", str(folder)]
            yield partial(subprocess.run, more, check=True)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)
        return
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES_MAX, limits[1]))
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@contextmanager
def opened(kind: str, tmp_path: Path, store: LocalStore) -> Iterator[tuple[Registry, Any]]:
    """A registry whose files lie in ``store``, and what speaks to it: itself or a client."""
    registry = embedded(f"sqlite:///{tmp_path}/r.db", cache=str(tmp_path / "cache"))
    registry._store.depot = Depot(lambda: store)
    if kind == "embedded":
        yield registry, registry
        return
    app = build_app(registry, Settings(database=f"sqlite:///{tmp_path}/r.db"))
    mine = Settings(cache=str(tmp_path / "theirs"), timeout_s=20)
    with running(app) as url, lockgate.connect(url, actor="ana", settings=mine) as client:
        yield registry, client


@pytest.mark.parametrize("kind", ["embedded", "http"])
def test_the_disk_is_full_in_a_push(kind: str, tmp_path: Path, model: Path) -> None:
    """There is no version and no half chunk; with room again, only what lacked is sent."""
    folder = tmp_path / "disk"
    with (
        little_room(folder) as make_room,
        opened(kind, tmp_path, LocalStore(folder)) as (
            registry,
            speaker,
        ),
    ):
        with pytest.raises(BlobStoreUnavailable, match=r"no space is left|File too large"):
            speaker.push(model, "churn", "1")
        with pytest.raises(ModelNotFound):
            registry.get_version("churn", "1")
        assert os.listdir(folder / "tmp") == []
        there = {item.name for item in registry.depot.blobs.list_blobs()}
        make_room()
        told: list[PushProgress] = []
        speaker.push(model, "churn", "1", progress=told.append)
        sizes = registry.manifest("churn:1").chunk_sizes
        lacked = sum(size for digest, size in sizes.items() if digest not in there)
        assert lacked == max(each.bytes_sent for each in told)
        assert registry.verify_artifacts("churn:1").faults == ()


@pytest.mark.parametrize("kind", ["embedded", "http"])
@pytest.mark.parametrize("what", ["put", "manifest"])
def test_the_store_is_gone_in_a_push(kind: str, what: str, tmp_path: Path, model: Path) -> None:
    """A store that is lost among the chunks, or before the seal, leaves no version behind."""
    store = Failing(tmp_path / "store")
    with opened(kind, tmp_path, store) as (registry, speaker):
        store.fails = lambda each: each == what
        with pytest.raises(BlobStoreUnavailable, match="refused"):
            speaker.push(model, "churn", "1")
        with pytest.raises(ModelNotFound):
            registry.get_version("churn", "1")
        store.fails = lambda _each: False
        assert speaker.push(model, "churn", "1").digest is not None
        assert registry.verify_artifacts("churn:1").faults == ()


def test_the_store_is_gone_in_the_seal(tmp_path: Path, model: Path) -> None:
    """A store that is lost while the server reads the files again seals nothing."""
    store = Failing(tmp_path / "store")
    with opened("http", tmp_path, store) as (registry, client):
        store.fails = lambda each: each == "read"
        with pytest.raises(BlobStoreUnavailable, match="refused"):
            client.push(model, "churn", "1")
        with pytest.raises(ModelNotFound):
            registry.get_version("churn", "1")
        store.fails = lambda _each: False
        told: list[PushProgress] = []
        assert client.push(model, "churn", "1", progress=told.append).digest is not None
        assert max(each.bytes_sent for each in told) == 0


@pytest.mark.parametrize("kind", ["embedded", "http"])
def test_the_store_is_gone_in_a_pull(kind: str, tmp_path: Path, model: Path) -> None:
    """A pull from a store that is lost says so and leaves nothing at its destination."""
    store = Failing(tmp_path / "store")
    with opened(kind, tmp_path, store) as (_, speaker):
        speaker.push(model, "churn", "1")
        store.fails = lambda each: each == "read"
        with pytest.raises(BlobStoreUnavailable, match="refused"):
            speaker.pull("churn:1", tmp_path / "back")
        assert not (tmp_path / "back").exists()
        store.fails = lambda _each: False
        speaker.pull("churn:1", tmp_path / "back")
        assert (tmp_path / "back" / "weights.bin").read_bytes() == (
            model / "weights.bin"
        ).read_bytes()
