"""One download for however many want it, and what they are told."""

from __future__ import annotations

import threading
import time

import pytest

from cache_origin import FILES, KEY, TOTAL, Outage, cache_of, files_below
from lockgate.coordination.cache import ModelCache
from lockgate.domain.claims import ModelStatus, Progress
from lockgate.errors import InvalidInput


def test_miss_downloads_and_hit_does_not(tmp_path, backend, origin):
    """The first to ask downloads every file, the second finds them; both get the same folder."""
    with cache_of(tmp_path, backend, origin) as cache:
        paths = [cache.ensure("mem://m") for _ in range(2)]
        counts = cache.counts()
    assert files_below(paths[0]) == FILES
    assert paths[0] == paths[1]
    assert (origin.bytes_given, origin.lists) == (TOTAL, 1)
    assert (counts["misses"], counts["hits"], counts["claims_won"]) == (1, 1, 1)
    assert (counts["bytes_fetched"], counts["bytes_saved"]) == (TOTAL, TOTAL)
    record = backend.get_model_record(KEY)
    assert record is not None
    assert record.status is ModelStatus.DOWNLOADED
    assert [folder.name for folder in (tmp_path / "staging").rglob("*")] == [KEY.slug]


def test_hit_needs_no_backend(tmp_path, backend, origin):
    """What is on the disk is returned whether the backend answers or not."""
    with cache_of(tmp_path, backend, origin) as cache:
        cache.ensure("mem://m")
    with cache_of(tmp_path, Outage(backend, always=True), origin) as cache:
        assert files_below(cache.ensure("mem://m")) == FILES
        cache.close()
        assert cache.counts()["uses_unnoted"] == 1


def test_hits_are_uses(tmp_path, backend, origin):
    """A hit moves the model to the end of the order of use."""
    with cache_of(tmp_path, backend, origin) as cache:
        for name in ("a", "b", "a"):
            cache.ensure(f"mem://{name}")
    assert [r.model_name for r in backend.get_models_by_last_used()] == ["b", "a"]


def test_many_threads_and_caches_download_once(tmp_path, backend, origin):
    """Of all who ask at once, one downloads and the others wait; they are told what goes on."""
    origin.gate.clear()
    caches = [cache_of(tmp_path, backend, origin) for _ in range(4)]
    paths, events = [], []

    def ask(cache: ModelCache) -> None:
        paths.append(cache.ensure("mem://m", on_event=events.append))

    threads = [threading.Thread(target=ask, args=(cache,)) for cache in caches * 3]
    for thread in threads:
        thread.start()
    assert origin.reached.wait(20)
    deadline_s = time.monotonic() + 20
    while not any(e.state == "waiting" and e.progress and e.progress.bytes_done for e in events):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    origin.gate.set()
    for thread in threads:
        thread.join()
    for cache in caches:
        cache.close()
    assert len(paths) == 12
    assert len(set(paths)) == 1
    assert origin.bytes_given == TOTAL
    assert {event.state for event in events} >= {"waiting", "downloading", "downloaded"}


def test_without_weights_is_another_model(tmp_path, backend, origin):
    """Leaving the weights out is part of the key, and of nothing else."""
    with cache_of(tmp_path, backend, origin) as cache:
        small = cache.ensure("mem://m", ignore_weights=True)
        assert set(files_below(small)) == {"config.json", "empty.txt"}
        assert files_below(cache.ensure("mem://m")) == FILES
    assert len(backend.get_models_by_last_used()) == 2


def test_every_node_has_its_own(tmp_path, backend, origin):
    """With a disk for each machine there is one download for each machine."""
    for node in ("a", "b", "a"):
        root = tmp_path / node
        with cache_of(root, backend, origin, scope="node", node=node) as cache:
            assert files_below(cache.ensure("mem://m")) == FILES
    assert origin.bytes_given == 2 * TOTAL
    assert {record.key.node for record in backend.get_models_by_last_used()} == {"a", "b"}


def test_progress_reaches_the_record(tmp_path, backend, origin):
    """The owner's heartbeat tells everyone how far it is."""
    origin.gate.clear()
    cache = cache_of(tmp_path, backend, origin)
    thread = threading.Thread(target=lambda: cache.ensure("mem://m"))
    thread.start()
    assert origin.reached.wait(20)
    deadline_s = time.monotonic() + 20
    while (record := backend.get_model_record(KEY)) is None or record.heartbeat < 2:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    origin.gate.set()
    thread.join()
    cache.close()
    assert isinstance(record.progress, Progress)
    assert record.progress.bytes_total == TOTAL
    assert 0 < record.progress.bytes_done < TOTAL


def test_unknown_scheme_names_the_known_ones(tmp_path, backend, origin):
    """A reference that no provider takes says which there are."""
    with cache_of(tmp_path, backend, origin) as cache:
        with pytest.raises(InvalidInput, match="no provider for 'ftp' here; there are: mem"):
            cache.ensure("ftp://x")
        with pytest.raises(InvalidInput, match="no provider for 'lockgate' here"):
            cache.ensure("churn@production")
