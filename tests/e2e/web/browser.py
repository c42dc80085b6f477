"""A real browser: Debian's Chromium, installed by the tests where that is possible."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

CHROMIUM = "/usr/bin/chromium"
NAMED = "LOCKGATE_TEST_CHROMIUM"
WHAT_TO_DO = (
    "The browser tests need Chromium: run `sudo apt-get install chromium`, or name another with "
    f"{NAMED}=/path/to/chromium"
)
APT_S_MAX = 600
LINES_TOLD = 10
_SETTLED = """() => Promise.allSettled(document.getAnimations()
    .filter((each) => each.effect.getComputedTiming().iterations !== Infinity)
    .map((each) => each.finished))"""
SERIOUS = {"serious", "critical"}


def chromium() -> str:
    """Return the path of Chromium: the one that is named, the one that is there, or a new one.

    Only root on Debian can install it. Whatever is in the way is said, with what to do.
    """
    given = os.environ.get(NAMED)
    if given:
        assert Path(given).exists(), f"{NAMED} names {given}, where there is nothing. {WHAT_TO_DO}"
        return given
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found:
        return found
    assert shutil.which("apt-get"), f"There is no Chromium, and no apt-get. {WHAT_TO_DO}"
    assert os.geteuid() == 0, f"There is no Chromium, and only root can install it. {WHAT_TO_DO}"
    _install()
    assert Path(CHROMIUM).exists(), f"apt-get installed no {CHROMIUM}. {WHAT_TO_DO}"
    return CHROMIUM


def _install() -> None:
    """Install Debian's Chromium. Only one process at a time: apt waits for no other."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "--no-install-recommends", "chromium"],
    ):
        done = subprocess.run(
            command, check=False, env=quiet, capture_output=True, text=True, timeout=APT_S_MAX
        )
        told = "\n".join(done.stderr.strip().splitlines()[-LINES_TOLD:])
        assert done.returncode == 0, f"`{' '.join(command)}` failed. {WHAT_TO_DO}\n{told}"


def launch_options() -> dict[str, Any]:
    """Return what Playwright starts the browser with. Root has no sandbox to run it in."""
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {"executable_path": chromium(), "args": [*options, "--disable-dev-shm-usage"]}


def assert_accessible(page: Page) -> None:
    """Fail with axe's findings when the page has a serious fault."""
    # Colours on their way from one to another have no contrast that means anything.
    page.evaluate(_SETTLED)
    # axe is another's script: it comes in through the debugger, which no page's policy binds.
    found = Axe().run(page).response["violations"]
    serious = [
        f"{fault['id']}: {fault['help']} at {node['target']}: {node['failureSummary']}"
        for fault in found
        if fault["impact"] in SERIOUS
        for node in fault["nodes"]
    ]
    assert serious == [], "\n".join(serious)


if __name__ == "__main__":
    print(chromium())
