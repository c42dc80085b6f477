"""Who (lines 25 to 33) with access control on; the table of routes is `test_routes`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from itertools import product
from pathlib import Path

import httpx
import pytest

from access_world import STRANGER, Access
from attacked import PATHS, told_of_path
from lockgate.http.app import build_app
from lockgate.settings import Settings
from registries import Server, embedded, running

V1 = "/api/v1"
CHURN = f"{V1}/projects/risk/models/churn"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    app = build_app(embedded(), Settings(database="memory://", failed_login_delay_s_max=0.0))
    with running(app) as url:
        yield Server(app, url)


@pytest.fixture
def access(server: Server, tmp_path: Path) -> Iterator[Access]:
    made = Access(artifacts=str(tmp_path / "files"))
    made.furnish(tmp_path, files=True)
    with server.serving(made.registry):
        yield made


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
        yield client


def test_29_one_path_to_a_route(access: Access, http: httpx.Client) -> None:
    """Line 29: without a token no other spelling leads to a route, not even to be refused there."""
    for path, method in product(PATHS, ("GET", "POST", "DELETE", "HEAD")):
        # The other client would tidy the path up first.
        connection = HTTPConnection(http.base_url.host, http.base_url.port or 80, timeout=30)
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        status, code = told_of_path(path)
        assert (method, path, status) == (method, path, answer.status)
        # A HEAD has no body to have a code in.
        assert (method, path, code) == (method, path, json.loads(body or "{}").get("code", code))
        assert (method, path, method == "HEAD") == (method, path, body == b"")
        assert b"churn" not in body, (method, path)


def test_29_headers_that_others_believe(access: Access, http: httpx.Client) -> None:
    """Line 29: no header stands for a path, a method or a person."""
    names = ("X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override", "X-Forwarded-User")
    for header, value in product(names, ("/healthz", "GET", "root")):
        assert http.get(f"{V1}/models", headers={header: value}).status_code == 401


def test_27_no_password_is_usual(access: Access, http: httpx.Client) -> None:
    """Line 27: neither an empty word nor a usual one lets anybody in."""
    for secret in ("", " ", "admin", "password", "lockgate", "lgt_", "null", "0"):
        for name in ("root", "admin", "lockgate", ""):
            assert http.get(f"{V1}/models", auth=(name, secret)).status_code == 401
        assert http.post(f"{V1}/session", json={"token": secret}).status_code == 401


def test_28_nobody_becomes_administrator_by_coming_first(http: httpx.Client) -> None:
    """Line 28: before access control is on, no request makes accounts, roles or tokens."""
    for method, path, body in (
        ("PUT", "/accounts/eve", {"roles": ["admin"]}),
        ("PUT", "/roles/mine", {"permissions": ["access.manage"]}),
        ("PUT", "/teams/us", {"members": [], "roles": ["admin"]}),
        ("POST", "/tokens", {"name": "mine", "owner": "root"}),
        ("POST", "/session", {"token": "lgt_x"}),
    ):
        answer = http.request(method, V1 + path, json=body)
        assert (path, answer.status_code) == (path, 409)


def test_26_nothing_more_is_taken_from_a_body(access: Access, http: httpx.Client) -> None:
    """Line 26: who may edit a project cannot say more than what its form has."""
    may = access.headers("maintainer")
    for method, path, body in (
        ("PATCH", f"{V1}/projects/risk", {"description": "x", "owner": "eve"}),
        ("PATCH", CHURN, {"description": "x", "is_admin": True}),
        ("PATCH", f"{CHURN}/versions/2", {"description": "x", "stage": "Production"}),
        ("POST", f"{CHURN}/versions", {"version": "8", "created_by": "root"}),
        ("POST", f"{V1}/tokens", {"name": "x", "kind": "operator"}),
    ):
        answer = http.request(method, path, json=body, headers=may)
        assert (path, answer.status_code) == (path, 400)


def test_25_things_of_another_project(access: Access, http: httpx.Client) -> None:
    """Line 25: rules, tokens and files of a project are not there for an admin of another."""
    eve = access.headers(STRANGER)
    digest = access.registry.get_version("risk/churn", "1").digest
    kept = access.ids["viewer"]
    answers = {
        path: http.request(method, path, json=body, headers=eve).status_code
        for method, path, body in (
            ("DELETE", f"{V1}/tokens/{kept}", None),
            ("PUT", f"{V1}/projects/risk/protections/stage/Staging", {"needs": "admin"}),
            ("PUT", f"{V1}/projects/risk/policies/Staging", {"policy": {"requirements": []}}),
            ("POST", f"{CHURN}/versions/1/blobs", {"digests": [digest]}),
            ("GET", f"{CHURN}/versions/1/manifest", None),
            ("GET", f"{V1}/resolve?ref=risk/churn@{digest}", None),
        )
    }
    assert set(answers.values()) == {404}, answers


def test_30_who_there_is_cannot_be_found_out(access: Access, http: httpx.Client) -> None:
    """Line 30: a name that is there and one that is not are refused in the same words."""
    told = set()
    for name in ("root", "viewer", "nobody-of-that-name"):
        answer = http.get(f"{V1}/models", auth=(name, "lgt_" + "0" * 60))
        body = answer.json()
        told.add((answer.status_code, body["code"], body["detail"]))
    assert len(told) == 1


def test_31_a_token_in_a_url(access: Access, http: httpx.Client) -> None:
    """Line 31: a good token is refused in a query and in a path, and not said again."""
    token = access.tokens["root"]
    for path in (f"{V1}/models?token={token}", f"{V1}/models/{token}", f"/{token}/x?a={token}"):
        answer = http.get(path)
        assert answer.status_code == 400
        assert token not in answer.text


def test_33_ones_own_request(access: Access, http: httpx.Client, tmp_path: Path) -> None:
    """Line 33: an approver of their own request is refused, and so are bytes that were swapped."""
    access.registry.set_member("contributor", ["contributor", "approver"], project="risk")
    owner, other = access.headers("contributor"), access.headers("approver")
    made = http.post(f"{CHURN}/versions", json={"version": "3"}, headers=owner)
    policy = {"policy": {"requirements": [{"kind": "approvals", "count": 1}]}}
    set_ = http.put(f"{CHURN}/policies/Staging", json=policy, headers=access.headers("maintainer"))
    assert (made.status_code, set_.status_code) == (201, 200)
    asked = http.post(f"{CHURN}/versions/3/requests", json={"to": "Staging"}, headers=owner)
    approve = f"{V1}/requests/{asked.json()['request']['uid']}/approve"
    own = http.post(approve, json={}, headers=owner)
    file = tmp_path / "weights.json"
    file.write_text('{"a": 2}')
    # They may approve; that they made this version is what is there, and no lack of a right.
    assert (own.status_code, own.json()["code"]) == (409, "conflict")
    assert "registered this version and cannot approve it" in own.json()["detail"]
    assert http.post(approve, json={}, headers=other).status_code == 200
    access.as_("contributor").push(file, "risk/churn", "3")
    moved = http.post(
        f"{CHURN}/versions/3/transitions", json={"to": "Staging"},
        headers=access.headers("maintainer"),
    )  # fmt: skip
    assert (moved.status_code, moved.json()["code"]) == (409, "policy_violated")
