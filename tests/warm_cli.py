"""``lockgate`` without its start, for shells that run it many times.

    python warm_cli.py FOLDER

Everything is imported once. ``FOLDER/lockgate`` has each of its runs forked from here: with the
arguments, streams, working folder and environment of whoever runs it, and to its exit code. What
serves is the program itself, as its caller ends it by a signal.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("lockgate")
READ_BYTES = 65_536
# A Python without `site` starts in a hundredth of a second.
LOCKGATE = f"""#!/bin/sh
exec '{sys.executable}' -SE "${{0%/*}}/ask.py" "$@"
"""
ASK = f"""
import json, os, socket, sys
if sys.argv[1:2] == ["serve"]:
    os.execv("{PROGRAM}", sys.argv)
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect(os.path.dirname(__file__) + "/asked")
    what = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode() + b"\\n"
    sent = socket.send_fds(asked, [what], [0, 1, 2])
    asked.sendall(what[sent:])
    sys.exit(int(asked.recv(9)))
"""


@contextlib.contextmanager
def warm_cli(folder: Path) -> Iterator[Path]:
    """Put a ``lockgate`` into a folder, which is yielded, that works until the block ends."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        yield folder
    finally:
        process.kill()
        process.communicate()


def main(folder: Path) -> None:
    """Fork and run, as asked."""
    from lockgate.cli.main import run

    nobody = io.StringIO()
    with contextlib.redirect_stdout(nobody), contextlib.suppress(SystemExit):
        run(["--url", "memory://", "model", "list"])
    # What is there now stays: no child need look through it for garbage, nor copy it for that.
    gc.freeze()
    assert threading.active_count() == 1, "a thread does not survive a fork"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "asked"))
    listener.listen()
    (folder / "ask.py").write_text(ASK)
    (folder / "lockgate").write_text(LOCKGATE)
    (folder / "lockgate").chmod(0o755)
    print("ready", flush=True)
    while True:
        asked, _ = listener.accept()
        # Two forks: one runs the command to the end of its process, one waits to tell the code.
        if os.fork() == 0:
            listener.close()
            child = os.fork()
            if child == 0:
                run(_become(asked))
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            asked.sendall(str(code).encode())
            os._exit(0)
        asked.close()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _become(asked: socket.socket) -> list[str]:
    """Take the place of whoever asks; return their arguments."""
    what, streams, _, _ = socket.recv_fds(asked, READ_BYTES, 3)
    while not what.endswith(b"\n"):
        what += asked.recv(READ_BYTES)
    asked.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        setattr(sys, name, open(number, mode, encoding="utf-8"))  # noqa: SIM115  # to the end
    arguments, folder, environ = json.loads(what)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    return list(arguments)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
