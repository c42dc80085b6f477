"""One registry after another: in this process on each database, and over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lockgate.sdk.client import Client
from registries import AnyRegistry, Server, a_server, embedded


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server that every test of this suite puts its own registry behind."""
    with a_server() as made:
        yield made


@pytest.fixture(params=["memory", "sqlite", "http"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyRegistry]:
    """A registry that is this test's own, acting as ana."""
    yield from _registry(request, tmp_path)


@pytest.fixture(params=["sqlite", "postgresql", "http"])
def on_every_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyRegistry]:
    """As `registry`, on PostgreSQL too: for the few tests that its differences could break."""
    yield from _registry(request, tmp_path)


def _registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyRegistry]:
    if request.param == "http":
        server: Server = request.getfixturevalue("server")
        with server.serving(embedded()), Client(server.url, actor="ana") as client:
            yield client
        return
    url = {
        "memory": lambda: "memory://",
        "sqlite": lambda: f"sqlite:///{tmp_path}/lockgate.db",
        "postgresql": lambda: str(request.getfixturevalue("postgres_url")),
    }[request.param]()
    with embedded(url) as here:
        yield here
