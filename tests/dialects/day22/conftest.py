"""A server that speaks Day22, with a registry of its own for every test."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from lockgate.dialects import dialects_named
from lockgate.http.app import build_app
from lockgate.registry import Registry
from lockgate.settings import Settings
from registries import Server, embedded, running


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server."""
    settings = Settings(database="memory://")
    app = build_app(embedded(), settings, dialects=dialects_named("day22"))
    with running(app) as url:
        yield Server(app, url)


@pytest.fixture
def registry(server: Server) -> Iterator[Registry]:
    """The registry behind the server, acting as ana."""
    with server.serving(embedded()) as behind:
        yield behind


@pytest.fixture
def http(server: Server, registry: Registry) -> Iterator[httpx.Client]:
    """A client that says that it is bo."""
    headers = {"X-Lockgate-Actor": "bo"}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as client:
        yield client
