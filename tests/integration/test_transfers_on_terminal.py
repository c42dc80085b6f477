"""``lockgate push`` and ``pull`` on a terminal: the bar, and what Ctrl-C leaves."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
from pathlib import Path

import pytest

from cli_runner import environment, program, run_program

WAIT_S = 60
MIB = 192
# How much is done of how much, once some is: `8.4/201.3 MB`.
_UNDER_WAY = re.compile(rb"[1-9][\d.]*/201\.3 MB")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a large file that no store has."""
    with (tmp_path / "big.bin").open("wb") as file:
        for _ in range(MIB):
            file.write(os.urandom(2**20))
    return tmp_path


def on_terminal(
    *arguments: str, cwd: Path, interrupt_at: re.Pattern[bytes] | None = None
) -> tuple[int, bytes]:
    """Run the program on a terminal of its own; press Ctrl-C once it shows something."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        # Behind whoever watches, so that Ctrl-C comes in time on a busy machine too.
        ["nice", "-n", "19", *program(*arguments)],
        cwd=cwd,
        env=environment(COLUMNS="100", TERM="xterm-256color"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        got = b""
        while select.select([ours], [], [], WAIT_S)[0]:
            try:
                piece = os.read(ours, 65_536)
            except OSError:  # what Linux says when the other end is closed
                break
            got += piece
            if interrupt_at is not None and interrupt_at.search(got):
                process.send_signal(signal.SIGINT)
                interrupt_at = None
        os.close(ours)
    return process.returncode, got


def shares(got: bytes) -> list[int]:
    """Which shares were said to be there already, in percent."""
    return [int(share) for share in re.findall(rb"(\d+) % there already", got)]


def test_the_bar_has_bytes_a_rate_and_what_was_there(folder: Path) -> None:
    """A terminal sees how far it is, how fast, and how much was deduplicated."""
    code, got = on_terminal("push", "big.bin", "churn:1", cwd=folder)
    assert (code, shares(got)) == (0, [])
    assert _UNDER_WAY.search(got)
    assert re.search(rb"[\d.]+ [kMG]B/s", got)
    code, got = on_terminal("push", "big.bin", "other:1", cwd=folder)
    assert (code, shares(got)[-1]) == (0, 100)


def test_a_push_that_is_interrupted_goes_on_where_it_was(folder: Path) -> None:
    """After Ctrl-C there is no version and no traceback; again, and only the rest is sent."""
    code, got = on_terminal("push", "big.bin", "churn:1", cwd=folder, interrupt_at=_UNDER_WAY)
    assert (code, b"Traceback" in got) == (130, False)
    assert run_program("version", "show", "churn:1", cwd=folder).code == 3
    code, got = on_terminal("push", "big.bin", "churn:1", cwd=folder)
    assert code == 0
    assert 0 < shares(got)[-1] < 100
    assert run_program("verify", "--all", cwd=folder).code == 0


def test_a_pull_that_is_interrupted_goes_on_where_it_was(folder: Path) -> None:
    """After Ctrl-C there is no half folder; again, and what had come is not fetched again."""
    assert run_program("push", "big.bin", "churn:1", cwd=folder).code == 0
    code, got = on_terminal("pull", "churn:1", "out", cwd=folder, interrupt_at=_UNDER_WAY)
    assert (code, b"Traceback" in got) == (130, False)
    assert not (folder / "out").exists()
    code, got = on_terminal("pull", "churn:1", "out", cwd=folder)
    assert code == 0
    assert 0 < shares(got)[-1] < 100
    assert (folder / "out/big.bin").read_bytes() == (folder / "big.bin").read_bytes()
    assert sorted(path.name for path in folder.glob(".*part")) == []
