"""The list of models: what serves, searching, states in the URL, other people's changes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from e2e.web.browser import assert_accessible
from e2e.web.conftest import NARROW, WIDE, Open
from lockgate.sdk.client import Client

HOSTILE = "<img src=x onerror=alert(1)><script>alert(1)</script>"


def test_the_address_of_the_server_is_the_list_of_models(open_page: Open, site: str) -> None:
    """Whoever opens the server sees what is in production, in which stage, and how good it is."""
    page = open_page("")
    expect(page).to_have_url(f"{site}/ui/p/default/models")
    digits = page.get_by_role("row").filter(has_text="digits")
    expect(digits).to_contain_text("Production")
    expect(digits).to_contain_text("accuracy")
    expect(digits.locator("time").first).to_be_visible()


@pytest.mark.parametrize(
    ("size", "scheme"), [(WIDE, "light"), (NARROW, "dark")], ids=["wide-light", "narrow-dark"]
)
@pytest.mark.parametrize(
    "path",
    [
        "ui/p/default/models",
        "ui/p/default/models/digits",
        "ui/p/default/models/digits?tab=versions",
    ],
)
def test_pages_are_accessible(
    open_page: Open, path: str, size: tuple[int, int], scheme: str
) -> None:
    """axe finds no serious fault, and nothing is wider than the screen, in either colours."""
    page = open_page(path, size=size, scheme=scheme)
    expect(page.get_by_text("Production").first).to_be_visible()
    expect(page.get_by_role("status", name="Loading")).to_have_count(0)
    assert_accessible(page)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= size[0]


def test_a_search_is_in_the_url_and_back_works(open_page: Open, registry: Client) -> None:
    """A word is sought in names, a filter is a filter; the URL says which, so back undoes it."""
    registry.create_model("wine", tags={"team": "cellar"})
    page = open_page("ui/p/default/models")
    box = page.get_by_role("combobox", name="Search models")
    box.fill("win")
    box.press("Enter")
    expect(page).to_have_url(re.compile(r"\?q=win$"))
    expect(page.get_by_role("link", name="wine")).to_be_visible()
    expect(page.get_by_role("link", name="digits")).to_have_count(0)
    box.fill("tags.team = 'nobody'")
    box.press("Enter")
    expect(page.get_by_text("No model fits")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("link", name="wine")).to_be_visible()
    page.reload()
    expect(box).to_have_value("win")


def test_a_fault_of_a_filter_is_marked_at_its_column(open_page: Open) -> None:
    """What cannot be read is marked in what was typed, also when another filter stands beside."""
    page = open_page("ui/p/default/models?q=owner = 'a' AND stge = 'x'&stage=Staging")
    fault = page.get_by_role("alert", name="The filter cannot be read")
    expect(fault).to_contain_text("did you mean stage?")
    typed, mark = fault.inner_text().split("\n")[:2]
    assert mark.index("▲") == typed.index("stge")


def test_filters_narrow_the_list(open_page: Open, registry: Client) -> None:
    """Stage and tags, from the page or from a link, show only what they select."""
    registry.create_model("tagged", tags={"team": "fraud"})
    page = open_page("ui/p/default/models?tag=team=fraud")
    expect(page.get_by_role("link", name="tagged")).to_be_visible()
    expect(page.get_by_role("link", name="digits")).to_have_count(0)
    page = open_page("ui/p/default/models")
    page.get_by_placeholder("Any stage").click()
    page.get_by_role("option", name="Production").click()
    expect(page).to_have_url(re.compile("stage=Production"))
    expect(page.get_by_role("link", name="digits")).to_be_visible()
    expect(page.get_by_role("link", name="tagged")).to_have_count(0)


def test_another_persons_change_shows_without_reload(open_page: Open, registry: Client) -> None:
    """A promotion from elsewhere is on an open page shortly after."""
    registry.register_model("live", "7")
    page = open_page("ui/p/default/models?q=live")
    expect(page.get_by_text("Nothing in production")).to_be_visible()
    registry.promote("live", "7")
    registry.promote("live", "7")
    expect(page.get_by_text("Nothing in production")).to_have_count(0)
    expect(page.get_by_role("row").filter(has_text="live")).to_contain_text("Production")


def test_hostile_texts_do_nothing(open_page: Open, registry: Client) -> None:
    """HTML and script in descriptions, owners, tags and cards are shown as text, or not at all."""
    registry.create_model("hostile", owner=HOSTILE, description=HOSTILE, tags={"x": HOSTILE})
    registry.register_model(
        "hostile", "1", description=f"# Card\n\n{HOSTILE} [go](javascript:alert(1))"
    )
    for path in ("ui/p/default/models?q=hostile", "ui/p/default/models/hostile"):
        page = open_page(path)
        expect(page.get_by_text("onerror").first).to_be_visible()
        assert page.locator("#main img, #main script, #main a[href^=javascript]").count() == 0


def test_colours_are_switched_and_kept(open_page: Open) -> None:
    """The reader's choice of light or dark outlives a reload."""
    page = open_page("ui/")
    page.get_by_role("button", name="Switch to dark colours").click()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    page.reload()
    expect(page.get_by_role("button", name="Switch to light colours")).to_be_visible()


def test_who_acts_is_what_one_says(open_page: Open, registry: Client) -> None:
    """While access control is off, a name is given once and sent with every request."""
    page = open_page("ui/")
    page.get_by_role("button", name="Acting as the server").click()
    page.get_by_label("Acting as", exact=True).fill("Zoë")
    with page.expect_request(lambda request: "actor" in "".join(request.headers)) as sent:
        page.get_by_role("button", name="Keep").click()
    assert sent.value.headers["x-lockgate-actor"] == "Zo%C3%AB"
    expect(page.get_by_role("button", name="Acting as Zoë")).to_be_visible()


def test_the_keyboard_reaches_the_page_first(open_page: Open) -> None:
    """The first press of Tab offers to skip the navigation, and does."""
    page = open_page("ui/p/default/models")
    expect(page.get_by_role("link", name="digits")).to_be_visible()
    page.keyboard.press("Tab")
    skip = page.get_by_role("button", name="Skip to the page")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
