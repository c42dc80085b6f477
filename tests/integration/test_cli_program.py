"""``lockgate`` as a program of its own: terminals, pipes, signals, and what it imports."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli_runner import READS, Terminal, environment, program, run_program

WAIT_S = 60


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose lockgate.db has a model with enough versions to fill a pipe."""
    from lockgate import connect

    folder = tmp_path_factory.mktemp("filled")
    with connect(f"sqlite:///{folder}/lockgate.db", actor="ana") as registry:
        for _ in range(30):
            registry.register_model("churn", tags={"note": "x" * 90_000})
        registry.promote("churn", 1, "staging")
    return folder


@contextmanager
def started(*arguments: str, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The program, running with its output in pipes; killed if it still does at the end."""
    process = subprocess.Popen(
        program(*arguments),
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        yield process
    finally:
        process.kill()
        process.wait(WAIT_S)
        process.stdout.close()
        process.stderr.close()


def on_terminal(*arguments: str, cwd: Path, columns: int = 80, **more: str) -> tuple[int, str]:
    """Run the program on a terminal; return its exit code and all that the terminal got."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        program(*arguments),
        cwd=cwd,
        env=environment(COLUMNS=str(columns), TERM="xterm-256color", **more),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        got = b""
        while select.select([ours], [], [], WAIT_S)[0]:
            try:
                piece = os.read(ours, 65_536)
            except OSError:  # what Linux says when the other end is closed
                break
            if not piece:
                break
            got += piece
        os.close(ours)
    return process.returncode, got.decode()


def test_a_terminal_gets_colours_and_no_line_beyond_its_width(filled: Path) -> None:
    """The stage has its lifecycle's colour, and a table fits into 80 columns."""
    code, got = on_terminal("version", "list", "churn", cwd=filled)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", got)
    assert code == 0
    assert "\x1b[33mStaging" in got
    assert max(len(line) for line in plain.splitlines()) <= 80


def test_a_row_too_wide_for_a_terminal_is_a_card(filled: Path) -> None:
    """Where a table would cut words into letters, each row is names and values."""
    run_program("request", "churn:2", "--to", "staging", "--comment", "look", cwd=filled)
    code, got = on_terminal("inbox", "--no-color", cwd=filled)
    assert code == 0
    plain = re.sub(r"\x1b\[[0-9;]*m", "", got)
    assert "Version      default/churn:2\r\n" in plain
    assert "Comment      look\r\n" in plain
    _, wide = on_terminal("inbox", "--no-color", cwd=filled, columns=160)
    assert all(word in wide.splitlines()[0] for word in ("Version", "Comment", "Request"))


@pytest.mark.parametrize("arguments", [["--no-color"], []])
def test_colours_can_be_declined(filled: Path, arguments: list[str]) -> None:
    """--no-color and NO_COLOR give a terminal text without colours."""
    more = {} if arguments else {"NO_COLOR": "1"}
    code, got = on_terminal("version", "list", "churn", *arguments, cwd=filled, **more)
    assert code == 0
    assert re.findall(r"\x1b\[[0-9;]*3[0-9]", got) == []
    assert "Staging" in got


def test_a_closed_pipe_ends_quietly(filled: Path) -> None:
    """When nobody reads on there is no traceback, and the code is that of a broken pipe."""
    for arguments in (["model", "list", "--json"], ["version", "list", "churn"], ["--help"]):
        reads, writes = os.pipe()
        os.close(reads)
        ended = subprocess.run(
            program(*arguments),
            cwd=filled,
            env=environment(),
            stdout=writes,
            stderr=subprocess.PIPE,
            timeout=WAIT_S,
        )
        os.close(writes)
        assert (ended.returncode, ended.stderr) == (141, b"")


def test_a_reader_that_leaves_in_the_middle(filled: Path) -> None:
    """``lockgate … | head -1`` gets its line; the rest is not missed."""
    with started("version", "list", "churn", "--json", cwd=filled) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"{\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        # Python takes a write that was cut short by the reader's leaving for a whole one.
        assert process.wait(WAIT_S) in (0, 141)


def test_an_encoding_without_the_letters_is_no_error(filled: Path) -> None:
    """A terminal of ASCII shows question marks, not a traceback."""
    ended = run_program("lifecycle", "draw", "standard", cwd=filled, PYTHONIOENCODING="ascii")
    assert (ended.code, ended.err) == (0, "")
    assert "Production" in ended.out


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--help"], ["rich", "sqlalchemy", "httpx", "fastapi", "uvicorn", "pydantic", "sklearn"]),
        (["--version"], ["rich", "sqlalchemy", "httpx", "pydantic"]),
        (["model", "list", "--json"], ["rich", "httpx", "fastapi", "uvicorn"]),
        (["version", "list", "churn"], ["rich", "httpx", "fastapi", "uvicorn"]),
    ],
)
def test_nothing_heavy_is_imported_in_vain(
    filled: Path, arguments: list[str], unwanted: list[str]
) -> None:
    """Help imports no database, a pipe no Rich, an embedded registry no HTTP."""
    script = (
        "import sys\n"
        "from lockgate.cli.main import run\n"
        "try:\n    run(sys.argv[2:])\n"
        "finally:\n    loaded = [m for m in sys.argv[1].split(',') if m in sys.modules]\n"
        "    print('loaded:', loaded, file=sys.stderr)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, ",".join(unwanted), *arguments],
        cwd=filled,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=WAIT_S,
    )
    assert (ended.returncode, ended.stderr) == (0, "loaded: []\n")


def test_a_bad_setting_is_bad_usage(tmp_path: Path) -> None:
    """An environment variable that is misspelt is named, with exit code 2."""
    ended = run_program("model", "list", cwd=tmp_path, LOCKGATE_PROJET="x")
    assert ended.code == 2
    assert "LOCKGATE_PROJET" in ended.err


def test_names_of_models_are_completed(filled: Path) -> None:
    """The shell is offered the models there are; elsewhere TAB makes no database."""
    more = {
        "_LOCKGATE_COMPLETE": "complete_bash",
        "COMP_WORDS": "lockgate promote ch",
        "COMP_CWORD": "2",
    }
    assert run_program(cwd=filled, **more).out == "churn\n"
    empty = filled / "empty"
    empty.mkdir()
    assert run_program(cwd=empty, **more).out.strip() == ""
    assert list(empty.iterdir()) == []


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server in ``folder`` on a free port; yields its address."""
    started = subprocess.Popen(
        program("serve", "--port", "0", *arguments),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    assert started.stderr is not None
    try:
        line = started.stdout.readline()
        found = re.search(r" on (http://\S+)$", line)
        assert found, line + started.stderr.read()
        yield found.group(1), started
    finally:
        started.kill()
        started.wait(WAIT_S)
        started.stdout.close()
        started.stderr.close()


def test_serve_in_an_empty_folder_just_works(tmp_path: Path) -> None:
    """It makes its database, says where it listens, and the command line can use it."""
    with serving(tmp_path) as (address, server):
        assert server.stdout is not None
        assert server.stdout.readline() == f"Documentation: {address}/docs    Stop: Ctrl-C\n"
        with urllib.request.urlopen(f"{address}/docs", timeout=WAIT_S) as page:  # noqa: S310
            assert page.status == 200
        register = ["version", "register", "churn:1", "--url", address, "--actor", "bo"]
        assert run_program(*register, cwd=tmp_path).out == "churn 1 is registered, in None.\n"
        refused = run_program(
            "promote", "churn:1", "--to", "prod", cwd=tmp_path, LOCKGATE_URL=address
        )
        assert refused.code == 1
        assert "hint: lockgate promote churn:1 --to Staging" in refused.err
        assert run_program("model", "show", "nix", "--url", address, cwd=tmp_path).code == 3
        server.send_signal(signal.SIGINT)
        assert server.wait(WAIT_S) == 130
    here = run_program("version", "show", "churn:1", "--json", cwd=tmp_path)
    assert here.json["created_by"] == "bo"


def test_a_server_and_its_database_say_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every reading command writes the same JSON over HTTP as on the database itself."""
    lockgate = Terminal(tmp_path, capsys, monkeypatch)
    with serving(tmp_path, "--database", lockgate.url) as (address, _server):
        for label in ("1.0.0", "1.1.0"):
            lockgate.done("version", "register", f"churn:{label}", "--metric", "n=9007199254740993")
        lockgate.done("promote", "churn:1.0.0", "--to", "staging", "--url", address)
        lockgate.done("promote", "churn:1.0.0", "-m", "ready", "--url", address)
        for arguments in READS:
            remote = lockgate(*arguments, "--json", "--url", address)
            assert (remote.code, remote.err) == (0, "")
            embedded = lockgate(*arguments, "--json")
            assert without_cursors(remote.json) == without_cursors(embedded.json)


def without_cursors(value: Any) -> Any:
    """Return JSON without the position of the next page, which is the server's own affair."""
    if isinstance(value, dict):
        return {key: each for key, each in value.items() if key != "next_cursor"}
    return value


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    """No traceback: which port, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_program("serve", "--port", str(port), cwd=tmp_path)
    assert ended.code == 2
    assert ended.err == (
        f"error: Setting port is not valid: cannot listen on 127.0.0.1 port {port}: "
        "Address already in use; --port names another\n"
    )


def test_an_interrupted_command_says_nothing(tmp_path: Path) -> None:
    """Ctrl-C ends with 130 and without a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(WAIT_S)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with started("model", "list", "--url", url, cwd=tmp_path) as process:
            asked, _ = silent.accept()
            with asked:
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=WAIT_S)
                assert (process.returncode, out, err) == (130, b"", b"")
