"""URLs on the command line: a password is never written out, and a wrong one is bad usage."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli_runner import Terminal


@pytest.fixture
def lockgate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    """The command line on a registry of the test's own."""
    return Terminal(tmp_path, capsys, monkeypatch)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ana:hidden@127.0.0.1/x",
        "postgresql+psycopg2://ana:hidden@127.0.0.1:1/x",
        "postgresql://ana:hid/den@127.0.0.1:1/x",
        "postgresql://ana:hidden@127.0.0.1:1/x",
    ],
)
@pytest.mark.parametrize(
    "command", [["model", "list"], ["migrate"], ["migrate", "--check"], ["--json", "migrate"]]
)
def test_a_password_stays_hidden(lockgate: Terminal, url: str, command: list[str]) -> None:
    """Whatever is wrong with a database's URL, its password is not part of what is said."""
    ended = lockgate("--url", url, *command)
    assert ended.code in (2, 4)
    assert "***" in ended.err
    assert "hid" not in ended.err + ended.out


def test_migrating_shows_no_password(lockgate: Terminal, postgres_url: str) -> None:
    """What a migration says of its database leaves the password out."""
    url = postgres_url.replace("postgres@", "postgres:hidden@")
    first = lockgate.done("migrate", "--database", url)
    assert "postgres:***@" in first
    assert "hidden" not in first + lockgate.done("--json", "migrate", "--check", "--database", url)


@pytest.mark.parametrize("url", ["sqlite:///", "sqlite://x.db", "memory://", "x.db"])
def test_nothing_to_migrate(lockgate: Terminal, url: str) -> None:
    """A URL that names no database which lasts is bad usage, and nothing claims to be done."""
    ended = lockgate("migrate", "--database", url)
    assert (ended.code, ended.out) == (2, "")


def test_a_project_that_is_no_name(lockgate: Terminal) -> None:
    """A default project that no project can be called is refused before anything is asked."""
    ended = lockgate("--project", "No Name", "model", "list")
    assert ended.code == 2
    assert "project name" in ended.err


def test_labels_head_a_comparison_as_they_are(lockgate: Terminal) -> None:
    """The columns of a comparison are called what the versions are called, letter by letter."""
    lockgate.done("version", "register", "churn:1.0-rc1", "--metric", "auc=0.5")
    lockgate.done("version", "register", "churn:1.0-RC2", "--metric", "auc=0.6")
    heading = lockgate.done("compare", "churn:1.0-rc1", "churn:1.0-RC2").splitlines()[0]
    assert heading.split() == ["METRIC", "1.0-rc1", "1.0-RC2", "DELTA", "CHANGE"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("localhost:8000", "http://localhost:8000"), ("data/x.db", "sqlite:///data/x.db")],
)
def test_a_url_without_its_scheme(lockgate: Terminal, written: str, meant: str) -> None:
    """What was probably meant is said, where it can be seen."""
    ended = lockgate("--url", written, "model", "list")
    assert ended.code == 2
    assert f"did you mean {meant}?" in ended.err
