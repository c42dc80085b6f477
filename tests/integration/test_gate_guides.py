"""The guides about gates and the log, and the workflows for CI, do what they say."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from cli_runner import Terminal
from lockgate.cli.main import command

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "how-to"
WORKFLOWS = sorted((ROOT / "examples" / "ci").glob("*.yml"))


def blocks(page: str, language: str) -> list[str]:
    """Return the blocks of a guide in a language."""
    text = (GUIDES / page).read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("page", ["gates.md", "audit.md", "events.md"])
def test_commands_of_a_guide_run(
    page: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every command runs, one after the other, and ends as the page says."""
    terminal = Terminal(tmp_path, capsys, monkeypatch)
    monkeypatch.setenv("LOCKGATE_AUDIT_KEY", str(tmp_path / "audit.key"))
    monkeypatch.chdir(tmp_path)
    for document in blocks(page, "toml"):
        Path("policy.toml").write_text(document)
    commands = [
        line.removeprefix("$ lockgate ")
        for block in blocks(page, "console")
        for line in block.splitlines()
    ]
    assert len(commands) > 5
    for line in commands:
        ended = terminal(*shlex.split(line, comments=True))
        code = 1 if line.endswith("# exit code 1") else 0
        assert ended.code == code, (line, ended)


def test_python_of_the_guide_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    """The first example prints the report that is shown below it."""
    (code,) = blocks("gates.md", "python")
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102  # the block is ours, and running it is the test
    names["registry"].close()
    assert capsys.readouterr().out == blocks("gates.md", "text")[0]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_use_commands_and_options_that_there_are(workflow: Path) -> None:
    """Each `lockgate` line of a workflow parses as a command, with every option known."""
    lines = re.findall(r"\blockgate ((?:gate|promote|check|gitops) .*)", workflow.read_text())
    assert len(lines) >= 2
    root = command()
    for line in lines:
        words = shlex.split(line)
        group, context = root, root.make_context("lockgate", [words[0]], resilient_parsing=True)
        while hasattr(group, "commands"):
            group = group.commands[words.pop(0)]
        used = {word for word in words if word.startswith("--")}
        known = {name for each in group.params for name in each.opts}
        assert used <= known, line
        assert context is not None
