"""What every coordination backend does under rivals, damage and absence."""

# ruff: noqa: F811 - fixtures are imported, then asked for by the same name

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from coordination_places import (  # noqa: F401 - the fixtures are asked for by name
    DOWNLOADED,
    DOWNLOADING,
    ERROR,
    KEY,
    api_server,
    backend,
    damaged,
    lockgate_server,
    postgres,
    require_claim,
    require_record,
    shared,
    valkey,
)
from coordination_servers import free_port

from lockgate.coordination import create_registry_backend, redacted
from lockgate.coordinators import open_coordination
from lockgate.domain.claims import Claimed, ModelKey
from lockgate.errors import CoordinatorUnavailable, InvalidInput

RACER = Path(__file__).parent / "coordination_racer.py"
PROCESSES, CLAIMED_MODELS, MODELS = 16, 50, 20

# --- races -----------------------------------------------------------------------------------


def run_race(url: str, contest: str, models: int = MODELS) -> list[int]:
    done = subprocess.run(
        [sys.executable, str(RACER), url, contest, str(PROCESSES), str(models)],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return json.loads(done.stdout)


def raced_keys() -> list[ModelKey]:
    return [ModelKey("hf", f"org/raced-{number}", "main") for number in range(MODELS)]


def test_many_processes_claim_and_one_wins_each_model(shared):
    """Of many processes that claim many models at once, each model has exactly one owner."""
    assert run_race(shared.url, "claim", CLAIMED_MODELS) == [1] * CLAIMED_MODELS


def test_many_processes_retry_and_one_wins_each_model(shared):
    """Of many processes that retry failures at once, each failure has exactly one retry."""
    backend = open_coordination(shared.url)
    for key in raced_keys():
        backend.set_status(key, ERROR, "failed")
    assert run_race(shared.url, "retry") == [1] * MODELS
    assert backend.get_status_counts() == {DOWNLOADING: MODELS, DOWNLOADED: 0, ERROR: 0}
    backend.close()


def test_many_processes_take_over_and_one_wins_each_model(shared):
    """Of many waiters that saw the same silent owner, exactly one takes over."""
    backend = open_coordination(shared.url)
    for key in raced_keys():
        require_claim(backend, key)
    assert run_race(shared.url, "take_over") == [1] * MODELS
    assert {require_record(backend, key).fence for key in raced_keys()} == {2}
    backend.close()


def test_many_threads_claim_and_one_wins_each_model(backend):
    """A backend object is shared by threads, and still each model has exactly one owner."""
    keys, wins, start = raced_keys(), [], threading.Barrier(8)

    def claim_all() -> None:
        start.wait(30)
        for key in keys:
            if isinstance(backend.try_claim_for_download(key), Claimed):
                wins.append(key)

    threads = [threading.Thread(target=claim_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wins, key=str) == sorted(keys, key=str)


def test_concurrent_touches_lose_no_heartbeat(shared):
    """Uses noted by others never undo an owner's signs of life."""
    backend = open_coordination(shared.url)
    claim = require_claim(backend)

    def touch() -> None:
        for _ in range(25):
            backend.touch_model(KEY)

    threads = [threading.Thread(target=touch) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(25):
        backend.heartbeat(claim)
    for thread in threads:
        thread.join()
    assert require_record(backend).heartbeat == 25
    backend.close()


# --- damage and absence ----------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Skipped the unreadable")
def test_unreadable_record_is_skipped_and_replaced(damaged):
    """A damaged record is as good as absent: not listed, and the next claim wins."""
    assert damaged.get_status(KEY) is None
    assert [r.key.model for r in damaged.get_models_by_last_used()] == ["good"]
    assert [r.key.model for r in damaged.get_models_by_last_used(1)] == ["good"]
    require_claim(damaged)
    assert require_record(damaged).status is DOWNLOADING
    assert damaged.get_status_counts() == {DOWNLOADING: 1, DOWNLOADED: 1, ERROR: 0}


def test_unreadable_record_is_warned_of(damaged):
    """Skipping is never silent."""
    with pytest.warns(UserWarning, match="^Skipped the unreadable"):
        damaged.get_models_by_last_used()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cret@127.0.0.1:{port}/x",
        "redis://me:s3cret@127.0.0.1:{port}/0",
        "redis+cluster://me:s3cret@127.0.0.1:{port}",
        "kubernetes://ns?kubeconfig=/nowhere/at/all",
        "sqlite:////nowhere/at/all/cache.sqlite",
    ],
)
def test_absent_backend_fails_fast_without_telling_the_password(url):
    """A backend that does not answer is named at once, with its secrets left out."""
    url = url.format(port=free_port())
    with pytest.raises(CoordinatorUnavailable) as caught:
        create_registry_backend(url)
    assert redacted(url) in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "redis", "mysql://me:s3cret@host/x", "etcd://host"])
def test_unknown_kinds_of_url_are_refused(url):
    """A URL of no known kind is the caller's fault, and the known kinds are told."""
    with pytest.raises(InvalidInput, match="is no coordination URL; known: memory://") as caught:
        create_registry_backend(url)
    assert "s3cret" not in str(caught.value)
