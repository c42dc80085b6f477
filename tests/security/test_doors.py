"""The doors of the server: how a caller proves who they are, and how a browser does."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from access_world import ROOT, Access
from lockgate.errors import Conflict, Unauthenticated
from lockgate.http.app import build_app
from lockgate.http.throttling import Throttles
from lockgate.sdk.client import Client
from lockgate.settings import Settings
from registries import Server, a_server, embedded, running

RISK = "/api/v1/projects/risk"
SESSION = "/api/v1/session"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for the tests of this file."""
    with a_server(failed_login_delay_s_max=0.0) as made:
        yield made


@pytest.fixture
def access(server: Server) -> Iterator[Access]:
    """A registry with access control on, behind the server."""
    made = Access()
    made.furnish()
    with server.serving(made.registry):
        yield made


@pytest.fixture
def http(server: Server, access: Access) -> Iterator[httpx.Client]:
    """A client that proves nothing by itself."""
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
        yield client


def basic(name: str, password: str) -> dict[str, str]:
    """Return a header of HTTP's own kind of login."""
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def log_in(http: httpx.Client, access: Access, name: str) -> dict[str, Any]:
    """Log a browser in; return what the server says of it."""
    answer = http.post(SESSION, json={"token": access.tokens[name]})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_bearer_and_basic(http: httpx.Client, access: Access) -> None:
    """A token is taken as Bearer, and as the password (or the name) of Basic."""
    token = access.tokens["viewer"]
    for headers in (
        {"Authorization": f"Bearer {token}"},
        {"Authorization": f"bearer   {token}"},
        basic("anything", token),
        basic(token, ""),
    ):
        assert http.get(RISK, headers=headers).status_code == 200
        told = http.get("/api/v1/whoami", headers=headers).json()
        assert (told["actor"], told["token"]) == ("viewer", access.ids["viewer"])


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Bearer x", "Basic", "Basic ###", "Basic bm8=", "Digest x", "Bearer lgt_é", "x"],
)
def test_no_good_credentials(http: httpx.Client, value: str) -> None:
    """Whatever is no token is answered 401 with a challenge, and alike."""
    answer = http.get(RISK, headers={"Authorization": value.encode()})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith('Bearer realm="lockgate", Basic')


def test_unknown_and_revoked_are_told_alike(http: httpx.Client, access: Access) -> None:
    """The answer to a bad token does not say what is wrong with it."""
    unknown = Access()
    said = set()
    access.registry.revoke_token(access.ids["viewer"])
    for token in (unknown.tokens["viewer"], access.tokens["viewer"], "lgt_nothing"):
        answer = http.get(RISK, headers={"Authorization": f"Bearer {token}"})
        said.add((answer.status_code, answer.json()["detail"]))
        assert token not in answer.text
    assert len(said) == 1
    unknown.registry.close()


def test_two_headers(http: httpx.Client, access: Access) -> None:
    """A request that proves itself twice proves nothing."""
    good = f"Bearer {access.tokens[ROOT]}"
    answer = http.get(RISK, headers=[("Authorization", good), ("Authorization", good)])
    assert answer.status_code == 400


def test_names_are_not_believed(http: httpx.Client, access: Access) -> None:
    """X-Lockgate-Actor says nothing once access control is on."""
    assert http.get(RISK, headers={"X-Lockgate-Actor": ROOT}).status_code == 401
    headers = {**access.headers("viewer"), "X-Lockgate-Actor": ROOT}
    assert http.get("/api/v1/whoami", headers=headers).json()["actor"] == "viewer"


def test_token_in_url(http: httpx.Client, access: Access) -> None:
    """A token in a URL is refused, and not repeated, even if the header is good."""
    token = access.tokens["viewer"]
    for path, query in (
        (RISK, {"access_token": token}),
        (RISK, {"q": f"x{token}"}),
        (f"/api/v1/projects/{token}", {}),
    ):
        answer = http.get(path, params=query, headers=access.headers("viewer"))
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
        assert token not in answer.text


def test_switching_on_while_serving(server: Server) -> None:
    """A server that took everybody's word asks for a token once control is switched on."""
    from lockgate.domain.access import Actor
    from lockgate.registry.desk import store_of, unproved
    from lockgate.services.tokens import make_first_administrator
    from lockgate.storage.store import Caller

    registry = embedded()
    with server.serving(registry), Client(server.url, actor="bob") as client:
        assert client.register_model("churn").created_by == "bob"
        with pytest.raises(Conflict, match="Access control is off"):
            client.set_account("bob", roles=["admin"])
        early = unproved(registry, Actor("bob"))
        made = make_first_administrator(store_of(registry), Caller(actor=Actor("ana")), "ana")
        with pytest.raises(Unauthenticated):
            client.register_model("churn")
        with pytest.raises(Unauthenticated, match="just switched on"):
            early.register_model("churn")
        with Client(server.url, actor="bob", token=made.secret) as proved:
            assert proved.register_model("churn").created_by == "ana"
            assert proved.whoami().controlled is True


def test_browser(http: httpx.Client, access: Access, server: Server) -> None:
    """A browser's cookie is closed to scripts and other sites; its writes carry two proofs."""
    answer = http.post(SESSION, json={"token": access.tokens["maintainer"]})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie
    csrf = answer.json()["csrf"]
    assert http.get(SESSION).json() == answer.json()
    assert access.tokens["maintainer"] not in str(answer.headers) + answer.text
    change, path = {"description": "new"}, RISK
    right = {"X-CSRF-Token": csrf, "Origin": server.url}
    for wrong in (
        {},
        {"X-CSRF-Token": csrf},
        {"Origin": server.url},
        {"X-CSRF-Token": "0" * 64, "Origin": server.url},
        {"X-CSRF-Token": csrf, "Origin": "https://evil.example"},
        {"X-CSRF-Token": csrf, "Origin": "null"},
    ):
        refused = http.patch(path, json=change, headers=wrong)
        # What another site's page sends does not get past the gate.
        foreign = wrong.get("Origin", server.url) != server.url
        code = "cross_origin" if foreign else "cross_site_request"
        assert (refused.status_code, refused.json()["code"]) == (403, code), wrong
    assert http.patch(path, json=change, headers=right).json()["description"] == "new"
    assert http.delete(SESSION, headers=right).status_code == 204
    assert http.get(RISK).status_code == 401


def test_sessions_are_secure_behind_https(access: Access, server: Server) -> None:
    """Over https the cookie is for https alone."""
    app = build_app(access.registry, Settings(database="memory://"))

    async def as_https(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "scheme": "https"}, receive, send)

    with running(as_https) as url, httpx.Client(base_url=url, trust_env=False) as http:
        answer = http.post(SESSION, json={"token": access.tokens["viewer"]})
        cookie = answer.headers["set-cookie"]
        pair = cookie.partition(";")[0]
        known = http.get(SESSION, headers={"Cookie": pair}).status_code
        # A name without the prefix could have been set by a neighbour.
        plain = http.get(SESSION, headers={"Cookie": pair.removeprefix("__Host-")}).status_code
    assert pair.startswith("__Host-lockgate_session=lgs_")
    assert {"Secure", "Path=/"} < set(cookie.split("; "))
    assert "domain" not in cookie.lower()
    assert (known, plain) == (200, 401)


@pytest.mark.parametrize("end", ["revoke", "logout elsewhere", "role"])
def test_sessions_end(http: httpx.Client, access: Access, server: Server, end: str) -> None:
    """A session ends with the token it was made of, on logout, and as rights are lost."""
    told = log_in(http, access, "viewer")
    assert http.get(RISK).status_code == 200
    if end == "revoke":
        access.registry.revoke_token(access.ids["viewer"])
    elif end == "role":
        access.registry.remove_member("viewer", project="risk")
    else:
        jar = dict(http.cookies)
        headers = {"X-CSRF-Token": told["csrf"], "Origin": server.url}
        assert httpx.delete(server.url + SESSION, cookies=jar, headers=headers).status_code == 204
    assert http.get(RISK).status_code == (404 if end == "role" else 401)


def test_login_refuses_others(http: httpx.Client, access: Access) -> None:
    """A page of another site cannot log a browser in, a session is no token, a guess is none."""
    body = {"token": access.tokens["viewer"]}
    answer = http.post(SESSION, json=body, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert http.post(SESSION, json={"token": "lgt_guess"}).status_code == 401
    log_in(http, access, "viewer")
    cookie = http.cookies["lockgate_session"]
    assert http.post(SESSION, json={"token": cookie}).status_code == 401


def test_browser_is_not_asked_for_a_password(http: httpx.Client) -> None:
    """A page's own request gets a challenge that opens no window."""
    answer = http.get(RISK, headers={"Sec-Fetch-Mode": "cors"})
    assert answer.headers["www-authenticate"] == 'Bearer realm="lockgate"'


class Clock:
    """A clock that the test moves; who sleeps by it does not wait, and is noted."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        """Note how long somebody was kept waiting."""
        self.slept.append(seconds)


def test_guesses_are_slowed(access: Access) -> None:
    """Whoever guesses on waits longer each time, by whatever door; who is right never does."""
    clock = Clock()
    settings = Settings(database="memory://", failed_login_delay_s_max=0.4)
    app = build_app(access.registry, settings, throttles=Throttles(settings, clock, clock.sleep))
    doors: list[Callable[[httpx.Client], httpx.Response]] = [
        lambda http: http.get(RISK, headers={"Authorization": "Bearer lgt_guess"}),
        lambda http: http.get(RISK, auth=("root", "guess")),
        lambda http: http.post(SESSION, json={"token": "lgt_guess"}),
        lambda http: http.post(f"{SESSION}/exchange", json={"identity": "a.b.c"}),
    ]
    with running(app) as url, httpx.Client(base_url=url, trust_env=False) as http:
        for guess in (*doors, *doors):
            assert guess(http).status_code == 401
        assert http.get(RISK, headers=access.headers("viewer")).status_code == 200
        assert clock.slept == [0.1, 0.2, 0.4]
        assert doors[0](http).status_code == 401
        clock.now_s += 61
        assert doors[0](http).status_code == 401
    assert clock.slept == [0.1, 0.2, 0.4, 0.4]


def test_rate_of_exchanges(access: Access) -> None:
    """An address that brings identity tokens too often is told when to come again."""
    clock = Clock()
    settings = Settings(
        database="memory://", exchange_rate_per_s_max=1.0, failed_login_delay_s_max=0.0
    )
    app = build_app(access.registry, settings, throttles=Throttles(settings, clock, clock.sleep))
    with running(app) as url, httpx.Client(base_url=url, trust_env=False) as http:

        def bring() -> httpx.Response:
            return http.post(f"{SESSION}/exchange", json={"identity": "a.b.c"})

        answers = [bring() for _ in range(3)]
        assert [each.status_code for each in answers] == [401, 401, 429]
        told = answers[2].json()
        assert (told["code"], answers[2].headers["retry-after"]) == ("rate_limited", "1")
        assert http.get(f"{SESSION}/oidc").status_code == 429
        assert http.get(RISK, headers=access.headers("viewer")).status_code == 200
        clock.now_s += 1.0
        assert bring().status_code == 401


def test_rate_of_a_token(access: Access) -> None:
    """A token that asks too often is told when to ask again; others are not slowed."""
    clock = Clock()
    settings = Settings(database="memory://", token_rate_per_s_max=0.5)
    app = build_app(access.registry, settings, throttles=Throttles(settings, clock))
    with running(app) as url, httpx.Client(base_url=url, trust_env=False) as http:
        answers = [http.get(RISK, headers=access.headers("viewer")) for _ in range(2)]
        assert [each.status_code for each in answers] == [200, 429]
        assert answers[1].json()["code"] == "rate_limited"
        assert answers[1].headers["retry-after"] == "2"
        assert http.get(RISK, headers=access.headers("admin")).status_code == 200
        assert http.get("/healthz").status_code == 200
        clock.now_s += 2.0
        assert http.get(RISK, headers=access.headers("viewer")).status_code == 200


def test_repeated_writes(http: httpx.Client, access: Access) -> None:
    """An idempotency key is answered again to the same token with the same rights alone."""
    access.issue("maintainer", "other", projects=["risk"])
    key = {"Idempotency-Key": "k1"}
    body = {"version": "5"}
    path = f"{RISK}/models/churn/versions"

    def post(name: str) -> httpx.Response:
        return http.post(path, json=body, headers={**access.headers(name), **key})

    first, again = post("maintainer"), post("maintainer")
    assert (first.status_code, first.content) == (201, again.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert post("other").json()["code"] == "idempotency_mismatch"
    access.registry.set_member("maintainer", ["viewer"], project="risk")
    # With fewer rights they are another caller to the key, which is looked at before the rights.
    refused = post("maintainer")
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_mismatch")
    versions = http.get(path, headers=access.headers("admin")).json()["items"]
    assert [each["label"] for each in versions].count("5") == 1


def test_last_use_is_visible(http: httpx.Client, access: Access, server: Server) -> None:
    """When and from where a token was last used is shown to its owner."""
    assert http.get(RISK, headers=access.headers("viewer")).status_code == 200
    for _ in range(200):
        used = access.as_("viewer").list_tokens()[0]
        if used.last_used_at is not None:
            break
    assert used.last_used_from == "127.0.0.1"


def test_log_tells_who_by_what_from_where(http: httpx.Client, access: Access) -> None:
    """An event has the actor, the token's id and the address, and still verifies."""
    headers = access.headers("contributor")
    assert http.post(f"{RISK}/models", json={"name": "new"}, headers=headers).status_code == 201
    event = access.registry.audit(project="risk", newest_first=True).items[0]
    told = (event.actor, event.token, event.address)
    assert told == ("contributor", access.ids["contributor"], "127.0.0.1")
    assert access.registry.verify_audit(project="risk").ok


def test_embedded_by_token(access: Access) -> None:
    """A program that opens the database by a token may what the token may; others operate it."""
    assert access.registry.whoami().kind == "operator"
    assert access.registry.get_model("secret/hidden").name == "hidden"
    assert access.as_("viewer").whoami().projects.keys() == {"risk"}


def test_on_postgresql(server: Server, postgres_url: str) -> None:
    """Grants are worked out, checked and taken away on PostgreSQL, off the event loop."""
    made = Access(postgres_url)
    made.furnish()
    with (
        server.serving(made.registry),
        httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http,
    ):
        assert http.get(RISK).status_code == 401
        assert http.get(RISK, headers=made.headers("viewer")).status_code == 200
        assert http.get("/api/v1/projects/secret", headers=made.headers("viewer")).is_error
        found = http.get("/api/v1/search/versions", headers=made.headers("viewer")).json()
        assert {each["project"] for each in found["items"]} == {"risk"}
        told = log_in(http, made, "admin")
        assert told["who"]["actor"] == "admin"
        http.cookies.clear()
        made.registry.revoke_token(made.ids["viewer"])
        assert http.get(RISK, headers=made.headers("viewer")).status_code == 401
