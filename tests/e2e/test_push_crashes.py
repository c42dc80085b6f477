"""Killed anywhere in push, pull, seal or sweep: nothing false is visible, and again completes.

Each round starts a real program (a client, or a server that a client of ours talks to), kills it
with SIGKILL at a random point, and then looks at what a stranger sees. Processes are forked from
one that has everything imported, so that two hundred rounds take about a minute.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from e2e import push_crashes
from forks import FORKS
from lockgate.artifacts.sending import PushProgress
from lockgate.bootstrap import connect
from lockgate.errors import ServerUnreachable, VersionNotFound
from lockgate.settings import Settings

SEED = int(os.environ.get("LOCKGATE_TEST_SEED", "4"))
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
S3_ROUNDS = 15
"""On S3 rounds are slower; on the local store there are more."""


@dataclass(frozen=True)
class Place:
    """Where a registry's database and files are."""

    folder: Path
    environ: dict[str, str]

    @property
    def database(self) -> str:
        return f"sqlite:///{self.folder}/registry.db"


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty registry on a local store, and one on S3."""
    environ = {"LOCKGATE_CACHE": str(tmp_path / "cache")}
    if request.param == "s3":
        base, _, query = request.getfixturevalue("s3_url").partition("?")
        environ |= {key: os.environ[key] for key in (*CREDENTIALS, "NO_PROXY") if key in os.environ}
        environ["LOCKGATE_ARTIFACTS"] = f"{base}/{uuid.uuid4().hex}?{query}"
    return Place(tmp_path, environ)


@contextlib.contextmanager
def started(place: Place, *arguments: str, **environ: str) -> Iterator[Any]:
    """Run the program in a process of its own; it is dead when the block ends."""
    process = FORKS.Process(target=_run, args=(arguments, {**place.environ, **environ}))
    process.start()
    try:
        yield process
    finally:
        if process.is_alive():
            os.kill(process.pid or 0, signal.SIGKILL)
        process.join()


def _run(arguments: tuple[str, ...], environ: dict[str, str]) -> None:
    import sys

    os.environ.update(environ)
    sys.argv[1:] = arguments
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # nobody reads it
    push_crashes.main()


def a_model(folder: Path, drawn: random.Random) -> Path:
    """A folder of files, some of which an earlier one may have held too."""
    folder.mkdir()
    for number in range(12):
        text = f"part {drawn.randrange(40)} " * 2000
        (folder / f"{number}.txt").write_text(text)
    (folder / "large.bin").write_bytes(drawn.randbytes(3_000_000))
    return folder


def settled(place: Place) -> Any:
    """Return a registry that nobody kills."""
    environ = {**place.environ, "LOCKGATE_DATABASE": place.database}
    return connect(place.database, actor="ana", settings=Settings.from_environ(environ))


def killed_within(process: Any, seconds: float) -> bool:
    """Kill a process after so long; say whether it was still at it."""
    process.join(seconds)
    if process.exitcode is not None:
        assert process.exitcode == 0
        return False
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    return True


def rounds_of(place: Place, local: int) -> int:
    """Return how many rounds to run."""
    return local if "LOCKGATE_ARTIFACTS" not in place.environ else min(local, S3_ROUNDS)


def longest(work: Callable[[], object]) -> float:
    """Return how long a whole run takes, a little more to be sure."""
    began = time.monotonic()
    work()
    return (time.monotonic() - began) * 1.2


def test_killed_while_pushing_and_sweeping(place: Place) -> None:
    """A client killed in a push, and a sweep killed beside it, leave whole versions or none."""
    drawn = random.Random(SEED)
    settled(place).close()

    def once(number: int, within_s: float) -> None:
        path = a_model(place.folder / f"m{number}", drawn)
        with (
            started(place, "push", place.database, str(path), "m", f"v{number}") as push,
            started(place, "gc", place.database) as sweep,
        ):
            killed_within(push, within_s)
            killed_within(sweep, drawn.uniform(0, within_s / 4))
        with settled(place) as registry:
            found = registry.verify_artifacts()
            assert found.faults == ()
            with contextlib.suppress(VersionNotFound):
                assert registry.get_version("m", f"v{number}").digest is not None
            registry.push(path, "m", f"v{number}")
            assert registry.verify_artifacts(f"m:v{number}").ok

    with settled(place) as registry:
        path = a_model(place.folder / "first", drawn)
        whole_s = 0.3 + longest(lambda: registry.push(path, "m", "first"))
    for number in range(rounds_of(place, 36)):
        once(number, drawn.uniform(0, whole_s))


def test_killed_while_pulling(place: Place) -> None:
    """A client killed in a pull leaves nothing under the name; again brings all of it."""
    drawn = random.Random(SEED)
    path = a_model(place.folder / "m", drawn)
    with settled(place) as registry:
        registry.push(path, "m", "1")
        whole_s = 0.3 + longest(lambda: registry.pull("m:1", place.folder / "first"))
        wanted = {each.name: each.read_bytes() for each in path.iterdir()}
        for number in range(rounds_of(place, 60)):
            folder = place.folder / f"back{number}"
            with started(place, "pull", place.database, "m:1", str(folder)) as pull:
                killed_within(pull, drawn.uniform(0, whole_s))
            if not folder.exists():
                registry.pull("m:1", folder)
            assert {each.name: each.read_bytes() for each in folder.iterdir()} == wanted
            assert not list(place.folder.glob(f".*{folder.name}*"))


def test_a_server_killed_while_pushing(place: Place) -> None:
    """A server killed in a push leaves a whole version or none; again sends only what lacked."""
    drawn = random.Random(SEED)
    settled(place).close()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environ = {"LOCKGATE_TEST_DATABASE": place.database, "LOCKGATE_TEST_PORT": str(port)}
    settings = Settings(timeout_s=3, cache=str(place.folder / "client"))
    client = connect(url, actor="ana", settings=settings)

    def push(path: Path, label: str) -> int:
        told: list[PushProgress] = []
        client.push(path, "m", label, progress=told.append)
        return max(progress.bytes_sent for progress in told)

    for number in range(rounds_of(place, 24) // 2):
        path = a_model(place.folder / f"m{number}", drawn)
        with started(place, "serve", place.database, **environ) as server:
            _await(url, server)
            killer = FORKS.Process(target=_kill_soon, args=(server.pid, drawn.uniform(0, 0.25)))
            killer.start()
            with contextlib.suppress(ServerUnreachable):
                push(path, f"v{number}")
            killer.join()
            server.join()
        with settled(place) as registry:
            assert registry.verify_artifacts().faults == ()
            there = {item.name for item in registry.depot.blobs.list_blobs()}
        with started(place, "serve", place.database, **environ) as server:
            _await(url, server)
            sent = push(path, f"v{number}")
            manifest = client.manifest(f"m:v{number}")
            lacked = {digest for digest in manifest.chunk_sizes if digest not in there}
            assert sent == sum(manifest.chunk_sizes[digest] for digest in lacked)
    with settled(place) as registry:
        assert registry.verify_artifacts().faults == ()
    client.close()


def _await(url: str, server: Any) -> None:
    host, _, port = url.removeprefix("http://").partition(":")
    for _ in range(6000):
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        assert server.is_alive(), "the server ended by itself"
        time.sleep(0.01)
    raise AssertionError("the server listens to nobody after a minute")


def _kill_soon(process: int, seconds: float) -> None:
    time.sleep(seconds)
    os.kill(process, signal.SIGKILL)
