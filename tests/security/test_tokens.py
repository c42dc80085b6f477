"""Tokens: what one is good for, when it ends, and what is kept of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from access_world import ROOT, Access
from bare import run as bare
from gate_world import World
from lockgate.domain.access import Actor
from lockgate.domain.tokens import token_id
from lockgate.errors import (
    Conflict,
    Forbidden,
    ForbiddenInInstallation,
    InvalidInput,
    NotFound,
    Unauthenticated,
)
from lockgate.services.tokens import make_first_administrator
from lockgate.storage.store import Caller


@pytest.fixture
def access() -> Iterator[Access]:
    """A registry with access control on."""
    made = Access()
    made.furnish()
    yield made
    made.registry.close()


def test_first_administrator_is_made_once() -> None:
    """Who may open the database makes the first administrator, and nobody makes another so."""
    world = World()
    assert not world.store.grants.state.enabled
    assert world.registry.whoami().controlled is False
    who = Caller(actor=Actor("ana"))
    made = make_first_administrator(world.store, who, "ana")
    assert re.fullmatch(r"lgt_[0-9a-z]{12}_[0-9A-Za-z]{49}", made.secret)
    assert world.store.grants.load(made.secret).may_everywhere("access.manage")
    with pytest.raises(Conflict, match="on already"):
        make_first_administrator(world.store, who, "mallory")
    world.close()


def test_nothing_is_prepared_before(access: Access) -> None:
    """While access control is off nobody makes accounts, roles or tokens: they would own it."""
    world = World()
    for change in (
        lambda: world.registry.set_account("mallory", roles=["admin"]),
        lambda: world.registry.create_token("mine"),
        lambda: world.registry.set_team("crew", []),
        lambda: world.registry.set_role("mine", ["project.view"]),
    ):
        with pytest.raises(Conflict, match="Access control is off"):
            change()
    world.close()


def test_scope_narrows(access: Access) -> None:
    """A token is good for its projects and permissions, whatever more its owner may."""
    access.issue(ROOT, "narrow", projects=["risk"], permissions=["version.register"])
    narrow = access.as_("narrow")
    assert narrow.register_model("risk/churn", "3").created_by == ROOT
    with pytest.raises(Forbidden, match=r"transition\.promote"):
        narrow.promote("risk/churn", "3")
    with pytest.raises(NotFound):
        narrow.get_model("secret/hidden")
    with pytest.raises(ForbiddenInInstallation):
        narrow.list_accounts()
    with pytest.raises(ForbiddenInInstallation, match=r"token\.manage"):
        narrow.create_token("more")
    assert [each.name for each in narrow.list_projects()] == ["risk"]


def test_no_token_makes_a_wider_one(access: Access) -> None:
    """What a token makes is within its own projects, permissions and time."""
    end = datetime.now(UTC) + timedelta(days=1)
    access.issue(
        ROOT,
        "maker",
        projects=["risk"],
        permissions=["version.register", "token.manage"],
        expires_at=end,
    )
    maker = access.as_("maker")
    with pytest.raises(Forbidden, match=r"version\.push"):
        maker.create_token("wider", permissions=["version.push"])
    made = maker.create_token("same").token
    assert made.projects == ("risk",)
    assert made.permissions == ("project.view", "token.manage", "version.register")
    assert made.expires_at == end
    with pytest.raises(NotFound):
        maker.create_token("elsewhere", projects=["secret"])


def test_tokens_of_others(access: Access) -> None:
    """One lists and revokes one's own; those of others are not there, but for administrators."""
    admin = access.as_("admin")
    assert [each.owner for each in admin.list_tokens()] == ["admin"]
    with pytest.raises(ForbiddenInInstallation):
        admin.list_tokens(everybody=True)
    with pytest.raises(ForbiddenInInstallation):
        admin.create_token("theirs", owner="viewer")
    with pytest.raises(NotFound):
        admin.revoke_token(access.ids["viewer"])
    root = access.as_(ROOT)
    assert root.revoke_token(access.ids["viewer"]).revoked_by == ROOT
    with pytest.raises(Unauthenticated):
        access.as_("viewer")
    assert {each.owner for each in root.list_tokens(everybody=True)} >= {"admin", ROOT}


def test_expiry() -> None:
    """A token ends at its time, though it is known to the process; none is made in the past."""
    world = World()
    first = make_first_administrator(world.store, Caller(actor=Actor("ana")), "ana")
    made = world.registry.create_token("short", expires_at=world.clock.now + timedelta(hours=1))
    assert world.store.grants.load(made.secret).actor == "ana"
    world.clock.go(minutes=59)
    assert world.store.grants.find(made.secret) is not None
    world.clock.go(minutes=1)
    assert world.store.grants.find(made.secret) is None
    with pytest.raises(Unauthenticated):
        world.store.grants.load(made.secret)
    assert world.store.grants.load(first.secret).actor == "ana"
    with pytest.raises(InvalidInput, match="in the past"):
        world.registry.create_token("late", expires_at=world.clock.now)
    world.close()


@pytest.mark.parametrize("change", ["disable", "team", "role", "member"])
def test_loss_of_rights(access: Access, change: str) -> None:
    """What a role, a team or an account gave is gone with it."""
    root = access.registry
    root.set_role("register-only", ["model.register", "version.register", "version.push"])
    root.set_account("bot", "service")
    root.set_team("crew", ["bot"])
    root.set_member("crew", ["register-only"], project="risk")
    access.issue("bot")
    assert access.as_("bot").register_model("risk/churn", "7").label == "7"
    if change == "disable":
        root.disable_account("bot")
    elif change == "team":
        root.set_team("crew", [])
    elif change == "role":
        root.remove_role("register-only")
    else:
        root.remove_member("crew", project="risk")
    with pytest.raises((NotFound, Unauthenticated)):
        access.as_("bot").get_version("risk/churn", "7")


def test_register_but_never_modify(access: Access) -> None:
    """A role of one's own can register and push, and change nothing that is there."""
    access.registry.set_role(
        "register-only", ["model.register", "version.register", "version.push"]
    )
    access.registry.set_account("ci", "service")
    access.registry.set_member("ci", ["register-only"], project="risk")
    access.issue("ci")
    ci = access.as_("ci")
    assert ci.register_model("risk/fresh", "1").created_by == "ci"
    for change in (
        lambda: ci.update_version("risk/fresh", "1", description="x"),
        lambda: ci.log_metrics("risk/fresh", "1", {"auc": 1.0}),
        lambda: ci.promote("risk/fresh", "1"),
        lambda: ci.set_alias("risk/fresh", "champion", "1"),
        lambda: ci.delete_version("risk/fresh", "1"),
        lambda: ci.update_model("risk/fresh", description="x"),
        lambda: ci.request_promotion("risk/fresh", "1", "Staging"),
        lambda: ci.audit(project="risk"),
    ):
        with pytest.raises(Forbidden):
            change()


def test_somebody_can_always_manage(access: Access) -> None:
    """The last administrator cannot go, nor lose the role."""
    for change in (
        lambda: access.registry.disable_account(ROOT),
        lambda: access.registry.set_account(ROOT, roles=["viewer"]),
    ):
        with pytest.raises(Conflict, match="at least one administrator"):
            change()
    assert access.as_(ROOT).whoami().actor == ROOT


def test_only_known_names_become_members(access: Access) -> None:
    """Under access control a member is somebody there is: a misspelt name gets no role."""
    with pytest.raises(NotFound, match="'vewer'"):
        access.registry.set_member("vewer", ["viewer"], project="risk")


def test_what_is_kept(tmp_path: Path) -> None:
    """No secret is in the database, the log or an error; who, by which token and from where is."""
    url = f"sqlite:///{tmp_path}/a.db"
    access = Access(url)
    access.furnish()
    registry = access.as_("maintainer")
    registry.register_model("risk/churn", "5")
    event = registry.audit(project="risk", action="register_version", newest_first=True).items[0]
    assert (event.actor, event.token) == ("maintainer", access.ids["maintainer"])
    assert access.registry.verify_audit(project="risk").ok
    assert access.registry.verify_audit(project="lockgate-access").ok
    root = access.tokens[ROOT]
    with pytest.raises(Unauthenticated) as refused:
        access.store.grants.load(root[:-1] + ("1" if root.endswith("0") else "0"))
    events = access.registry.audit(project="lockgate-access", limit=1000).items
    access.registry.close()
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("a.db*"))
    for secret in access.tokens.values():
        assert secret.encode() not in raw
        assert secret[17:].encode() not in raw
        assert secret not in str(refused.value) + repr(events)
    assert bare(url, "SELECT count(*) FROM idempotency_keys") == [(0,)]


def test_malformed_tokens_are_told_at_once() -> None:
    """A checksum tells a mistyped token from an unknown one, without the database."""
    good = Access()
    secret = good.tokens[ROOT]
    assert token_id(secret) == good.ids[ROOT]
    for bad in ("", "lgt_", secret[:-1], secret + "a", secret.upper(), "x" * 500, secret + "\n"):
        assert token_id(bad) is None
    swapped = secret[:20] + ("a" if secret[20] != "a" else "b") + secret[21:]
    assert token_id(swapped) is None
    good.registry.close()


@contextmanager
def serving(database: str) -> Iterator[str]:
    """Run a server in a process of its own; yield its URL."""
    program = Path(sys.executable).with_name("lockgate")
    command = [str(program), "serve", "--database", database, "--port", "0", "--json"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        lines = ""
        while True:
            lines += server.stdout.readline()
            try:
                yield json.loads(lines)["url"]
                break
            except ValueError:
                continue
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def test_a_second_server_knows_within_a_second(tmp_path: Path) -> None:
    """A token that is revoked, or a member that is removed, here stops on another server."""
    url = f"sqlite:///{tmp_path}/a.db"
    access = Access(url)
    access.furnish()
    with serving(url) as server, httpx.Client(base_url=server, trust_env=False) as http:

        def status(name: str, path: str = "/api/v1/projects/risk") -> int:
            return http.get(path, headers=access.headers(name)).status_code

        assert http.get("/api/v1/projects/risk").status_code == 401
        assert (status("viewer"), status("maintainer"), status("approver")) == (200, 200, 200)
        access.registry.revoke_token(access.ids["viewer"])
        access.registry.remove_member("maintainer", project="risk")
        access.registry.disable_account("approver")
        time.sleep(1.0)
        assert (status("viewer"), status("maintainer"), status("approver")) == (401, 404, 401)
        assert status("contributor") == 200
    access.registry.close()
