"""Routes of dialects with access control on: all of them, and the real clients."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from access_world import STRANGER, Access
from lockgate.dialects import NAMES, dialects_named
from lockgate.dialects.mlflow.routing import CALLS, SERVER_CALLS
from lockgate.http.app import build_app
from lockgate.settings import Settings
from registries import Server, embedded, running

MLFLOW = ("/api/2.0/mlflow", "/ajax-api/2.0/mlflow")
FOREIGN = ("/hf", "/models", "/audit", "/api/v1/registry", "/api/v1/prometheus", "/api/2.0/")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# What a dialect says to everybody, whoever asks: that it has no such thing, or what it can do.
TELLS_NOTHING = (404, 405, 501)
READS = ("search", "get-latest-versions", "paths-info", "validate-yaml", "preupload", "batch")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    app = build_app(
        embedded(),
        Settings(database="memory://"),
        dialects=dialects_named(",".join(NAMES)),
    )
    # Nobody waits in these tests.
    app.state.failures.delay_s = lambda _source: 0.0
    with running(app) as url:
        yield Server(app, url)


@pytest.fixture
def access(server: Server, tmp_path: Path) -> Iterator[Access]:
    made = Access(artifacts=str(tmp_path / "files"))
    made.furnish(tmp_path, files=True)
    made.registry.project = "risk"
    with server.serving(made.registry):
        yield made


def foreign_routes(server: Server) -> list[tuple[str, str]]:
    """Return method and path of every route of a dialect, prefixes gone through as well."""
    found = {
        (method, route.path)  # type: ignore[attr-defined]
        for route in server.app.routes
        if route.path.startswith(FOREIGN)  # type: ignore[attr-defined]
        for method in getattr(route, "methods", None) or METHODS
        if method not in ("HEAD", "OPTIONS")
    }
    found |= {(method, f"{prefix}/{path}") for prefix in MLFLOW for method, path in CALLS}
    found |= {(method, f"/api/3.0/mlflow/{path}") for method, path in SERVER_CALLS}
    return sorted(found)


def filled(access: Access, path: str) -> str:
    """Return a path with the names of things that are there."""
    model = access.registry.get_model("risk/churn")
    version = access.registry.get_version("risk/churn", "1")
    words = {
        "project": "risk", "model": "churn", "name": "churn", "version": "1", "revision": "1",
        "path": "weights.json", "rest": "x", "ticket": "x", "stage": "Production",
        "model_id": model.uid, "version_id": version.uid, "webhook_id": "x",
    }  # fmt: skip
    return path.replace(":path}", "}").format(**words)


def test_every_route_of_a_dialect(access: Access, server: Server) -> None:
    """Lines 23, 24: nobody and strangers learn nothing; neither they nor readers change a thing."""
    body = {"name": "churn", "version": "1", "alias": "champion", "key": "a", "value": "b"}
    before = access.registry.audit(project="risk", newest_first=True, limit=1).items[0].seq
    routes = foreign_routes(server)
    assert len(routes) > 200
    wrong = []
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http:
        for method, template in routes:
            path = filled(access, template)
            reading = method == "GET"
            for person in (None, STRANGER, "viewer"):
                headers = {"X-MLFLOW-WORKSPACE": "risk"}
                if person is not None:
                    headers |= access.headers(person)
                answer = http.request(
                    method, path, headers=headers, params=body if reading else None,
                    json=None if reading else body,
                )  # fmt: skip
                status = answer.status_code
                private = '"about"' in answer.text or '"a": 1' in answer.text
                if person is None:
                    good = status == 401 or status in TELLS_NOTHING
                elif person == STRANGER:
                    good = status < 500 or status in TELLS_NOTHING
                else:
                    good = (status < 500 or status in TELLS_NOTHING) and (
                        reading or status >= 300 or any(word in path for word in READS)
                    )
                if not good or (private and person != "viewer"):
                    wrong.append((method, template, person, status, answer.text[:80]))
    assert wrong == []
    after = access.registry.audit(project="risk", newest_first=True, limit=1).items[0].seq
    assert before == after


# --- the real clients ---------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["Bearer", "Basic"])
def test_mlflows_client(
    access: Access, server: Server, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """MLflow's own client proves itself by its own settings, and is refused in its own words."""
    from mlflow.exceptions import RestException
    from mlflow.tracking import MlflowClient

    monkeypatch.setenv("MLFLOW_WORKSPACE", "risk")

    def client(person: str | None) -> MlflowClient:
        for name in ("TOKEN", "USERNAME", "PASSWORD"):
            monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
        if person is not None and how == "Bearer":
            monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", access.tokens[person])
        elif person is not None:
            monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", person)
            monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", access.tokens[person])
        return MlflowClient(server.url, server.url)

    def code(person: str | None, name: str = "churn") -> str:
        asked = client(person)
        with pytest.raises(RestException) as refused:
            asked.set_registered_model_tag(name, "a", "b")
        return str(refused.value.error_code)

    assert client("viewer").get_registered_model("churn").name == "churn"
    client("maintainer").set_registered_model_tag("churn", "a", "b")
    assert client("viewer").get_registered_model("churn").tags == {"a": "b"}
    assert [
        code("viewer"),
        code(STRANGER),
        code("viewer", "nothing"),
    ] == ["PERMISSION_DENIED", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_DOES_NOT_EXIST"]
    assert code(None) == "UNAUTHENTICATED"


def test_hugging_faces_client(access: Access, server: Server, tmp_path: Path) -> None:
    """The hub's own client sends a token, and raises its own errors for what is not there."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

    def api(person: str | None) -> HfApi:
        token = False if person is None else access.tokens[person]
        return HfApi(endpoint=f"{server.url}/hf", token=token)

    kept = api("viewer").hf_hub_download(
        "risk/churn", "weights.json", revision="1", local_dir=tmp_path / "here"
    )
    assert Path(kept).read_text() == '{"a": 1}'
    assert [each.id for each in api("viewer").list_models()] == ["risk/churn"]
    assert [each.id for each in api(STRANGER).list_models()] == ["secret/hidden"]
    with pytest.raises(RepositoryNotFoundError):
        api(STRANGER).model_info("risk/churn")
    with pytest.raises(HfHubHTTPError) as unknown:
        api(None).model_info("risk/churn")
    assert unknown.value.response.status_code == 401
    with pytest.raises(HfHubHTTPError) as refused:
        api("viewer").upload_file(
            path_or_fileobj=b"{}", path_in_repo="a.json", repo_id="risk/churn"
        )
    assert refused.value.response.status_code == 403
    assert "HF_TOKEN" not in os.environ
