"""A version's page: facts, files, the gate, approvals to the end, history, lineage."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from playwright.sync_api import expect

from e2e.web.browser import assert_accessible
from e2e.web.conftest import NARROW, WIDE, Open
from lockgate.domain.policies import PromotionPolicy
from lockgate.sdk.client import Client

RICH = "ui/p/default/models/rich/versions/1"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(1)</script>"


@pytest.fixture(scope="session")
def rich(registry: Client, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a version with files, sources, a request and a child."""
    folder = tmp_path_factory.mktemp("rich")
    (folder / "README.md").write_text("# Rich\n\nReads **digits**.\n")
    (folder / "model.safetensors").write_bytes(safetensors())
    registry.push(
        folder,
        "rich",
        version="1",
        metrics={"auc": 0.95},
        params={"depth": 3},
        dataset="warehouse:2026-10",
        run_id="run-77",
        parents=["digits:1"],
    )
    registry.attach_policy("Staging", PromotionPolicy().require_approvals(1), model="rich")
    registry.request_promotion("rich", "1", "Staging", comment="ready")
    registry.register_model("rich-small", "1", parents=["rich:1"])
    return RICH


def safetensors() -> bytes:
    """A file of two tensors."""
    tensors = {
        f"layer{each}.weight": {
            "dtype": "F32",
            "shape": [2, 4],
            "data_offsets": [each * 32, each * 32 + 32],
        }
        for each in range(2)
    }
    header = json.dumps(tensors).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + bytes(64)


def test_facts_of_a_version(open_page: Open, rich: str) -> None:
    """Metrics, params, sources and the card are on the first tab."""
    page = open_page(rich)
    expect(page.get_by_role("heading", name="rich 1", level=1)).to_be_visible()
    expect(page).to_have_title("rich 1 · Lockgate")
    expect(page.get_by_role("table", name="Metrics")).to_contain_text("0.9500")
    expect(page.get_by_role("table", name="Params")).to_contain_text("depth")
    expect(page.get_by_role("region", name="About")).to_contain_text("warehouse:2026-10")
    expect(page.get_by_role("region", name="Card")).to_contain_text("Reads digits.")


def test_files_are_shown_and_downloaded(open_page: Open, rich: str) -> None:
    """Each file says what it was proved to be; a click brings exactly its bytes."""
    page = open_page(f"{rich}?tab=files")
    row = page.get_by_role("row").filter(has_text="model.safetensors")
    expect(row).to_contain_text("data only")
    row.get_by_role("button", name="2 tensors").click()
    tensors = page.get_by_role("region", name="Tensors", exact=True)
    expect(tensors.get_by_role("row").nth(1)).to_contain_text("layer0.weight")
    expect(tensors.get_by_role("row").nth(1)).to_contain_text("2 × 4")
    page.get_by_label("Find a tensor").fill("layer1")
    expect(tensors.get_by_role("row")).to_have_count(2)
    with page.expect_download() as caught:
        row.get_by_role("link", name="Download model.safetensors").click()
    assert Path(caught.value.path()).read_bytes() == safetensors()


def test_lineage_is_drawn(open_page: Open, rich: str) -> None:
    """Run, data, parents and children are boxes around the version; versions are links."""
    page = open_page(f"{rich}?tab=lineage")
    graph = page.get_by_role("region", name="Lineage of rich 1")
    for text in ("run-77", "warehouse:2026-10", "digits:1", "rich-small 1"):
        expect(graph).to_contain_text(text)
    graph.get_by_role("link", name="rich-small 1").click()
    expect(page.get_by_role("heading", name="rich-small 1", level=1)).to_be_visible()


def test_approve_to_the_end(open_page: Open, registry: Client) -> None:
    """The page says what is missing to get to production; an approval brings it there."""
    policy = PromotionPolicy().require_metric("auc", ">=", 0.9).require_approvals(1)
    registry.register_model("approved", "1", metrics={"auc": 0.95})
    registry.promote("approved", "1")
    registry.attach_policy("Production", policy, model="approved")
    registry.request_promotion("approved", "1", "Production", comment="go", auto_promote=True)
    page = open_page("ui/p/default/models/approved/versions/1?tab=gate")
    gate = page.get_by_role("region", name="What is missing to get to Production?")
    expect(gate).to_contain_text("Missing: 1 more approval")
    page.get_by_role("tab", name="Approvals").click()
    request = page.get_by_role("region", name="Request for Production")
    expect(request).to_contain_text("go")
    request.get_by_label("Comment").fill("looks right")
    request.get_by_role("button", name="Approve").click()
    expect(request).to_contain_text("completed")
    expect(request).to_contain_text("looks right")
    assert registry.production("approved").label == "1"
    page.get_by_role("tab", name="History").click()
    history = page.get_by_role("region", name="History")
    expect(history).to_contain_text("ana approved it for Production")
    expect(history).to_contain_text("promoted it from Staging to Production")


def test_an_author_is_told_that_another_must_approve(open_page: Open, registry: Client) -> None:
    """A refusal of the server stands beside the buttons, and nothing has changed."""
    ana = registry.acting_as("ana")
    ana.register_model("own", "1")
    ana.attach_policy("Staging", PromotionPolicy().require_approvals(1), model="own")
    ana.request_promotion("own", "1", "Staging")
    page = open_page("ui/p/default/models/own/versions/1?tab=approvals")
    request = page.get_by_role("region", name="Request for Staging")
    request.get_by_role("button", name="Approve").click()
    expect(request.get_by_role("alert")).to_contain_text("registered")
    assert registry.get_version("own", "1").stage == "None"


def test_hostile_texts_of_a_version_do_nothing(open_page: Open, registry: Client) -> None:
    """Params, sources, comments and cards full of script are text on every tab."""
    registry.register_model(
        "hostile-version",
        "1",
        params={"p": HOSTILE},
        metadata={"m": HOSTILE},
        dataset=HOSTILE,
        parents=["javascript:alert(1)"],
        description=HOSTILE,
    )
    registry.request_promotion("hostile-version", "1", "Staging", comment=HOSTILE)
    for tab in ("overview", "approvals", "history", "lineage"):
        page = open_page(f"ui/p/default/models/hostile-version/versions/1?tab={tab}")
        expect(page.locator("#main").get_by_text("onerror").first).to_be_visible()
        assert page.locator("#main img, #main script, #main a[href^=javascript]").count() == 0


@pytest.mark.usefixtures("rich")
@pytest.mark.parametrize(
    ("size", "scheme"), [(WIDE, "light"), (NARROW, "dark")], ids=["wide-light", "narrow-dark"]
)
@pytest.mark.parametrize(
    "path",
    [
        RICH,
        f"{RICH}?tab=files&file=model.safetensors",
        f"{RICH}?tab=gate",
        f"{RICH}?tab=approvals",
        f"{RICH}?tab=history",
        f"{RICH}?tab=lineage",
        f"{RICH}?from=None&to=Staging",
        "ui/p/default/board?model=rich",
        "ui/p/default/lifecycles",
        "ui/p/default/lifecycles?edit=new",
    ],
)
def test_pages_of_a_life_are_accessible(
    open_page: Open, path: str, size: tuple[int, int], scheme: str
) -> None:
    """axe finds no serious fault, and nothing is wider than the screen."""
    page = open_page(path, size=size, scheme=scheme)
    expect(page.locator("h1")).to_be_visible()
    expect(page.get_by_role("status", name="Loading")).to_have_count(0)
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
