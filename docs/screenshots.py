"""Pictures of the web UI for the README, from the demo: `python docs/screenshots.py [folder]`.

It starts a server of its own in a folder of its own, takes the demo's model through its life, asks
for one approval more, and photographs the board, in light and in dark, and other pages. It needs
what the tests need: `make test`'s environment and a Chromium.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from playwright.sync_api import sync_playwright

import lockgate
from e2e.web.browser import launch_options
from lockgate.domain.policies import PromotionPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

BIN = Path(sys.executable).parent
SIZE = {"width": 1360, "height": 700}
MODEL = "digits"


@contextmanager
def served_demo() -> Iterator[str]:
    """A server with the demo on it: a model in production, a better one that waits to enter."""
    with TemporaryDirectory() as folder:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "LOCKGATE_ACTOR": "ana"}
        command = [BIN / "lockgate", "serve", "--port", str(port)]
        started: dict[str, Any] = {"cwd": folder, "env": environment, "stdout": subprocess.DEVNULL}
        with subprocess.Popen(  # noqa: S603  our own command
            command, stderr=subprocess.DEVNULL, **started
        ) as server:
            try:
                demo = [BIN / "lockgate", "--url", url, "demo", "--wait"]
                subprocess.run(demo, check=True, **started)  # noqa: S603  our own command
                furnish(url)
                yield url
            finally:
                server.terminate()


def furnish(url: str) -> None:
    """Guard production, and let two more versions wait before it."""
    policy = PromotionPolicy().require_metric("accuracy", ">=", 0.9).require_approvals(1)
    with lockgate.connect(url, actor="ben") as registry:
        registry.attach_policy("Production", policy, model=MODEL)
        better = {"accuracy": 0.9889, "f1": 0.9886, "mistakes": 8}
        waiting = registry.register_model(MODEL, metrics=better, tags={"kind": "forest"})
        registry.promote(MODEL, waiting.label)
        registry.request_promotion(MODEL, waiting.label, "Production", comment="half the mistakes")
        newest = {"accuracy": 0.9916, "f1": 0.9915, "mistakes": 6}
        registry.register_model(MODEL, metrics=newest, tags={"kind": "boosted"})


def board(page: Page, url: str) -> None:
    """Show the board of the demo's model, at rest."""
    page.goto(f"{url}/ui/p/default/board?model={MODEL}")
    page.get_by_text("Approval for Production").wait_for()
    page.get_by_role("region", name="Archived").wait_for()


def model(page: Page, url: str) -> None:
    """Show what the demo's model does in use."""
    page.goto(f"{url}/ui/p/default/models/{MODEL}?tab=monitoring")
    page.get_by_role("img", name="accuracy").wait_for()


def compare(page: Page, url: str) -> None:
    """Show three versions side by side."""
    page.goto(f"{url}/ui/p/default/models/{MODEL}/compare?version=1&version=2&version=4")
    page.get_by_role("rowheader", name="mistakes").wait_for()


def gate(page: Page, url: str) -> None:
    """Show what a gate says before a version is moved."""
    page.goto(f"{url}/ui/p/default/board?model={MODEL}&move={MODEL}:4&from=Staging&to=Production")
    page.get_by_role("list", name="Requirements for Production").wait_for()


def split(page: Page, url: str) -> None:
    """Show who gets which version, and what came of it."""
    page.goto(f"{url}/ui/p/default/models/{MODEL}?tab=split")
    page.get_by_role("region", name="Outcomes").get_by_role("img").wait_for()


PICTURES: dict[str, tuple[Callable[[Page, str], None], str]] = {
    "board-light": (board, "light"),
    "board-dark": (board, "dark"),
    "monitoring": (model, "light"),
    "compare": (compare, "light"),
    "gate": (gate, "light"),
    "split": (split, "light"),
}


def main(folder: Path) -> None:
    """Write the pictures."""
    with served_demo() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        for name, (show, scheme) in PICTURES.items():
            context = browser.new_context(
                viewport=SIZE,
                color_scheme="dark" if scheme == "dark" else "light",
                reduced_motion="reduce",
                device_scale_factor=1,
            )
            page = context.new_page()
            show(page, url)
            # A chart is drawn a moment after what it stands in.
            page.wait_for_timeout(500)
            page.screenshot(path=folder / f"{name}.png")
            context.close()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images")
