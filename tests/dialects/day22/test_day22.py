"""Day22's surface, line by line, over a running server."""

from __future__ import annotations

from typing import Any

import httpx

from lockgate.registry import Registry

FAQ_BOT = {"name": "faq-bot", "owner": "hazel", "description": "Q&A bot"}


def told(answer: httpx.Response) -> tuple[int, Any]:
    """The status and detail of a refusal, which has nothing else in it."""
    assert list(answer.json()) == ["detail"]
    return answer.status_code, answer.json()["detail"]


def registered(http: httpx.Client, version: str, **words: Any) -> dict[str, Any]:
    """Register a version of faq-bot and return it."""
    answer = http.post("/models/faq-bot/versions", json={"version": version, **words})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def sent(http: httpx.Client, version: str, to: str, **words: Any) -> httpx.Response:
    """Send a version of faq-bot to a stage, as hazel."""
    body = {"to_stage": to, "actor": "hazel", **words}
    return http.post(f"/models/faq-bot/versions/{version}/transition", json=body)


def moved(http: httpx.Client, version: str, to: str, **words: Any) -> str:
    """Send a version to a stage, which must be accepted; return where it stands."""
    answer = sent(http, version, to, **words)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["stage"])


def test_it_is_alive(http: httpx.Client) -> None:
    """GET /healthz is exactly this."""
    answer = http.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})


def test_a_model_is_made_once(http: httpx.Client, registry: Registry) -> None:
    """An existing name returns the existing model, unchanged."""
    first = http.post("/models", json=FAQ_BOT)
    assert first.status_code == 200
    model = first.json()
    assert isinstance(model["id"], int)
    assert model == {**FAQ_BOT, "id": model["id"], "created_at": model["created_at"]}
    again = http.post("/models", json={"name": "faq-bot", "owner": "mallory"})
    assert (again.status_code, again.json()) == (200, model)
    assert registry.get_model("faq-bot").lifecycle == "strict"


def test_models_are_listed_oldest_first(http: httpx.Client, registry: Registry) -> None:
    """GET /models has every model of the registry's project, native ones too."""
    for name in ("b", "a"):
        http.post("/models", json={"name": name})
    registry.register_model("c", "1")
    registry.create_project("elsewhere")
    registry.create_model("elsewhere/d")
    assert [each["name"] for each in http.get("/models").json()] == ["b", "a", "c"]
    existing = http.post("/models", json={"name": "c"})
    assert (existing.status_code, existing.json()["name"]) == (200, "c")


def test_a_version_has_all_fields(http: httpx.Client, registry: Registry) -> None:
    """POST returns what was sent, in None; natively it is the same version."""
    http.post("/models", json=FAQ_BOT)
    words = {
        "artifact_url": "s3://bucket/faq-bot/1.0.0",
        "tags": ["baseline", "a"],
        "meta": {"commit": "a1b2c3", "eval": {"f1": 0.5}},
    }
    version = registered(http, "1.0.0", **words)
    assert isinstance(version["id"], int)
    assert version == {
        **words,
        "id": version["id"],
        "version": "1.0.0",
        "stage": "None",
        "created_at": version["created_at"],
    }
    assert http.get("/models/faq-bot/versions").json() == [version]
    assert registry.get_version("faq-bot", "1.0.0").artifact_uri == words["artifact_url"]


def test_what_is_left_out_of_a_version_is_empty(http: httpx.Client) -> None:
    """Only the version is required."""
    http.post("/models", json=FAQ_BOT)
    version = registered(http, "1")
    assert (version["artifact_url"], version["tags"], version["meta"]) == (None, [], {})


def test_versions_are_listed_oldest_first(http: httpx.Client) -> None:
    """GET lists them as they came."""
    http.post("/models", json=FAQ_BOT)
    for label in ("2", "1", "3"):
        registered(http, label)
    listed = http.get("/models/faq-bot/versions").json()
    assert [each["version"] for each in listed] == ["2", "1", "3"]


def test_a_version_exists(http: httpx.Client) -> None:
    """400 for a version that is there; a version's number is no version."""
    http.post("/models", json=FAQ_BOT)
    registered(http, "v1")
    again = http.post("/models/faq-bot/versions", json={"version": "v1"})
    assert told(again) == (400, "Version already exists")
    assert told(sent(http, "1", "Staging")) == (400, "Version not found")
    assert registered(http, "1")["version"] == "1"


def test_a_model_that_is_not_there(http: httpx.Client) -> None:
    """400 with its name where something is to be done, 404 where it is asked for."""
    missing = "Model faq-bot not found"
    assert told(http.post("/models/faq-bot/versions", json={"version": "1"})) == (400, missing)
    assert told(sent(http, "1", "Staging")) == (400, missing)
    assert told(http.get("/models/faq-bot/versions")) == (404, missing)
    assert told(http.get("/models/faq-bot/production")) == (404, "No production version")
    assert http.get("/models").json() == []


def test_the_scenario(http: httpx.Client) -> None:
    """Up, rolled back to where it stands, archived; then what the lifecycle refuses."""
    http.post("/models", json=FAQ_BOT)
    registered(http, "1.0.0", artifact_url="s3://bucket/faq-bot/1.0.0", tags=["baseline"])
    assert told(http.get("/models/faq-bot/production")) == (404, "No production version")
    assert moved(http, "1.0.0", "Staging") == "Staging"
    assert moved(http, "1.0.0", "Production") == "Production"
    registered(http, "1.1.0", tags=["canary"], meta={"commit": "d4e5f6"})
    assert moved(http, "1.1.0", "Staging") == "Staging"
    assert moved(http, "1.0.0", "Production", rollback_to=True) == "Production"
    assert moved(http, "1.1.0", "Archived") == "Archived"
    refused = told(sent(http, "1.1.0", "Production"))
    assert refused == (400, "Illegal transition Archived → Production")
    registered(http, "2.0.0")
    refused = told(sent(http, "2.0.0", "Production"))
    assert refused == (400, "Illegal transition None → Production")
    assert http.get("/models/faq-bot/production").json()["version"] == "1.0.0"
    stages = {
        each["version"]: each["stage"] for each in http.get("/models/faq-bot/versions").json()
    }
    assert stages == {"1.0.0": "Production", "1.1.0": "Archived", "2.0.0": "None"}
    log = http.get("/audit").json()
    assert [
        (each["action"], each["version"], each["actor"], each["from_stage"], each["to_stage"])
        for each in log
    ] == [
        ("create_model", None, "hazel", None, None),
        ("create_version", "1.0.0", "bo", None, None),
        ("transition", "1.0.0", "hazel", "None", "Staging"),
        ("transition", "1.0.0", "hazel", "Staging", "Production"),
        ("create_version", "1.1.0", "bo", None, None),
        ("transition", "1.1.0", "hazel", "None", "Staging"),
        ("transition", "1.0.0", "hazel", "Production", "Production"),
        ("transition", "1.1.0", "hazel", "Staging", "Archived"),
        ("create_version", "2.0.0", "bo", None, None),
    ]
    rolled = [each["version"] for each in log if each["detail"].get("rollback_to")]
    assert rolled == ["1.0.0"]


def test_production_holds_one_and_can_be_taken_back(http: httpx.Client) -> None:
    """A new one sends the old one to Staging, from where it comes back the same way."""
    http.post("/models", json=FAQ_BOT)
    for label in ("1.0.0", "1.1.0"):
        registered(http, label)
        moved(http, label, "Staging")
        moved(http, label, "Production")
    assert http.get("/models/faq-bot/production").json()["version"] == "1.1.0"
    moved(http, "1.0.0", "Production", rollback_to=True)
    stages = {
        each["version"]: each["stage"] for each in http.get("/models/faq-bot/versions").json()
    }
    assert stages == {"1.0.0": "Production", "1.1.0": "Staging"}
    newest, displaced = http.get("/audit").json()[-2:]
    assert (newest["version"], newest["detail"]) == ("1.0.0", {"rollback_to": True})
    shown = {"rollback_to": False, "displaced_by": "1.0.0"}
    assert (displaced["version"], displaced["detail"]) == ("1.1.0", shown)


def test_an_event_has_all_fields(http: httpx.Client, registry: Registry) -> None:
    """Ids grow, and what is none of Day22's is left out."""
    http.post("/models", json=FAQ_BOT)
    registered(http, "1", artifact_url="s3://b/1")
    registry.update_version("faq-bot", "1", description="native")
    moved(http, "1", "staging")
    model, version, passage = http.get("/audit").json()
    assert model["id"] < version["id"] < passage["id"]
    assert model == {
        "id": model["id"],
        "model_name": "faq-bot",
        "version": None,
        "action": "create_model",
        "actor": "hazel",
        "from_stage": None,
        "to_stage": None,
        "detail": {"owner": "hazel", "lifecycle": "strict"},
        "created_at": model["created_at"],
    }
    assert version["detail"] == {"artifact_url": "s3://b/1"}
    assert passage["detail"] == {"rollback_to": False}


def test_an_unknown_stage(http: httpx.Client) -> None:
    """400 lists the four there are; a stage's case does not matter."""
    http.post("/models", json=FAQ_BOT)
    registered(http, "1")
    sentence = "Invalid stage 'x'. Allowed: None, Staging, Production, Archived."
    assert told(sent(http, "1", "x")) == (400, sentence)
    assert moved(http, "1", "STAGING") == "Staging"


def test_the_caller_acts_when_the_body_names_nobody(http: httpx.Client) -> None:
    """Without an actor in the body it is whoever sent the request."""
    http.post("/models", json={"name": "faq-bot"})
    registered(http, "1")
    moved(http, "1", "Staging", actor=None)
    assert [each["actor"] for each in http.get("/audit").json()] == ["bo"] * 3
