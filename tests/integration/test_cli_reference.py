"""The reference of the command line: its help, as it was agreed on, and the page made of it.

After a change that is meant: LOCKGATE_TEST_UPDATE=1 pytest tests/integration/test_cli_reference.py
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lockgate.cli.main import command

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "cli.md"
GOLDEN = ROOT / "tests" / "golden" / "cli-help"
UPDATE = os.environ.get("LOCKGATE_TEST_UPDATE") == "1"
WIDTH = 100

HEAD = """# Command line

Made from the command line itself; a test fails when the two differ.

A version is written `churn:1.0.0`, `churn@champion`, `churn@production`, `churn@latest`, or as two
words, `churn 1.0.0`; a project may stand before it, `risk/churn:1.0.0`. The options `--json`,
`--url`, `--project`, `--actor` and `--no-color` may stand before or after any command. How a
command ends is told in [exit codes](exit-codes.md).

`--json` writes what the HTTP API would answer; a listing is an object with `items` and
`next_cursor`. Without it a terminal gets tables that fit its width, and a pipe gets aligned
columns that are never cut. `lockgate --install-completion` teaches the shell the commands and the
names of projects, models, versions, aliases, stages and metrics; in bash, which takes `:` and `@`
for ends of words, a version is completed as a word of its own: `churn 1.0.0`.
"""


def helps() -> Iterator[tuple[str, str]]:
    """Yield every command's path and its help."""

    def below(group: Any, path: str, parent: Any) -> Iterator[tuple[str, str]]:
        context = group.make_context(path.split()[-1], [], parent=parent, resilient_parsing=True)
        context.terminal_width = WIDTH
        yield path, group.get_help(context).rstrip() + "\n"
        for name, child in getattr(group, "commands", {}).items():
            yield from below(child, f"{path} {name}", context)

    yield from below(command(), "lockgate", None)


HELPS = dict(helps())


def page() -> str:
    """Return the reference page."""
    sections = [f"\n## {path}\n\n```text\n{text}```\n" for path, text in HELPS.items()]
    return HEAD + "".join(sections)


@pytest.mark.parametrize("path", HELPS)
def test_help_is_as_agreed(path: str) -> None:
    """A command's help changes only together with its golden file."""
    golden = GOLDEN / f"{path.replace(' ', '-')}.txt"
    if UPDATE:
        golden.write_text(HELPS[path])
    assert golden.read_text() == HELPS[path]


def test_no_golden_file_is_left_over() -> None:
    """Each golden file belongs to a command there is."""
    names = {f"{path.replace(' ', '-')}.txt" for path in HELPS}
    if UPDATE:
        for file in GOLDEN.iterdir():
            if file.name not in names:
                file.unlink()
    assert {file.name for file in GOLDEN.iterdir()} == names


def test_the_page_is_up_to_date() -> None:
    """docs/reference/cli.md is what the command line says of itself."""
    if UPDATE:
        PAGE.write_text(page())
    assert PAGE.read_text() == page()


@pytest.mark.parametrize("path", HELPS)
def test_every_command_says_what_it_does(path: str) -> None:
    """No command, and no line of an argument, is without a sentence."""
    lines = HELPS[path].splitlines()
    assert lines[2].strip().endswith((".", ":")) or lines[3].strip()
    assert len(max(lines, key=len)) <= WIDTH
