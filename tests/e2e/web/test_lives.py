"""Inbox, audit, comparison, timeline, aliases, deletion, settings: what a team does on a day."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

import lockgate
from e2e.web.browser import assert_accessible
from e2e.web.conftest import NARROW, WIDE, Open
from lockgate.sdk.client import Client

HOSTILE = "<img src=x onerror=alert(1)><script>alert(1)</script>"
PAGES = {
    "inbox": ("ui/p/lives/inbox", "Beside 1"),
    "audit": ("ui/p/lives/audit?event=5", "verified to event"),
    "compare": ("ui/p/lives/models/rain/compare?version=1&version=2", "held against the first"),
    "timeline": ("ui/p/lives/models/rain?tab=past", "What stood where"),
    "trends": ("ui/p/lives/models/rain?tab=trends", "at last"),
    "aliases": ("ui/p/lives/models/rain?tab=aliases", "Set an alias"),
    "settings of a model": ("ui/p/lives/models/rain?tab=settings", "Delete this model"),
    "versions": ("ui/p/lives/models/rain?tab=versions", "Registered"),
    "members": ("ui/p/lives/settings", "Give roles"),
    "projects": ("ui/p/lives/settings?tab=projects", "Make a project"),
    "tokens": ("ui/p/lives/settings?tab=tokens", "Access control is off"),
    "cache": ("ui/p/lives/settings?tab=cache", "No node holds a model"),
}


@pytest.fixture(scope="session")
def lives(site: str) -> Iterator[Client]:
    """A project of its own, acting as cora: two versions, one serving, one asked for."""
    with lockgate.connect(site, actor="cora") as client:
        assert isinstance(client, Client)
        client.create_project("lives")
        requirement = {"kind": "approvals", "count": 1}
        client.create_model("lives/rain", tags={"team": HOSTILE})
        for label, error in (("1", 0.5), ("2", 0.25)):
            client.register_model(
                "lives/rain",
                label,
                metrics={"error": error, "f1": 0.9},
                params={"depth": int(label)},
                tags={"note": HOSTILE},
            )
            client.promote("lives/rain", label, to="Staging")
        client.promote("lives/rain", "1", to="Production")
        client.set_alias("lives/rain", "champion", "1")
        client.attach_policy("Production", {"requirements": [requirement]}, project="lives")
        client.request_promotion("lives/rain", "2", "Production", comment=HOSTILE)
        yield client


@pytest.mark.parametrize(
    ("size", "scheme"), [(WIDE, "light"), (NARROW, "dark")], ids=["wide-light", "narrow-dark"]
)
@pytest.mark.parametrize("name", sorted(PAGES))
def test_pages_are_accessible_and_unharmed(
    open_page: Open, lives: Client, name: str, size: tuple[int, int], scheme: str
) -> None:
    """axe finds no serious fault, nothing is wider than the screen, hostile texts do nothing."""
    path, shown = PAGES[name]
    page = open_page(path, size=size, scheme=scheme)
    expect(page.get_by_text(shown).or_(page.get_by_label(shown)).first).to_be_visible()
    expect(page.get_by_role("status", name="Loading")).to_have_count(0)
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert page.locator("#main img, #main script").count() == 0


def test_a_request_is_approved_to_the_end(open_page: Open, lives: Client, site: str) -> None:
    """Another person sees it counted, compares it with what serves, approves; then it serves."""
    lives.register_model("lives/snow", "1", metrics={"error": 0.4})
    lives.promote("lives/snow", "1", to="Staging")
    lives.request_promotion("lives/snow", "1", "Production", comment="mine", auto_promote=True)
    page = open_page("ui/p/lives/inbox")
    expect(page.get_by_role("link", name=re.compile("Inbox.*waiting"))).to_be_visible()
    page.get_by_role("button", name="Acting as the server").click()
    page.get_by_label("Acting as", exact=True).fill("ben")
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("link", name=re.compile("snow 1")).first.click()
    expect(page).to_have_url(re.compile("request="))
    expect(page.get_by_text("Production is empty")).to_be_visible()
    page.get_by_label("Comment").fill("looks right")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("It stands in Production now")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("snow 1"))).to_have_count(0)
    assert lives.production("lives/snow").approved_by is None
    said = lives.audit(model="lives/snow", action="approve")
    assert [(event.actor, event.detail["comment"]) for event in said] == [("ben", "looks right")]


def test_an_inbox_is_ones_own_until_one_asks_for_all(open_page: Open, lives: Client) -> None:
    """What one has decided waits for others: neither listed nor counted, but for the switch."""
    lives.create_project("moor")
    lives.attach_policy(
        "Staging", {"requirements": [{"kind": "approvals", "count": 2}]}, project="moor"
    )
    lives.register_model("moor/peat", "1")
    lives.request_promotion("moor/peat", "1", "Staging")
    page = open_page("ui/p/moor/inbox")
    counted = page.get_by_role("link", name=re.compile("Inbox.*1 waiting"))
    listed = page.get_by_role("link", name=re.compile("peat 1"))
    expect(counted).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    expect(counted).to_have_count(0)
    page.get_by_role("switch", name="Also what waits for others").click()
    expect(page).to_have_url(re.compile("all=yes"))
    expect(listed.first).to_be_visible()
    page.reload()
    expect(listed.first).to_be_visible()


def test_the_author_is_refused_and_told_why(open_page: Open, lives: Client) -> None:
    """Who registered the version cannot approve it; the page says so, and rejecting is open."""
    lives.register_model("lives/hail", "1")
    lives.promote("lives/hail", "1", to="Staging")
    asked = lives.request_promotion("lives/hail", "1", "Production")
    page = open_page(f"ui/p/lives/inbox?request={asked.request.uid}")
    page.get_by_role("button", name="Acting as the server").click()
    page.get_by_label("Acting as", exact=True).fill("cora")
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("alert").first).to_contain_text("cannot approve it")
    page.get_by_label("Comment").fill("too old")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("hail 1: rejected")).to_be_visible()
    page.goto(page.url.split("?")[0] + f"?request={asked.request.uid}")
    expect(page.get_by_role("region", name="Decided")).to_contain_text("rejected")


def test_versions_are_ticked_and_compared(open_page: Open, lives: Client) -> None:
    """The table leads to the comparison, whose link says which versions; equal rows stay away."""
    page = open_page("ui/p/lives/models/rain?tab=versions")
    compare = page.get_by_role("button", name="Compare", exact=False)
    expect(compare).to_be_disabled()
    page.get_by_label("Compare 1", exact=True).check()
    page.get_by_label("Compare 2", exact=True).check()
    compare.click()
    expect(page).to_have_url(re.compile(r"rain/compare\?version=1&version=2"))
    table = page.get_by_role("region", name="Comparison")
    expect(table.get_by_role("row").filter(has_text="error")).to_contain_text("−0.2500")
    expect(table.get_by_role("row").filter(has_text="depth")).to_be_visible()
    expect(table.get_by_role("rowheader", name="f1")).to_have_count(0)
    page.get_by_role("switch", name="Also what is the same").click()
    expect(page).to_have_url(re.compile("all=yes"))
    expect(table.get_by_role("rowheader", name="f1")).to_be_visible()


def test_tensors_and_files_that_differ_are_named(
    open_page: Open, lives: Client, tmp_path: Path
) -> None:
    """Only what is not the same in all versions is listed, the rest is counted."""
    for label, value in (("a", b"\1"), ("b", b"\2")):
        folder = tmp_path / label
        folder.mkdir()
        (folder / "notes.txt").write_text("the same")
        (folder / "weights.safetensors").write_bytes(_safetensors(value))
        lives.push(folder, "lives/deep", label)
    page = open_page("ui/p/lives/models/deep/compare?version=a&version=b")
    table = page.get_by_role("region", name="Comparison")
    expect(table.get_by_role("row").filter(has_text="weights.safetensors")).to_be_visible()
    expect(table.get_by_role("rowheader", name="notes.txt")).to_have_count(0)
    expect(table.get_by_role("row").filter(has_text="head")).to_contain_text("U8 [4]")
    expect(table.get_by_role("rowheader", name="body")).to_have_count(0)
    expect(table.get_by_text("1 differs, 1 the same in all")).to_have_count(2)


def _safetensors(value: bytes) -> bytes:
    """Return a file of two tensors; ``head`` is made of ``value``."""
    places = {"body": [0, 4], "head": [4, 8]}
    header = json.dumps(
        {k: {"dtype": "U8", "shape": [4], "data_offsets": v} for k, v in places.items()}
    ).encode()
    return len(header).to_bytes(8, "little") + header + bytes(4) + value * 4


def test_the_log_says_that_it_holds(open_page: Open, lives: Client) -> None:
    """The badge names the newest event, also when the log grows; everything can be verified."""
    page = open_page("ui/p/lives/audit")
    badge = page.get_by_text(re.compile("verified to event"))
    expect(badge).to_have_text(f"verified to event {lives.verify_audit(project='lives').size}")
    lives.create_model("lives/fog")
    expect(badge).to_have_text(f"verified to event {lives.verify_audit(project='lives').size}")
    page.get_by_role("button", name="Verify everything").click()
    expect(page.get_by_role("status").first).to_contain_text("the tables agree")
    with page.expect_download() as taken:
        page.get_by_role("button", name="Export").click()
    lines = taken.value.path().read_text().splitlines()
    assert taken.value.suggested_filename == "lives-audit.jsonl"
    assert all(json.loads(line) for line in lines)


def test_the_log_is_filtered_and_shows_an_events_json(open_page: Open, lives: Client) -> None:
    """Filters are in the URL, and so is the event that is open."""
    page = open_page("ui/p/lives/audit")
    page.get_by_label("Action").fill("set_alias")
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page).to_have_url(re.compile("action=set_alias"))
    events = page.get_by_role("list", name="Events").get_by_role("listitem")
    expect(events).to_have_count(1)
    events.get_by_role("button").click()
    expect(page).to_have_url(re.compile("event="))
    page.reload()
    expect(page.get_by_label(re.compile("JSON of event"))).to_contain_text('"leaf_hash"')
    page.get_by_role("button", name="All events").click()
    expect(events.nth(3)).to_be_visible()


def test_the_timeline_goes_back_in_time(open_page: Open, lives: Client) -> None:
    """The slider's moment is in the URL; then and now are told apart."""
    page = open_page("ui/p/lives/models/rain?tab=past")
    then = page.get_by_role("list", name="What stood where")
    expect(then.get_by_role("listitem").filter(has_text="Production")).to_contain_text("1")
    for _ in range(2):
        page.get_by_role("button", name="Earlier change").click()
    expect(page).to_have_url(re.compile("at=20"))
    page.get_by_role("slider").press("Home")
    expect(then.get_by_role("listitem").filter(has_text="Production")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("heading", name=re.compile("As of"))).to_be_visible()
    page.get_by_role("button", name="Now", exact=True).click()
    expect(page.get_by_role("heading", name="As it is now")).to_be_visible()


def test_aliases_are_set_moved_and_taken_away(open_page: Open, lives: Client) -> None:
    """What the form says is what the registry then answers."""
    page = open_page("ui/p/lives/models/rain?tab=aliases")
    page.get_by_role("combobox", name="Alias").fill("rival")
    page.get_by_role("combobox", name="Version").fill("2")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.get_by_role("row").filter(has_text="rival")).to_contain_text("2")
    page.get_by_role("combobox", name="Alias").fill("rival")
    page.get_by_role("combobox", name="Version").fill("1")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_role("row").filter(has_text="rival").get_by_role("link")).to_have_text("1")
    page.get_by_role("button", name="Take rival away").click()
    expect(page.get_by_role("row").filter(has_text="rival")).to_have_count(0)


def test_settings_are_saved_and_a_model_deleted_by_its_name(open_page: Open, lives: Client) -> None:
    """The button stays closed until the name is typed; then the model is gone from the list."""
    lives.register_model("lives/mist", "1")
    page = open_page("ui/p/lives/models/mist?tab=settings")
    page.get_by_label("Owner").fill("team-weather")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Owned by team-weather")).to_be_visible()
    delete = page.get_by_role("button", name="Delete mist")
    expect(delete).to_be_disabled()
    page.get_by_label("Type mist to delete it").fill("mist")
    delete.click()
    expect(page).to_have_url(re.compile("/models$"))
    expect(page.get_by_role("link", name="mist", exact=True)).to_have_count(0)


def test_projects_and_members_are_made(open_page: Open, lives: Client) -> None:
    """A new project is there at once, and its first member too."""
    page = open_page("ui/p/lives/settings?tab=projects")
    page.get_by_role("textbox", name="Name", exact=True).fill("harbour")
    page.get_by_role("button", name="Make").click()
    expect(page.get_by_role("row").filter(has_text="harbour")).to_be_visible()
    page.goto(page.url.split("/p/")[0] + "/p/harbour/settings")
    page.get_by_role("textbox", name="Person or team").fill("dora")
    page.get_by_role("combobox", name="Roles").fill("admin")
    page.get_by_role("option", name="admin").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Give", exact=True).click()
    expect(page.get_by_role("row").filter(has_text="dora")).to_contain_text("admin")
    assert [member.person for member in lives.list_members(project="harbour")] == ["dora"]
