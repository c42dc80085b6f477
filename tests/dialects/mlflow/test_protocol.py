"""MLflow's REST as it is on the wire: statuses, shapes and paths."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from lockgate.dialects.mlflow.routing import CALLS

READS = [path for method, path in CALLS if method == "GET"]


@pytest.fixture
def made(http: httpx.Client) -> httpx.Client:
    """A client of a registry with one version of churn."""
    http.post("/registered-models/create", json={"name": "churn"}).raise_for_status()
    body = {"name": "churn", "source": "s3://b/m"}
    http.post("/model-versions/create", json=body).raise_for_status()
    return http


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "code"),
    [
        ("POST", "/registered-models/create", {"name": "churn"}, 400, "RESOURCE_ALREADY_EXISTS"),
        ("POST", "/registered-models/create", {}, 400, "INVALID_PARAMETER_VALUE"),
        ("POST", "/registered-models/create", {"name": 5}, 400, "INVALID_PARAMETER_VALUE"),
        ("POST", "/registered-models/create", [], 400, "INVALID_PARAMETER_VALUE"),
        ("POST", "/registered-models/create", {"name": "a@b"}, 400, "INVALID_PARAMETER_VALUE"),
        ("POST", "/registered-models/create", {"name": "x", "tags": {}}, 400, None),
        ("POST", "/registered-models/create", {"name": "x", "tags": [1]}, 400, None),
        ("GET", "/registered-models/get?name=no", None, 404, "RESOURCE_DOES_NOT_EXIST"),
        ("GET", "/registered-models/get", None, 400, "INVALID_PARAMETER_VALUE"),
        ("GET", "/registered-models/search?max_results=x", None, 400, "INVALID_PARAMETER_VALUE"),
        ("GET", "/model-versions/get?name=churn&version=99999999999999999999", None, 404, None),
        ("GET", "/model-versions/get?name=churn&version=-1", None, 404, None),
        ("POST", "/model-versions/create", {"name": "churn", "source": "a\0"}, 400, None),
        ("POST", "/model-versions/create", {"name": "churn", "source": "models:/no/1"}, 404, None),
        ("GET", "/experiments/list", None, 404, "ENDPOINT_NOT_FOUND"),
        ("DELETE", "/registered-models/get", {"name": "churn"}, 404, "ENDPOINT_NOT_FOUND"),
        ("POST", "/webhooks/abc/test", {}, 404, "RESOURCE_DOES_NOT_EXIST"),
        ("POST", "/webhooks/abc/nothing", {}, 404, "ENDPOINT_NOT_FOUND"),
        ("POST", "/webhooks", {"name": "a", "url": "https://1.1.1.1/"}, 400, None),
        ("POST", "/webhooks", {"name": "a", "url": "https://1.1.1.1/", "events": [1]}, 400, None),
    ],
)
def test_a_refusal_has_a_code_and_a_sentence(
    made: httpx.Client, method: str, path: str, sent: Any, status: int, code: str | None
) -> None:
    """Whatever is refused has MLflow's status and its shape of an error."""
    answer = made.request(method, path, json=sent)
    told = answer.json()
    assert (answer.status_code, sorted(told)) == (status, ["error_code", "message"])
    assert code is None or told["error_code"] == code
    assert told["message"]


def test_a_body_that_is_no_json_is_refused(made: httpx.Client) -> None:
    """Broken JSON is the caller's fault."""
    answer = made.post("/registered-models/create", content=b'{"name": ')
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_what_is_missing_is_named(made: httpx.Client) -> None:
    """A parameter that is missing or has the wrong type is named as MLflow names it."""
    answer = made.post("/model-versions/create", json={"name": "churn", "source": ""})
    assert answer.json()["message"] == (
        "Missing value for required parameter 'source'. See the API docs for more information "
        "about request parameters."
    )
    answer = made.post("/registered-models/create", json={"name": ["x"]})
    assert answer.json()["message"] == (
        "Invalid value [\"x\"] for parameter 'name' supplied:  Hint: Value was of type 'list'. "
        "See the API docs for more information about request parameters."
    )


def test_both_ways_to_ask_for_latest_versions(made: httpx.Client) -> None:
    """Older clients ask with GET and repeated stages, newer ones with POST and a list."""
    path = "/registered-models/get-latest-versions"
    asked = made.get(path, params=[("name", "churn"), ("stages", "None"), ("stages", "Staging")])
    posted = made.post(path, json={"name": "churn", "stages": ["None", "Staging"]})
    assert asked.json() == posted.json()
    assert [v["version"] for v in posted.json()["model_versions"]] == ["1"]


def test_a_source_is_opaque_whatever_it_reads_like(made: httpx.Client) -> None:
    """A source that is no URI of this registry's is kept as it was sent."""
    for source in ("s3://[bad", "http://[::1", "models:/m-12ab", "models://elsewhere/churn/1", "a"):
        body = {"name": "churn", "source": source}
        kept = made.post("/model-versions/create", json=body).json()["model_version"]["source"]
        assert kept == source


def test_reads_may_wait_for_a_database(made: httpx.Client, server: Any) -> None:
    """Where a read is not a matter of microseconds it runs in the pool, to the same answer."""
    paths = [f"/{path}?name=churn&version=1&alias=latest" for path in READS]
    at_once = [made.get(path).json() for path in paths]
    server.app.state.reads_at_once = False
    try:
        assert [made.get(path).json() for path in paths] == at_once
    finally:
        server.app.state.reads_at_once = True


def test_the_prefix_of_browsers(made: httpx.Client, server: Any) -> None:
    """The same calls are answered below the prefix that MLflow's pages use."""
    url = f"{server.url}/ajax-api/2.0/mlflow/model-versions/get?name=churn&version=1"
    found = httpx.get(url, trust_env=False).json()["model_version"]
    times = {"creation_timestamp", "last_updated_timestamp"}
    assert {key: value for key, value in found.items() if key not in times} == {
        "name": "churn",
        "version": "1",
        "user_id": "ana",
        "current_stage": "None",
        "description": "",
        "source": "s3://b/m",
        "run_id": "",
        "run_link": "",
        "status": "READY",
        "tags": [],
        "aliases": [],
    }


def test_the_actor_is_on_record(made: httpx.Client, registry: Any) -> None:
    """Who sent the request is who acted."""
    made.post(
        "/model-versions/transition-stage",
        json={"name": "churn", "version": "1", "stage": "Staging"},
        headers={"X-Lockgate-Actor": "bo"},
    ).raise_for_status()
    assert registry.get_transitions("churn", "1")[-1].actor == "bo"


@pytest.mark.parametrize("path", READS)
def test_reads_are_never_kept(made: httpx.Client, path: str) -> None:
    """No answer is stored by what stands between: a stage may move at any time."""
    assert made.get(f"/{path}?name=churn&version=1&alias=x").headers["cache-control"] == "no-store"


def test_requests_are_counted_by_path(made: httpx.Client, server: Any) -> None:
    """The server's metrics name the call, never a model."""
    made.get("/registered-models/get?name=churn").raise_for_status()
    metrics = httpx.get(f"{server.url}/metrics", trust_env=False).text
    assert 'route="/api/2.0/mlflow/registered-models/get"' in metrics
