"""The two functions most people need, and the commands that do the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import lockgate
from lockgate.cli import main
from lockgate.errors import InvalidReference, ServerUnreachable
from lockgate.settings import Settings


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A registry, a store and a cache of this test's own."""
    monkeypatch.setenv("LOCKGATE_URL", f"sqlite:///{tmp_path}/lockgate.db")
    monkeypatch.setenv("LOCKGATE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "README.md").write_text("# A card\n")
    return folder


def test_log_then_use(out: Path, tmp_path: Path) -> None:
    """What was logged is used by number, stage, alias, reference or moment."""
    made = lockgate.log_model(out, "churn", metrics={"auc": 0.9}, run_id="r1")
    assert (str(made), made.run_id) == ("default/churn:1", "r1")
    with lockgate.connect() as registry:
        registry.promote("churn", "1")
        registry.set_alias("churn", "champion", "1")
        then = registry.get_version("churn", "1").updated_at
    folder = lockgate.use_model("churn")
    assert (folder / "README.md").read_text() == "# A card\n"
    assert lockgate.use_model("churn", version=1) == folder
    assert lockgate.use_model("churn", stage="staging") == folder
    assert lockgate.use_model("default/churn", alias="champion") == folder
    assert lockgate.use_model("churn@champion", at=then) == folder
    assert (tmp_path / "lockgate.artifacts" / "blobs").is_dir()


def test_a_version_is_named_once(out: Path) -> None:
    """Two ways to say which version contradict each other, even when they agree."""
    lockgate.log_model(out, "churn", "1")
    with pytest.raises(InvalidReference):
        lockgate.use_model("churn", version=1, stage="staging")
    with pytest.raises(InvalidReference):
        lockgate.use_model("churn:1", version=1)


def test_a_digest_is_used_without_the_server(out: Path, tmp_path: Path) -> None:
    """Files that are here are used by digest though nobody answers; by name they are not."""
    made = lockgate.log_model(out, "churn", "1")
    folder = lockgate.use_model("churn")
    nobody = lockgate.connect(
        "http://127.0.0.1:1", settings=Settings(cache=str(tmp_path / "cache"), timeout_s=0.2)
    )
    assert nobody.use(f"churn@{made.digest}") == folder
    with pytest.raises(ServerUnreachable):
        nobody.use("churn:1")
    with pytest.raises(ServerUnreachable):
        nobody.use("churn@sha256:" + "0" * 64)


Run = Callable[..., str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command, which must end with ``code``; return what it wrote to standard output."""

    def run_(*arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.run(list(arguments))
        out, err = capsys.readouterr()
        assert ended.value.code == code, err
        return out

    return run_


def test_the_commands(out: Path, tmp_path: Path, run: Run) -> None:
    """Files are pushed, listed, compared, waived, verified, swept and pulled from a terminal."""
    (out / "clf.pkl").write_bytes(b"\x80\x04N.")
    assert run("push", str(out), "churn:1", "--metric", "auc=0.9").startswith("default/churn:1 ")
    (out / "README.md").write_text("# Another\n")
    run("push", str(out), "churn:2")
    assert "code" in run("files", "churn:2")
    change = json.loads(run("diff", "churn:1", "churn:2", "--json"))["diff"]["files"]
    assert {"path": "README.md", "change": "changed"} in change
    run("waive", "churn:2", "clf.pkl", "--reason", "made by us")
    assert "waived by" in run("files", "churn:2")
    assert run("card", "churn:2") == "# Another\n"
    assert run("verify", "--all").startswith("2 versions whole")
    assert "0 bytes would go" in run("gc", "--dry-run")
    run("pull", "churn:2", str(tmp_path / "back"))
    assert (tmp_path / "back" / "README.md").read_text() == "# Another\n"
    run("pull", "churn:2", str(tmp_path / "back"), code=1)
    key = tmp_path / "ci.key"
    run("audit", "keygen", str(key))
    run("sign", "churn:2", "--key", str(key))
    blob = next(path for path in (tmp_path / "lockgate.artifacts" / "blobs").glob("*/*"))
    blob.chmod(0o644)
    blob.write_bytes(b"damaged")
    assert "damaged" in run("verify", "--all", code=6)
