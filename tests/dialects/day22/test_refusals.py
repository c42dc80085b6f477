"""What Day22's surface refuses, in the shape of a FastAPI service, and who wins a race."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from lockgate.domain.policies import PromotionPolicy
from lockgate.registry import Registry


def faults(answer: httpx.Response) -> list[tuple[Any, ...]]:
    """The kind and the place of each fault of a 422."""
    assert answer.status_code == 422, answer.text
    assert list(answer.json()) == ["detail"]
    return [(each["type"], each["loc"]) for each in answer.json()["detail"]]


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/models", {}, [("missing", ["body", "name"])]),
        ("/models", {"name": None}, [("string_type", ["body", "name"])]),
        ("/models", {"name": "a/b"}, [("value_error", ["body", "model name"])]),
        ("/models", {"name": "m", "owner": 1}, [("string_type", ["body", "owner"])]),
        ("/models", "m", [("model_type", ["body"])]),
        ("/models/m/versions", {}, [("missing", ["body", "version"])]),
        ("/models/m/versions", {"version": "a b"}, [("value_error", ["body", "version"])]),
        ("/models/m/versions", {"version": "1", "meta": 1}, [("dict_type", ["body", "meta"])]),
        ("/models/m/versions/1/transition", {}, [("missing", ["body", "to_stage"])]),
        (
            "/models/m/versions/1/transition",
            {"to_stage": "Staging", "rollback_to": "perhaps"},
            [("bool_parsing", ["body", "rollback_to"])],
        ),
        (
            "/models/m/versions/1/transition",
            {"to_stage": "Staging", "actor": "\u200b"},
            [("value_error", ["body", "actor"])],
        ),
    ],
)
def test_a_body_that_is_none(http: httpx.Client, path: str, body: Any, expected: Any) -> None:
    """422 lists every fault with its place."""
    http.post("/models", json={"name": "m"})
    http.post("/models/m/versions", json={"version": "1"})
    assert faults(http.post(path, json=body)) == expected


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"name": Infinity}', b'{"name": "a", "name": "b"}', b'"\\u0000"']
)
def test_json_that_is_none(http: httpx.Client, content: bytes) -> None:
    """Broken or ambiguous JSON is 422 of the kind json_invalid."""
    answer = http.post("/models", content=content, headers={"Content-Type": "application/json"})
    assert faults(answer) == [("json_invalid", ["body"])]


def test_unknown_paths_and_methods(http: httpx.Client) -> None:
    """404 and 405 have the same shape below the dialect's paths."""
    for path in ("/models/m", "/models/m/versions/1", "/audit/1", "/models/a%2Fb/versions/1/x"):
        answer = http.get(path)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
    wrong = http.delete("/models/m/versions")
    assert (wrong.status_code, wrong.json()) == (405, {"detail": "Method Not Allowed"})
    assert wrong.headers["allow"] == "GET, HEAD, POST"
    assert http.post("/audit").status_code == 405


def test_a_closed_gate_is_a_refusal(http: httpx.Client, registry: Registry) -> None:
    """A policy of ours holds here too: 400 with the report's sentences."""
    http.post("/models", json={"name": "m"})
    http.post("/models/m/versions", json={"version": "1"})
    wanted = [{"kind": "metric", "name": "auc", "comparison": ">=", "threshold": 0.9}]
    policy = PromotionPolicy.from_document({"mode": "enforce", "requirements": wanted})
    registry.attach_policy("Staging", policy, model="m")
    answer = http.post("/models/m/versions/1/transition", json={"to_stage": "Staging"})
    assert answer.status_code == 400
    assert "Missing required metric 'auc'" in answer.json()["detail"]


def test_two_promoters_at_once(http: httpx.Client) -> None:
    """However many promote at the same time, one version is in Production."""
    http.post("/models", json={"name": "m"})
    paths = [f"/models/m/versions/{number}/transition" for number in range(8)]
    for number, path in enumerate(paths):
        http.post("/models/m/versions", json={"version": str(number)})
        http.post(path, json={"to_stage": "Staging"})
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda p: http.post(p, json={"to_stage": "Production"}), paths))
    assert [answer.status_code for answer in answers] == [200] * 8
    stages = [each["stage"] for each in http.get("/models/m/versions").json()]
    assert sorted(stages) == ["Production"] + ["Staging"] * 7


def test_two_makers_at_once(http: httpx.Client) -> None:
    """Everybody gets the same model."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: http.post("/models", json={"name": "m"}), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
