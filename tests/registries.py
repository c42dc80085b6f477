"""Registries for tests: in this process, or behind a server of this process."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from cli_runner import environment, program
from lockgate.bootstrap import acting, open_store
from lockgate.http.app import build_app
from lockgate.http.connections import ConnectionLimits, server_config
from lockgate.keys import new_key
from lockgate.registry import Registry
from lockgate.sdk.client import Client
from lockgate.settings import Settings

AnyRegistry = Registry | Client
_KEY = new_key()


@dataclass
class Server:
    """A server of this process; the registry behind it can be another for every test."""

    app: FastAPI
    url: str

    @contextmanager
    def serving(self, registry: Registry) -> Iterator[Registry]:
        """Let the server work on ``registry``, and close that afterwards."""
        before, self.app.state.registry = self.app.state.registry, registry
        try:
            yield registry
        finally:
            self.app.state.registry = before
            registry.close()


def embedded(url: str = "memory://", **settings: Any) -> Registry:
    """A registry of its own on an empty database, acting as ana."""
    chosen = Settings(database=url, **settings)
    return Registry(open_store(url, chosen), acting(chosen, "ana"), signer=lambda: _KEY)


@contextmanager
def running(
    app: Any,
    limits: ConnectionLimits | None = None,
    certificate: tuple[Path, Path] | None = None,
) -> Iterator[str]:
    """Serve ``app`` on a free port of the loopback interface; yield its URL.

    With a ``certificate`` and its key it speaks TLS.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    config = server_config(app, limits or ConnectionLimits())
    if certificate is not None:
        config.ssl_certfile, config.ssl_keyfile = map(str, certificate)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        scheme = "http" if certificate is None else "https"
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listener.close()


@contextmanager
def a_server(**settings: Any) -> Iterator[Server]:
    """Run a server on an empty registry in memory."""
    app = build_app(embedded(), Settings(database="memory://", **settings))
    with running(app) as url:
        yield Server(app, url)


class Serving:
    """A server of its own process."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self._process = process
        self.url = url

    def end(self, sign: signal.Signals) -> None:
        """End it by a signal, and by nothing else."""
        self._process.send_signal(sign)
        self._process.communicate(timeout=60)
        assert self._process.returncode == -sign


def serving(database: str, port: str = "0", **settings: str) -> Serving:
    """Start ``lockgate serve``."""
    process = subprocess.Popen(
        program("serve", "--database", database, "--port", port, "--json"),
        env=environment(**settings),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    told = ""
    while not told.endswith("}\n"):
        line = process.stdout.readline()
        assert line, "the server ended"
        told += line
    return Serving(process, json.loads(told)["url"])
