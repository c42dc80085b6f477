"""A model's page: what serves, how to use it, and its versions."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from e2e.web.conftest import NARROW, Open
from lockgate.sdk.client import Client


def test_what_serves_and_how_to_use_it(open_page: Open, site: str) -> None:
    """The page says what is in production and gives a line to copy for each tool."""
    page = open_page("ui/p/default/models/digits")
    expect(page.get_by_role("heading", name="digits", level=1)).to_be_visible()
    serving = page.get_by_role("region", name="In production", exact=True)
    expect(serving).to_contain_text("Production")
    use = page.get_by_role("region", name="Use what is in production")
    expect(use).to_contain_text("lockgate.use_model")
    use.get_by_text("curl", exact=True).click()
    expect(use).to_contain_text(f"{site}/api/v1/projects/default/models/digits/production")
    expect(page).to_have_url(re.compile("snippet=curl"))


def test_versions_have_the_columns_one_wants(open_page: Open) -> None:
    """Stage and columns are in the URL, so a link shows the same table to anybody."""
    page = open_page(
        "ui/p/default/models/digits?tab=versions&stage=Staging&columns=metrics.f1&columns=by"
    )
    table = page.get_by_role("table")
    expect(table.get_by_role("columnheader")).to_have_text(
        ["Compare", "Version", "Stage", "f1", "By"]
    )
    expect(table.get_by_role("row")).to_have_count(3)
    expect(table).to_contain_text("champion")


def test_a_model_that_is_not_there_is_said_so(open_page: Open) -> None:
    """A dead link tells what is missing, and by which number the log knows the request."""
    page = open_page("ui/p/default/models/nowhere")
    expect(page.get_by_role("alert")).to_contain_text("nowhere")
    expect(page.get_by_role("alert")).to_contain_text("Request")


def test_the_longest_name_widens_no_page(open_page: Open, registry: Client) -> None:
    """A name of 255 letters without a space breaks, on a narrow screen too."""
    name, label = "n" * 255, "v" * 50
    registry.register_model(name, label)
    for place in ("", "?tab=split", "?tab=settings", f"/versions/{label}?tab=files"):
        page = open_page(f"ui/p/default/models/{name}{place}", size=NARROW)
        expect(page.get_by_role("tabpanel")).to_be_visible()
        expect(page.get_by_text("Loading")).to_have_count(0)
        wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1], place
