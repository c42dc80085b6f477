"""Lifecycles: drawn, said in sentences, and changed from the page."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from e2e.web.conftest import Open
from lockgate.sdk.client import Client


def test_a_lifecycle_is_drawn_and_said(open_page: Open) -> None:
    """The stages are boxes with arrows; what holds in each is said in sentences."""
    page = open_page("ui/p/default/lifecycles?name=standard")
    graph = page.get_by_role("region", name="Stages of standard")
    for text in ("None", "Staging", "Production", "Archived", "rollback"):
        expect(graph).to_contain_text(text)
    expect(page.get_by_role("region", name="Production", exact=True)).to_contain_text(
        "One version of a model at a time: the one that was there steps back to Staging."
    )
    page.get_by_role("link", name="linear").click()
    expect(page).to_have_url(re.compile("name=linear"))
    expect(page.get_by_role("region", name="Stages of linear")).to_contain_text("Dev")


def test_a_new_lifecycle_is_validated_and_applied(open_page: Open, registry: Client) -> None:
    """Every fault is shown while one writes; what holds together can be applied."""
    page = open_page("ui/p/default/lifecycles?edit=new")
    text = page.get_by_label("The new lifecycle")
    whole = text.input_value()
    text.fill(whole.replace('initial = "Built"', 'initial = "Nowhere"').replace("amber", "A-1"))
    faults = page.get_by_role("alert")
    expect(faults).to_contain_text("Nowhere")
    expect(faults.get_by_role("listitem")).to_have_count(2)
    expect(page.get_by_role("button", name="Apply")).to_be_disabled()
    text.fill(whole)
    expect(page.get_by_text("It holds together")).to_be_visible()
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile(r"name=release-train$"))
    live = page.get_by_role("region", name="Live", exact=True)
    expect(live).to_contain_text("To enter:")
    expect(live.get_by_role("listitem").last).to_contain_text("approv")
    assert registry.get_lifecycle("release-train").revision == 1


def test_a_next_revision_starts_from_the_last(open_page: Open, registry: Client) -> None:
    """The document of the present revision is there to be changed; the old one stays."""
    document = {"name": "short", "initial": "a", "stages": [{"name": "a"}], "edges": []}
    registry.apply_lifecycle(document)
    page = open_page("ui/p/default/lifecycles?name=short")
    page.get_by_role("button", name="New revision").click()
    text = page.get_by_label("The next revision of short")
    text.fill(text.input_value().replace('"description": ""', '"description": "One stage."'))
    expect(page.get_by_text("It holds together")).to_be_visible()
    page.get_by_role("button", name="Apply").click()
    expect(text).to_have_count(0)
    expect(page.locator("#main").get_by_text("One stage.").first).to_be_visible()
    page.get_by_role("combobox", name="Revision").click()
    page.get_by_role("option", name="Revision 1").click()
    expect(page).to_have_url(re.compile("revision=1"))
    expect(page.locator("#main").get_by_text("One stage.")).to_have_count(0)
    assert [each.revision for each in registry.list_lifecycles() if each.name == "short"] == [1, 2]
