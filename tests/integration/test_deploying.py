"""Deploying from the command line: manifests, the git repository, and what the examples do."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cli_runner import Terminal
from registries import a_server, embedded

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


@pytest.fixture
def lockgate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    """A terminal on churn 1 (in staging) and 2, each with files."""
    terminal = Terminal(tmp_path, capsys, monkeypatch)
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": "ana",
        "GIT_AUTHOR_EMAIL": "ana@example.com",
        "GIT_COMMITTER_NAME": "ana",
        "GIT_COMMITTER_EMAIL": "ana@example.com",
    }.items():
        monkeypatch.setenv(name, value)
    for version in ("1", "2"):
        Path("model").mkdir(exist_ok=True)
        Path("model/weights.txt").write_text(f"weights of {version}")
        assert terminal("push", "model", f"churn:{version}").code == 0
    terminal.done("promote", "churn:1")
    return terminal


def git(*words: str) -> str:
    """Run git in the repository."""
    done = subprocess.run(["git", *words], cwd="repo", capture_output=True, text=True, check=True)
    return done.stdout


def test_manifests_are_rendered(lockgate: Terminal) -> None:
    """To standard output, to a file, as JSON; pinned to the digest that the reference has now."""
    digest = lockgate("version", "show", "churn:1", "--json").json["digest"]
    words = ["deploy", "render", "churn@staging", "--target", "kserve", "--server", "http://r:1"]
    (document,) = yaml.safe_load_all(lockgate.done(*words))
    uri = document["spec"]["predictor"]["model"]["storageUri"]
    assert uri == f"lockgate://default/churn@{digest}"
    assert lockgate(*words, "--json").json == [document]
    lockgate.done(*words, "--output", "churn.yaml")
    assert yaml.safe_load(Path("churn.yaml").read_text()) == document
    refused = lockgate("deploy", "render", "churn:1", "--target", "kserve")
    assert (refused.code, "as the cluster sees it" in refused.err) == (2, True)
    made = lockgate.done("deploy", "storage-container", "--server", "http://r:1")
    assert yaml.safe_load(made)["kind"] == "ClusterStorageContainer"


def test_deployments_are_reported_and_hold_a_version(lockgate: Terminal) -> None:
    """Who uses it is told, and whoever deletes it all the same says why."""
    lockgate.done("deploy", "report", "churn:2", "--environment", "eu", "--target", "a")
    uid = lockgate("deploy", "list", "--json").json["items"][0]["uid"]
    assert "eu/a" in lockgate.done("deploy", "list", "--model", "churn")
    assert "deployment" in lockgate.done("deploy", "users", "churn:2")
    refused = lockgate("version", "delete", "churn:2")
    assert (refused.code, "deployed to eu/a" in refused.err) == (1, True)
    assert lockgate("version", "delete", "churn:2", "--force").code == 2
    lockgate.done("deploy", "heartbeat", uid)
    lockgate.done("deploy", "end", uid)
    lockgate.done("version", "delete", "churn:2")


def test_all_that_holds_a_version_is_named_at_once(lockgate: Terminal) -> None:
    """Where it stands, what it is called, and who runs it."""
    lockgate.done("promote", "churn:1")
    lockgate.done("alias", "set", "churn", "champion", "1")
    lockgate.done("deploy", "report", "churn:1", "--environment", "eu", "--target", "a")
    refused = lockgate("version", "delete", "churn:1")
    assert refused.code == 1
    for told in ("stands in Production", "alias 'champion'", "deployed to eu/a"):
        assert told in refused.err


def test_a_deployed_version_keeps_its_files(lockgate: Terminal) -> None:
    """Deleted by force, it is passed over by the sweep until its deployment has ended."""
    lockgate.done("deploy", "report", "churn:2", "-e", "eu")
    lockgate.done("version", "delete", "churn:2", "--force", "--reason", "a mistake")
    with embedded(lockgate.url) as registry:
        with registry._store.database.driver.writing() as connection:
            connection.execute("UPDATE versions SET deleted_at = 1 WHERE deleted_at IS NOT NULL")
        for dry_run in (True, False):
            collected = registry.gc(dry_run=dry_run)
            assert (collected.versions, collected.in_use) == ((), ("default/churn:2",))
        registry.end_deployment(registry.list_deployments()[0].uid)
        collected = registry.gc()
        assert (collected.versions, collected.in_use) == (("default/churn:2",), ())


def test_a_repository_is_kept_in_step(lockgate: Terminal) -> None:
    """A commit for each reference that has changed, none when nothing has."""
    Path("repo").mkdir()
    git("init", "--quiet", "--initial-branch", "main")
    Path("repo/unrelated.txt").write_text("not ours")
    words = ["gitops", "sync", "repo", "churn@staging", "churn@latest", "--json"]
    first = lockgate(*words).json
    assert [each["reference"] for each in first["commits"]] == [
        "default/churn@staging",
        "default/churn@latest",
    ]
    assert lockgate(*words).json["commits"] == []
    lockgate.done("promote", "churn:2")
    (moved,) = lockgate("gitops", "sync", "repo", "churn@latest", "churn:2", "--json").json[
        "commits"
    ]
    assert moved["reference"] == "default/churn:2"
    digest = lockgate("version", "show", "churn:1", "--json").json["digest"]
    written = yaml.safe_load(Path("repo/models/default/churn-staging.yaml").read_text())
    assert written == {
        "reference": "default/churn@staging",
        "version": "default/churn:1",
        "digest": digest,
        "pinned": f"default/churn@{digest}",
    }
    assert len(git("log", "--oneline").splitlines()) == 3
    assert git("status", "--porcelain").split() == ["??", "unrelated.txt"]


def test_what_is_committed_is_pushed(lockgate: Terminal) -> None:
    """Also what an earlier run could not push."""
    subprocess.run(["git", "init", "--quiet", "--bare", "far.git"], check=True)
    subprocess.run(["git", "clone", "--quiet", "far.git", "repo"], check=True, capture_output=True)
    git("config", "push.default", "current")
    lockgate.done("gitops", "sync", "repo", "churn@staging")
    lockgate.done("gitops", "sync", "repo", "churn@staging", "--push")
    assert git("ls-remote", "origin").split()[0] == git("rev-parse", "HEAD").strip()
    outside = lockgate("gitops", "sync", "repo", "churn@latest", "--folder", "../..")
    assert (outside.code, "outside the repository" in outside.err) == (2, True)
    Path("plain").mkdir()
    refused = lockgate("gitops", "sync", "plain", "churn@latest")
    assert refused.code == 2


def test_the_initializer_fills_the_folder(
    lockgate: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What KServe's init container runs: the files of the digest, in the folder itself, twice."""
    words = ["deploy", "render", "churn:2", "--target", "kserve", "--server", "http://r:1"]
    (document,) = json.loads(lockgate.done(*words, "--json"))
    uri = document["spec"]["predictor"]["model"]["storageUri"]
    monkeypatch.setenv("LOCKGATE_URL", lockgate.url)
    monkeypatch.setenv("LOCKGATE_ACTOR", "kserve")
    folder = tmp_path / "volume"
    folder.mkdir()
    initializer = runpy.run_path(str(EXAMPLES / "kserve" / "initializer.py"))
    for _ in range(2):
        initializer["main"](uri, str(folder))
        assert [path.name for path in folder.iterdir()] == ["weights.txt"]
    assert (folder / "weights.txt").read_text() == "weights of 2"
    assert "kserve" in lockgate.done("deploy", "users", "churn:2")


@pytest.mark.parametrize("promote", ["false", "true"])
def test_the_steps_of_the_action_run(tmp_path: Path, promote: str) -> None:
    """In a shell, against a server: the digest is put out, and an open gate is gone through."""
    action = yaml.safe_load((EXAMPLES / "ci" / "lockgate-gate" / "action.yml").read_text())
    (step,) = action["runs"]["steps"]
    script = step["run"].replace('python -m pip install --quiet "$PACKAGE"', "true")
    assert script != step["run"]
    with a_server() as server, server.serving(embedded()) as registry:
        (tmp_path / "weights.txt").write_text("weights")
        made = registry.push(tmp_path / "weights.txt", "churn", "1")
        registry.promote("churn", "1")
        output = tmp_path / "output"
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "LOCKGATE_URL": server.url,
                "LOCKGATE_ACTOR": "ci",
                "VERSION": "churn:1",
                "STAGE": "production",
                "PROMOTE": promote,
                "PACKAGE": "lockgate",
                "RUN_URL": "https://github.example/runs/7",
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert output.read_text() == f"digest={made.digest}\n"
        stage = registry.get_version("churn", "1").stage
        assert stage == ("Production" if promote == "true" else "Staging")


def test_the_jobs_of_gitlab_run(tmp_path: Path) -> None:
    """The scripts of both jobs, in their order, against a server; the report is JUnit's."""
    jobs = yaml.safe_load((EXAMPLES / "ci" / "gitlab-lockgate.yml").read_text())
    scripts = [*jobs[".lockgate-gate"]["script"], *jobs[".lockgate-promote"]["script"]]
    with a_server() as server, server.serving(embedded()) as registry:
        registry.register_model("churn", "1")
        registry.promote("churn", "1")
        done = subprocess.run(
            ["sh", "-e", "-c", "\n".join(scripts)],
            cwd=tmp_path,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "LOCKGATE_URL": server.url,
                "LOCKGATE_ACTOR": "ci",
                "VERSION": "churn:1",
                "STAGE": "production",
                "CI_PIPELINE_URL": "https://gitlab.example/pipelines/7",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert registry.get_version("churn", "1").stage == "Production"
    assert (tmp_path / "gate.xml").read_text().startswith("<?xml")


def test_the_action_is_one_that_github_reads() -> None:
    """A composite action whose steps take their inputs from the environment alone."""
    action = yaml.safe_load((EXAMPLES / "ci" / "lockgate-gate" / "action.yml").read_text())
    assert action["runs"]["using"] == "composite"
    for step in action["runs"]["steps"]:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]
        assert "--format github" in step["run"]
    jobs = yaml.safe_load((EXAMPLES / "ci" / "gitlab-lockgate.yml").read_text())
    assert jobs[".lockgate-gate"]["artifacts"]["reports"] == {"junit": "gate.xml"}
    assert {jobs[name]["extends"] for name in jobs if name != ".lockgate-gate"} == {
        ".lockgate-gate"
    }
