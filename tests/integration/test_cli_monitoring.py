"""Monitoring on the command line: reported, drawn, watched."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli_runner import Terminal


@pytest.fixture
def terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    """Commands on a registry with churn 1 in production."""
    made = Terminal(tmp_path, capsys, monkeypatch)
    made("version", "register", "churn", "1")
    made("promote", "churn:1")
    made("promote", "churn:1")
    return made


def test_a_metric_is_drawn(terminal: Terminal) -> None:
    """As a chart, as figures, and as JSON; where nothing is, it says so."""
    for minute, value in enumerate((0.8, 0.9, 0.9)):
        at = f"2026-10-01T12:0{minute}:00Z"
        assert terminal("observe", "churn:1", f"auc={value}", "--at", at).code == 0
    drawn = terminal("monitor", "chart", "churn@production", "auc")
    assert [line[:5] for line in drawn.out.splitlines()] == [
        "0.9 ┤",
        *["    │"] * 6,
        "0.8 ┤",
        "    └",
        "     ",
    ]
    assert drawn.err == "mean of 3 values, in steps of 1 min (UTC)\n"
    table = terminal("monitor", "chart", "churn:1", "auc", "--table").out.splitlines()
    assert table[0].split() == ["FROM", "(UTC)", "VALUES", "MEAN"]
    assert table[1].split() == ["2026-10-01", "12:00:00", "1", "0.8"]
    found = terminal("monitor", "chart", "churn:1", "auc", "--json").json
    assert [each["n"] for each in found["points"]] == [1, 1, 1]
    assert terminal("monitor", "chart", "churn:1", "ms").err == (
        "Nothing was reported in that time.\n"
    )


def test_drift_is_reported_watched_and_drawn(terminal: Terminal, tmp_path: Path) -> None:
    """A reference first, then what is seen; without a reference there is nothing to draw."""
    file = tmp_path / "age.json"
    file.write_text('{"edges": [30, 60], "counts": [1000, 2000, 500]}')
    made = ("monitor", "histogram", "churn:1", "age", str(file))
    assert terminal(*made).out == "'age' of default/churn:1 taken in, 3500 values.\n"
    assert terminal("monitor", "chart", "churn:1", "age", "--measure", "psi").code == 2
    assert terminal(*made, "--reference").out.startswith("The reference of 'age'")
    assert terminal(*made, "--json").json["n"] == 3_500
    drift = terminal("monitor", "chart", "churn:1", "age", "--measure", "psi", "--json").json
    assert drift["reference"] == [1_000, 2_000, 500]
    assert drift["points"][0]["psi"] == pytest.approx(0, abs=1e-6)
    file.write_text('{"bins": [1]}')
    assert "has edges and counts" in terminal(*made).err
    added = terminal("monitor", "add", "churn", "age", "age", "--measure", "ks", "--bound", "0.1")
    assert added.code == 0
    (shown,) = terminal("monitor", "list", "churn", "--json").json
    assert (shown["rule"]["measure"], shown["rule"]["against"]) == ("ks", "reference")
    assert "ks of age" in terminal("monitor", "list", "churn").out
    assert (shown["unjudged"], added.out) == (None, "'age' watches default/churn@Production.\n")


def test_a_monitor_without_a_reference_says_so(terminal: Terminal, tmp_path: Path) -> None:
    """When it is made and when it is listed, with what would give it one; then no more."""
    words = ("monitor", "add", "churn", "age", "age", "--measure", "psi", "--bound", "0.1")
    why = (
        "'age' judges nothing yet: no reference histogram: version 1 has none of 'age'; set one by "
        "lockgate monitor histogram churn:1 age FILE --reference, or report_histogram("
    )
    added = terminal(*words)
    assert added.out.splitlines()[1].startswith(why)
    table, told = terminal("monitor", "list", "churn").out.splitlines()[-2:]
    assert "unjudged" in table
    assert told.startswith(why)
    file = tmp_path / "age.json"
    file.write_text('{"edges": [30, 60], "counts": [1000, 2000, 500]}')
    assert terminal("monitor", "histogram", "churn:1", "age", str(file), "--reference").code == 0
    assert "judges nothing" not in terminal("monitor", "list", "churn").out


def test_sources_come_and_go(terminal: Terminal) -> None:
    """By metric, with their question and how far it was asked."""
    words = ["--prometheus", "http://prometheus:9090", "--query", 'auc{version="$version"}']
    made = terminal("monitor", "source", "add", "churn", "auc", *words)
    assert made.out == "'auc' of default/churn@Production is read from http://prometheus:9090.\n"
    (found,) = terminal("monitor", "source", "list", "churn", "--json").json
    assert (found["query"], found["step_s"], found["error"]) == (words[3], 60, "")
    assert "http://prometheus:9090" in terminal("monitor", "source", "list", "churn").out
    assert terminal("monitor", "source", "remove", "churn", "auc").code == 0
    assert terminal("monitor", "source", "remove", "churn", "auc").code == 3
