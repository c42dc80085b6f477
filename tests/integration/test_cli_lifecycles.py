"""Lifecycles and schemas on the command line: apply, draw, migrate."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli_runner import Terminal

LIFECYCLE = """
name = "train"
initial = "Dev"
[[stages]]
name = "Dev"
[[stages]]
name = "Live"
exclusive = true
incumbent = "reject"
[[edges]]
from = "Dev"
to = "Live"
[[edges]]
from = "Live"
to = "Dev"
"""


@pytest.fixture
def lockgate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    """A terminal on an empty registry."""
    return Terminal(tmp_path, capsys, monkeypatch)


def test_a_lifecycle_of_ones_own(lockgate: Terminal, tmp_path: Path) -> None:
    """Validate, apply, draw, follow; what ``show --document`` writes can be applied again."""
    file = tmp_path / "train.toml"
    file.write_text(LIFECYCLE)
    assert lockgate.done("lifecycle", "validate", str(file)) == (
        f"{file} is a valid lifecycle: train, 2 stages, 2 edges.\n"
    )
    assert lockgate("lifecycle", "show", "train").code == 3
    assert lockgate.done("lifecycle", "apply", str(file)) == "Lifecycle train is at revision 1.\n"
    assert lockgate.done("lifecycle", "draw", "train") == lockgate.done(
        "lifecycle", "draw", str(file)
    )
    document = tmp_path / "train.json"
    document.write_text(lockgate.done("lifecycle", "show", "train", "--document"))
    assert lockgate.done("lifecycle", "apply", str(document)) == (
        "Lifecycle train is at revision 1.\n"
    )
    lockgate.done("version", "register", "churn", "--lifecycle", "train")
    assert lockgate.done("promote", "churn:1") == "churn 1 is in Live.\n"


def test_every_fault_of_a_lifecycle_is_told(lockgate: Terminal, tmp_path: Path) -> None:
    """Two faults, two lines, exit code 2, and nothing is stored."""
    file = tmp_path / "bad.toml"
    file.write_text(LIFECYCLE.replace('to = "Dev"', 'to = "Nix"').replace("true", '"yes"'))
    ended = lockgate("lifecycle", "validate", str(file))
    assert (ended.code, len(ended.err.splitlines())) == (2, 2)
    assert "Nix" in ended.err
    assert lockgate("lifecycle", "apply", str(file)).code == 2


@pytest.mark.parametrize(
    ("form", "begins"),
    [("text", "╭"), ("mermaid", "stateDiagram-v2"), ("dot", "digraph"), ("svg", "<svg")],
)
def test_a_lifecycle_is_drawn_in_every_form(lockgate: Terminal, form: str, begins: str) -> None:
    """Terminal, Mermaid, Graphviz and SVG."""
    drawn = lockgate.done("lifecycle", "draw", "standard", "--format", form)
    assert drawn.startswith(begins)


def test_migrate_says_where_it_stands(lockgate: Terminal, tmp_path: Path) -> None:
    """--check tells an empty database, and makes none; migrate brings it up to date."""
    database = f"sqlite:///{tmp_path}/other.db"
    missing = lockgate("migrate", "--check", "--database", database)
    assert missing.code == 4
    assert not (tmp_path / "other.db").exists()
    assert lockgate("migrate", "--database", database).code == 0
    assert "is up to date" in lockgate.done("migrate", "--check", "--database", database)
    assert "was up to date" in lockgate.done("migrate", "--database", database)


def test_a_database_in_a_folder_that_is_not_there(lockgate: Terminal, tmp_path: Path) -> None:
    """The folder is named; it is not made."""
    database = f"sqlite:///{tmp_path}/nowhere/other.db"
    refused = lockgate("--url", database, "model", "list")
    assert refused.code == 4
    assert f"there is no folder {tmp_path}/nowhere" in " ".join(refused.err.split())
    assert not (tmp_path / "nowhere").exists()
