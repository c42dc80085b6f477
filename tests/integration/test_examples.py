"""The examples, run as a reader would run them: train, promote, serve, promote again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli_runner import environment
from lockgate import connect

EXAMPLES = Path(__file__).parents[2] / "examples"
WAIT_S = 60
A_NOUGHT = [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0, 0, 3, 15, 2, 0, 11, 8, 0, 0, 4]
A_NOUGHT += [12, 0, 0, 8, 8, 0, 0, 5, 8, 0, 0, 9, 8, 0, 0, 4, 11, 0, 1, 12, 7, 0, 0, 2, 14, 5]
A_NOUGHT += [10, 12, 0, 0, 0, 0, 6, 13, 10, 0, 0, 0]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which two models were trained and registered."""
    folder = tmp_path_factory.mktemp("examples")
    for regularise in ("0.01", "1"):
        subprocess.run(
            [sys.executable, EXAMPLES / "train.py", "--regularise", regularise],
            cwd=folder,
            env=environment(LOCKGATE_ACTOR="ana"),
            check=True,
            timeout=WAIT_S,
        )
    return folder


@contextmanager
def service(folder: Path) -> Iterator[str]:
    """The service in ``folder``, asking the registry often; yields its address."""
    started = subprocess.Popen(
        [sys.executable, EXAMPLES / "service.py", "--port", "0", "--every", "0.1"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    try:
        address = ""
        for line in started.stdout:
            if line.startswith("listening on "):
                address = line.removeprefix("listening on ").strip()
                break
        assert address, "the service ended before it listened"
        yield address
    finally:
        started.kill()
        started.wait(WAIT_S)
        started.stdout.close()


def ask(url: str, body: Any = None) -> tuple[int, Any]:
    """Return the status and the answer of a request."""
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(url, data, timeout=WAIT_S) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def wait_for(url: str, expected: tuple[int, Any]) -> None:
    """Ask until the answer is what is expected."""
    deadline = time.monotonic() + WAIT_S
    while (found := ask(url)) != expected:
        assert time.monotonic() < deadline, f"still {found}"
        time.sleep(0.05)


def version_answer(label: str) -> tuple[int, Any]:
    """What ``/version`` says of a version."""
    return 200, {"version": label, "reference": f"default/digits:{label}"}


def test_the_service_follows_production(trained: Path) -> None:
    """Nothing in production: 503. Promoted: it answers, and a new one takes over without restart.

    A version whose file was changed is not loaded; the one before goes on.
    """
    url = f"sqlite:///{trained}/lockgate.db"
    with connect(url, actor="ana") as registry, service(trained) as address:
        assert ask(f"{address}/predict", {"images": [A_NOUGHT]})[0] == 503
        for stage in ("staging", "production"):
            registry.promote("digits", 1, stage)
        wait_for(f"{address}/version", version_answer("1"))
        assert ask(f"{address}/predict", {"images": [A_NOUGHT]}) == (
            200,
            {"version": "1", "digits": [0]},
        )
        assert ask(f"{address}/predict", {"images": [[1, 2]]})[0] == 400
        for stage in ("staging", "production"):
            second = registry.promote("digits", 2, stage)
        wait_for(f"{address}/version", version_answer("2"))
        registry.register_model(
            "digits", artifact_uri=second.artifact_uri, metadata={"sha256": "0" * 64}
        )
        for stage in ("staging", "production"):
            registry.promote("digits", 3, stage)
        time.sleep(0.5)
        assert ask(f"{address}/version") == version_answer("2")


def test_training_says_what_it_registered(trained: Path) -> None:
    """Two versions, the second better, each with the digest of its own file."""
    with connect(f"sqlite:///{trained}/lockgate.db") as registry:
        first, second = (registry.get_version("digits", label) for label in ("1", "2"))
    assert second.metrics["accuracy"] > first.metrics["accuracy"] > 0.8
    assert first.metadata["sha256"] != second.metadata["sha256"]
    assert first.created_by == "ana"
