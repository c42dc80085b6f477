"""wanLLMDB's surface, line by line, over a running server."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from lockgate.registry import Registry

PROJECT = "5f0c3f0e-9f1d-4a51-9a34-0d1c3b2a1f00"
MODEL = {"name": "churn", "project_id": PROJECT, "description": "who leaves", "tags": ["nlp", "a"]}


def made(http: httpx.Client, **words: Any) -> dict[str, Any]:
    """Make a model and return it."""
    answer = http.post("/models", json={**MODEL, **words})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def registered(http: httpx.Client, model: dict[str, Any], version: str, **words: Any) -> Any:
    """Register a version and return it."""
    answer = http.post(f"/models/{model['id']}/versions", json={"version": version, **words})
    assert answer.status_code == 201, answer.text
    return answer.json()


def moved(http: httpx.Client, version: dict[str, Any], stage: str, comment: str = "") -> Any:
    """Take a version to a stage and return it."""
    body = {"stage": stage, "comment": comment}
    answer = http.post(f"/models/versions/{version['id']}/transition", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: httpx.Response) -> tuple[int, Any]:
    """The status and detail of a refusal, which has nothing else in it."""
    assert list(answer.json()) == ["detail"]
    return answer.status_code, answer.json()["detail"]


def test_a_new_model_has_all_fields(http: httpx.Client) -> None:
    """POST answers 201 with what was sent, a UUID, who made it and when."""
    model = made(http)
    assert str(uuid.UUID(model["id"])) == model["id"]
    assert model["created_at"] == model["updated_at"]
    assert model == {
        **MODEL,
        "id": model["id"],
        "created_by": "bo",
        "created_at": model["created_at"],
        "updated_at": model["updated_at"],
    }


def test_a_name_is_taken_within_its_project(http: httpx.Client) -> None:
    """The same name again is 409, and free in another project."""
    made(http)
    answer = http.post("/models", json=MODEL)
    assert refused(answer) == (409, "Model 'churn' already exists in this project")
    assert made(http, project_id=str(uuid.uuid4()))["name"] == "churn"


def test_a_project_of_ours_goes_by_its_name(http: httpx.Client, registry: Registry) -> None:
    """project_id may be the name of a project of Lockgate's; a UUID is one in any spelling."""
    assert made(http, project_id="default")["project_id"] == "default"
    assert made(http, project_id=PROJECT.upper().replace("-", ""))["project_id"] == PROJECT
    assert registry.get_project(PROJECT).lifecycle == "single"


def test_a_model_is_one_of_ours(http: httpx.Client, registry: Registry) -> None:
    """What wanLLMDB made is there natively, and the other way round."""
    model = made(http, project_id="default")
    registered(http, model, "v1", run_id="run-7", metrics={"auc": 0.5})
    native = registry.get_version("churn", "v1")
    assert (native.stage, native.run_id, dict(native.metrics)) == ("none", "run-7", {"auc": 0.5})
    assert registry.get_model("churn").lifecycle == "single"
    registry.register_model("fraud", "1", stage="None", tags={"team": "risk"})
    listed = http.get("/models").json()["items"]
    assert [each["name"] for each in listed] == ["fraud", "churn"]
    version = http.get(f"/models/{listed[0]['id']}/versions/1").json()
    assert (version["stage"], version["tags"]) == ("none", ["team=risk"])


def test_models_are_listed_newest_first(http: httpx.Client) -> None:
    """GET has items, total, skip and limit, and filters by project and part of the name."""
    other = str(uuid.uuid4())
    for number in range(5):
        made(http, name=f"m{number}")
    made(http, name="else", project_id=other)
    every = http.get("/models").json()
    assert [each["name"] for each in every["items"]] == ["else", "m4", "m3", "m2", "m1", "m0"]
    assert (every["total"], every["skip"], every["limit"]) == (6, 0, 50)
    words = {"project_id": PROJECT, "skip": 1, "limit": 2}
    some = http.get("/models", params=words).json()
    assert [each["name"] for each in some["items"]] == ["m3", "m2"]
    assert (some["total"], some["skip"], some["limit"]) == (5, 1, 2)
    found = http.get("/models", params={"search": "LS"}).json()
    assert ([each["name"] for each in found["items"]], found["total"]) == (["else"], 1)
    assert http.get("/models", params={"search": "%"}).json()["items"] == []
    assert http.get("/models", params={"search": "m'; --"}).json()["total"] == 0
    assert http.get("/models", params={"skip": 6}).json()["items"] == []
    assert http.get("/models", params={"limit": 0}).json()["items"] == []
    assert http.get("/models", params={"project_id": str(uuid.uuid4())}).json()["total"] == 0


def test_the_summary_counts(http: httpx.Client) -> None:
    """GET /summary has total_models, total_versions and by_stage, in all projects or in one."""
    assert http.get("/models/summary").json() == {
        "total_models": 0,
        "total_versions": 0,
        "by_stage": {},
    }
    model = made(http)
    registered(http, model, "1", stage="production")
    registered(http, model, "2")
    registered(http, model, "3")
    made(http, name="else", project_id="default")
    counts = {"total_versions": 3, "by_stage": {"none": 2, "production": 1}}
    assert http.get("/models/summary").json() == {"total_models": 2, **counts}
    here = http.get("/models/summary", params={"project_id": PROJECT}).json()
    assert here == {"total_models": 1, **counts}
    nowhere = http.get("/models/summary", params={"project_id": str(uuid.uuid4())}).json()
    assert nowhere == {"total_models": 0, "total_versions": 0, "by_stage": {}}


def test_a_model_comes_with_its_versions(http: httpx.Client) -> None:
    """GET /{model_id} has the model's fields and versions, the newest first."""
    model = made(http)
    first, second = registered(http, model, "1"), registered(http, model, "2")
    found = http.get(f"/models/{model['id']}").json()
    assert found.pop("versions") == [second, first]
    assert {**found, "updated_at": ""} == {**model, "updated_at": ""}


def test_a_model_changes(http: httpx.Client) -> None:
    """PATCH sets what is given, replaces tags as a whole, and leaves out what is null."""
    model = made(http)
    path = f"/models/{model['id']}"
    assert http.patch(path, json={"tags": ["b", "a"]}).json()["tags"] == ["b", "a"]
    assert http.patch(path, json={"tags": ["a", "b"]}).json()["tags"] == ["a", "b"]
    after = http.patch(path, json={"description": "who stays", "tags": None}).json()
    assert (after["description"], after["tags"]) == ("who stays", ["a", "b"])
    assert http.patch(path, json={}).json() == after
    assert after["updated_at"] > model["updated_at"]


def test_a_tag_with_a_value_stays_one(http: httpx.Client, registry: Registry) -> None:
    """A tag that Lockgate gave a value survives being sent back as it was shown."""
    registry.create_model("fraud", tags={"team": "risk", "old": ""})
    model = http.get("/models").json()["items"][0]
    assert model["tags"] == ["team=risk", "old"]
    http.patch(f"/models/{model['id']}", json={"tags": ["new", "team=risk"]})
    assert dict(registry.get_model("fraud").tags) == {"new": "", "team": "risk"}


def test_a_model_goes_whatever_it_serves(http: httpx.Client, registry: Registry) -> None:
    """DELETE answers 204, and the model is gone (to Lockgate, restorable)."""
    model = made(http, project_id="default")
    registered(http, model, "1", stage="production")
    answer = http.delete(f"/models/{model['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert refused(http.get(f"/models/{model['id']}")) == (404, "Model not found")
    assert registry.restore_model("churn").name == "churn"


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_unknown_model_is_not_found(http: httpx.Client, method: str) -> None:
    """404 with the sentence, for a model and below it."""
    body = {"json": {}} if method == "PATCH" else {}
    answer = http.request(method, f"/models/{uuid.uuid4()}", **body)
    assert refused(answer) == (404, "Model not found")


def test_versions_below_an_unknown_model_are_not_found(http: httpx.Client) -> None:
    """404 names the model where the model is asked for, the version where the version is."""
    path = f"/models/{uuid.uuid4()}/versions"
    assert refused(http.post(path, json={"version": "1"})) == (404, "Model not found")
    assert refused(http.get(path)) == (404, "Model not found")
    assert refused(http.get(f"{path}/1")) == (404, "Model version not found")


def test_a_new_version_has_all_fields(http: httpx.Client) -> None:
    """POST answers 201 with what was sent, ids, and nobody's approval."""
    model = made(http)
    words = {
        "version": "v1.0",
        "description": "first",
        "stage": "staging",
        "tags": ["z", "a"],
        "metadata": {"arch": {"layers": [1, 2]}, "none": None},
        "run_id": str(uuid.uuid4()),
        "artifact_version_id": str(uuid.uuid4()),
        "metrics": {"auc": 0.93, "loss": 1},
    }
    version = registered(http, model, **words)
    assert str(uuid.UUID(version["id"])) == version["id"]
    assert version == {
        **words,
        "id": version["id"],
        "model_id": model["id"],
        "approved_by": None,
        "approved_at": None,
        "created_at": version["created_at"],
        "updated_at": version["updated_at"],
    }
    assert http.get(f"/models/{model['id']}/versions/v1.0").json() == version


def test_what_is_left_out_of_a_version_is_empty(http: httpx.Client) -> None:
    """Only the version is required; the stage is none."""
    version = registered(http, made(http), "1")
    assert (version["stage"], version["tags"], version["metadata"]) == ("none", [], {})
    assert (version["run_id"], version["artifact_version_id"]) == (None, None)
    assert (version["description"], version["metrics"]) == (None, {})


def test_a_version_is_taken(http: httpx.Client) -> None:
    """The same version again is 409; a number is no version."""
    model = made(http)
    registered(http, model, "v1")
    again = http.post(f"/models/{model['id']}/versions", json={"version": "v1"})
    assert refused(again) == (409, "Version 'v1' already exists")
    assert refused(http.get(f"/models/{model['id']}/versions/1")) == (
        404,
        "Model version not found",
    )
    assert registered(http, model, "1")["version"] == "1"


def test_versions_are_listed_newest_first(http: httpx.Client) -> None:
    """GET filters by stage and pages by skip and limit."""
    model = made(http)
    for number in range(4):
        registered(http, model, str(number), stage="staging" if number % 2 else "none")
    path = f"/models/{model['id']}/versions"
    every = http.get(path).json()
    assert [each["version"] for each in every["items"]] == ["3", "2", "1", "0"]
    assert (every["total"], every["skip"], every["limit"]) == (4, 0, 100)
    some = http.get(path, params={"stage": "staging", "skip": 1, "limit": 5}).json()
    assert ([each["version"] for each in some["items"]], some["total"]) == (["1"], 2)
    assert http.get(path, params={"stage": "archived"}).json()["items"] == []


def test_the_latest_in_a_stage(http: httpx.Client) -> None:
    """GET /stages/{stage}/latest answers the newest there, or 404 with the stage."""
    model = made(http)
    words = {"model_id": model["id"]}
    none = (404, "No version found in stage 'staging'")
    assert refused(http.get("/models/stages/staging/latest", params=words)) == none
    registered(http, model, "1", stage="staging")
    second = registered(http, model, "2", stage="staging")
    assert http.get("/models/stages/staging/latest", params=words).json() == second
    unknown = {"model_id": str(uuid.uuid4())}
    assert refused(http.get("/models/stages/staging/latest", params=unknown)) == none


def test_a_stage_that_a_lifecycle_lacks_is_empty(http: httpx.Client, registry: Registry) -> None:
    """A model of ours whose lifecycle has no such stage has no version there."""
    registry.create_model("line", lifecycle="linear")
    model = http.get("/models").json()["items"][0]
    words = {"model_id": model["id"]}
    answer = http.get("/models/stages/archived/latest", params=words)
    assert refused(answer) == (404, "No version found in stage 'archived'")
    listed = http.get(f"/models/{model['id']}/versions", params={"stage": "archived"}).json()
    assert (listed["items"], listed["total"]) == ([], 0)


def test_a_version_changes(http: httpx.Client) -> None:
    """PATCH sets description, tags and metadata, each as a whole."""
    version = registered(http, made(http), "1", metadata={"a": 1}, tags=["x"])
    path = f"/models/versions/{version['id']}"
    words = {"description": "d", "tags": ["y", "x"], "metadata": {"b": None}}
    after = http.patch(path, json=words).json()
    changed = {**version, **words, "updated_at": after["updated_at"]}
    assert after == changed
    assert http.patch(path, json={"metadata": None, "version": "9"}).json() == after


def test_a_version_goes(http: httpx.Client) -> None:
    """DELETE answers 204, wherever the version stands; then it is not found."""
    version = registered(http, made(http), "1", stage="production")
    path = f"/models/versions/{version['id']}"
    answer = http.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    none = (404, "Model version not found")
    assert refused(http.delete(path)) == none
    assert refused(http.patch(path, json={})) == none
    assert refused(http.post(f"{path}/transition", json={"stage": "none"})) == none
    assert refused(http.get(f"{path}/transitions")) == none


def test_the_id_of_a_model_is_none_of_a_version(http: httpx.Client) -> None:
    """An id of the wrong kind is not found."""
    model = made(http)
    version = registered(http, model, "1")
    answer = http.patch(f"/models/versions/{model['id']}", json={})
    assert refused(answer) == (404, "Model version not found")
    assert refused(http.get(f"/models/{version['id']}")) == (404, "Model not found")


def test_production_holds_one(http: httpx.Client) -> None:
    """Entering production is approved by the caller and sends the one before to staging."""
    model = made(http)
    first = moved(http, registered(http, model, "1"), "production", "go")
    assert (first["stage"], first["approved_by"]) == ("production", "bo")
    assert first["approved_at"] == first["updated_at"]
    moved(http, registered(http, model, "2"), "production")
    stages = {
        v["version"]: v["stage"] for v in http.get(f"/models/{model['id']}").json()["versions"]
    }
    assert stages == {"1": "staging", "2": "production"}


def test_every_stage_leads_to_every_other(http: httpx.Client) -> None:
    """Also back, and to itself, and each passage is listed, the newest first."""
    version = registered(http, made(http), "1")
    way = ["archived", "none", "production", "production", "staging"]
    for stage in way:
        assert moved(http, version, stage, f"to {stage}")["stage"] == stage
    listed = http.get(f"/models/versions/{version['id']}/transitions").json()
    assert listed["total"] == 5
    assert [each["to_stage"] for each in listed["items"]] == way[::-1]
    newest = listed["items"][0]
    assert str(uuid.UUID(newest["id"])) == newest["id"]
    assert newest == {
        "id": newest["id"],
        "model_version_id": version["id"],
        "from_stage": "production",
        "to_stage": "staging",
        "comment": "to staging",
        "transitioned_by": "bo",
        "transitioned_at": newest["transitioned_at"],
    }


def test_a_transition_needs_no_comment(http: httpx.Client) -> None:
    """The comment is null where none was given."""
    version = registered(http, made(http), "1")
    http.post(f"/models/versions/{version['id']}/transition", json={"stage": "staging"})
    listed = http.get(f"/models/versions/{version['id']}/transitions").json()
    assert [each["comment"] for each in listed["items"]] == [None]
