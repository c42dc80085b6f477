"""A Lockgate server, and the unmodified client of MLflow that talks to it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from lockgate.dialects import dialects_named
from lockgate.http.app import build_app
from lockgate.registry import Registry
from lockgate.settings import Settings
from registries import Server, embedded, running


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that understands MLflow's clients."""
    app = build_app(embedded(), Settings(database="memory://"), dialects=dialects_named("mlflow"))
    with running(app) as url:
        yield Server(app, url)


@pytest.fixture
def registry(server: Server) -> Iterator[Registry]:
    """The registry behind the server, an empty one for each test."""
    with server.serving(embedded()) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def mlflow() -> Any:
    """MLflow itself, quiet and offline; its import warns of what is not ours."""
    with pytest.MonkeyPatch.context() as environment, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        environment.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        environment.setenv("DO_NOT_TRACK", "true")
        environment.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        import mlflow

        yield mlflow


@pytest.fixture
def client(mlflow: Any, server: Server, registry: Registry) -> Iterator[Any]:
    """MLflow's client of the registry."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # MLflow says so of stages
        yield mlflow.MlflowClient(server.url, server.url)


@pytest.fixture
def http(server: Server, registry: Registry) -> Iterator[httpx.Client]:
    """A plain HTTP client below MLflow's prefix."""
    with httpx.Client(base_url=f"{server.url}/api/2.0/mlflow", trust_env=False) as found:
        yield found
