"""Owners that die, are replaced, or find their work gone."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from cache_origin import BIG, FILES, KEY, TOTAL, Origin, cache_of, files_below
from lockgate.coordination.journal import PIECE_BYTES
from lockgate.coordination.layout import Layout
from lockgate.domain.claims import Claimed, ModelStatus
from lockgate.errors import Unavailable


def staged_by_the_dead(tmp_path: Path, backend, origin, pieces: int) -> Claimed:
    """Leave a claim and a partial download behind, as an owner does that is killed."""
    from lockgate.coordination.journal import Receiving

    claim = backend.try_claim_for_download(KEY, lease_s=0.3)
    assert isinstance(claim, Claimed)
    staging = Layout(tmp_path).staging(claim)
    for part in ("partial", "journal", "files"):
        (staging / part / "weights").mkdir(parents=True)
    [file] = [f for f in origin.list_files(KEY) if f.path == "weights/a.safetensors"]
    receiving = Receiving(staging / "partial" / file.path, staging / "journal" / file.path, file)
    for number in range(pieces):
        receiving.append(BIG[number * PIECE_BYTES : (number + 1) * PIECE_BYTES])
    receiving.close(durable=False)
    return claim


def test_silent_owner_is_replaced_and_its_bytes_are_kept(tmp_path, backend, origin):
    """A waiter takes over after a lease without a heartbeat and fetches only what is missing."""
    staged_by_the_dead(tmp_path, backend, origin, pieces=2)
    with cache_of(tmp_path, backend, origin) as cache:
        assert files_below(cache.ensure("mem://m")) == FILES
        counts = cache.counts()
    assert origin.bytes_given == TOTAL - 2 * PIECE_BYTES
    assert (counts["takeovers"], counts["bytes_salvaged"]) == (1, 2 * PIECE_BYTES)


def test_damaged_salvage_is_fetched_again(tmp_path, backend, origin):
    """Left bytes are trusted only as far as their journal vouches for them."""
    claim = staged_by_the_dead(tmp_path, backend, origin, pieces=2)
    partial = Layout(tmp_path).staging(claim) / "partial" / "weights" / "a.safetensors"
    damaged = bytearray(partial.read_bytes())
    damaged[PIECE_BYTES + 5] ^= 1
    partial.write_bytes(damaged)
    with cache_of(tmp_path, backend, origin) as cache:
        assert files_below(cache.ensure("mem://m")) == FILES
    assert origin.bytes_given == TOTAL - PIECE_BYTES


def test_salvage_of_other_bytes_is_not_used(tmp_path, backend, origin):
    """What was left under another version of the file is of no use."""
    staged_by_the_dead(tmp_path, backend, origin, pieces=2)
    origin.files["weights/a.safetensors"] = BIG[::-1]
    with cache_of(tmp_path, backend, origin) as cache:
        path = cache.ensure("mem://m")
    assert (path / "weights/a.safetensors").read_bytes() == BIG[::-1]
    assert origin.bytes_given == TOTAL


def test_owner_that_lost_its_claim_publishes_nothing(tmp_path, backend, origin):
    """Once another has the claim, the first one's download stops and it waits like the others."""
    origin.gate.clear()
    cache = cache_of(tmp_path, backend, origin)
    paths = []
    thread = threading.Thread(target=lambda: paths.append(cache.ensure("mem://m")))
    thread.start()
    assert origin.reached.wait(20)
    seen = backend.get_model_record(KEY)
    assert seen is not None
    heir = backend.try_take_over(seen, lease_s=60)
    while heir is None:  # a heartbeat came in between
        heir = backend.try_take_over(backend.get_model_record(KEY), lease_s=60)
    origin.gate.set()
    deadline_s = time.monotonic() + 20
    while not cache.counts().get("claims_taken_away"):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    assert Layout(tmp_path).list_copies() == []
    record = backend.get_model_record(KEY)
    assert record is not None
    assert (record.status, record.holder) == (ModelStatus.DOWNLOADING, heir.holder)
    backend.fail(heir, "given back by the test")
    thread.join()
    cache.close()
    assert files_below(paths[0]) == FILES


def test_published_but_unfinished_download_is_a_hit(tmp_path, backend, origin):
    """An owner that died between its files and its last word costs no second download."""
    with cache_of(tmp_path, backend, origin) as cache:
        cache.ensure("mem://m")
    backend.delete_model(KEY)
    backend.try_claim_for_download(KEY)
    with cache_of(tmp_path, backend, origin) as cache:
        assert files_below(cache.ensure("mem://m")) == FILES
    assert origin.bytes_given == TOTAL


def test_lost_files_are_downloaded_again_once(tmp_path, backend, origin):
    """DOWNLOADED without files is claimed again; the copy that lacks files is cleared away."""
    with cache_of(tmp_path, backend, origin) as cache:
        first = cache.ensure("mem://m")
        (first / "config.json").unlink()
        second = cache.ensure("mem://m")
    assert files_below(second) == FILES
    assert not first.exists()
    assert origin.bytes_given == 2 * TOTAL


def test_files_that_are_lost_again_are_an_error(tmp_path, backend, origin):
    """Callers that share a backend but not the folder are told so instead of taking turns."""
    backend.set_status(KEY, ModelStatus.DOWNLOADED)

    class Forgetful(Origin):
        def list_files(self, key):
            seen = backend.get_model_record(key)
            backend.set_status(key, ModelStatus.DOWNLOADED)  # somebody elsewhere finishes
            assert seen is not None
            return super().list_files(key)

    with cache_of(tmp_path, backend, Forgetful()) as cache:
        with pytest.raises(Unavailable, match="do all who use this backend share that folder"):
            cache.ensure("mem://m")
        assert cache.counts()["takeovers"] == 1
