"""``lockgate cache``, run as users run it."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from cli_runner import Ended, Terminal, environment, program
from lockgate.coordination import create_registry_backend
from lockgate.domain.claims import Claimed, ModelKey, Progress
from lockgate.registry import Registry
from registries import embedded

WEIGHTS = bytes(range(256)) * 4000


class CacheTerminal(Terminal):
    """A terminal whose cache lies in a folder of the test's own."""

    def __init__(self, folder: Path, *rest) -> None:
        super().__init__(folder, *rest)
        self.root = folder / "cache"
        self.records = f"sqlite:///{folder}/records.sqlite"

    def cache(self, verb: str, *arguments: str) -> Ended:
        where = ("--root", str(self.root), "--coordination", self.records)
        return self("cache", verb, *arguments, *where)


@pytest.fixture
def terminal(tmp_path, capsys, monkeypatch) -> CacheTerminal:
    return CacheTerminal(tmp_path, capsys, monkeypatch)


@pytest.fixture
def registry(terminal, tmp_path) -> Registry:
    """The registry behind the terminal, with churn 1.0.0 in Production."""
    pushed = tmp_path / "pushed"
    pushed.mkdir()
    (pushed / "config.json").write_text("{}")
    (pushed / "model.bin").write_bytes(WEIGHTS)
    with embedded(terminal.url, cache=str(tmp_path / "own")) as opened:
        opened.push(pushed, "churn", "1.0.0")
        opened.transition("churn", "1.0.0", "Staging")
        opened.promote("churn", "1.0.0")
        yield opened


def test_ensure_prints_where_the_files_are(terminal, registry):
    """The first call downloads, the second finds; both print the folder alone."""
    first = terminal.cache("ensure", "churn@production")
    path = Path(first.out.strip())
    assert first.code == 0
    assert "downloaded: lockgate://default/churn@sha256:" in first.err
    assert (path / "model.bin").read_bytes() == WEIGHTS
    second = terminal.cache("ensure", "churn@production", "--json")
    assert second.err == ""
    assert second.json == {
        "reference": "churn@production",
        "path": str(path),
        "hit": True,
        "bytes_fetched": 0,
    }


def test_list_status_touch_and_rm(terminal, registry):
    """A model is listed with its id, shown, used and removed, by reference or by id."""
    digest = registry.resolve("churn").digest
    terminal.cache("ensure", "churn")
    terminal.cache("ensure", "churn", "--ignore-weights")
    [full, light] = terminal.cache("list", "--json").json["items"]
    assert (full["revision"], light["revision"]) == (digest, f"{digest}+without-weights")
    assert (full["status"], full["model"]) == ("DOWNLOADED", "default/churn")
    shown = terminal.cache("status", "churn", "--json").json
    assert (shown["id"], shown["bytes"]) == (full["id"], 2 + len(WEIGHTS))
    assert terminal.cache("touch", full["id"][:8], "--id").code == 0
    order = [each["id"] for each in terminal.cache("list", "--json").json["items"]]
    assert order == [light["id"], full["id"]]
    removed = terminal.cache("rm", "churn", "--json").json
    assert removed == {"id": full["id"], "bytes_freed": 2 + len(WEIGHTS)}
    assert not Path(shown["path"]).exists()
    assert [each["id"] for each in terminal.cache("list", "--json").json["items"]] == [light["id"]]


@pytest.mark.parametrize("verb", ["status", "touch", "rm"])
def test_what_nobody_asked_for_is_not_found(terminal, registry, verb):
    """A model without record and files is exit code 3, by reference and by id."""
    for arguments in (("churn",), ("abc", "--id")):
        ended = terminal.cache(verb, *arguments)
        assert (ended.code, ended.out) == (3, "")


def test_list_is_a_table_for_people(terminal, registry):
    """Columns are aligned and never cut in a pipe; remarks go to standard error."""
    terminal.cache("ensure", "churn")
    ended = terminal.cache("list")
    heading, row = ended.out.splitlines()
    assert heading.split() == ["ID", "MODEL", "STATUS", "USED", "MESSAGE"]
    assert row.split()[1:3] == [
        f"lockgate://default/churn@{registry.resolve('churn').digest}",
        "DOWNLOADED",
    ]
    assert ended.err == "1 model.\n"


def test_what_is_downloaded_is_not_removed_unless_forced(terminal):
    """A download under way is in use; --force takes it from its owner."""
    backend = create_registry_backend(terminal.records)
    claim = backend.try_claim_for_download(ModelKey("hf", "org/m", "1"))
    assert isinstance(claim, Claimed)
    backend.heartbeat(claim, Progress(5, 10))
    assert "DOWNLOADING 5 B of 10 B" in terminal.cache("list").out
    refused = terminal.cache("rm", claim.key.id, "--id")
    assert (refused.code, "it is being downloaded" in refused.err) == (1, True)
    assert terminal.cache("rm", claim.key.id, "--id", "--force").code == 0
    assert backend.get_status(claim.key) is None
    backend.close()


def test_evict_needs_to_be_told_what(terminal):
    """Without a limit nothing is evicted, and the options are named."""
    ended = terminal.cache("evict")
    assert (ended.code, "--unused-s, --models-max" in ended.err) == (2, True)


def test_evict_makes_room(terminal, registry):
    """Beyond N models the least recently used one goes, and the report says why."""
    terminal.cache("ensure", "churn")
    terminal.cache("ensure", "churn", "--ignore-weights")
    [full, light] = terminal.cache("list", "--json").json["items"]
    report = terminal.cache("evict", "--models-max", "1", "--json").json
    assert [(each["id"], each["reason"]) for each in report["evicted"]] == [
        (full["id"], "too many models")
    ]
    assert (report["in_use"], report["bytes_freed"]) == ([], 2 + len(WEIGHTS))
    assert [each["id"] for each in terminal.cache("list", "--json").json["items"]] == [light["id"]]


def test_evict_takes_what_was_withdrawn(terminal, registry):
    """An archived version goes when asked for, whatever the limits; before, it stays."""
    terminal.cache("ensure", "churn")
    assert terminal.cache("evict", "--withdrawn", "--json").json["evicted"] == []
    registry.archive("churn", "1.0.0")
    [gone] = terminal.cache("evict", "--withdrawn", "--json").json["evicted"]
    assert gone["reason"] == "withdrawn"
    assert terminal.cache("status", "churn:1.0.0").code == 3


def test_watch_tells_and_evicts_within_a_round(terminal, registry):
    """Each round says what changed, as JSON lines if asked for, and takes what was withdrawn."""
    terminal.cache("ensure", "churn")
    registry.archive("churn", "1.0.0")
    watched = terminal.cache("watch", "--rounds", "2", "--every-s", "0.05", "--json")
    events = [json.loads(line) for line in watched.out.splitlines()]
    assert [event["event"] for event in events] == ["record", "evicted"]
    assert events[1]["reason"] == "withdrawn"
    assert terminal.cache("list", "--json").json["items"] == []


def test_watch_outlives_a_registry_that_is_away(terminal, registry):
    """What is withdrawn has to wait for the registry; the limits have not."""
    terminal.cache("ensure", "churn")
    terminal.url = "http://127.0.0.1:9"
    watched = terminal.cache("watch", "--rounds", "1", "--models-max", "0")
    assert watched.code == 0
    downloaded, away, evicted = watched.out.splitlines()
    assert downloaded.startswith("downloaded lockgate://default/churn@sha256:")
    assert away.startswith("unavailable: No answer from http://127.0.0.1:9")
    assert evicted.endswith(": too many models")


def test_limits_are_settings(terminal, registry, monkeypatch):
    """What the environment says holds for what the command line leaves out."""
    monkeypatch.setenv("LOCKGATE_CACHE_MODELS_MAX", "5")
    monkeypatch.setenv("LOCKGATE_CACHE_ROOT", str(terminal.root))
    monkeypatch.setenv("LOCKGATE_COORDINATION", terminal.records)
    assert terminal("cache", "ensure", "churn").code == 0
    assert terminal("cache", "evict", "--json").json["evicted"] == []
    monkeypatch.setenv("LOCKGATE_CACHE_MODELS_MAX", "0")
    assert terminal("cache", "evict").code == 2


def test_stats_sum_up_processes_that_are_gone(terminal, registry):
    """Every run adds to the counts of the folder."""
    for _ in range(3):
        terminal.cache("ensure", "churn")
    size = 2 + len(WEIGHTS)
    stats = terminal.cache("stats", "--json").json
    assert stats["models"] == {"DOWNLOADING": 0, "DOWNLOADED": 1, "ERROR": 0}
    assert stats["on_disk"] == {"models": 1, "bytes": size}
    told = {name: stats["totals"][name] for name in ("hits", "misses", "claims_won")}
    assert told == {"hits": 2, "misses": 1, "claims_won": 1}
    assert (stats["totals"]["bytes_fetched"], stats["totals"]["bytes_saved"]) == (size, 2 * size)
    assert "hits           2" in terminal.cache("stats").out


def test_coordination_that_is_away_is_exit_code_4(terminal):
    """A backend that does not answer is told of, without its password."""
    arguments = ("--root", str(terminal.root), "--coordination", "redis://:s3cret@127.0.0.1:9/0")
    ended = terminal("cache", "list", *arguments)
    assert ended.code == 4
    assert "The coordination backend does not answer: redis://***@127.0.0.1:9/0" in ended.err
    assert "s3cret" not in ended.err


def test_watch_serves_metrics(terminal, registry, tmp_path):
    """Prometheus reads the counts of the folder and of the backend from the watcher."""
    terminal.cache("ensure", "churn")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["--url", terminal.url, "cache", "watch", "--metrics-port", str(port)]
    where = ["--root", str(terminal.root), "--coordination", terminal.records]
    watcher = subprocess.Popen(
        program(*command, *where), cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL
    )
    try:
        text = read_metrics(f"http://127.0.0.1:{port}/metrics", watcher)
    finally:
        watcher.terminate()
        watcher.wait()
    found = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    expected = {
        "lockgate_cache_up": 1,
        'lockgate_cache_models{status="downloaded"}': 1,
        "lockgate_cache_claims_won_total": 1,
        "lockgate_cache_fetched_bytes_total": 2 + len(WEIGHTS),
        "lockgate_cache_wait_seconds_count": 1,
    }
    assert {name: float(found[name]) for name in expected} == expected


def read_metrics(url: str, watcher: subprocess.Popen[bytes]) -> str:
    deadline_s = time.monotonic() + 60
    while time.monotonic() < deadline_s:
        assert watcher.poll() is None
        try:
            return httpx.get(url, trust_env=False).text
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the watcher never listened")
