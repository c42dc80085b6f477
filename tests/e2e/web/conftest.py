"""A server with the demo on it, and pages of a real browser, wide and narrow, light and dark."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from fcntl import LOCK_EX, flock
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

import lockgate
from conftest import free_port
from e2e.web.browser import launch_options
from lockgate.http import web
from lockgate.sdk.client import Client

BIN = Path(sys.executable).parent
WIDE, NARROW = (1440, 900), (390, 844)
PATIENCE_MS = 10_000
Open = Callable[..., Page]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server of its own process, with the demo's model on it."""
    assert web.is_built(), "the web UI is not built: `make test` builds it, or hatch_build.py"
    folder = tmp_path_factory.mktemp("site")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "LOCKGATE_ACTOR": "ana",
        # The tests listen there for what webhooks are told.
        "LOCKGATE_WEBHOOK_HOSTS": "127.0.0.1",
    }
    with (folder / "server.txt").open("w") as told:
        server = subprocess.Popen(
            [BIN / "lockgate", "serve", "--port", str(port)],
            cwd=folder,
            env=environment,
            stdout=told,
            stderr=told,
        )
        try:
            subprocess.run(
                [BIN / "lockgate", "--url", url, "demo", "--wait"],
                cwd=folder,
                env=environment,
                stdout=told,
                check=True,
            )
            yield url
        finally:
            server.terminate()
            server.wait()


@pytest.fixture(scope="session")
def registry(site: str) -> Iterator[Client]:
    """A client of the same server, acting as ben: the other person."""
    with lockgate.connect(site, actor="ben") as client:
        assert isinstance(client, Client)
        yield client


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser, started once a module: while it runs, an event loop runs in this thread."""
    with sync_playwright() as playwright:
        # Two processes of the tests must not install it at the same time.
        with (Path(gettempdir()) / "lockgate-chromium.lock").open("w") as lock:
            flock(lock, LOCK_EX)
            options = launch_options()
        started = playwright.chromium.launch(**options)
        yield started
        started.close()


@pytest.fixture(scope="module")
def idle(browser: Browser) -> dict[bool, list[Page]]:
    """Pages that no test looks at now, without and with touch, and as good as new.

    A page that has shown the app shows it again for a quarter of what a new one needs.
    """
    return {False: [], True: []}


@pytest.fixture
def open_page(browser: Browser, site: str, idle: dict[bool, list[Page]]) -> Iterator[Open]:
    """Open a page of the site: ``open_page("ui/", size=NARROW, scheme="dark")``.

    Whatever a page does in a test, none may break, or try what its policy forbids.
    """
    faults: list[str] = []
    opened: list[tuple[bool, Page]] = []

    def hear(message: Any) -> None:
        if "Content Security Policy" in message.text or "Uncaught" in message.text:
            faults.append(message.text)

    def break_(error: Any) -> None:
        faults.append(str(error))

    def open_(
        path: str = "ui/", size: tuple[int, int] = WIDE, scheme: Any = "light", touch: bool = False
    ) -> Page:
        page = idle[touch].pop() if idle[touch] else browser.new_context(has_touch=touch).new_page()
        opened.append((touch, page))
        page.set_default_timeout(PATIENCE_MS)
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.on("console", hear)
        page.on("pageerror", break_)
        page.goto(f"{site}/{path}")
        return page

    yield open_
    for touch, page in opened:
        _forget(page, site)
        page.remove_listener("console", hear)
        page.remove_listener("pageerror", break_)
        idle[touch].append(page)
    assert faults == []


def _forget(page: Page, site: str) -> None:
    """Leave nothing in a page of what a test did: no app, no state of the site, no pointer."""
    page.unroute_all()
    # The site's state can be reached from any of its pages; this one is no app, which would keep.
    page.goto(f"{site}/ui/manifest.json")
    page.evaluate("localStorage.clear(); sessionStorage.clear()")
    page.context.clear_cookies()
    page.mouse.move(-1, -1)
