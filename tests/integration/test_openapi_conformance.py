"""Whatever is sent to the API, the answer is one that the OpenAPI document describes."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from access_world import Access
from lockgate.http.app import build_app
from lockgate.settings import Settings
from registries import Server, a_server, embedded, running

EXAMPLES_MAX = int(os.environ.get("LOCKGATE_TEST_EXAMPLES", "10"))
"""Cases for each operation; a thousand in all unless somebody wants more."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@schemathesis.serializer("application/toml", "application/vnd.lockgate.blobs")
def as_it_is(_context: object, value: object) -> bytes:
    """Any text: most of it is no TOML and no batch of blobs, and is to be refused as that."""
    return str(value).encode()


with embedded() as drawn:
    schema = schemathesis.openapi.from_dict(
        build_app(drawn, Settings(database="memory://")).openapi()
    ).exclude(path="/api/v1/events")  # it never ends; test_event_streams reads it


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server with a version in production, so that some answers are more than a refusal."""
    with a_server() as made:
        registry = made.app.state.registry
        registry.register_model("0", "0", metrics={"0": 1}, lifecycle="open", stage="production")
        registry.set_alias("0", "a", "0")
        yield made


@schema.parametrize()
@settings(
    max_examples=EXAMPLES_MAX,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_keeps_its_word(case: schemathesis.Case, server: Server) -> None:
    """No fault of ours, and no answer of another status, type or shape than documented."""
    answer = case.call(base_url=server.url)
    # Of a URL that is too long, nobody reads what else would be wrong with it.
    unread = [negative_data_rejection] if answer.status_code == 414 else []
    case.validate_response(answer, checks=CHECKS, excluded_checks=unread)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """A server under access control, and what a maintainer of one of its projects sends."""
    access = Access(artifacts=str(tmp_path_factory.mktemp("guarded") / "files"))
    access.furnish()
    app = build_app(access.registry, Settings(database="memory://", failed_login_delay_s_max=0.0))
    with running(app) as url:
        yield url, access.headers("maintainer")


@schema.parametrize()
@settings(
    max_examples=max(1, EXAMPLES_MAX // 4),
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_keeps_its_word_under_control(
    case: schemathesis.Case, guarded: tuple[str, dict[str, str]]
) -> None:
    """The same of whoever has to prove who they are, and may not do everything."""
    url, headers = guarded
    answer = case.call(base_url=url, headers=headers)
    unread = [negative_data_rejection] if answer.status_code == 414 else []
    case.validate_response(answer, checks=CHECKS, excluded_checks=unread)
