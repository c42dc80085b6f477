"""Settings: who is told of what happens, and what is kept for some."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

import lockgate
from e2e.web.browser import assert_accessible
from e2e.web.conftest import NARROW, WIDE, Open
from lockgate.sdk.client import Client
from receiver import Receiver

HOSTILE = "<img src=x onerror=alert(1)><script>alert(1)</script>"
PAGES = {
    "webhooks": "Tell somebody",
    "protections": "Keep a stage or an alias for some",
}


@pytest.fixture(scope="session")
def told(site: str) -> Iterator[Client]:
    """A project of its own, whose webhook has a hostile name."""
    with lockgate.connect(site, actor="finn") as client:
        assert isinstance(client, Client)
        client.create_project("told")
        client.create_webhook(
            "https://example.org/<script>", name=HOSTILE, description=HOSTILE, project="told"
        )
        client.set_protection("alias", "champion", "maintainer", project="told")
        yield client


@pytest.mark.parametrize(
    ("size", "scheme"), [(WIDE, "dark"), (NARROW, "light")], ids=["wide", "narrow"]
)
@pytest.mark.parametrize("tab", sorted(PAGES))
def test_pages_are_accessible_and_unharmed(
    open_page: Open, told: Client, tab: str, size: tuple[int, int], scheme: str
) -> None:
    """axe finds no serious fault, nothing is wider than the screen, hostile texts do nothing."""
    (webhook,) = told.list_webhooks(project="told")[:1]
    page = open_page(
        f"ui/p/told/settings?tab={tab}&webhook={webhook.uid}", size=size, scheme=scheme
    )
    expect(page.get_by_role("region", name=PAGES[tab])).to_be_visible()
    expect(page.get_by_role("status", name="Loading")).to_have_count(0)
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert page.locator("#main img, #main script").count() == 0


def test_a_webhook_from_its_making_to_its_end(open_page: Open, told: Client) -> None:
    """Made with a secret shown once, tried, looked into, sent again, paused, resumed, deleted."""
    with Receiver() as receiver:
        page = open_page("ui/p/told/settings?tab=webhooks")
        page.get_by_label("Address").fill(receiver.url)
        page.get_by_role("textbox", name="Name", exact=True).fill("bell")
        page.get_by_role("button", name="Make the webhook").click()
        expect(page.get_by_role("alert")).to_contain_text("whsec_")
        page.get_by_role("link", name="bell").click()
        expect(page).to_have_url(re.compile("webhook="))
        page.get_by_role("button", name="Send a trial").click()
        shown = page.get_by_role("region", name="Delivery", exact=True)
        expect(shown).to_contain_text("Answer 200")
        expect(shown).to_contain_text("thank you")
        expect(shown.get_by_label("Request body")).to_contain_text('"project": "told"')
        page.reload()
        expect(page.get_by_role("alert")).to_have_count(0)  # the secret is gone for good
        expect(shown.get_by_role("button", name="Send it again")).to_have_count(0)
        page.get_by_role("link", name="create webhook").click()
        expect(shown.get_by_text("Answer 200")).to_have_count(1)
        shown.get_by_role("button", name="Send it again").click()
        expect(shown.get_by_text("Answer 200")).to_have_count(2)
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_role("row").filter(has_text="bell")).to_contain_text("paused")
        page.get_by_role("button", name="Resume").click()
        expect(page.get_by_role("row").filter(has_text="bell")).to_contain_text("active")
        page.get_by_role("button", name="Delete…").click()
        page.get_by_role("button", name="Yes, delete it").click()
        expect(page.get_by_role("link", name="bell")).to_have_count(0)
    assert "bell" not in [each.name for each in told.list_webhooks(project="told")]


def test_a_stage_is_kept_for_some_and_opened_again(open_page: Open, told: Client) -> None:
    """What the form keeps is in the list, and its button takes it away."""
    page = open_page("ui/p/told/settings?tab=protections")
    page.get_by_role("combobox", name="Stage").fill("Production")
    page.get_by_role("combobox", name="Needs").fill("maintainer")
    page.get_by_role("button", name="Keep it").click()
    row = page.get_by_role("row").filter(has_text="Production")
    expect(row).to_contain_text("maintainer")
    kept = {(each.kind, each.name) for each in told.list_protections(project="told")}
    assert kept == {("alias", "champion"), ("stage", "Production")}
    row.get_by_role("button", name="Remove the protection of Production").click()
    expect(row).to_have_count(0)


@pytest.mark.parametrize("tab", ["people", "teams", "roles"])
def test_without_access_control_nobody_is_let_in(open_page: Open, told: Client, tab: str) -> None:
    """Where nothing is asked, the pages of people say how to switch that on, and offer no form."""
    page = open_page(f"ui/p/told/settings?tab={tab}")
    expect(page.get_by_text("lockgate admin init")).to_be_visible()
    expect(page.get_by_role("button", name="Keep")).to_have_count(0)
