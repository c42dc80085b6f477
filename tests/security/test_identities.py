"""Identity tokens (line 32 and beyond), against an issuer that signs for real."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey, RSAKey

from access_world import Access
from attacked import told
from lockgate.domain.identities import Trust
from lockgate.errors import InvalidInput
from lockgate.http.app import build_app
from lockgate.services.issuers import Issuers
from lockgate.settings import Settings
from oidc_world import AUDIENCE, CLIENT, CLIENT_SECRET, JOB, Provider, a_provider, packed
from registries import Server, running

EXCHANGE = "/api/v1/session/exchange"
VISIT = "/api/v1/session/oidc"


def trust_in(provider: Provider, back: str, **login: Any) -> Trust:
    """Return the trust that the tests' server has in an issuer."""
    rule = {
        "issuer": provider.url,
        "claims": {"repository": "acme/churn", "sub": "repo:acme/churn:ref:refs/heads/*"},
        "account": "ci",
        "projects": ["risk"],
        "permissions": ["version.register"],
    }
    document = {
        "issuer": [
            {"url": provider.url, "audience": AUDIENCE, "algorithms": ["RS256", "ES256"]},
        ],
        "rule": [rule],
        "login": {
            "issuer": provider.url,
            "client_id": CLIENT,
            "redirect_uri": f"{back}{VISIT}/callback",
            "accounts": {"bob@acme.example": "viewer"},
            **login,
        },
    }
    return Trust.from_document(document, CLIENT_SECRET)


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with a_provider() as made:
        yield made


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    # Nobody waits in these tests, and nobody asks too often.
    settings = Settings(
        database="memory://", failed_login_delay_s_max=0.0, exchange_rate_per_s_max=0.0
    )
    app = build_app(Access().registry, settings)
    with running(app) as url:
        yield Server(app, url)


@pytest.fixture
def access(provider: Provider, server: Server) -> Iterator[Access]:
    """A registry that trusts the issuer, behind the server."""
    made = Access()
    made.furnish()
    made.registry.set_account("ci", kind="service")
    made.registry.set_member("ci", ["maintainer"], project="risk")
    made.store.issuers = Issuers(trust_in(provider, server.url), "127.0.0.1")
    with server.serving(made.registry):
        yield made


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
        yield client


def test_a_job_gets_a_token_that_may_what_its_rule_says(
    access: Access, provider: Provider, http: httpx.Client
) -> None:
    """A job's identity becomes a token of a service account, narrow, short and on record."""
    answer = http.post(EXCHANGE, json={"identity": provider.sign()})
    made = answer.json()
    token = made["token"]
    may = {"Authorization": f"Bearer {made['secret']}"}
    versions = "/api/v1/projects/risk/models/churn/versions"
    statuses = [
        http.post(versions, json={"version": "7"}, headers=may).status_code,
        http.post(f"{versions}/7/transitions", json={"to": "Staging"}, headers=may).status_code,
        http.get("/api/v1/projects/secret", headers=may).status_code,
    ]
    assert (answer.status_code, statuses) == (201, [201, 403, 404])
    assert ("ci", ["risk"], provider.url) == (
        token["owner"],
        token["projects"],
        token["created_by"],
    )
    event = access.registry.audit(project="lockgate-access", newest_first=True, limit=1).items[0]
    assert ("ci", "exchange_token", provider.url) == (
        event.actor,
        event.action,
        event.detail["issuer"],
    )


def test_an_identity_is_taken_once(access: Access, provider: Provider, http: httpx.Client) -> None:
    """The same identity token again, or another with its number, is refused."""
    identity, number = provider.sign(), "the-same"
    answers = [
        http.post(EXCHANGE, json={"identity": each}).status_code
        for each in (identity, identity, provider.sign(jti=number), provider.sign(jti=number))
    ]
    assert answers == [201, 401, 201, 401]


def forged(provider: Provider) -> dict[str, str]:
    """Return identity tokens that prove nothing, by what is wrong with them."""
    now = int(time.time())
    claims = packed(provider.claims())
    kid, key = next(iter(provider.keys.items()))
    public = key.as_pem(private=False)
    confused = f"{packed({'alg': 'HS256', 'kid': kid})}.{claims}"
    mac = hmac.new(public, confused.encode(), hashlib.sha256).digest()
    octets = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
    good = provider.sign()
    head, _, signature = good.split(".")
    stranger = Provider()
    stranger.server_close()
    stranger.url, stranger.keys = provider.url, {kid: RSAKey.generate_key(2048)}
    own = next(iter(stranger.keys.values())).as_dict(private=False)
    return {
        "another audience": provider.sign(aud="https://else.example"),
        "our audience among others": provider.sign(aud=[AUDIENCE, "https://else.example"]),
        "no audience": provider.sign(aud=None),
        "another issuer": provider.sign(iss="https://token.actions.githubusercontent.com"),
        "an issuer that is ours and more": provider.sign(iss=provider.url + "/"),
        "expired": provider.sign(iat=now - 900, nbf=now - 900, exp=now - 600),
        "not good yet": provider.sign(nbf=now + 600),
        "made tomorrow": provider.sign(iat=now + 86_400, exp=now + 86_500),
        "no end": provider.sign(exp=None),
        "an end that is a text": provider.sign(exp="9999999999"),
        "good for years": provider.sign(exp=now + 86_400 * 365),
        "no number": provider.sign(jti=None),
        "another repository": provider.sign(repository="acme/churn-fork"),
        "another ref": provider.sign(sub="repo:acme/churn:ref:refs/heads/a/b"),
        "a pull request": provider.sign(sub="repo:acme/churn:pull_request"),
        "alg none": f"{packed({'alg': 'none', 'kid': kid})}.{claims}.x",
        "alg none, unsigned": f"{packed({'alg': 'none', 'kid': kid})}.{claims}.",
        "alg None": provider.sign({"alg": "None"}),
        "the public key as a secret": f"{confused}.{octets}",
        "a kid that is a path": provider.sign({"kid": "../../../../dev/null"}),
        "a kid that is a statement": provider.sign({"kid": "' OR 1=1 --"}),
        "a kid that is a number": provider.sign({"kid": 1}),
        "a long kid": provider.sign({"kid": "k" * 201}),
        "another key": stranger.sign(),
        "a key of its own": stranger.sign({"jwk": own}),
        "a key from elsewhere": stranger.sign({"jku": "http://127.0.0.1:1/keys"}),
        "a certificate from elsewhere": stranger.sign({"x5u": "http://127.0.0.1:1/keys"}),
        "an extension that must be known": provider.sign({"crit": ["b64"], "b64": False}),
        "other claims": f"{head}.{packed(provider.claims(repository='acme/risk'))}.{signature}",
        "no signature": f"{head}.{claims}",
        "five parts": f"{good}.a.b",
        "very long": good + "A" * 20_000,
        "deep": f"{head}.{'W' * 15_000}.{signature}",
        "empty": "",
    }


FORGED = [
    "another audience", "our audience among others", "no audience", "another issuer",
    "an issuer that is ours and more", "expired", "not good yet", "made tomorrow", "no end",
    "an end that is a text", "good for years", "no number", "another repository", "another ref",
    "a pull request", "alg none", "alg none, unsigned", "alg None", "the public key as a secret",
    "a kid that is a path", "a kid that is a statement", "a kid that is a number", "a long kid",
    "another key", "a key of its own", "a key from elsewhere", "a certificate from elsewhere",
    "an extension that must be known", "other claims", "no signature", "five parts", "very long",
    "deep", "empty",
]  # fmt: skip


def test_every_forgery_is_tried(provider: Provider) -> None:
    """The list of names is that of the forgeries."""
    assert set(FORGED) == forged(provider).keys()


@pytest.mark.parametrize("fault", FORGED)
def test_32_identities_that_prove_nothing(
    access: Access, provider: Provider, http: httpx.Client, fault: str
) -> None:
    """Line 32: unsigned, confused, foreign, expired or misdirected tokens are 401."""
    provider.asked.clear()
    before = access.registry.list_tokens(owner="ci")
    answer = http.post(EXCHANGE, json={"identity": forged(provider)[fault]})
    assert told(answer) == (401, "unauthenticated")
    assert before == access.registry.list_tokens(owner="ci")
    assert set(provider.asked) <= {"/.well-known/openid-configuration", "/keys"}


def test_keys_rotate(access: Access, provider: Provider, http: httpx.Client) -> None:
    """A new key is fetched when a token names it, at most once in a while; an old one is gone."""
    clock = [0.0]
    trust = access.store.issuers.trust  # type: ignore[attr-defined]
    access.store.issuers = Issuers(trust, "127.0.0.1", lambda: clock[0])

    def ask(identity: str) -> int:
        return http.post(EXCHANGE, json={"identity": identity}).status_code

    assert ask(provider.sign()) == 201
    old = provider.sign()
    provider.rotate("second")
    provider.asked.clear()
    assert [ask(provider.sign()), ask(provider.sign())] == [401, 401]
    assert provider.asked == []
    clock[0] = 31.0
    assert ask(provider.sign()) == 201
    assert ask(old) == 401
    provider.keys = {"third": ECKey.generate_key("P-256")}
    clock[0] = 62.0
    assert ask(provider.sign()) == 201
    provider.rotate("first")


def test_issuers_that_lie_or_are_away(
    access: Access, provider: Provider, http: httpx.Client
) -> None:
    """An issuer whose documents are wrong is 503, and its word counts for nothing."""
    trust = access.store.issuers.trust  # type: ignore[attr-defined]
    discovery = "/.well-known/openid-configuration"
    good = provider.answer(discovery)
    lies: list[Any] = [
        {**good, "issuer": "https://else.example"},
        {**good, "jwks_uri": "file:///etc/passwd"},
        {**good, "jwks_uri": "http://169.254.169.254/keys"},
        {**good, "jwks_uri": "https://169.254.169.254/keys"},
        {**good, "jwks_uri": f"{provider.url}/nothing"},
        {**good, "jwks_uri": None},
        [],
        {"long": "x" * 600_000},
    ]
    answers = []
    for lie in lies:
        provider.documents[discovery] = lie
        access.store.issuers = Issuers(trust, "127.0.0.1")
        answers.append(told(http.post(EXCHANGE, json={"identity": provider.sign()})))
    provider.documents.clear()
    assert [(503, "unavailable")] * len(lies) == answers
    access.store.issuers = Issuers(trust)  # loopback is not on the public internet
    answer = http.post(EXCHANGE, json={"identity": provider.sign()})
    assert told(answer) == (503, "unavailable")
    assert "LOCKGATE_OIDC_HOSTS names what else may be reached" in answer.json()["detail"]


@pytest.mark.parametrize("state", ["gone", "disabled", "a person"])
def test_accounts_that_a_job_may_not_act_for(
    access: Access, provider: Provider, http: httpx.Client, state: str
) -> None:
    """A rule's account is a service account that is enabled, or nobody gets in."""
    if state == "disabled":
        access.registry.disable_account("ci")
    else:
        document = trust_in(provider, "https://a.example")
        name = "nobody" if state == "gone" else "admin"
        rule = document.rules[0]
        changed = type(rule)(
            **{
                each: getattr(rule, each)
                for each in ("issuer", "claims", "projects", "permissions")
            },
            account=name,
        )
        trust = Trust(issuers=document.issuers, rules=(changed,))
        access.store.issuers = Issuers(trust, "127.0.0.1")
    answer = http.post(EXCHANGE, json={"identity": provider.sign()})
    assert told(answer) == (401, "unauthenticated")


def test_nobody_is_trusted_unless_told(
    access: Access, provider: Provider, http: httpx.Client
) -> None:
    """Without the setting no identity token is taken, and nobody is sent anywhere."""
    access.store.issuers = None
    assert http.post(EXCHANGE, json={"identity": provider.sign()}).status_code == 401
    assert http.get(VISIT).status_code == 401


# --- people, in a browser -----------------------------------------------------------------------

BOB = {"sub": "42", "email": "Bob@acme.example", "email_verified": True}


def visit(http: httpx.Client, provider: Provider, **claims: Any) -> httpx.Response:
    """Go to the issuer, sign in there, and come back."""
    sent = http.get(VISIT)
    assert sent.status_code == 303, sent.text
    return http.get(provider.consent(sent.headers["location"], **{**BOB, **claims}))


def test_a_person_signs_in(access: Access, provider: Provider, http: httpx.Client) -> None:
    """Who an issuer knows gets a session that no script can read, of the account that is theirs."""
    back = visit(http, provider)
    cookies = back.headers.get_list("set-cookie")
    session = next(each for each in cookies if each.startswith("lockgate_session="))
    assert (back.status_code, back.headers["location"]) == (303, "/ui")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(session.split("; "))
    who = http.get("/api/v1/session").json()
    assert (who["who"]["actor"], len(who["csrf"])) == ("viewer", 64)
    write = http.post("/api/v1/projects/risk/models", json={"name": "x"})
    assert told(write) == (403, "cross_site_request")


def test_the_page_knows_the_ways_in(
    access: Access, provider: Provider, server: Server, http: httpx.Client
) -> None:
    """Whoever asks is told where people sign in, by host or by name, and nothing else of it."""
    ways = "/api/v1/session/ways"
    host = provider.url.removeprefix("http://")
    assert http.get(ways).json() == {"controlled": True, "issuer": host}
    access.store.issuers = Issuers(trust_in(provider, server.url, name="Acme"), "127.0.0.1")
    assert http.get(ways).json() == {"controlled": True, "issuer": "Acme"}
    access.store.issuers = None
    assert http.get(ways).json() == {"controlled": True, "issuer": None}


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": "eve@acme.example"},
        {"email": "ci"},
        {"email": None},
        {"aud": AUDIENCE},
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://else.example"},
        {"exp": 1},
    ],
    ids=str,
)
def test_people_who_are_not_let_in(
    access: Access, provider: Provider, http: httpx.Client, claims: dict[str, Any]
) -> None:
    """Nobody gets an account by signing in, and no service account has a browser."""
    back = visit(http, provider, **claims)
    assert told(back) == (401, "unauthenticated")
    assert http.get("/api/v1/session").status_code == 401
    assert access.registry.list_tokens(owner="viewer")[1:] == ()


def test_the_way_back_is_for_the_browser_that_went(
    access: Access, provider: Provider, http: httpx.Client
) -> None:
    """A link with somebody else's code logs nobody in, and a code is good once."""
    sent = http.get(VISIT).headers["location"]
    back = provider.consent(sent, **BOB)
    with httpx.Client(trust_env=False) as victim:
        assert victim.get(back).status_code == 401
        victim.get(http.base_url.join(VISIT))
        assert victim.get(back).status_code == 401
    assert http.get(back).status_code == 303
    assert http.get(back).status_code == 401
    assert http.get(f"{VISIT}/callback?error=access_denied").status_code == 400
    question = parse_qs(urlsplit(sent).query)
    assert {"S256"} == set(question["code_challenge_method"])
    assert CLIENT_SECRET not in sent


def test_accounts_by_setting(
    access: Access, provider: Provider, server: Server, http: httpx.Client
) -> None:
    """With the setting somebody new of a domain gets an account, and no role at all."""
    trust = trust_in(provider, server.url, create_accounts=True, email_domains=["acme.example"])
    access.store.issuers = Issuers(trust, "127.0.0.1")
    assert visit(http, provider, email="eve@evil.example").status_code == 401
    assert visit(http, provider, email="new@acme.example").status_code == 303
    who = http.get("/api/v1/session").json()["who"]
    assert (who["actor"], who["permissions"], who["projects"]) == ("new@acme.example", [], {})
    assert http.get("/api/v1/projects/risk").status_code == 404


def test_jobs_of_anybody_are_no_rule(provider: Provider) -> None:
    """A job's repository is said by the rule, or a token of anybody in the world would fit."""
    assert JOB["repository"] == "acme/churn"
    issuer = {"url": provider.url, "audience": AUDIENCE}
    for claims in ({}, {"ref": "refs/heads/main"}, {"repository": "*/churn"}):
        rule = {
            "issuer": provider.url, "claims": claims, "account": "ci",
            "projects": ["risk"], "permissions": ["version.push"],
        }  # fmt: skip
        with pytest.raises(InvalidInput, match="whose job it is"):
            Trust.from_document({"issuer": [issuer], "rule": [rule]})
