"""The cache's routes and metrics of a server, asked as a client of any language asks them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lockgate.coordination.memory import MemoryBackend
from lockgate.coordination.tallies import Tallies
from lockgate.errors import CoordinatorUnavailable
from lockgate.http.app import build_app
from lockgate.settings import Settings
from registries import embedded, running

KEY = {"provider": "hf", "model": "org/model", "revision": "main"}


class Backend(MemoryBackend):
    """A backend that can be away."""

    is_away = False

    def get_status_counts(self):
        if self.is_away:
            raise CoordinatorUnavailable(detail="gone fishing")
        return super().get_status_counts()


@pytest.fixture
def backend() -> Backend:
    return Backend()


@pytest.fixture
def client(backend: Backend, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a server that coordinates, and sees the folder of a cache."""
    settings = Settings(database="memory://", cache_root=str(tmp_path))
    app = build_app(embedded(), settings, coordination=backend)
    with running(app) as url, httpx.Client(base_url=f"{url}/api/v1/cache") as opened:
        yield opened


def post(client: httpx.Client, verb: str, **body: Any) -> httpx.Response:
    return client.post(f"/{verb}", json={**KEY, **body})


def record(client: httpx.Client) -> dict[str, Any]:
    return client.get("/record", params=KEY).raise_for_status().json()


def test_a_download_from_claim_to_finish(client):
    """One is given the claim, the others the status; beats carry progress; the end is told."""
    won = post(client, "claim", holder="me", lease_s=12.5).json()
    assert won == {
        "claim": {"holder": "me", "fence": 1, "lease_s": 12.5},
        "status": "DOWNLOADING",
    }
    assert post(client, "claim", holder="you").json() == {"claim": None, "status": "DOWNLOADING"}
    mine = {"holder": "me", "fence": 1}
    told = {"bytes_done": 5, "bytes_total": 10}
    assert post(client, "heartbeat", **mine, progress=told).status_code == 204
    found = record(client)
    assert (found["heartbeat"], found["progress"], found["lease_s"]) == (1, told, 12.5)
    assert post(client, "finish", **mine).status_code == 204
    assert record(client)["status"] == "DOWNLOADED"
    assert post(client, "claim").json() == {"claim": None, "status": "DOWNLOADED"}
    assert client.get("/counts").json() == {"DOWNLOADING": 0, "DOWNLOADED": 1, "ERROR": 0}


def test_a_failure_is_retried_by_one(client):
    """A retry is given the claim with its fence, once; who was late is told how it stands."""
    post(client, "claim", holder="me")
    post(client, "fail", holder="me", fence=1, message="disk full")
    assert (record(client)["status"], record(client)["message"]) == ("ERROR", "disk full")
    won = post(client, "retry", holder="heir").json()
    assert won["claim"] == {"holder": "heir", "fence": 2, "lease_s": 30.0}
    assert post(client, "retry", holder="late").json() == {"claim": None, "status": "DOWNLOADING"}


def test_a_silent_owner_is_replaced(client):
    """A take-over of what stands as seen wins once; the one before learns it from its next call."""
    post(client, "claim", holder="me")
    seen = {
        name: record(client)[name]
        for name in ("status", "holder", "fence", "heartbeat", "created_at")
    }
    won = post(client, "takeover", seen=seen, holder="heir").json()
    assert won["claim"] == {"holder": "heir", "fence": 2, "lease_s": 30.0}
    assert post(client, "takeover", seen=seen, holder="late").json()["claim"] is None
    late = post(client, "finish", holder="me", fence=1)
    assert (late.status_code, late.json()["code"]) == (409, "claim_lost")
    assert post(client, "forget", seen=seen).json() == {"gone": False}


def test_a_request_sent_again_is_the_same_claimant(client):
    """Without a holder, the Idempotency-Key says who asks: a lost reply costs no claim."""
    asked = [
        client.post("/claim", json=KEY, headers={"Idempotency-Key": "k1"}).json() for _ in range(2)
    ]
    assert asked[0] == asked[1]
    assert asked[0]["claim"]["holder"] == "k1"


def test_records_are_listed_touched_and_deleted(client):
    """The list is in the order of use; touching moves to its end; deleting is for good."""
    for name in ("a", "b"):
        body = {**KEY, "model": name, "status": "DOWNLOADED"}
        assert client.put("/record", json=body).status_code == 204
    assert client.post("/touch", json={**KEY, "model": "a"}).status_code == 204
    found = client.get("/records").json()["items"]
    assert [each["model"] for each in found] == ["b", "a"]
    assert [each["model"] for each in client.get("/records?limit=1").json()["items"]] == ["b"]
    for _ in range(2):
        assert client.delete("/record", params={**KEY, "model": "b"}).status_code == 204
    gone = client.get("/record", params={**KEY, "model": "b"})
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("claim", {"provider": "HF!"}, "provider"),
        ("claim", {"lease_s": 0}, "lease_s"),
        ("claim", {"holder": ""}, "holder"),
        ("heartbeat", {"holder": "a", "fence": 1, "progress": {"bytes_done": -1}}, "progress"),
        ("takeover", {"seen": {"status": "GONE"}}, "seen"),
        ("finish", {"holder": "a"}, "fence"),
    ],
)
def test_faults_name_the_field(client, verb, body, field):
    """What is wrong with a request is said, by field."""
    answered = post(client, verb, **body)
    assert answered.status_code == 400
    assert answered.json()["field"].startswith(field)


def test_a_server_that_coordinates_nothing_says_how(tmp_path):
    """Without the setting every route is 404 and names the setting."""
    app = build_app(embedded(), Settings(database="memory://"))
    with running(app) as url:
        for answered in (
            httpx.get(f"{url}/api/v1/cache/counts"),
            httpx.post(f"{url}/api/v1/cache/claim", json=KEY),
        ):
            assert (answered.status_code, answered.json()["code"]) == (404, "not_found")
            assert "LOCKGATE_COORDINATION" in answered.json()["detail"]
        assert "lockgate_http_request_seconds" in httpx.get(f"{url}/metrics").text


def test_a_backend_that_is_away_is_503(client, backend):
    """An outage is Unavailable with Retry-After, as everywhere in the API."""
    backend.is_away = True
    answered = client.get("/counts")
    assert (answered.status_code, answered.json()["code"]) == (503, "coordinator_unavailable")
    assert answered.headers["retry-after"] == "1"


def test_metrics(client, backend, tmp_path):
    """Requests by route, calls by outcome, models by status, and what the folder's users did."""
    post(client, "claim", holder="me")
    post(client, "claim", holder="you")
    post(client, "heartbeat", holder="you", fence=7)
    root = str(client.base_url).removesuffix("/api/v1/cache/")
    for path in ("/api/v1/projects/p/models/m", "/api/v1/projects/p/models/m/latest", "/nothing"):
        httpx.get(root + path)
    Tallies(tmp_path).add({"bytes_saved": 7, "takeovers": 2, "waits": 1, "wait_ms": 1500})
    expected = {
        'lockgate_coordination_calls_total{outcome="won",verb="claim"}': 1,
        'lockgate_coordination_calls_total{outcome="lost",verb="claim"}': 1,
        'lockgate_coordination_calls_total{outcome="refused",verb="heartbeat"}': 1,
        'lockgate_cache_models{status="downloading"}': 1,
        "lockgate_cache_up": 1,
        "lockgate_cache_saved_bytes_total": 7,
        "lockgate_cache_takeovers_total": 2,
        "lockgate_cache_evictions_total": 0,
        "lockgate_cache_wait_seconds_count": 1,
        "lockgate_cache_wait_seconds_sum": 1.5,
        counted("POST", "/api/v1/cache/claim", 200): 2,
        counted("POST", "/api/v1/cache/heartbeat", 409): 1,
        counted("GET", "/api/v1/projects/{project}/models/{model}", 404): 1,
        counted("GET", "/api/v1/projects/{project}/models/{model}/latest", 404): 1,
        counted("GET", "other", 404): 1,
    }
    found = read(root)
    assert {name: found[name] for name in expected} == expected
    backend.is_away = True
    found = read(root)
    assert found["lockgate_cache_up"] == 0
    assert 'lockgate_cache_models{status="downloading"}' not in found


def counted(method: str, route: str, status: int) -> str:
    labels = f'method="{method}",route="{route}",status="{status}"'
    return f"lockgate_http_request_seconds_count{{{labels}}}"


def read(root: str) -> dict[str, float]:
    lines = httpx.get(f"{root}/metrics").raise_for_status().text.splitlines()
    values = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in values}
