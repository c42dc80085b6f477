"""Requests over HTTP against a bare ASGI hello on the same server, one worker, one client."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.clock import show, take_turns
from bench.filling import model_name

WANTED = 1 / 4
BARE = "bare ASGI hello"
LOCKGATE = "from lockgate.cli.main import run; run()"


async def hello(scope: Any, _receive: Any, send: Any) -> None:
    """The least that an ASGI application can do."""
    if scope["type"] != "http":
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", b"18")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"hello":"world!"}'})


def run(path: Path, seconds: float) -> None:
    """Measure GETs of a version and of what a reference means."""
    with (
        server(["-m", "uvicorn", "bench.serving:hello", "--log-level", "error"], {}) as bare,
        server(["-c", LOCKGATE, "serve"], {"LOCKGATE_DATABASE": f"sqlite:///{path}"}) as ours,
    ):
        name = model_name(1)
        base = "/api/v1"
        rows = take_turns(
            {
                BARE: lambda: get(bare, "/"),
                "GET a version": lambda: get(
                    ours, f"{base}/projects/default/models/{name}/versions/1.0.5"
                ),
                "GET resolve name:label": lambda: get(ours, f"{base}/resolve?ref={name}:1.0.5"),
                "GET resolve name@champion": lambda: get(
                    ours, f"{base}/resolve?ref={name}@champion"
                ),
            },
            seconds,
        )
    show("Over HTTP, one worker, one connection", rows, BARE, WANTED)


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def get(connection: http.client.HTTPConnection, path: str) -> None:
    """Ask for a path, and read the answer, which must be 200."""
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise SystemExit(f"{path} answered {response.status}: {body[:300]!r}")


@contextmanager
def server(command: list[str], environ: dict[str, str]) -> Iterator[http.client.HTTPConnection]:
    """Yield a connection to a server that Python runs with ``command``, until the block ends."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, *command, "--port", str(port)],
        env={**os.environ, **environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        for _ in range(600):
            try:
                connection.connect()
                break
            except OSError:
                time.sleep(0.05)
        yield connection
    finally:
        connection.close()
        process.terminate()
        process.wait(30)
