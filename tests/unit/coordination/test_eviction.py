"""What goes from a cache, in which order, and what stays whatever happens."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lockgate.coordination.cache import CacheLimits, ModelCache
from lockgate.coordination.eviction import Candidate, EvictionLimits, evict, plan_evictions
from lockgate.coordination.folders import FolderProvider
from lockgate.coordination.layout import EVICTING, Layout
from lockgate.coordination.memory import MemoryBackend
from lockgate.coordination.readers import has_readers, try_mark_for_eviction
from lockgate.domain.claims import ModelKey, ModelStatus
from lockgate.errors import InvalidInput

BYTES = 1000
LEASE_S = 5.0


class Shelf:
    """A cache with models a, b, c …, used in that order."""

    def __init__(self, root: Path, names: str) -> None:
        self.root, self.sources = root / "cache", root / "sources"
        self.backend = MemoryBackend()
        self.layout = Layout(self.root)
        self.keys: dict[str, ModelKey] = {}
        for name in names:
            folder = self.sources / name
            folder.mkdir(parents=True)
            (folder / "weights.bin").write_bytes(name.encode() * BYTES)
            with self.open() as cache:
                cache.ensure(f"file://{folder}")
                self.keys[name] = cache.key_of(f"file://{folder}")

    def open(self) -> ModelCache:
        limits = CacheLimits(lease_s=1, look_s=0.02, reader_lease_s=LEASE_S)
        return ModelCache(self.root, self.backend, providers=[FolderProvider()], limits=limits)

    def evict(self, bytes_free: int = 10**9, **limits):
        options = {"is_withdrawn": limits.pop("is_withdrawn", lambda _: False)}
        return evict(
            self.layout,
            self.backend,
            EvictionLimits(**limits),
            bytes_free=lambda: bytes_free,
            reader_lease_s=LEASE_S,
            **options,
        )

    def names_left(self) -> str:
        on_disk = {copy.key for copy in self.layout.list_copies()}
        recorded = {record.key for record in self.backend.get_models_by_last_used()}
        assert on_disk == recorded
        return "".join(name for name, key in self.keys.items() if key in on_disk)


def candidates(*unused_s: float) -> list[Candidate]:
    return [Candidate(ModelKey("x", f"m{n}"), s, 100) for n, s in enumerate(unused_s)]


# --- plans -----------------------------------------------------------------------------------


def test_no_limits_evict_nothing():
    """Without limits everything may stay."""
    plan = plan_evictions(candidates(9, 5), EvictionLimits(), bytes_free=0)
    assert (plan.certain, plan.surplus, plan.bytes_needed) == ((), 0, 0)


def test_age_and_withdrawal_are_certain():
    """Too old and withdrawn models go in any case, and say why."""
    old, young = candidates(9, 5)
    gone = Candidate(ModelKey("x", "gone"), 0, 100, is_withdrawn=True)
    plan = plan_evictions([old, young, gone], EvictionLimits(unused_s_max=5), bytes_free=0)
    assert plan.certain == ((old, "unused for 9 s"), (gone, "withdrawn"))
    assert plan.if_needed == (young,)


def test_count_and_room_are_needs():
    """The number beyond the limit and the bytes that are missing are demanded of the rest."""
    plan = plan_evictions(
        candidates(9, 5, 1), EvictionLimits(models_max=1, bytes_free_min=250), bytes_free=30
    )
    assert (plan.surplus, plan.bytes_needed) == (2, 220)
    assert [c.unused_s for c in plan.if_needed] == [9, 5, 1]


@pytest.mark.parametrize("name", ["unused_s_max", "models_max", "bytes_free_min"])
def test_negative_limits_are_refused(name):
    """A limit below zero is the caller's mistake."""
    with pytest.raises(InvalidInput, match=f"{name} is -1, not zero or more"):
        EvictionLimits(**{name: -1})


# --- evictions -------------------------------------------------------------------------------


def test_least_recently_used_go_first(tmp_path):
    """More than N models: the ones unused for longest go, files and records both."""
    shelf = Shelf(tmp_path, "abcd")
    shelf.backend.touch_model(shelf.keys["a"])
    report = shelf.evict(models_max=2)
    assert shelf.names_left() == "ad"
    assert [reason for _, reason in report.evicted] == ["too many models"] * 2
    assert report.bytes_freed == 2 * BYTES


def test_room_is_made(tmp_path):
    """Less than N bytes free: as many go as it takes."""
    shelf = Shelf(tmp_path, "abcd")
    report = shelf.evict(bytes_free=500, bytes_free_min=500 + BYTES + 1)
    assert shelf.names_left() == "cd"
    assert [reason for _, reason in report.evicted] == ["too few bytes free"] * 2


def test_unused_models_go(tmp_path):
    """Unused for longer than N seconds, by the backend's clock."""
    shelf = Shelf(tmp_path, "ab")
    time.sleep(0.05)
    assert shelf.evict(unused_s_max=3600).evicted == []
    shelf.evict(unused_s_max=0.01)
    assert shelf.names_left() == ""


def test_withdrawn_models_go(tmp_path):
    """A revoked version is evicted whatever the limits."""
    shelf = Shelf(tmp_path, "ab")
    shelf.evict(is_withdrawn=lambda key: key == shelf.keys["b"])
    assert shelf.names_left() == "a"


def test_models_in_use_stay_and_others_go_instead(tmp_path):
    """A copy that somebody reads is passed over; released, it may go."""
    shelf = Shelf(tmp_path, "abc")
    with shelf.open() as cache:
        first = cache.ensure(f"file://{shelf.sources / 'a'}")
        cache.ensure(f"file://{shelf.sources / 'a'}")
        assert shelf.evict(models_max=0).in_use == [shelf.keys["a"]]
        assert shelf.names_left() == "a"
        assert (first / "weights.bin").read_bytes() == b"a" * BYTES
        cache.release(first)
        assert shelf.evict(models_max=0).in_use == [shelf.keys["a"]]  # asked for twice
        cache.release(first)
        shelf.evict(models_max=0)
    assert shelf.names_left() == ""


def test_evicted_model_is_downloaded_again(tmp_path):
    """Eviction leaves nothing behind that keeps a model from coming back."""
    shelf = Shelf(tmp_path, "a")
    shelf.evict(models_max=0)
    with shelf.open() as cache:
        path = cache.ensure(f"file://{shelf.sources / 'a'}")
        assert (path / "weights.bin").read_bytes() == b"a" * BYTES
    assert list((shelf.root / "trash").iterdir()) == []


def test_record_of_a_new_download_survives(tmp_path):
    """A record that was claimed again while its files went is left to its new owner."""
    shelf = Shelf(tmp_path, "a")
    key = shelf.keys["a"]

    class Busy(MemoryBackend):
        def try_delete(self, seen):
            assert shelf.backend.try_take_over(shelf.backend.get_model_record(key)) is not None
            return shelf.backend.try_delete(seen)

    busy = Busy()
    busy._records = shelf.backend._records  # the same store, seen at the worst moment
    evict(shelf.layout, busy, EvictionLimits(models_max=0), reader_lease_s=LEASE_S)
    assert shelf.backend.get_status(key) is ModelStatus.DOWNLOADING


def test_copies_without_a_true_record_are_settled(tmp_path):
    """Forgotten and unfinished records of complete copies are put right, and can then go."""
    shelf = Shelf(tmp_path, "ab")
    shelf.backend.delete_model(shelf.keys["a"])
    shelf.backend.set_status(shelf.keys["b"], ModelStatus.DOWNLOADING)
    shelf.evict()
    assert shelf.backend.get_status_counts()[ModelStatus.DOWNLOADED] == 2
    shelf.evict(models_max=0)
    assert shelf.names_left() == ""


def test_other_nodes_copies_are_not_ours(tmp_path):
    """A machine evicts from its own disk only."""
    shelf = Shelf(tmp_path, "a")
    other = ModelKey("file", "x", "1", node="elsewhere")
    shelf.backend.set_status(other, ModelStatus.DOWNLOADED)
    shelf.evict(models_max=0)
    assert [r.key for r in shelf.backend.get_models_by_last_used()] == [other]


def test_abandoned_downloads_are_swept(tmp_path):
    """What nobody will resume goes after a day; what may be resumed stays."""
    shelf = Shelf(tmp_path, "a")
    failed = ModelKey("file", "failed")
    shelf.backend.set_status(failed, ModelStatus.ERROR)
    old, young, kept = (
        shelf.root / "staging" / slug / "00000001-x" for slug in ("old", "young", failed.slug)
    )
    for folder in (old, young, kept):
        folder.mkdir(parents=True)
    for folder in (old, kept):
        os.utime(folder, (0, 0))
    shelf.evict()
    assert [folder.exists() for folder in (old, young, kept)] == [False, True, True]


# --- readers ---------------------------------------------------------------------------------


def test_marked_copy_is_not_found(tmp_path):
    """Nobody begins to read a copy that is on its way out, even if its evictor died."""
    shelf = Shelf(tmp_path, "a")
    [copy] = shelf.layout.list_copies()
    assert try_mark_for_eviction(shelf.layout, copy) is not None
    assert shelf.layout.find_copy(copy.key) is None
    with shelf.open() as cache:
        path = cache.ensure(f"file://{shelf.sources / 'a'}")
    assert path != copy.path
    assert (path / "weights.bin").read_bytes() == b"a" * BYTES


def test_mark_gives_way_to_readers(tmp_path):
    """An evictor that meets a reader's lease takes its mark away again."""
    shelf = Shelf(tmp_path, "a")
    [copy] = shelf.layout.list_copies()
    with shelf.open() as cache:
        cache.ensure(f"file://{shelf.sources / 'a'}")
        assert try_mark_for_eviction(shelf.layout, copy) is None
        assert [n for n in os.listdir(copy.folder) if n.startswith(EVICTING)] == []


def test_leases_of_the_dead_end(tmp_path):
    """A lease without a sign of life ends, unless its process lives on this machine."""
    shelf = Shelf(tmp_path, "a")
    key = shelf.keys["a"]
    folder = shelf.layout.readers(key)
    folder.mkdir(parents=True, exist_ok=True)
    lease = folder / "elsewhere-1-abc"
    lease.touch()
    assert has_readers(shelf.layout, key, lease_s=LEASE_S)
    os.utime(lease, (0, 0))
    assert not has_readers(shelf.layout, key, lease_s=LEASE_S)
    assert not lease.exists()
    with shelf.open() as cache:
        cache.ensure(f"file://{shelf.sources / 'a'}")
        [lease] = folder.iterdir()
        os.utime(lease, (0, 0))  # as if this process had been frozen for long
        assert has_readers(shelf.layout, key, lease_s=LEASE_S)
