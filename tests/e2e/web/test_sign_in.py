"""Signing in: under access control a browser is asked who it is, and acts as that person."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

import lockgate
from conftest import free_port
from e2e.web.browser import assert_accessible
from e2e.web.conftest import BIN, NARROW, PATIENCE_MS, WIDE
from oidc_world import CLIENT, CLIENT_SECRET, Provider, a_provider


@dataclass(frozen=True)
class Guarded:
    """A server with access control, and the token of its administrator."""

    url: str
    token: str


TRUST = """
[login]
issuer = "{issuer}"
name = "Acme"
client_id = "{client}"
client_secret_file = "client.secret"
redirect_uri = "http://127.0.0.1:{port}/api/v1/session/oidc/callback"
accounts = {{ "ana@acme.example" = "ana" }}
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """The issuer that people sign in at."""
    with a_provider() as made:
        yield made


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Guarded]:
    """A server of its own whose administrator is ana, and that trusts the issuer."""
    folder = tmp_path_factory.mktemp("guarded")
    port = free_port()
    trust = TRUST.format(issuer=provider.url, client=CLIENT, port=port)
    (folder / "trust.toml").write_text(trust)
    (folder / "client.secret").write_text(CLIENT_SECRET)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "LOCKGATE_OIDC": str(folder / "trust.toml"),
        "LOCKGATE_OIDC_HOSTS": "127.0.0.1",
    }
    database = {**environment, "LOCKGATE_URL": "sqlite:///lockgate.db"}
    made = subprocess.run(
        [BIN / "lockgate", "admin", "init", "ana"],
        cwd=folder,
        env=database,
        capture_output=True,
        text=True,
        check=True,
    )
    with (folder / "server.txt").open("w") as told:
        server = subprocess.Popen(
            [BIN / "lockgate", "serve", "--port", str(port)],
            cwd=folder,
            env=environment,
            stdout=told,
            stderr=told,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(url)
            yield Guarded(url, made.stdout.strip())
        finally:
            server.terminate()
            server.wait()


def _wait_for(url: str) -> None:
    """Return once the server answers."""
    transport = httpx.HTTPTransport(retries=6)
    with httpx.Client(transport=transport, timeout=30) as http:
        http.get(f"{url}/readyz").raise_for_status()


def _page(browser: Browser, url: str, size: tuple[int, int] = WIDE, scheme: str = "light") -> Page:
    page = browser.new_page(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page.set_default_timeout(PATIENCE_MS)
    page.goto(url)
    return page


def _sign_in(page: Page, token: str) -> None:
    page.get_by_label("Token").first.fill(token)
    page.get_by_role("button", name="Sign in", exact=True).click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_way_in_is_accessible(
    browser: Browser, guarded: Guarded, size: tuple[int, int], scheme: str
) -> None:
    """axe finds no serious fault on the page that asks for a token."""
    page = _page(browser, f"{guarded.url}/ui/p/default/models", size, scheme)
    expect(page.get_by_role("heading", name="Sign in to Lockgate")).to_be_visible()
    assert_accessible(page)
    page.close()


def test_one_signs_in_writes_and_signs_out(browser: Browser, guarded: Guarded) -> None:
    """A wrong token is refused; a right one leads to the page asked for, and writes work."""
    page = _page(browser, f"{guarded.url}/ui/p/default/settings?tab=tokens")
    _sign_in(page, "lgt_wrong")
    expect(page.get_by_role("alert")).to_be_visible()
    _sign_in(page, guarded.token)
    expect(page.get_by_role("button", name="Signed in as ana")).to_be_visible()
    expect(page).to_have_url(re.compile("tab=tokens"))
    page.reload()
    page.get_by_role("textbox", name="Name", exact=True).fill("nightly")
    page.get_by_role("button", name="Make").click()
    expect(page.get_by_text("never shown again")).to_be_visible()
    expect(page.get_by_text(re.compile("^lgt_"))).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Revoke nightly").click()
    expect(page.get_by_role("row").filter(has_text="nightly")).to_contain_text("revoked")
    page.get_by_role("button", name="Signed in as ana").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to Lockgate")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in to Lockgate")).to_be_visible()
    page.close()


PEOPLE = {
    "people": "Let somebody in",
    "teams": "Make a team, or change one",
    "roles": "Make a role, or change one",
}
HOSTILE = "<img src=x onerror=alert(1)><script>alert(1)</script>"


def test_people_teams_and_roles(browser: Browser, guarded: Guarded) -> None:
    """Who administers lets people in, puts them in teams, and makes roles; all of it accessibly."""
    page = _page(browser, f"{guarded.url}/ui/p/default/settings?tab=people")
    _sign_in(page, guarded.token)
    form = page.get_by_role("region", name=PEOPLE["people"])
    form.get_by_role("textbox", name="Name").fill("gil")
    form.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("row").filter(has_text="gil")).to_contain_text("person")
    assert_accessible(page)
    page.goto(page.url.replace("people", "teams"))
    page.get_by_role("textbox", name="Team").fill("tugs")
    page.get_by_role("combobox", name="People").fill("gil")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_role("row").filter(has_text="tugs")).to_contain_text("gil")
    assert_accessible(page)
    page.goto(page.url.replace("teams", "roles"))
    page.get_by_role("textbox", name="Role").fill("harbour-master")
    page.get_by_role("textbox", name="Description").fill(HOSTILE)
    page.get_by_role("combobox", name="Permissions").fill("alias.set")
    page.get_by_role("option", name="alias.set").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keep", exact=True).click()
    made = page.get_by_role("row").filter(has_text="harbour-master")
    expect(made).to_contain_text("alias.set")
    expect(made).to_contain_text("onerror")
    assert page.locator("#main img, #main script").count() == 0
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    page.close()


def test_an_ended_session_leads_to_the_door_and_back(browser: Browser, guarded: Guarded) -> None:
    """A session that ends while a page is open says so; who signs in again is where they were."""
    page = _page(browser, f"{guarded.url}/ui/p/default/settings?tab=roles")
    _sign_in(page, guarded.token)
    expect(page.get_by_role("region", name=PEOPLE["roles"])).to_be_visible()
    page.context.clear_cookies()
    expect(page.get_by_text("The session of ana has ended")).to_be_visible()
    _sign_in(page, guarded.token)
    expect(page.get_by_role("region", name=PEOPLE["roles"])).to_be_visible()
    expect(page).to_have_url(re.compile("tab=roles"))
    page.close()


def test_a_refusal_says_whom_to_ask(browser: Browser, guarded: Guarded) -> None:
    """Who may not do something is told which permission it needs, and where it comes from."""
    with lockgate.connect(guarded.url, token=guarded.token) as ana:
        ana.set_account("ida")
        ana.set_member("ana", ["admin"])
        ana.set_member("ida", ["viewer"])
        token = ana.create_token("browser", owner="ida").secret
    page = _page(browser, f"{guarded.url}/ui/p/default/settings?tab=webhooks")
    _sign_in(page, token)
    told = page.get_by_role("alert").first
    expect(told).to_contain_text("webhook.manage")
    expect(told).to_contain_text("Members")
    assert_accessible(page)
    page.close()


def test_one_signs_in_elsewhere(browser: Browser, guarded: Guarded, provider: Provider) -> None:
    """Whom the issuer knows comes back signed in, to the page that they asked for."""
    provider.person = {"sub": "7", "email": "eve@acme.example", "email_verified": True}
    wanted = f"{guarded.url}/ui/p/default/settings?tab=tokens"
    page = _page(browser, wanted)
    page.get_by_role("button", name="Sign in with Acme").click()
    page.wait_for_url(re.compile("/oidc/callback"))
    provider.person["email"] = "ana@acme.example"
    page.goto(wanted)
    page.get_by_role("button", name="Sign in with Acme").click()
    expect(page.get_by_role("button", name="Signed in as ana")).to_be_visible()
    expect(page).to_have_url(re.compile("tab=tokens"))
    page.get_by_role("textbox", name="Name", exact=True).fill("by issuer")
    page.get_by_role("button", name="Make").click()
    expect(page.get_by_text("never shown again")).to_be_visible()
    page.close()
