"""Documentation that cannot drift: what it shows is run, what there is, it names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import docs_reference
from warm_cli import warm_cli

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\(([^)#]+?)(?:#[^)]*)?\)")


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a page in a language."""
    return [body for found, body in BLOCK.findall(page.read_text()) if found == language]


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a ``lockgate`` that starts at once: the pages run it a hundred times."""
    with warm_cli(tmp_path_factory.mktemp("warm")) as folder:
        yield folder


def environment(folder: Path, warm: Path) -> dict[str, str]:
    """A user's environment: a folder of their own, and this installation on the path."""
    return {
        "PATH": f"{warm}:{BIN}:{os.environ['PATH']}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "LOCKGATE_ACTOR": "ana",
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_shows_runs(page: Path, tmp_path: Path, warm: Path) -> None:
    """The Python blocks of a page run one after the other, then its bash blocks do."""
    steps = blocks(page, "python")
    script = tmp_path / "page.py"
    script.write_text("\n".join(steps))
    for command in (
        ["python", str(script)],
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks(page, "bash"))],
    ):
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment(tmp_path, warm),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_the_two_commands_are_there() -> None:
    """`make run` and `make test`, the README's first block, are targets that make knows."""
    first = BLOCK.search((ROOT / "README.md").read_text())
    assert first is not None
    commands = re.findall(r"^make (\w+)", first.group(2), re.MULTILINE)
    assert commands == ["run", "test"]
    for target in commands:
        subprocess.run(["make", "-n", target], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name
)
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link names a file or folder that exists."""
    for target in LINK.findall(page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("name", docs_reference.PAGES)
def test_generated_pages_are_fresh(name: str) -> None:
    """A generated page says what the code says; `python tests/docs_reference.py` writes it."""
    page = ROOT / "docs" / "reference" / name
    assert page.read_text() == docs_reference.PAGES[name]()
