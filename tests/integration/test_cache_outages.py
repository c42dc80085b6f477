"""Backends that go away in the middle of a download and come back, knowing what they knew."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))

from coordination_kubernetes import FakeApiServer, running, write_kubeconfig
from coordination_servers import Postgres

from cache_origin import KEY, LIMITS, TOTAL, Origin, cache_of, files_below
from lockgate.coordination import create_registry_backend
from lockgate.domain.claims import ModelStatus
from lockgate.errors import CoordinatorUnavailable


class Place(Protocol):
    """A store that can be taken away."""

    url: str

    def start(self) -> None: ...
    def stop(self) -> None: ...


class ApiServer:
    """A Kubernetes API whose objects outlive its process."""

    def __init__(self, folder: Path) -> None:
        self._server = FakeApiServer()
        self._port = self._server.server_address[1]
        self._running = running(self._server)
        self._running.__enter__()
        config = write_kubeconfig(folder, self._server.url)
        self.url = f"kubernetes://models?kubeconfig={config}"

    def start(self) -> None:
        self._server = FakeApiServer(self._server.store, self._port)
        self._running = running(self._server)
        self._running.__enter__()

    def stop(self) -> None:
        self._running.__exit__(None, None, None)


@pytest.fixture(params=["postgresql", "kubernetes"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "kubernetes":
        server = ApiServer(tmp_path)
        yield server
        server.stop()
        return
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        postgres = Postgres(Path(folder))
        postgres.start()
        yield postgres
        postgres.stop()


def test_outage_in_mid_download_is_outlived(place, tmp_path):
    """The owner goes on fetching, the waiters wait; one download, and the record says so."""
    origin = Origin()
    origin.gate.clear()
    limits = replace(LIMITS, lease_s=1.0, outage_s_max=60)
    backends = [create_registry_backend(place.url) for _ in range(2)]
    caches = [cache_of(tmp_path / "cache", each, origin, limits=limits) for each in backends]
    paths: list[Path] = []
    threads = [
        threading.Thread(target=lambda cache=cache: paths.append(cache.ensure("mem://m")))
        for cache in caches
    ]
    for thread in threads:
        thread.start()
    assert origin.reached.wait(30)
    place.stop()
    origin.gate.set()
    time.sleep(0.3)
    place.start()
    for thread in threads:
        thread.join(60)
    assert [files_below(path) for path in paths] == [origin.files] * 2
    assert origin.bytes_given == TOTAL
    assert backends[0].get_status(KEY) is ModelStatus.DOWNLOADED
    for cache, backend in zip(caches, backends, strict=True):
        cache.close()
        backend.close()


def test_lasting_outage_is_told_and_what_is_there_stays_usable(place, tmp_path):
    """Who must ask is told in bounded time; what is on the disk is found; later, work goes on."""
    origin = Origin()
    backend = create_registry_backend(place.url)
    with cache_of(tmp_path / "cache", backend, origin) as cache:
        path = cache.ensure("mem://m")
        place.stop()
        assert cache.ensure("mem://m") == path
        with pytest.raises(CoordinatorUnavailable):
            cache.ensure("mem://other")
        place.start()
        assert files_below(cache.ensure("mem://other")) == origin.files
    backend.close()
