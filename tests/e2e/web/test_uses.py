"""Versions in use: where they run, who gets which, how they do, and who is asked before they go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

import lockgate
from e2e.web.browser import assert_accessible
from e2e.web.conftest import NARROW, WIDE, Open
from lockgate.sdk.client import Client

HOSTILE = "<img src=x onerror=alert(1)><script>alert(1)</script>"
HOSTILE_NAME = "<img src=x onerror=alert(1)>"
MODEL = "ui/p/uses/models/tide"
PAGES = {
    "deployments": (f"{MODEL}?tab=deployments", "live/eu-1"),
    "split": (f"{MODEL}?tab=split", "Difference to Production"),
    "monitoring": (f"{MODEL}?tab=monitoring", "held to"),
    "used by": (f"{MODEL}/versions/1?tab=users", "runs it"),
}


@pytest.fixture(scope="session")
def uses(site: str) -> Iterator[Client]:
    """A project whose model is deployed, split, watched, and named by hostile people."""
    with lockgate.connect(site, actor="dora") as client:
        assert isinstance(client, Client)
        client.create_project("uses")
        for label in ("1", "2"):
            client.register_model("uses/tide", label)
            client.promote("uses/tide", label, to="Staging")
        client.promote("uses/tide", "1", to="Production")
        client.report_deployment("uses/tide", "1", environment="live", target="eu-1")
        client.report_deployment(
            "uses/tide", "1", environment=HOSTILE, url="https://example.org/?<script>"
        )
        client.set_split("uses/tide", {"production": 80, "staging": 20})
        for arm, taken in (("production", 500), ("staging", 420)):
            outcome = {"arm": arm, "metric": HOSTILE, "successes": taken, "trials": 1_000}
            client.report_outcomes("uses/tide", [outcome])
        now = datetime.now(UTC)
        client.report_observations(
            "uses/tide",
            "1",
            [
                {"at": now - timedelta(minutes=each), "metrics": {HOSTILE: each, "error": 0.1}}
                for each in range(1, 30)
            ],
        )
        client.set_monitor("uses/tide", HOSTILE_NAME, HOSTILE, bound=5, direction="lower")
        edges = [20, 30, 40, 50, 60]
        known = [20, 300, 900, 1_500, 800, 100]
        client.report_histogram("uses/tide", "1", "age", edges, known, reference=True)
        for each in range(1, 5):
            moment = now - timedelta(minutes=each)
            client.report_histogram(
                "uses/tide", "1", "age", edges, [0, 5, 20, 60, 90, 25], at=moment
            )
        client.set_monitor("uses/tide", "age", "age", measure="psi", bound=0.1)
        client.set_monitor("uses/tide", "height", "height", measure="ks", bound=0.1)
        yield client


@pytest.mark.parametrize(
    ("size", "scheme"), [(WIDE, "light"), (NARROW, "dark")], ids=["wide", "narrow"]
)
@pytest.mark.parametrize("name", sorted(PAGES))
def test_pages_are_accessible_and_unharmed(
    open_page: Open, uses: Client, name: str, size: tuple[int, int], scheme: str
) -> None:
    """axe finds no serious fault, nothing is wider than the screen, hostile texts do nothing."""
    uses.evaluate_monitors()
    path, shown = PAGES[name]
    page = open_page(path, size=size, scheme=scheme)
    expect(page.get_by_text(shown).first).to_be_visible()
    expect(page.get_by_role("status", name="Loading")).to_have_count(0)
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert page.locator("#main img, #main script").count() == 0


def test_a_deployment_is_ended_by_hand(open_page: Open, uses: Client) -> None:
    """What has ended leaves the list, and comes back with the switch, which the URL keeps."""
    gone = uses.report_deployment("uses/tide", "2", environment="trial")
    page = open_page(f"{MODEL}?tab=deployments")
    page.get_by_role("button", name="End trial").click()
    expect(page.get_by_role("row").filter(has_text="trial")).to_have_count(0)
    page.get_by_role("switch", name="Also what has ended").click()
    expect(page.get_by_role("row").filter(has_text="trial")).to_contain_text("ended")
    expect(page).to_have_url(re.compile("ended=yes"))
    assert uses.get_deployment(gone.uid).ended_by == "ana"


def test_shares_are_set_and_compared(open_page: Open, uses: Client) -> None:
    """Weights become shares; the comparison names its verdict and draws how sure it is."""
    page = open_page(f"{MODEL}?tab=split")
    table = page.get_by_role("region", name="Outcomes")
    worse = table.get_by_role("row").filter(has_text="Staging")
    expect(worse).to_contain_text("worse")
    expect(worse.get_by_role("img")).to_have_accessible_name(re.compile("−0.0800, between"))
    page.get_by_text("Lower is better").click()
    expect(worse).to_contain_text("better")
    expect(page).to_have_url(re.compile("better=lower"))
    page.get_by_label("Weight of arm 2").fill("80")
    page.get_by_role("button", name="Set the shares").click()
    arms = page.get_by_role("region", name="Arms")
    expect(arms.get_by_role("row").filter(has_text="Staging")).to_contain_text("50%")
    assert [arm.weight for arm in uses.get_split("uses/tide").arms] == [80, 80]


def test_a_monitor_is_made_changed_and_removed(open_page: Open, uses: Client) -> None:
    """The form is in the URL; what it says is the rule that the registry then has."""
    page = open_page(f"{MODEL}?tab=monitoring")
    page.get_by_role("button", name="New monitor").click()
    expect(page).to_have_url(re.compile("fresh=yes"))
    page.get_by_role("textbox", name="Name", exact=True).fill("errors")
    page.get_by_role("textbox", name="Metric").fill("error")
    page.get_by_role("textbox", name="Bound").fill("0.25")
    page.get_by_role("combobox", name="Better is").click()
    page.get_by_role("option", name="lower").click()
    page.get_by_role("button", name="Watch", exact=True).click()
    shown = page.get_by_role("region", name="errors", exact=True)
    expect(shown).to_contain_text("Alarm when error above 0.2500 for 3 windows in a row")
    page.get_by_role("button", name="Change errors").click()
    page.get_by_role("textbox", name="Bound").fill("0.5")
    page.get_by_role("button", name="Save").click()
    expect(shown).to_contain_text("error above 0.5000")
    rule = next(each for each in uses.list_monitors("uses/tide") if each.name == "errors").rule
    assert (rule.bound, rule.direction, rule.window_s) == (0.5, "lower", 300)
    page.get_by_role("button", name="Remove errors").click()
    expect(shown).to_have_count(0)


def test_a_drift_is_drawn(open_page: Open, uses: Client) -> None:
    """Reference and now, bin by bin, also in words; a monitor without a reference says so."""
    page = open_page(f"{MODEL}?tab=monitoring")
    shown = page.get_by_role("region", name="age", exact=True)
    drawing = shown.get_by_role("img")
    expect(drawing).to_have_accessible_name(
        re.compile("How age of version 1 is spread: 800 values now, 3,620 values in the reference")
    )
    assert drawing.locator("rect").count() == 12
    row = shown.get_by_role("row", name="50 to 60")
    expect(row.get_by_role("cell")).to_have_text(["22.1%", "45.0%"])
    page.get_by_text("Hour", exact=True).click()
    expect(page).to_have_url(re.compile("span=hour"))
    expect(drawing).to_have_accessible_name(re.compile("800 values now"))
    without = page.get_by_role("region", name="height", exact=True)
    expect(without).to_contain_text("judges nothing")
    expect(without).to_contain_text("no reference histogram: version 1 has none of 'height'")
    expect(without.get_by_role("img")).to_have_count(0)


def test_who_uses_it_is_said_before_it_is_deleted(open_page: Open, uses: Client) -> None:
    """The first click deletes nothing and names the users; force comes with a reason, on record."""
    uses.register_model("uses/ebb", "1")
    uses.report_deployment("uses/ebb", "1", environment="live", target="eu-9")
    page = open_page("ui/p/uses/models/ebb/versions/1?tab=users")
    page.get_by_label("Type 1 to delete it").fill("1")
    expect(page.get_by_role("button", name="by force")).to_have_count(0)
    page.get_by_role("button", name="Delete 1", exact=True).click()
    told = page.get_by_role("alert")
    expect(told).to_contain_text("Nothing was deleted")
    expect(told).to_contain_text("live/eu-9")
    assert uses.get_version("uses/ebb", "1").label == "1"
    forced = page.get_by_role("button", name="Delete 1 by force")
    expect(forced).to_be_disabled()
    page.get_by_label("Why delete it all the same").fill("it leaks")
    forced.click()
    expect(page).to_have_url(re.compile("models/ebb[?]tab=versions"))
    (event,) = uses.audit(model="uses/ebb", action="delete_version")
    assert event.detail["reason"] == "it leaks"


def test_a_model_that_is_deployed_is_not_deleted_unasked(open_page: Open, uses: Client) -> None:
    """The danger zone of a model asks first, too, and does nothing until it is told why."""
    page = open_page(f"{MODEL}?tab=settings")
    page.get_by_label("Type tide to delete it").fill("tide")
    page.get_by_role("button", name="Delete tide", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("uses/tide:1")
    expect(page.get_by_role("button", name="Delete tide by force")).to_be_disabled()
    assert uses.get_model("uses/tide").deleted_at is None
