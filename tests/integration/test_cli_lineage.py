"""Lineage, cards and bundles on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli_runner import Terminal


@pytest.fixture
def terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    """Commands on a registry of the test's own, with a configuration folder of its own."""
    made = Terminal(tmp_path, capsys, monkeypatch)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return made


def test_lineage(terminal: Terminal, tmp_path: Path) -> None:
    """A tree, JSON, and an image in a file."""
    terminal("version", "register", "base", "1", "--dataset", "s3://data")
    terminal("version", "register", "churn", "1", "--parent", "base:1", "--run-id", "r1")
    drawn = terminal("lineage", "churn:1")
    assert drawn.out.splitlines() == [
        "default/churn:1 [None]",
        "└─ came from",
        "   ├─ run r1",
        "   └─ default/base:1 [None]",
        "      └─ dataset s3://data",
    ]
    down = json.loads(terminal("lineage", "base", "--downstream", "--json").out)
    assert [node["id"] for node in down["nodes"]] == ["default/base:1", "default/churn:1"]
    image = tmp_path / "lineage.svg"
    assert terminal("lineage", "churn:1", "--svg", str(image)).code == 0
    assert image.read_text().startswith("<svg")


def test_cards(terminal: Terminal, tmp_path: Path) -> None:
    """Generated, edited, and kept as the description."""
    terminal("version", "register", "churn", "1", "--metric", "auc=0.9")
    generated = terminal("card", "churn:1", "--generate").out
    assert "| auc | 0.9 |" in generated
    card = tmp_path / "README.md"
    card.write_text(generated + "Edited.\n")
    assert terminal("card", "churn:1", "--set", str(card)).code == 0
    assert terminal("card", "churn:1").out.endswith("Edited.\n")
    assert terminal("card", "churn:1", "--set", str(card), "--generate").code == 2


def test_bundles(terminal: Terminal, tmp_path: Path) -> None:
    """Out, verified, and into another registry; a changed one is corrupt."""
    source = tmp_path / "model.txt"
    source.write_text("weights")
    file = str(tmp_path / "churn.bundle")
    assert terminal("push", str(source), "churn:1").code == 0
    assert terminal("bundle", "export", "churn:1", file).code == 0
    key = json.loads(terminal("audit", "checkpoint", "--json").out)["verifier_key"]
    told = json.loads(terminal("bundle", "verify", file, "--trust", key, "--json").out)
    assert told["ok"]
    assert told["reference"] == "default/churn:1"
    terminal.url = f"sqlite:///{tmp_path}/elsewhere.db"
    untold = terminal("bundle", "import", file)
    assert untold.code == 2
    assert "--trust" in untold.err
    made = terminal("bundle", "import", file, "--trust", key)
    assert made.out == "default/churn:1 [None] is here, from default/churn:1\n"
    data = bytearray(Path(file).read_bytes())
    data[-3_000] ^= 1
    Path(file).write_bytes(data)
    assert terminal("bundle", "verify", file, "--trust", key).code == 6
