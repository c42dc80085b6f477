"""The stores that the coordination suite runs against, as fixtures.

Kubernetes stands on a fake of its API, and on a real one too where LOCKGATE_TEST_KUBECONFIG names
a configuration (its namespace needs deploy/kubernetes/crd.yaml, and loses its cache entries).
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from coordination_kubernetes import FakeApiServer, running, write_kubeconfig
from coordination_servers import running_postgres, running_valkey

from lockgate.coordination import create_registry_backend
from lockgate.coordination.backend import RegistryBackend
from lockgate.coordination.memory import MemoryBackend
from lockgate.coordinators import open_coordination
from lockgate.domain.claims import Claimed, ModelKey, ModelRecord, ModelStatus
from lockgate.http.cache import Desk
from registries import Server, a_server

DOWNLOADING, DOWNLOADED, ERROR = ModelStatus
KEY = ModelKey("hf", "org/model", "main")
REAL_KUBECONFIG = os.environ.get("LOCKGATE_TEST_KUBECONFIG")
SHARED = ["sqlite", "postgresql", "redis", "kubernetes", *(["cluster"] if REAL_KUBECONFIG else [])]


@dataclass
class Place:
    """An empty store: its URL, and a way to damage a record in it."""

    url: str
    spoil: Callable[[ModelKey], None]


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    with running_valkey() as url:
        yield url


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with running_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def api_server() -> Iterator[FakeApiServer]:
    with running(FakeApiServer()) as server:
        yield server


@pytest.fixture(scope="session")
def lockgate_server() -> Iterator[Server]:
    """A server whose coordination is changed for every test."""
    with a_server() as server:
        yield server


def sql_place(url: str) -> Place:
    from lockgate.coordination.sql import engine_for, entries

    def run(statement: sa.Executable) -> None:
        engine = engine_for(url)
        with engine.connect() as connection:
            connection.execute(statement)
        engine.dispose()

    def spoil(key: ModelKey) -> None:
        run(sa.update(entries).where(entries.c.id == key.id).values(status="NONSENSE"))

    create_registry_backend(url).close()
    run(sa.delete(entries))
    return Place(url, spoil)


def redis_place(url: str) -> Place:
    import redis

    from lockgate.coordination.scripts import KEYS

    def spoil(key: ModelKey) -> None:
        with redis.Redis.from_url(url) as client:
            client.hset(KEYS[0], key.id, b"{not json")

    with redis.Redis.from_url(url) as client:
        client.delete(*KEYS)
    return Place(url, spoil)


def kubernetes_place(server: FakeApiServer, folder: Path) -> Place:
    namespace = f"ns-{uuid.uuid4().hex[:8]}"

    def spoil(key: ModelKey) -> None:
        del server.store.objects[namespace, key.slug]["spec"]["provider"]

    config = write_kubeconfig(folder, server.url)
    return Place(f"kubernetes://{namespace}?kubeconfig={config}", spoil)


def server_place(server: Server) -> Place:
    server.app.state.coordination = Desk(MemoryBackend())

    def spoil(key: ModelKey) -> None:
        pytest.fail("what lies behind a server is damaged in the tests of that backend")

    return Place(server.url, spoil)


def cluster_place() -> Place:
    from lockgate.coordination.kubernetes import KubernetesBackend

    url = f"kubernetes://?kubeconfig={REAL_KUBECONFIG}"
    backend = KubernetesBackend.open(url)
    for record in backend.get_models_by_last_used():
        backend.delete_model(record.key)
    backend.close()

    def spoil(key: ModelKey) -> None:
        pytest.fail("a real API server holds nothing that its schema refuses")

    return Place(url, spoil)


def place_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> Place:
    if kind == "sqlite":
        return sql_place(f"sqlite:///{folder}/cache.sqlite")
    if kind == "postgresql":
        return sql_place(request.getfixturevalue("postgres"))
    if kind == "redis":
        return redis_place(request.getfixturevalue("valkey"))
    if kind == "cluster":
        return cluster_place()
    if kind == "lockgate":
        return server_place(request.getfixturevalue("lockgate_server"))
    return kubernetes_place(request.getfixturevalue("api_server"), folder)


@pytest.fixture(params=["lockgate", *SHARED])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A store that several processes share."""
    return place_of(request.param, request, tmp_path)


@pytest.fixture(params=[kind for kind in SHARED if kind != "cluster"])
def damaged(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RegistryBackend]:
    """A store with one good record and one that cannot be read: KEY's."""
    place = place_of(request.param, request, tmp_path)
    backend = create_registry_backend(place.url)
    backend.set_status(KEY, DOWNLOADED)
    backend.set_status(ModelKey("hf", "good"), DOWNLOADED)
    place.spoil(KEY)
    yield backend
    backend.close()


@pytest.fixture(params=["memory", "lockgate", *SHARED])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RegistryBackend]:
    """A connected backend without records; ``lockgate`` is a server of our own, over HTTP."""
    url = "memory://"
    if request.param != "memory":
        url = place_of(request.param, request, tmp_path).url
    connected = open_coordination(url)
    yield connected
    connected.close()


def require_claim(backend: RegistryBackend, key: ModelKey = KEY) -> Claimed:
    outcome = backend.try_claim_for_download(key)
    assert isinstance(outcome, Claimed)
    return outcome


def require_record(backend: RegistryBackend, key: ModelKey = KEY) -> ModelRecord:
    record = backend.get_model_record(key)
    assert record is not None
    return record


def fields_of(record: ModelRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in ModelRecord.__dataclass_fields__}
