"""What wanLLMDB's surface refuses, in the shape of a FastAPI service, and who wins a race."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from lockgate.registry import Registry

PROJECT = str(uuid.UUID(int=7))
MODEL = {"name": "churn", "project_id": PROJECT}


def faults(answer: httpx.Response) -> list[tuple[Any, ...]]:
    """The kind and the place of each fault of a 422."""
    assert answer.status_code == 422, answer.text
    assert list(answer.json()) == ["detail"]
    return [(each["type"], each["loc"]) for each in answer.json()["detail"]]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": "m"}, [("missing", ["body", "project_id"])]),
        ({}, [("missing", ["body", "name"]), ("missing", ["body", "project_id"])]),
        ({**MODEL, "name": 5}, [("string_type", ["body", "name"])]),
        ({**MODEL, "tags": "nlp"}, [("list_type", ["body", "tags"])]),
        ({**MODEL, "tags": [1]}, [("string_type", ["body", "tags", 0])]),
        ({**MODEL, "name": ""}, [("value_error", ["body", "model name"])]),
        ({**MODEL, "name": "a/b"}, [("value_error", ["body", "model name"])]),
        ({**MODEL, "project_id": "Not One"}, [("value_error", ["body", "project name"])]),
        ([], [("model_type", ["body"])]),
    ],
)
def test_a_model_that_is_none(http: httpx.Client, body: Any, expected: Any) -> None:
    """422 lists every fault with its place, and nothing was made."""
    assert faults(http.post("/models", json=body)) == expected
    assert http.get("/models/summary").json()["total_models"] == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"name": NaN}',
        b'{"name": "a", "name": "b"}',
        b'\xef\xbb\xbf{"name": "a"}',
        b'{"name": "\\ud800"}',
        b'{"name": "a\\u0000"}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_json_that_is_none(http: httpx.Client, content: bytes) -> None:
    """Broken or ambiguous JSON is 422 of the kind json_invalid."""
    answer = http.post("/models", content=content, headers={"Content-Type": "application/json"})
    assert faults(answer) == [("json_invalid", ["body"])]


def test_a_body_has_to_say_that_it_is_json(http: httpx.Client) -> None:
    """A form, which any web page could send here, is no request."""
    answer = http.post("/models", content=b"{}", headers={"Content-Type": "text/plain"})
    assert faults(answer) == [("missing", ["body"])]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("missing", ["body", "version"])]),
        ({"version": "1", "stage": "Production"}, [("literal_error", ["body", "stage"])]),
        ({"version": "1", "metrics": {"a": "b"}}, [("float_parsing", ["body", "metrics", "a"])]),
        ({"version": "1", "metadata": []}, [("dict_type", ["body", "metadata"])]),
        ({"version": "x" * 51}, [("value_error", ["body", "version"])]),
        ({"version": "latest"}, [("value_error", ["body", "version"])]),
    ],
)
def test_a_version_that_is_none(http: httpx.Client, body: Any, expected: Any) -> None:
    """422 lists every fault with its place."""
    model = http.post("/models", json=MODEL).json()
    assert faults(http.post(f"/models/{model['id']}/versions", json=body)) == expected


def test_a_metric_is_finite(http: httpx.Client) -> None:
    """A number too large for a float is no metric."""
    model = http.post("/models", json=MODEL).json()
    answer = http.post(
        f"/models/{model['id']}/versions",
        content=b'{"version": "1", "metrics": {"a": 1e999}}',
        headers={"Content-Type": "application/json"},
    )
    assert faults(answer) == [("value_error", ["body", "metrics", "a"])]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/models/not-a-uuid", ["path", "id"]),
        ("/models/not-a-uuid/versions", ["path", "id"]),
        ("/models?skip=-1", ["query", "skip"]),
        ("/models?limit=x", ["query", "limit"]),
        ("/models?limit=10001", ["query", "limit"]),
        ("/models/stages/dev/latest?model_id=" + PROJECT, ["path", "stage"]),
        ("/models/stages/none/latest", ["query", "model_id"]),
        ("/models/stages/none/latest?model_id=7", ["query", "model_id"]),
    ],
)
def test_a_path_or_query_that_is_none(http: httpx.Client, path: str, place: list[str]) -> None:
    """422 says where."""
    assert [each[1] for each in faults(http.get(path))] == [place]


def test_unknown_paths_and_methods(http: httpx.Client) -> None:
    """404 and 405 have the same shape; a slash at the end leads to the path without."""
    unknown = http.get("/other")
    assert (unknown.status_code, unknown.json()) == (404, {"detail": "Not Found"})
    wrong = http.put("/models/summary")
    assert (wrong.status_code, wrong.json()) == (405, {"detail": "Method Not Allowed"})
    assert wrong.headers["allow"] == "DELETE, GET, HEAD, PATCH"
    slash = http.get("/models/summary/")
    assert slash.status_code == 307
    assert http.get(slash.headers["location"]).json()["total_models"] == 0


def test_a_lifecycle_that_is_not_theirs_holds(http: httpx.Client, registry: Registry) -> None:
    """A model of ours keeps its own edges and gates: the refusal is 409 with the sentence."""
    version = registry.register_model("fraud", "1")
    path = f"/models/versions/{uuid.UUID(version.uid)}/transition"
    answer = http.post(path, json={"stage": "production"})
    assert answer.status_code == 409
    assert answer.json()["detail"].startswith("Illegal transition None → Production.")


def test_two_promoters_at_once(http: httpx.Client) -> None:
    """However many promote at the same time, one version is in production, and none was lost."""
    model = http.post("/models", json=MODEL).json()
    ids = [
        http.post(f"/models/{model['id']}/versions", json={"version": str(number)}).json()["id"]
        for number in range(8)
    ]

    def promote(version_id: str) -> int:
        body = {"stage": "production"}
        return http.post(f"/models/versions/{version_id}/transition", json=body).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(promote, ids * 3)) == {200}
    by_stage = http.get("/models/summary").json()["by_stage"]
    assert by_stage == {"production": 1, "staging": 7}


def test_two_makers_at_once(http: httpx.Client) -> None:
    """A new project and one name in it: one of many gets it, the others 409."""
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: http.post("/models", json=MODEL).status_code, range(8)))
    assert sorted(codes) == [201] + [409] * 7
