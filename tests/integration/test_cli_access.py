"""Access control on the command line: the first administrator, logins, tokens, and who may what."""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_runner import Terminal
from lockgate.bootstrap import app_from, open_store
from lockgate.domain.access import Actor
from lockgate.errors import InvalidSetting
from lockgate.http.app import build_app
from lockgate.registry import Registry
from lockgate.settings import Settings
from oidc_world import AUDIENCE, a_provider
from registries import running


@pytest.fixture
def terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    """Commands on a registry of the test's own, with a configuration folder of its own."""
    made = Terminal(tmp_path, capsys, monkeypatch)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return made


@pytest.fixture
def server(terminal: Terminal) -> Iterator[str]:
    """A server on the same database."""
    settings = Settings(database=terminal.url)
    registry = Registry(open_store(terminal.url, settings), Actor("server"))
    app = build_app(registry, settings)
    try:
        with running(app) as url:
            yield url
    finally:
        registry.close()


def secret(terminal: Terminal, *command: str) -> str:
    """Run a command that shows a secret this once; return the secret."""
    ended = terminal(*command)
    assert ended.code == 0, ended
    return ended.out.strip()


def test_first_administrator(terminal: Terminal) -> None:
    """The token alone is on standard output; a second time is refused."""
    made = terminal("admin", "init", "root")
    assert made.code == 0
    assert made.out.startswith("lgt_")
    assert made.out.count("\n") == 1
    assert "shown this once" in made.err
    assert made.out.strip() not in made.err
    again = terminal("admin", "init", "mallory")
    assert again.code == 1
    assert "on already" in again.err


def test_login_and_logout(
    terminal: Terminal, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token is read from standard input, tried, and kept where only its owner can read it."""
    token = secret(terminal, "admin", "init", "root")
    terminal.url = server
    assert terminal("model", "list").code == 5
    monkeypatch.setattr("sys.stdin", io.StringIO("lgt_wrong\n"))
    assert terminal("login").code == 5
    kept = tmp_path / "config" / "lockgate" / "credentials.json"
    assert not kept.exists()
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{token}\n"))
    told = terminal("login")
    assert (told.code, "as root" in told.out) == (0, True)
    assert token not in told.out + told.err
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert terminal("whoami", "--json").json["actor"] == "root"
    assert terminal("model", "list").code == 0
    assert terminal("logout").code == 0
    assert terminal("logout").code == 3
    assert terminal("whoami").code == 5


def test_whole_story(terminal: Terminal, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accounts, teams, roles, members, protections and tokens, from the terminal to a refusal."""
    secret(terminal, "admin", "init", "root")
    for command in (
        ["account", "set", "bob"],
        ["account", "set", "ci", "--service"],
        ["team", "set", "crew", "bob"],
        ["role", "set", "releaser", "transition.promote", "--description", "May release"],
        ["member", "set", "root", "admin"],
        ["member", "set", "crew", "contributor"],
        ["protect", "set", "stage", "production", "admin"],
        ["version", "register", "churn:1"],
    ):
        terminal.done(*command)
    assert "crew" in terminal.done("team", "list")
    assert "releaser" in terminal.done("role", "list")
    assert "service" in terminal.done("account", "list")
    assert "Production" in terminal.done("protect", "list")
    bob = terminal("token", "create", "laptop", "--owner", "bob", "--in", "default", "--json").json
    monkeypatch.setenv("LOCKGATE_TOKEN", bob["secret"])
    terminal.url = server
    who = terminal("whoami", "--json").json
    assert (who["actor"], who["token"], list(who["projects"])) == (
        "bob",
        bob["token"]["id"],
        ["default"],
    )
    assert "In default" in terminal.done("whoami")
    refused = terminal("promote", "churn:1", "--to", "staging")
    assert refused.code == 5
    assert "bob lacks the permission 'transition.promote' in project 'default'" in refused.err
    assert bob["secret"] not in refused.err
    assert "laptop" in terminal.done("token", "list")
    terminal.done("token", "revoke", bob["token"]["id"])
    assert terminal("whoami").code == 5


def test_taking_away(terminal: Terminal) -> None:
    """What was given can be taken, by the operator."""
    secret(terminal, "admin", "init", "root")
    terminal.done("account", "set", "bob")
    terminal.done("team", "set", "crew", "bob")
    terminal.done("role", "set", "reader", "project.view")
    terminal.done("protect", "set", "alias", "champion", "admin")
    for command in (
        ["team", "remove", "crew"],
        ["role", "remove", "reader"],
        ["protect", "remove", "alias", "champion"],
        ["account", "disable", "bob"],
    ):
        terminal.done(*command)
    assert terminal("team", "remove", "crew").code == 3
    assert terminal("account", "disable", "root").code == 1


def test_embedded_with_a_token(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database opened with a token is used as its owner may; with a bad one, not at all."""
    secret(terminal, "admin", "init", "root")
    terminal.done("account", "set", "bob")
    token = secret(terminal, "token", "create", "laptop", "--owner", "bob")
    monkeypatch.setenv("LOCKGATE_TOKEN", token)
    monkeypatch.setenv("LOCKGATE_ACTOR", "bob")
    assert terminal("project", "show", "default").code == 3
    monkeypatch.setenv("LOCKGATE_TOKEN", token[:-1])
    assert terminal("project", "show", "default").code == 5


def test_serving_beyond_this_machine(terminal: Terminal) -> None:
    """Without access control a server that others can reach does not start by mistake."""
    ended = terminal("serve", "--host", "192.0.2.1", "--port", "0", "--database", terminal.url)
    assert ended.code == 2
    assert "access control is off" in ended.err
    assert "lockgate admin init" in ended.err


def test_login_of_a_job(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CI job logs in with its identity, as GitHub and as GitLab tell it."""
    secret(terminal, "admin", "init", "root")
    assert terminal("account", "set", "ci", "--service").code == 0
    with a_provider() as provider:
        file = tmp_path / "oidc.toml"
        file.write_text(
            f"""[[issuer]]
url = "{provider.url}"
audience = "{AUDIENCE}"

[[rule]]
issuer = "{provider.url}"
claims = {{ repository = "acme/churn" }}
account = "ci"
projects = ["default"]
permissions = ["version.register"]
"""
        )
        settings = Settings(database=terminal.url, oidc=str(file), oidc_hosts="127.0.0.1")
        with running(app_from(settings)) as terminal.url:
            assert terminal("login", "--oidc").code == 2
            monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{provider.url}/job?a=1")
            monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of the job")
            github = terminal("login", "--oidc", "--audience", AUDIENCE)
            assert github.code == 0, github.err
            assert terminal("logout").code == 0
            monkeypatch.setenv("LOCKGATE_OIDC_TOKEN", provider.sign())
            gitlab = terminal("login", "--oidc")
            assert "as ci" in gitlab.out + gitlab.err
            assert terminal("login", "--oidc").code == 5, "an identity is good once"
            assert '"actor": "ci"' in terminal("whoami", "--json").out


def test_trust_that_cannot_be_read(tmp_path: Path) -> None:
    """A file of trust that is missing, no TOML or wrong stops the server, naming the setting."""
    for text in (None, "[[issuer", "[[issuer]]\nurl = 'ftp://x'", "[[rules]]"):
        file = tmp_path / f"{text is None}.toml"
        if text is not None:
            file.write_text(text)
        with pytest.raises(InvalidSetting, match="oidc"):
            app_from(Settings(database="memory://", oidc=str(file)))


def test_a_service_account_stays_one(terminal: Terminal) -> None:
    """Giving it roles needs no second word of what it is."""
    terminal("admin", "init", "root")
    terminal.done("account", "set", "ci", "--service")
    told = terminal.done("account", "set", "ci", "--role", "viewer")
    assert told == "ci (service) has viewer.\n"
