"""What the shell is offered when somebody presses TAB: names of what there is, or nothing."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

import lockgate
from cli_runner import Terminal

Pressed = Callable[[str], list[str]]


@pytest.fixture
def terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    return Terminal(tmp_path, capsys, monkeypatch)


@pytest.fixture
def url(terminal: Terminal) -> str:
    """A registry with two versions, an alias, a second project, and what a version reports."""
    with lockgate.connect(terminal.url, actor="ana") as registry:
        for label in ("1.0", "1.1", "2.0"):
            registry.register_model("churn", label, metrics={"auc": 0.9, "f1": 0.8})
        registry.register_model("chat_100%", "1")
        registry.set_alias("churn", "champion", "1.0")
        registry.report_observations("churn", "2.0", {"age": 40})
        registry.create_project("risk")
        registry.create_project("riviera", lifecycle="linear")
        registry.register_model("risk/default", "7")
        registry.register_model("riviera/boats", "1")
    return terminal.url


@pytest.fixture
def pressed(terminal: Terminal, url: str, monkeypatch: pytest.MonkeyPatch) -> Pressed:
    """Press TAB behind a line; return what is offered, as a shell is told."""

    def press(line: str) -> list[str]:
        words = ["lockgate", "--url", url, *line.split(" ")]
        monkeypatch.setenv("_LOCKGATE_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", "\n".join(words))
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        ended = terminal()
        assert (ended.code, ended.err) == (0, "")
        return ended.out.split()

    return press


OFFERED = {
    # models
    "model show ch": ["chat_100%", "churn"],
    "model show chat_": ["chat_100%"],
    "model show chat%": [],
    "model show risk/": ["risk/default"],
    "model show risk/d": ["risk/default"],
    "version list r": ["risk/", "riviera/"],
    "--project risk model show d": ["default", "default/"],
    # references
    "resolve chu": ["churn"],
    "resolve churn:1": ["churn:1.1", "churn:1.0"],
    "resolve churn@c": ["churn@champion"],
    "resolve churn@P": ["churn@Production"],
    "resolve churn@prod": ["churn@production"],
    "resolve churn@l": ["churn@latest"],
    "resolve risk/default:": ["risk/default:7"],
    # what stands behind a model
    "promote churn 1": ["1.1", "1.0"],
    "promote churn 1.0 --to S": ["Staging"],
    "promote churn:1.0 --to st": ["staging"],
    "transition riviera/boats 1 --to ": ["Dev", "Staging", "Production"],
    "alias delete churn c": ["champion"],
    "monitor add churn drift a": ["age", "auc"],
    "monitor chart churn@latest f": ["f1"],
    # by itself
    "token create ci --in ri": ["risk", "riviera"],
    "watch --stage Prod": ["Production"],
    # what is not there
    "promote absent ": [],
    "resolve absent:": [],
    "resolve churn:9": [],
    "resolve a/b/c:": [],
}


@pytest.mark.parametrize("line", OFFERED)
def test_what_is_there_is_offered(pressed: Pressed, line: str) -> None:
    """Projects, models, versions, aliases, stages and metrics, wherever a command takes them."""
    assert OFFERED[line] == pressed(line)


def test_no_registry_has_nothing_to_offer(
    terminal: Terminal, pressed: Pressed, tmp_path: Path
) -> None:
    """No database is made, and no complaint; a wrong URL is none either."""
    missing = tmp_path / "none.db"
    for url in (f"sqlite:///{missing}", "http://127.0.0.1:1", "gopher://x", "postgresql://"):
        assert pressed(f"--url {url} resolve chu") == []
    assert not missing.exists()


def test_a_registry_that_does_not_answer_is_not_waited_for(
    pressed: Pressed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shell has its line back, without a word."""
    monkeypatch.setenv("LOCKGATE_TIMEOUT_S", "0.3")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert pressed(f"--url http://127.0.0.1:{port} resolve chu") == []
        assert pressed(f"--url postgresql://x@127.0.0.1:{port}/x resolve chu") == []
