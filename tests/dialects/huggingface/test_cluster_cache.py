"""The cluster's cache takes our own server for a hub: one download, whoever asks."""

from __future__ import annotations

import threading
from pathlib import Path

from cache_origin import LIMITS, files_below
from hub_world import Hub
from lockgate.coordination.cache import ModelCache
from lockgate.coordination.huggingface import HuggingFaceProvider
from lockgate.coordination.memory import MemoryBackend

FILES = {"config.json": b"{}", "sub/weights.bin": bytes(range(256)) * 20_000, "empty": b""}


def cache_of(hub: Hub, root: Path, backend: MemoryBackend) -> ModelCache:
    """Return the cache of one replica."""
    return ModelCache(
        root, backend, providers=[HuggingFaceProvider(endpoint=hub.endpoint)], limits=LIMITS
    )


def test_replicas_download_a_stage_once(hub: Hub, tmp_path: Path) -> None:
    """Four replicas ensure hf://default/many@production at once; each file is sent once."""
    hub.push("replicas", "1", FILES)
    for _ in range(2):
        hub.registry.promote("replicas", "1")
    hub.wire.seen.clear()
    backend, found = MemoryBackend(), list[dict[str, bytes]]()

    def replica() -> None:
        with cache_of(hub, tmp_path / "shared", backend) as cache:
            found.append(files_below(cache.ensure("hf://default/replicas@production")))

    threads = [threading.Thread(target=replica) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert found == [FILES] * 4
    assert sorted(hub.wire.files()) == ["config.json", "sub/weights.bin"]


def test_a_moved_stage_is_another_model_of_the_cache(hub: Hub, tmp_path: Path) -> None:
    """After a promotion the same reference leads to the files of the new version."""
    hub.push("moves", "1", FILES)
    newer = {**FILES, "config.json": b"[]"}
    hub.push("moves", "2", newer)
    seen = []
    for label in ("1", "2"):
        for _ in range(2):
            hub.registry.promote("moves", label)
        with cache_of(hub, tmp_path / "shared", MemoryBackend()) as cache:
            seen.append(files_below(cache.ensure("hf://default/moves@production")))
    assert seen == [FILES, newer]
