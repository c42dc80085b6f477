"""What the server itself refuses (gate, doors, limits) is told in the dialect of the path."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from access_world import Access
from lockgate.dialects import NAMES, dialects_named
from lockgate.http.app import build_app
from lockgate.settings import Settings
from registries import Server, embedded, running

BODY_BYTES_MAX = 20_000
ASKED_PER_S = 1.0
SPOKEN = {
    "mlflow": "/api/2.0/mlflow/registered-models/create",
    "mlflow for browsers": "/ajax-api/2.0/mlflow/registered-models/create",
    "mlflow's files": "/api/2.0/mlflow-artifacts/mpu/create/x",
    "huggingface": "/hf/api/repos/create",
    "wanllmdb": "/api/v1/registry/models",
    "day22": "/models",
}
GATE: dict[str, tuple[dict[str, Any], int]] = {
    "a host that is not ours": ({"headers": {"Host": "evil.example"}}, 400),
    "a page of another site": ({"headers": {"Origin": "https://evil.example"}}, 403),
    "a body in zip": ({"content": b"{}", "headers": {"Content-Encoding": "gzip"}}, 415),
    "a URL that is too long": ({"query": "?q=" + "x" * 9_000}, 414),
    "a query that is no UTF-8": ({"query": "?q=%ff"}, 400),
    "a token in the URL": ({"query": "?t=lgt_" + "a" * 12 + "_" + "b" * 40}, 400),
    "headers without end": ({"headers": {f"x-{n}": "1" for n in range(101)}}, 431),
    "a body that is too large": ({"content": b"x" * (BODY_BYTES_MAX + 1)}, 413),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that speaks everything and lets little in."""
    limits = {"body_bytes_max": BODY_BYTES_MAX, "token_rate_per_s_max": ASKED_PER_S}
    settings = Settings(database="memory://", **limits)  # type: ignore[arg-type]
    app = build_app(embedded(), settings, dialects=dialects_named(",".join(NAMES)))
    with running(app) as url:
        yield Server(app, url)


@pytest.fixture
def access(server: Server) -> Iterator[Access]:
    """Access control on, with a model churn in the project risk."""
    made = Access()
    made.furnish()
    with server.serving(made.registry):
        yield made


def sentence(dialect: str, answer: httpx.Response) -> str:
    """Return what an answer says, once it is in the dialect's one shape of an error."""
    told: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    if dialect.startswith("mlflow"):
        assert list(told) == ["error_code", "message"]
        assert told["error_code"].isupper()
        return str(told["message"])
    if dialect == "huggingface":
        assert list(told) == ["error"]
        assert answer.headers["x-error-message"].isascii()
        return str(told["error"])
    assert list(told) == ["detail"]
    return str(told["detail"])


@pytest.mark.parametrize("dialect", SPOKEN)
def test_what_the_gate_refuses(server: Server, dialect: str) -> None:
    """Every refusal of the gate has the dialect's shape, and the sentence that ours has."""
    for what, (sent, status) in GATE.items():
        words = {key: value for key, value in sent.items() if key != "query"}
        path, query = SPOKEN[dialect], sent.get("query", "")
        asked = httpx.post(f"{server.url}{path}{query}", trust_env=False, **words)
        ours = httpx.post(f"{server.url}/api/v1/models{query}", trust_env=False, **words)
        wanted = 400 if dialect.startswith("mlflow") and status == 413 else status
        assert (what, asked.status_code, ours.status_code) == (what, wanted, status)
        assert sentence(dialect, asked) == ours.json()["detail"]


@pytest.mark.parametrize("dialect", SPOKEN)
def test_a_fault_of_ours(server: Server, dialect: str) -> None:
    """What breaks in the server is 500 in the dialect's shape, with a request id and no more."""
    before, server.app.state.registry = server.app.state.registry, None
    try:
        answer = httpx.post(server.url + SPOKEN[dialect], json={}, trust_env=False)
    finally:
        server.app.state.registry = before
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] in sentence(dialect, answer)


@pytest.mark.parametrize("dialect", SPOKEN)
def test_who_is_nobody(server: Server, access: Access, dialect: str) -> None:
    """Without a token the answer is 401, with the challenge, in the dialect's shape."""
    asked = {"name": "churn", "path": "x"}
    answer = httpx.post(server.url + SPOKEN[dialect], json=asked, trust_env=False)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert "wants a token" in sentence(dialect, answer)


@pytest.mark.parametrize("dialect", SPOKEN)
def test_who_asks_too_often(server: Server, access: Access, dialect: str) -> None:
    """A token over its limit is 429, is told when to come again, and why."""
    key = access.issue("viewer", dialect)
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(headers=headers, trust_env=False) as http:
        answers = [http.post(server.url + SPOKEN[dialect], json={}) for _ in range(4)]
    last = answers[-1]
    assert (last.status_code, int(last.headers["retry-after"]) > 0) == (429, True)
    assert "requests a second" in sentence(dialect, last)


@pytest.mark.parametrize(
    ("dialect", "method", "path", "status"),
    [
        ("mlflow", "GET", "/api/2.0", 404),
        ("mlflow", "GET", "/api/2.0/mlflow", 404),
        ("mlflow", "POST", "/api/2.0/preview/mlflow/runs/create", 404),
        ("mlflow", "GET", "/api/3.0/mlflow/traces/search", 404),
        ("mlflow", "GET", "/ajax-api/3.0/nothing", 404),
        ("mlflow", "PUT", "/api/2.0/mlflow-artifacts/nothing", 404),
        ("huggingface", "GET", "/hf", 404),
        ("huggingface", "GET", "/hf/api/datasets/a/b", 404),
        ("huggingface", "DELETE", "/hf/api/models/a/b/revision/main", 404),
        ("wanllmdb", "GET", "/api/v1/registry", 404),
        ("wanllmdb", "PUT", "/api/v1/registry/models", 405),
        ("day22", "GET", "/models/x/y/z", 404),
        ("day22", "DELETE", "/models", 405),
        ("day22", "POST", "/audit", 405),
        ("day22", "POST", "/healthz", 405),
    ],
)
def test_unknown_paths_and_methods(
    server: Server, dialect: str, method: str, path: str, status: int
) -> None:
    """What a dialect does not know is refused in its shape."""
    answer = httpx.request(method, server.url + path, trust_env=False)
    assert (answer.status_code, bool(sentence(dialect, answer))) == (status, True)


def test_paths_that_only_begin_alike_are_ours(server: Server) -> None:
    """A path is a dialect's as a whole or not at all."""
    for path in ("/hfx", "/modelsx", "/api/2.0x", "/api/v1/registryx"):
        answer = httpx.get(server.url + path, trust_env=False)
        assert answer.headers["content-type"] == "application/problem+json"


def test_mlflows_client_shows_why(server: Server, access: Access) -> None:
    """MLflow's own client raises its own exception, with the code and the server's sentence."""
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as environment:
        warnings.simplefilter("ignore")
        environment.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        environment.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        import mlflow

        client = mlflow.MlflowClient(server.url, server.url)
        with pytest.raises(mlflow.MlflowException, match="wants a token") as nobody:
            client.get_registered_model("churn")
        assert nobody.value.error_code == "UNAUTHENTICATED"
        environment.setenv("MLFLOW_TRACKING_TOKEN", access.tokens["root"])
        with pytest.raises(mlflow.MlflowException, match="more than the limit of 20000") as large:
            client.create_registered_model("churn", description="x" * BODY_BYTES_MAX)
        assert large.value.error_code == "INVALID_PARAMETER_VALUE"
        environment.setenv("MLFLOW_TRACKING_TOKEN", access.issue("root", "often"))
        environment.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
        for _ in range(3):  # the last comes too early, waits as it is told to, and gets through
            client.search_registered_models()


def test_the_hubs_client_shows_why(server: Server, access: Access) -> None:
    """The hub's own client raises its own exceptions, with the server's sentence."""
    api = HfApi(endpoint=f"{server.url}/hf", token=False)
    with pytest.raises(RepositoryNotFoundError, match="wants a token"):
        api.model_info("risk/churn")
    api = HfApi(endpoint=f"{server.url}/hf", token=access.issue("root", "hub"))
    words = {"extra": "x" * BODY_BYTES_MAX}
    with pytest.raises(HfHubHTTPError, match="more than the limit of 20000"):
        api.create_repo("risk/new", space_secrets=[words], repo_type="space", space_sdk="static")
