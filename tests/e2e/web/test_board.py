"""The board: cards are carried from stage to stage, and nothing happens unseen."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from e2e.web.conftest import NARROW, Open
from lockgate.domain.policies import PromotionPolicy
from lockgate.sdk.client import Client

HOSTILE = "<img src=x onerror=alert(1)><script>alert(1)</script>"
GUARDED = PromotionPolicy().require_metric("auc", ">=", 0.9).require_approvals(1)


def card(page: Page, name: str) -> Locator:
    """The card of a version, by model and label."""
    return page.get_by_role("article", name=name, exact=True)


def column(page: Page, stage: str) -> Locator:
    """The column of a stage."""
    return page.get_by_role("region", name=stage, exact=True)


def drag(page: Page, what: Locator, onto: Locator) -> None:
    """Carry a card by the mouse, as a hand does: not in one leap."""
    start, end = what.bounding_box(), onto.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 40, start["y"] + start["height"] - 12)
    page.mouse.down()
    page.mouse.move(start["x"] + 60, start["y"] + start["height"] - 8, steps=4)
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + 120, steps=8)
    page.mouse.up()


def test_a_card_says_what_there_is_to_know(open_page: Open, registry: Client) -> None:
    """Metrics, author, age, aliases and waiting approvals stand on the card."""
    registry.register_model("cards", "1", metrics={"auc": 0.95})
    registry.set_alias("cards", "best", "1")
    registry.request_promotion("cards", "1", "Staging")
    page = open_page("ui/p/default/board?model=cards")
    shown = card(page, "cards 1")
    for text in ("auc", "0.9500", "best", "ben", "Approval for Staging, asked by ben"):
        expect(shown).to_contain_text(text)
    expect(shown.locator("time")).to_be_visible()
    expect(column(page, "Production")).to_contain_text("Nothing stands here")


def test_promote_by_dragging(open_page: Open, registry: Client) -> None:
    """A dropped card asks first: who makes room, what the gate says, why one does it."""
    for label in ("1", "2"):
        registry.register_model("dragged", label)
        registry.promote("dragged", label)
    registry.promote("dragged", "1")
    page = open_page("ui/p/default/board?model=dragged")
    drag(page, card(page, "dragged 2"), column(page, "Production"))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Version 1 stands in Production now and makes room")
    expect(dialog).to_contain_text("Nothing guards the way into Production")
    assert registry.production("dragged").label == "1"
    dialog.get_by_label("Comment").fill("better in every way")
    dialog.get_by_role("button", name="Promote to Production").click()
    expect(column(page, "Production")).to_contain_text("2")
    expect(card(page, "dragged 1").locator("xpath=ancestor::section")).to_have_accessible_name(
        "Staging"
    )
    done = registry.get_transitions("dragged", "2")[-1]
    assert (done.to_stage, done.actor, done.comment) == ("Production", "ana", "better in every way")


def test_promote_by_touch(open_page: Open, registry: Client) -> None:
    """A finger that rests on a card takes it up, carries it, and puts it down."""
    registry.register_model("touched", "1")
    page = open_page("ui/p/default/board?model=touched", size=(1024, 768), touch=True)
    what, onto = card(page, "touched 1"), column(page, "Staging")
    start, end = what.bounding_box(), onto.bounding_box()
    assert start is not None
    assert end is not None
    finger = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": x, "y": y} for x, y in points]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    first = (start["x"] + 40, start["y"] + start["height"] - 12)
    last = (end["x"] + end["width"] / 2, end["y"] + 120)
    touch("touchStart", first)
    expect(page.get_by_text("touched 1 is over None.")).to_be_attached()
    for step in range(1, 9):
        share = step / 8
        touch(
            "touchMove",
            (first[0] + (last[0] - first[0]) * share, first[1] + (last[1] - first[1]) * share),
        )
    expect(page.get_by_text("touched 1 is over Staging.")).to_be_attached()
    touch("touchEnd")
    dialog = page.get_by_role("dialog", name="Move touched 1 to Staging")
    dialog.get_by_role("button", name="Promote to Staging").tap()
    expect(column(page, "Staging")).to_contain_text("1")
    assert registry.get_version("touched", "1").stage == "Staging"


def test_promote_by_keyboard(open_page: Open, registry: Client) -> None:
    """Space takes a card up, arrows carry it to the next column, space puts it down."""
    registry.register_model("typed", "1")
    page = open_page("ui/p/default/board?model=typed")
    page.get_by_role("button", name="Carry typed 1").focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("typed 1 is over None.")).to_be_attached()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("typed 1 is over Staging.")).to_be_attached()
    page.keyboard.press("Space")
    dialog = page.get_by_role("dialog", name="Move typed 1 to Staging")
    dialog.get_by_role("button", name="Promote to Staging").press("Enter")
    expect(column(page, "Staging")).to_contain_text("1")
    assert registry.get_version("typed", "1").stage == "Staging"


def test_a_card_that_is_let_go_elsewhere_stays(open_page: Open, registry: Client) -> None:
    """Escape puts a card back, and no question is asked."""
    registry.register_model("stays", "1")
    page = open_page("ui/p/default/board?model=stays")
    page.get_by_role("button", name="Carry stays 1").focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("stays 1 is over None.")).to_be_attached()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("stays 1 is over Staging.")).to_be_attached()
    page.keyboard.press("Escape")
    expect(page.get_by_text("stays 1 stays where it is.")).to_be_attached()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_closed_gate_says_why_and_takes_a_request(open_page: Open, registry: Client) -> None:
    """Every requirement has its row, nothing moves, and approval can be asked for."""
    registry.create_model("guarded")
    registry.attach_policy("Production", GUARDED, model="guarded")
    registry.register_model("guarded", "1", metrics={"auc": 0.85})
    registry.promote("guarded", "1")
    page = open_page("ui/p/default/board?model=guarded")
    drag(page, card(page, "guarded 1"), column(page, "Production"))
    dialog = page.get_by_role("dialog")
    rows = dialog.get_by_role("list", name="Requirements for Production").get_by_role("listitem")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Metric 'auc' = 0.85 does not satisfy >= 0.9")
    expect(rows.last).to_contain_text("Approvals 0 < required 1")
    expect(dialog.get_by_role("button", name="Promote to Production")).to_have_count(0)
    dialog.get_by_label("Comment").fill("please look")
    dialog.get_by_role("button", name="Request approval").click()
    expect(card(page, "guarded 1")).to_contain_text("Approval for Production, asked by ana")
    (request,) = registry.list_requests(model="guarded")
    assert (request.comment, request.auto_promote) == ("please look", True)
    assert registry.get_version("guarded", "1").stage == "Staging"


def test_a_step_that_there_is_not_is_refused_with_those_there_are(
    open_page: Open, registry: Client
) -> None:
    """Dropping a card where no way leads says which ways do."""
    registry.register_model("nowhere-near", "1")
    page = open_page("ui/p/default/board?model=nowhere-near")
    drag(page, card(page, "nowhere-near 1"), column(page, "Production"))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Staging, Archived")
    expect(dialog.get_by_role("button", name=re.compile("Promote|Request"))).to_have_count(0)


def test_two_people_at_once(open_page: Open, registry: Client) -> None:
    """Who comes second is told what the first did, and overwrites nothing."""
    registry.register_model("shared", "1")
    page = open_page("ui/p/default/board?model=shared")
    card(page, "shared 1").get_by_role("button", name="Move shared 1").click()
    page.get_by_role("menuitem", name="Archived").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Archive to Archived")).to_be_visible()
    registry.promote("shared", "1", comment="mine first")
    told = dialog.get_by_role("alert")
    expect(told).to_contain_text("You saw it in None; it stands in Staging now")
    expect(told).to_contain_text("ben moved it from None to Staging")
    expect(told).to_contain_text("mine first")
    expect(dialog.get_by_role("button", name="Archive to Archived")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("dialog")).to_contain_text("Somebody was here before you")
    assert registry.get_version("shared", "1").stage == "Staging"


def test_a_click_that_comes_too_late_is_refused(open_page: Open, registry: Client) -> None:
    """The server holds the move against the stage that was seen, whatever the page knows."""
    registry.register_model("late", "1")
    page = open_page("ui/p/default/board?model=late&move=late:1&from=None&to=Archived")
    button = page.get_by_role("dialog").get_by_role("button", name="Archive to Archived")
    expect(button).to_be_visible()
    # The page hears of nothing any more; what it sends still arrives.
    page.route(
        "**/api/v1/**",
        lambda route: route.abort() if route.request.method == "GET" else route.continue_(),
    )
    registry.promote("late", "1")
    button.click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("Staging")
    assert registry.get_version("late", "1").stage == "Staging"


def test_the_board_of_a_project_shows_all_models(open_page: Open, registry: Client) -> None:
    """Without a model every version is there, with the model's name; a choice narrows it."""
    registry.create_project("many")
    registry.register_model("many/one", "a")
    registry.create_model("many/two", lifecycle="linear")
    registry.register_model("many/two", "b")
    page = open_page("ui/p/many/board")
    expect(column(page, "None")).to_contain_text("one")
    expect(column(page, "Dev")).to_contain_text("two")
    page.get_by_role("combobox", name="Model").fill("tw")
    page.get_by_role("option", name="two").click()
    expect(page).to_have_url(re.compile(r"board\?model=two$"))
    expect(column(page, "None")).to_have_count(0)
    expect(column(page, "Dev")).to_contain_text("b")


def test_an_empty_board_teaches_the_next_step(open_page: Open, registry: Client) -> None:
    """Where nothing stands, the page says how something gets there."""
    registry.create_project("nothing-yet")
    page = open_page("ui/p/nothing-yet/board")
    expect(page.get_by_text("No versions yet")).to_be_visible()
    expect(page.get_by_text("lockgate push")).to_be_visible()


def test_hostile_texts_on_cards_do_nothing(open_page: Open, registry: Client) -> None:
    """What others wrote into comments and tags is text on the board and in its dialog."""
    registry.register_model("hostile-card", "1", tags={"x": HOSTILE})
    registry.request_promotion("hostile-card", "1", "Staging", comment=HOSTILE)
    page = open_page(
        "ui/p/default/board?model=hostile-card&move=hostile-card:1&from=None&to=Staging"
    )
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("onerror")
    assert page.locator("#main img, #main script, [role=dialog] img").count() == 0


def test_a_narrow_board_moves_by_the_menu(open_page: Open, registry: Client) -> None:
    """On a phone the columns stand side by side to be swiped, and the arrow moves a card."""
    registry.register_model("pocket", "1")
    page = open_page("ui/p/default/board?model=pocket", size=NARROW)
    page.get_by_role("button", name="Move pocket 1").click()
    page.get_by_role("menuitem", name="Staging").click()
    page.get_by_role("dialog").get_by_role("button", name="Promote to Staging").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(column(page, "Staging")).to_contain_text("1")
