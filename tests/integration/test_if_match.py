"""``If-Match`` guards deletions, transitions and aliases as it guards other changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from registries import Server, a_server, embedded

MODEL = "/api/v1/projects/default/models/churn"
VERSION = MODEL + "/versions/1"
STEPS: list[tuple[str, str, str, dict[str, Any] | None]] = [
    ("DELETE", VERSION, VERSION, None),
    ("DELETE", MODEL, MODEL, None),
    ("POST", VERSION + "/transitions", VERSION, {"to": "Staging"}),
    ("PUT", MODEL + "/aliases/champion", MODEL, {"version": "1"}),
    ("DELETE", MODEL + "/aliases/old", MODEL, None),
    ("POST", MODEL + "/rollback", MODEL, {"stage": "Staging", "to_version": "2"}),
]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that every test puts its own registry behind."""
    with a_server() as made:
        yield made


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    """A client of a registry with two versions of one model."""
    with (
        server.serving(embedded()) as registry,
        httpx.Client(base_url=server.url, trust_env=False) as client,
    ):
        for label in ("1", "2"):
            registry.register_model("churn", label)
        registry.promote("churn", "2")
        registry.demote("churn", "2")
        registry.set_alias("churn", "old", "2")
        yield client


def send(http: httpx.Client, step: Any, if_match: str, **headers: str) -> httpx.Response:
    """Take a step on condition."""
    method, path, _, body = step
    return http.request(method, path, json=body, headers={"If-Match": if_match, **headers})


def log_size(http: httpx.Client) -> int:
    """How many events there are."""
    return len(http.get("/api/v1/audit?limit=1000").json()["items"])


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step[0]} {step[1][27:]}")
def test_what_has_changed_is_left_alone(http: httpx.Client, step: Any) -> None:
    """With the tag of an earlier state 412 and nothing happens; with the present one it does."""
    tag = http.get(step[2]).headers["etag"]
    before = log_size(http)
    stale = tag.replace("-", "-9", 1)
    for wrong in (stale, '"99"', f'"{"0" * 12}-{tag.strip(chr(34)).split("-")[1]}"'):
        answer = send(http, step, wrong)
        assert (answer.status_code, answer.json()["code"]) == (412, "stale_revision"), wrong
    assert log_size(http) == before
    assert send(http, step, "7").status_code == 400
    assert send(http, step, tag).is_success
    assert log_size(http) > before


def test_any_state_will_do(http: httpx.Client) -> None:
    """``*`` is no condition on the state."""
    assert send(http, STEPS[2], "*").is_success


def test_a_replay_is_no_second_change(http: httpx.Client) -> None:
    """The key of a change that was made answers as before, though its tag is stale by then."""
    tag = http.get(VERSION).headers["etag"]
    key = {"Idempotency-Key": "once"}
    first = send(http, STEPS[2], tag, **key)
    again = send(http, STEPS[2], tag, **key)
    assert first.is_success
    assert again.json() == first.json()
    assert send(http, STEPS[2], tag).status_code == 412
