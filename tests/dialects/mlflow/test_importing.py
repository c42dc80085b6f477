"""``lockgate import mlflow`` from a real MLflow server: once, again, and after being killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import lockgate
from lockgate.errors import RegistryError
from lockgate.registry import Registry

HERE = Path(__file__).parent
# MLflow takes seconds to start, five times here.
pytestmark = pytest.mark.timeout(900)
ENV = {
    **os.environ, "NO_PROXY": "*", "MLFLOW_DISABLE_TELEMETRY": "true",
    "AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1",
    # Nobody asks the server for a job, nor waits for one that is not there.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
}  # fmt: skip


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of an MLflow server with two models, a prompt, and a model without versions."""
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [
            str(Path(sys.executable).with_name("mlflow")), "server", "--port", str(port),
            "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--workers", "1",
            "--artifacts-destination", str(folder / "artifacts"),
        ],
        cwd=folder, env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    found = f"http://127.0.0.1:{port}"
    try:
        _wait(found, server)
        maker = [sys.executable, str(HERE / "registry_maker.py"), found, str(folder)]
        subprocess.run(maker, check=True, env=ENV, cwd=folder, capture_output=True, timeout=200)
        yield found
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        try:
            if httpx.get(f"{url}/health", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            assert server.poll() is None
        time.sleep(0.1)
    raise AssertionError("the MLflow server does not answer")


def command(uri: str, folder: Path, *more: str) -> list[str]:
    program = str(Path(sys.executable).with_name("lockgate"))
    return [program, "--url", f"sqlite:///{folder}/r.db", "import", "mlflow", uri, "--json", *more]


def imported(uri: str, folder: Path, *more: str) -> dict[str, Any]:
    """Run the import; return its report."""
    done = subprocess.run(
        command(uri, folder, *more), capture_output=True, text=True, env=ENV, timeout=200,
        check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode == 1) == bool(report["unbrought"])
    return report


def opened(folder: Path) -> Registry:
    found = lockgate.connect(f"sqlite:///{folder}/r.db", actor="ana", project="old")
    assert isinstance(found, Registry)
    return found


def test_a_registry_is_brought_over(uri: str, tmp_path: Path) -> None:
    """Killed in the middle, the next run brings the rest: models, numbers, stages, aliases, tags,
    metrics and files. What cannot be had is in the report, and one more run finds all there."""
    _kill_in_the_middle(uri, tmp_path)
    report = imported(uri, tmp_path, "--into", "old")
    assert report["there_already"] >= 1
    assert [each["subject"] for each in report["unbrought"]][-1] == "broken/1 files"
    with opened(tmp_path) as registry:
        model = registry.get_model("churn")
        assert (model.description, dict(model.tags)) == ("Who leaves", {"team": "growth"})
        third = registry.resolve("churn@champion")
        assert (third.seq, third.label, third.stage) == (3, "3", "production")
        assert (third.description, dict(third.tags)) == ("the 3. try", {"number": "3"})
        assert (dict(third.metrics), dict(third.params)) == ({"auc": 0.91}, {"depth": "7"})
        registry.pull("churn:3", tmp_path / "out")
        assert (tmp_path / "out/data/weights.bin").read_bytes() == b"\3" * 400_000
        broken = registry.get_version("broken", "1")
        assert (broken.digest, broken.artifact_uri) == (None, "s3://no-such-bucket-of-ours/x")
        assert registry.get_version("greeting", "1").tags["mlflow.prompt.text"]
        assert registry.get_model("local").version_count == 0
        labels = [version.label for version in registry.list_versions("churn").items]
        assert labels == ["4", "3", "1"]
        verified = registry.verify_artifacts()
        assert (verified.ok, verified.versions) == (True, 3)
    again = imported(uri, tmp_path, "--into", "old", "--dry-run")
    assert (again["models"], again["versions"], again["aliases"]) == ([], [], [])
    assert again["there_already"] == 5


def _kill_in_the_middle(uri: str, folder: Path) -> None:
    with subprocess.Popen(
        command(uri, folder, "--into", "old"),
        env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as first:  # fmt: skip
        while first.poll() is None and not _has_version(folder):
            time.sleep(0.2)
        first.kill()


def _has_version(folder: Path) -> bool:
    if not (folder / "r.db").exists():
        return False
    try:
        with opened(folder) as registry:
            return registry.get_version("churn", "1") is not None
    except RegistryError:
        return False


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    """It is said in one sentence, with the exit code of what is unavailable."""
    done = subprocess.run(
        command("http://127.0.0.1:9", tmp_path), capture_output=True, text=True, env=ENV,
        timeout=200, check=False,
    )  # fmt: skip
    assert (done.returncode, json.loads(done.stderr or done.stdout)["code"]) == (
        4, "server_unreachable",
    )  # fmt: skip
