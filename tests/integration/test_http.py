"""What HTTP adds to the registry: conditions, keys, one shape for every refusal."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lockgate.http.app import build_app
from lockgate.settings import Settings
from registries import Server, a_server, embedded, running

V1 = "/api/v1"
CHURN = f"{V1}/projects/default/models/churn"
FIRST = f"{CHURN}/versions/1.0"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for the tests of this file."""
    with a_server() as made:
        yield made


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    """A plain HTTP client of a server that has churn 1.0 and nothing else."""
    registry = embedded()
    registry.register_model("churn", "1.0", metrics={"auc": 0.9})
    with (
        server.serving(registry),
        httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client,
    ):
        yield client


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Return the problem, after checking that it is a whole one."""
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert (answer.status_code, document["status"], document["code"]) == (status, status, code)
    assert document["type"] == f"urn:lockgate:error:{code}"
    assert document["request_id"] == answer.headers["x-request-id"]
    assert document["title"]
    assert document["detail"]
    return document


def events(http: httpx.Client) -> int:
    """Count the events on record."""
    return len(http.get(f"{V1}/audit", params={"limit": 1000}).json()["items"])


# --- conditions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [FIRST, CHURN, f"{CHURN}/latest", f"{V1}/resolve?ref=churn:1.0", f"{CHURN}/versions/1"],
)
def test_what_the_caller_has_is_not_sent_again(http: httpx.Client, path: str) -> None:
    """A GET with the tag of the last answer is 304 without a body, until something changes."""
    first = http.get(path)
    again = http.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    http.post(f"{FIRST}/metrics", json={"metrics": {"auc": 0.91}})
    http.patch(CHURN, json={"description": "changed"})
    after = http.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert after.status_code == 200
    assert after.headers["etag"] != first.headers["etag"]


def test_a_renamed_model_has_new_tags(http: httpx.Client) -> None:
    """A version shows its model's name, so that its tag changes with it."""
    tag = http.get(FIRST).headers["etag"]
    http.patch(CHURN, json={"new_name": "stay"})
    renamed = http.get(FIRST.replace("churn", "stay"), headers={"If-None-Match": tag})
    assert (renamed.status_code, renamed.json()["model"]) == (200, "stay")


def test_a_lost_update_is_refused(http: httpx.Client) -> None:
    """If-Match lets the first change through and refuses the second with 412."""
    for path, change in [(FIRST, {"description": "x"}), (CHURN, {"owner": "bob"})]:
        tag = http.get(path).headers["etag"]
        assert http.patch(path, json=change, headers={"If-Match": tag}).status_code == 200
        problem(http.patch(path, json=change, headers={"If-Match": tag}), 412, "stale_revision")
        fresh = http.get(path).headers["etag"]
        assert http.patch(path, json=change, headers={"If-Match": fresh}).status_code == 200
    problem(http.patch(FIRST, json={}, headers={"If-Match": "x"}), 400, "invalid_input")


def test_a_tag_of_a_model_that_was_replaced_is_stale(http: httpx.Client) -> None:
    """Deleted and made again, a model is another one, whatever its revision."""
    http.post(f"{V1}/projects/default/models", json={"name": "calm"})
    tag = http.get(CHURN.replace("churn", "calm")).headers["etag"]
    http.delete(CHURN.replace("churn", "calm"))
    http.post(f"{V1}/projects/default/models", json={"name": "calm"})
    answer = http.patch(
        CHURN.replace("churn", "calm"), json={"owner": "bob"}, headers={"If-Match": tag}
    )
    problem(answer, 412, "stale_revision")


def test_the_past_has_no_tag(http: httpx.Client) -> None:
    """What was is no state that anybody could change."""
    made = http.get(FIRST).json()["created_at"]
    then = http.get(f"{V1}/resolve", params={"ref": "churn:1.0", "at": made})
    assert (then.status_code, "etag" in then.headers) == (200, False)


# --- once ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"{CHURN}/versions", {"description": "new"}),
        ("POST", f"{V1}/projects", {"name": "risk"}),
        ("PATCH", CHURN, {"description": "d"}),
        ("PUT", f"{CHURN}/aliases/champion", {"version": "1.0"}),
        ("POST", f"{FIRST}/transitions", {"verb": "promote"}),
        ("DELETE", FIRST, None),
    ],
)
def test_a_key_makes_a_write_happen_once(
    http: httpx.Client, method: str, path: str, body: dict[str, Any] | None
) -> None:
    """The same request under the same key is answered the same, and changes nothing."""
    key = {"Idempotency-Key": "k-1"}
    first = http.request(method, path, json=body, headers=key)
    assert first.status_code < 300
    count = events(http)
    again = http.request(method, path, json=body, headers=key)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers.get("etag") == first.headers.get("etag")
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert events(http) == count


def test_a_key_belongs_to_one_request_of_one_actor(http: httpx.Client) -> None:
    """Another request under the key is refused; another actor has keys of their own."""
    key = {"Idempotency-Key": "k-1"}
    assert http.post(f"{CHURN}/versions", json={}, headers=key).json()["label"] == "2"
    other = http.post(f"{CHURN}/versions", json={"description": "x"}, headers=key)
    problem(other, 409, "idempotency_mismatch")
    bobs = http.post(f"{CHURN}/versions", json={}, headers={**key, "X-Lockgate-Actor": "bob"})
    assert (bobs.json()["label"], bobs.json()["created_by"]) == ("3", "bob")


def test_a_refused_write_leaves_its_key_free(http: httpx.Client) -> None:
    """What did not happen can be tried again under the same key."""
    key = {"Idempotency-Key": "k-1"}
    move = {"to": "Production"}
    for _ in range(2):
        problem(
            http.post(f"{FIRST}/transitions", json=move, headers=key), 409, "transition_not_allowed"
        )
    http.post(f"{FIRST}/transitions", json={"verb": "promote"})
    assert http.post(f"{FIRST}/transitions", json=move, headers=key).status_code == 200


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
def test_a_bad_key_is_refused(http: httpx.Client, key: str) -> None:
    """A key is 1 to 255 visible ASCII characters."""
    answer = http.post(f"{CHURN}/versions", json={}, headers={"Idempotency-Key": key})
    problem(answer, 400, "invalid_input")


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b'{"version":"2","version":"3"}', "given twice"),
        (b'{"metrics":{"auc":NaN}}', "NaN"),
        (b'{"metrics":{"auc":1e999}}', "finite"),
        (b'{"metrics":{"n":9223372036854775808}}', "64-bit"),
        (b'{"description":"\\u0000"}', "NUL"),
        (b'{"description":"\\ud800"}', "surrogate"),
        (b"\xef\xbb\xbf{}", "not valid JSON"),
        (b'{"versoin":"2"}', "versoin"),
        (b'{"version":1.5}', "version"),
        (b'{"description":5}', "description"),
        (b"[]", "body"),
        (b"", "body"),
        (b"[" * 200_000, "nested"),
        (b'{"metadata":' + b'{"a":' * 40 + b"1" + b"}" * 41, "nesting"),
        (b"{", "not valid JSON"),
    ],
)
def test_a_bad_body_is_refused(http: httpx.Client, body: bytes, word: str) -> None:
    """What is ambiguous, unknown or of the wrong type is refused with the reason, never 500."""
    answer = http.post(
        f"{CHURN}/versions", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 413)
    assert word in answer.json()["detail"]


@pytest.mark.parametrize("media", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_says_that_it_is_json(http: httpx.Client, media: str | None) -> None:
    """So that no form on another page can write here."""
    headers = {} if media is None else {"Content-Type": media}
    problem(http.post(f"{CHURN}/versions", content=b"{}", headers=headers), 400, "invalid_input")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "unknown_path"),
        ("GET", f"{V1}/projects/default/models/churn/versions/", 404, "unknown_path"),
        ("PUT", CHURN, 405, "method_not_allowed"),
        ("GET", f"{V1}/projects/a%2Fb/models", 400, "invalid_input"),
        ("GET", f"{V1}/projects/default/models/a%00b", 400, "invalid_input"),
        ("GET", f"{V1}/projects/default/models/%2E%2E", 400, "invalid_name"),
        ("GET", f"{V1}/projects/Default/models/churn", 400, "invalid_name"),
        ("GET", f"{V1}/projects/default/models/nothing", 404, "model_not_found"),
        ("GET", f"{CHURN}/versions?limit=1&limit=2", 400, "invalid_input"),
        ("GET", f"{CHURN}/versions?stge=Production", 400, "invalid_input"),
        ("GET", f"{CHURN}?at=2026-10-01T00:00:00Z", 400, "invalid_input"),
        ("GET", f"{CHURN}/versions?limit=ten", 400, "invalid_input"),
        ("GET", f"{CHURN}/versions?limit={'9' * 5000}", 400, "invalid_input"),
        ("GET", f"{V1}/resolve", 400, "invalid_input"),
        ("GET", f"{V1}/resolve?ref=", 400, "invalid_reference"),
        ("GET", f"{V1}/resolve?ref=churn&at=soon", 400, "invalid_input"),
        ("GET", f"{V1}/lifecycles/standard?revision=99", 404, "lifecycle_not_found"),
        ("GET", f"{V1}/search/versions?filter=metrics.auc%20>", 400, "invalid_filter"),
        ("GET", f"{V1}/audit?project=nowhere", 404, "project_not_found"),
        ("GET", f"{CHURN}/aliases/champion", 404, "alias_not_found"),
        ("GET", f"{V1}/requests/nothing", 404, "request_not_found"),
        ("GET", "/" + "a" * 9_000, 414, "uri_too_long"),
    ],
)
def test_every_refusal_has_one_shape(
    http: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    """Unknown paths, wrong methods, bad words and what the registry refuses are all problems."""
    problem(http.request(method, path), status, code)


def test_a_wrong_method_is_told_the_right_ones(http: httpx.Client) -> None:
    """405 lists what all routes of the path take."""
    assert http.put(CHURN).headers["allow"] == "DELETE, GET, PATCH"


def test_a_refused_transition_carries_the_next_steps(http: httpx.Client) -> None:
    """They are in the problem itself."""
    answer = http.post(f"{FIRST}/transitions", json={"to": "Production"})
    assert problem(answer, 409, "transition_not_allowed")["allowed"] == [
        {"verb": "promote", "stage": "Staging"},
        {"verb": "archive", "stage": "Archived"},
    ]


def test_all_faults_of_a_body_are_told(http: httpx.Client) -> None:
    """Not the first alone."""
    answer = http.post(f"{CHURN}/versions", json={"stage": 1, "colour": "red", "dataset": []})
    faults = problem(answer, 400, "invalid_input")["faults"]
    assert sorted(fault["field"] for fault in faults) == ["colour", "dataset", "stage"]


def test_an_actor_is_percent_encoded(http: httpx.Client) -> None:
    """Names of any script travel in the header; what is no UTF-8 is refused."""
    body: dict[str, Any] = {}
    made = http.post(
        f"{CHURN}/versions", json=body, headers={"X-Lockgate-Actor": "Zo%C3%AB <zoe@example.org>"}
    )
    assert made.json()["created_by"] == "Zoë <zoe@example.org>"
    for bad in ["%ff", "a%0Ab", ""]:
        answer = http.get(CHURN, headers={"X-Lockgate-Actor": bad})
        assert answer.status_code == 400


def test_a_body_may_be_too_large(http: httpx.Client) -> None:
    """Announced or streamed, a body beyond the setting is 413."""
    headers = {"Content-Type": "application/json"}
    large = b'"' + b"x" * 4_000_001 + b'"'
    answer = http.post(f"{CHURN}/versions", content=large, headers=headers)
    problem(answer, 413, "limit_exceeded")
    streamed = http.post(f"{CHURN}/versions", content=iter([large, large]), headers=headers)
    problem(streamed, 413, "limit_exceeded")


# --- the rest --------------------------------------------------------------------------------


def test_lifecycles_come_as_toml_too(http: httpx.Client) -> None:
    """By their Content-Type; validating stores nothing and tells every fault."""
    toml = (
        'name = "train"\ninitial = "Depot"\n[[stages]]\nname = "Depot"\n'
        '[[stages]]\nname = "Track"\n[[edges]]\nfrom = "Depot"\nto = "Track"\n'
    )
    headers = {"Content-Type": "application/toml"}
    path = f"{V1}/lifecycles"
    checked = http.post(f"{path}/validate", content=toml, headers=headers)
    assert (checked.status_code, checked.json()["initial"]) == (200, "Depot")
    problem(http.get(f"{path}/train"), 404, "lifecycle_not_found")
    assert http.post(path, content=toml, headers=headers).status_code == 201
    assert http.get(f"{path}/train").json()["revision"] == 1
    bad = http.post(f"{path}/validate", content="name = 'x", headers=headers)
    assert "not valid TOML" in problem(bad, 400, "invalid_lifecycle")["detail"]
    both = http.post(f"{path}/validate", content=toml.replace("Depot", "Yard", 1), headers=headers)
    assert problem(both, 400, "invalid_lifecycle")["faults"]
    problem(http.post(path, content=toml), 400, "invalid_input")


def test_the_hot_reads_and_the_others_say_the_same(tmp_path: Path) -> None:
    """A read that is answered on the event loop is the same as one that takes the long way."""
    url = f"sqlite:///{tmp_path}/lockgate.db"
    registry = embedded(url)
    registry.register_model("café", "1.0")
    registry.promote("café", "1.0")
    registry.promote("café", "1.0")
    name = f"{V1}/projects/default/models/caf%C3%A9"
    paths = [
        name,
        f"{name}/versions/1.0",
        f"{name}/versions/2",
        f"{name}/latest",
        f"{name}/latest?stage=PRODUCTION",
        f"{name}/latest?stage=Limbo",
        f"{name}/production",
        f"{V1}/resolve?ref=caf%C3%A9%40prod",
        f"{V1}/resolve?ref=nothing",
        f"{V1}/projects/default/models/nothing/production",
    ]
    hot = build_app(registry, Settings(database=url))
    cold = build_app(registry, Settings(database="postgresql://told/a/lie"))
    with running(hot) as fast, running(cold) as slow, httpx.Client(trust_env=False) as http:
        for path in paths:
            ours = [http.get(base + path, headers={"x-request-id": "r"}) for base in (fast, slow)]
            assert ours[0].status_code == ours[1].status_code
            assert ours[0].content == ours[1].content
            assert ours[0].headers.get("etag") == ours[1].headers.get("etag")


def test_the_hot_writes_and_the_others_say_the_same(tmp_path: Path) -> None:
    """A write that took the short way is answered, or refused, as one that took the long way."""
    url = f"sqlite:///{tmp_path}/lockgate.db"
    registry = embedded(url)
    for number in range(2):
        registry.create_model(f"m{number}", lifecycle="standard")
    versions, transitions = "/versions", "/versions/1.0/transitions"
    steps: list[tuple[str, bytes]] = [
        (versions, b'{"version": "1.0", "metrics": {"auc": 0.9}, "tags": {"team": "risk"}}'),
        (versions, b'{"version": "1.0"}'),
        (versions, b'{"version": 1.5}'),
        (versions, b'{"version": "2.0", "surprise": 1}'),
        (versions, b'{"version": "2.0", "version": "3.0"}'),
        (versions, b"not JSON"),
        (versions, b"[]"),
        (versions, b"null"),
        (versions, b""),
        (transitions, b'{"verb": "promote", "comment": "caf\xc3\xa9"}'),
        (transitions, b'{"to": "Limbo"}'),
        (transitions, b'{"to": "None", "expected_stage": "Production"}'),
        (transitions, b'{"to": 5}'),
        (transitions, b'{"verb": "vault"}'),
        ("/versions/9.9/transitions", b'{"to": "Staging"}'),
        (transitions, b'{"to": "Archived"}'),
    ]
    told = ("application/json", "application/json; charset=utf-8")  # only the first is hot
    apart = re.compile(rb'"(uid|at|[a-z_]+_at|[a-z_]+_since)":"[^"]*"')
    with (
        running(build_app(registry, Settings(database=url))) as base,
        httpx.Client(base_url=base, trust_env=False) as http,
    ):
        for path, body in steps:
            said = []
            for number, kind in enumerate(told):
                name = f"{V1}/projects/default/models/m{number}"
                headers = {"content-type": kind, "x-request-id": "r"}
                answer = http.post(name + path, content=body, headers=headers)
                shown = apart.sub(b"", answer.content).replace(f"m{number}".encode(), b"m")
                said.append((answer.status_code, shown))
            assert said[0] == said[1]


def test_a_lost_database_is_unavailable(tmp_path: Path) -> None:
    """503 with Retry-After and no 404, while the process itself is alive."""
    (tmp_path / "disk").mkdir()
    url = f"sqlite:///{tmp_path}/disk/lockgate.db"
    registry = embedded(url)
    registry.register_model("churn", "1.0")
    registry.close()
    shutil.rmtree(tmp_path / "disk")
    with (
        running(build_app(registry, Settings(database=url))) as base,
        httpx.Client(base_url=base, trust_env=False) as http,
    ):
        assert http.get("/healthz").json() == {"status": "ok"}
        for path in ["/readyz", FIRST, f"{CHURN}/versions"]:
            answer = http.get(path)
            problem(answer, 503, "database_unavailable")
            assert answer.headers["retry-after"] == "1"
        problem(http.post(f"{CHURN}/versions", json={}), 503, "database_unavailable")


def test_the_documentation_needs_no_network(http: httpx.Client) -> None:
    """The page, and everything it loads, comes from this server."""
    page = http.get("/docs")
    assert "http" not in page.text.partition("<body>")[2]
    for name in ["swagger-ui-bundle.js", "swagger-ui.css", "favicon.png", "start.js"]:
        assert http.get(f"/docs/{name}").status_code == 200
    problem(http.get("/docs/passwd"), 404, "unknown_path")
    assert json.loads(http.get("/openapi.json").content)["openapi"].startswith("3.1")
