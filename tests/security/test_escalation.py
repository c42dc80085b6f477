"""Nobody becomes more than they are, and nobody stays what they are no longer."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest

from access_world import ROOT, STRANGER, Access
from attacked import together
from lockgate.errors import Forbidden, RegistryError
from registries import Server, a_server

V1 = "/api/v1"
RISK = f"{V1}/projects/risk"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with a_server(failed_login_delay_s_max=0.0, events_poll_s=0.05) as made:
        yield made


@pytest.fixture
def access(server: Server) -> Iterator[Access]:
    made = Access()
    made.furnish()
    with server.serving(made.registry):
        yield made


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
        yield client


# --- upwards -------------------------------------------------------------------------------------


def test_who_manages_members_gives_what_they_have(access: Access) -> None:
    """Who may make members, and little else, makes an admin neither of themselves nor of others."""
    access.registry.set_role("doorkeeper", ["member.manage"])
    access.registry.set_member("viewer", ["viewer", "doorkeeper"], project="risk")
    keeper = access.as_("viewer")
    for person, role in (("viewer", "admin"), (STRANGER, "maintainer"), (STRANGER, "contributor")):
        with pytest.raises(Forbidden):
            keeper.set_member(person, [role], project="risk")
    assert keeper.set_member(STRANGER, ["viewer"], project="risk").roles == ("viewer",)
    # What somebody has is not taken from them by being written down again.
    kept = keeper.set_member("maintainer", ["maintainer", "viewer"], project="risk")
    assert kept.roles == ("maintainer", "viewer")


def test_a_narrow_token_makes_no_admin(access: Access) -> None:
    """An admin's token for members alone gives nobody more than the token may."""
    access.issue("admin", "narrow", permissions=["member.manage"])
    with pytest.raises(Forbidden):
        access.as_("narrow").set_member(STRANGER, ["admin"], project="risk")
    assert access.as_("admin").set_member(STRANGER, ["admin"], project="risk").roles == ("admin",)


def test_a_token_gives_nothing_of_its_own(access: Access, http: httpx.Client) -> None:
    """A token may name what its owner may not; that gives its bearer nothing."""
    wanted = {"name": "more", "permissions": ["member.manage", "transition.promote"]}
    made = http.post(f"{V1}/tokens", json=wanted, headers=access.headers("contributor"))
    more = {"Authorization": f"Bearer {made.json()['secret']}"}
    answers = [
        http.put(f"{RISK}/members/contributor", json={"roles": ["admin"]}, headers=more),
        http.post(
            f"{RISK}/models/churn/versions/2/transitions", json={"to": "Staging"}, headers=more
        ),
        http.post(f"{V1}/tokens", json={"name": "again"}, headers=more),
    ]
    assert [made.status_code, *(each.status_code for each in answers)] == [201, 403, 403, 403]


def test_a_role_for_the_installation_gives_nothing_in_a_project(
    access: Access, http: httpx.Client
) -> None:
    """A role of one's own with rights in the installation, given in a project, has none there."""
    access.registry.set_role("super", ["access.manage", "project.create", "metrics.view"])
    access.as_("admin").set_member("viewer", ["super"], project="risk")
    may = access.headers("viewer")
    answers = [
        http.get(f"{V1}/accounts", headers=may).status_code,
        http.post(f"{V1}/projects", json={"name": "mine"}, headers=may).status_code,
        http.get("/metrics", headers=may).status_code,
        http.put(f"{V1}/accounts/viewer", json={"roles": ["admin"]}, headers=may).status_code,
    ]
    assert answers == [403, 403, 403, 403]


def test_two_approvals_of_one_person_are_one(access: Access, http: httpx.Client) -> None:
    """However many requests an approver sends at once, and by how many tokens, they are one."""
    policy = {"policy": {"requirements": [{"kind": "approvals", "count": 2}]}}
    http.put(f"{RISK}/policies/Staging", json=policy, headers=access.headers("maintainer"))
    asked = http.post(
        f"{RISK}/models/churn/versions/2/requests",
        json={"to": "Staging", "auto_promote": False},
        headers=access.headers("maintainer"),
    )
    approve = f"{V1}/requests/{asked.json()['request']['uid']}/approve"
    access.issue("approver", "second")
    statuses: list[int] = []

    def send(key: str) -> None:
        statuses.append(http.post(approve, json={}, headers=access.headers(key)).status_code)

    together(*[lambda key=key: send(key) for key in ("approver", "second") * 4])
    assert set(statuses) <= {200, 409}
    moved = http.post(
        f"{RISK}/models/churn/versions/2/transitions",
        json={"to": "Staging"},
        headers=access.headers("maintainer"),
    )
    assert (moved.status_code, moved.json()["code"]) == (409, "policy_violated")
    [row] = moved.json()["report"]["rows"]
    assert (row["requirement"], row["observed"]) == ("approvals", 1)


# --- downwards -----------------------------------------------------------------------------------

LOSSES = ["revoked", "disabled", "removed"]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_stream_ends_with_the_right_to_hear_it(
    access: Access, http: httpx.Client, loss: str
) -> None:
    """A stream that is open tells nothing of what happens after its listener lost the right."""
    heard: list[str] = []
    begun = threading.Event()

    def listen() -> None:
        url = f"{V1}/events?project=risk"
        with http.stream("GET", url, headers=access.headers("viewer")) as answer:
            assert answer.status_code == 200
            for line in answer.iter_lines():
                heard.append(line)
                begun.set()

    listening = threading.Thread(target=listen)
    listening.start()
    assert begun.wait(30)
    if loss == "revoked":
        access.registry.revoke_token(access.ids["viewer"])
    elif loss == "disabled":
        access.registry.disable_account("viewer")
    else:
        access.registry.remove_member("viewer", project="risk")
    access.registry.register_model("risk/afterwards", "1")
    listening.join(30)
    assert not listening.is_alive()
    assert "afterwards" not in "".join(heard)


def test_a_stream_begun_before_control_ends_with_it(server: Server) -> None:
    """Who listened while nobody was asked hears no more once everybody is."""
    from lockgate.domain.access import Actor
    from lockgate.registry.desk import store_of
    from lockgate.services.tokens import make_first_administrator
    from lockgate.storage.store import Caller
    from registries import embedded

    registry = embedded()
    with (
        server.serving(registry),
        httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http,
        http.stream("GET", f"{V1}/events") as answer,
    ):
        lines = answer.iter_lines()
        next(lines)
        make_first_administrator(store_of(registry), Caller(actor=Actor("ana")), "ana")
        registry.register_model("afterwards", "1")
        assert "afterwards" not in "".join(lines)


# --- sideways ------------------------------------------------------------------------------------


def test_what_a_uid_opens(access: Access, http: httpx.Client) -> None:
    """A thing of another project is told of, by its uid, as one that is not there at all."""
    root = access.as_(ROOT)
    asked = access.as_(STRANGER).request_promotion("secret/hidden", "2", "Staging")
    hook = access.as_(STRANGER).create_webhook("https://example.org/h", project="secret").webhook
    place = root.report_deployment("secret/hidden", "1", environment="live")
    things = {
        "uids/{}": root.get_model("secret/hidden").uid,
        "requests/{}": asked.request.uid,
        "webhooks/{}": hook.uid,
        "webhooks/{}/deliveries": hook.uid,
        "deliveries/{}": access.as_(STRANGER).test_webhook(hook.uid).uid,
        "deployments/{}": place.uid,
    }
    none = "0" * 32
    for path, uid in things.items():
        seen, absent = (
            http.get(f"{V1}/{path.format(each)}", headers=access.headers("admin"))
            for each in (uid, none)
        )
        told = seen.text.replace(uid, none).replace(seen.json()["request_id"], "")
        assert (path, seen.status_code) == (path, 404)
        assert told == absent.text.replace(absent.json()["request_id"], "")
    for method, path, uid in (
        ("POST", "requests/{}/approve", asked.request.uid),
        ("POST", "webhooks/{}/test", hook.uid),
        ("DELETE", "webhooks/{}", hook.uid),
        ("POST", "deployments/{}/end", place.uid),
    ):
        refused = http.request(
            method, f"{V1}/{path.format(uid)}", json={}, headers=access.headers("admin")
        )
        assert (path, refused.status_code) == (path, 404)


def test_what_an_etag_tells(access: Access, http: httpx.Client) -> None:
    """Conditions are not looked at for who does not see the thing: no tag says that it is there."""
    path = f"{V1}/projects/secret/models/hidden"
    tag = http.get(path, headers=access.headers(ROOT)).headers["etag"]
    may = access.headers("admin")
    asked = [
        http.get(path, headers={**may, "If-None-Match": each}) for each in (tag, '"x"', "*")
    ] + [
        http.patch(path, json={"description": "x"}, headers={**may, "If-Match": each})
        for each in (tag, f'"{"0" * 16}"')
    ]  # fmt: skip
    assert {(each.status_code, each.json()["code"]) for each in asked[:4]} == {
        (404, "model_not_found")
    }
    nowhere = f"{V1}/projects/nowhere/models/hidden"
    absent = http.patch(
        nowhere, json={"description": "x"}, headers={**may, "If-Match": f'"{"0" * 16}"'}
    )
    assert asked[4].status_code == absent.status_code


@pytest.mark.parametrize("value", ["{a}; {b}", "{b}; {a}", "{a};{b};{a}"])
def test_two_sessions_in_one_request(access: Access, http: httpx.Client, value: str) -> None:
    """A session that a neighbouring site slipped in beside the browser's own is taken for none."""
    pairs = {}
    for name, person in (("a", "viewer"), ("b", "admin")):
        answer = http.post(f"{V1}/session", json={"token": access.tokens[person]})
        pairs[name] = answer.headers["set-cookie"].partition(";")[0]
        http.cookies.clear()
    refused = http.get(f"{V1}/whoami", headers={"Cookie": value.format(**pairs)})
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    same = http.get(f"{V1}/whoami", headers={"Cookie": f"{pairs['a']}; x=1; {pairs['a']}"})
    assert (same.status_code, same.json()["actor"]) == (200, "viewer")


@pytest.mark.parametrize("header", ["X-MLFLOW-WORKSPACE", "X-CSRF-Token", "Authorization"])
def test_headers_that_come_twice(http: httpx.Client, header: str) -> None:
    """What a proxy and we could read differently is refused when it comes twice."""
    answer = http.get(f"{V1}/models", headers=[(header, "a"), (header, "b")])
    assert answer.status_code == 400


def test_errors_name_no_more_than_was_said(access: Access) -> None:
    """What is raised for things unseen says what the caller said, and nothing else."""
    for name in ("secret/hidden", "nowhere/hidden"):
        with pytest.raises(RegistryError) as refused:
            access.as_("admin").get_model(name)
        assert set(refused.value.fields) == {"model", "project"}
