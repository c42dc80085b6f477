"""What goes and what stays: sweeps, restores, damage and repair, and pushes in between."""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lockgate.artifacts.local import LocalStore
from lockgate.artifacts.pushing import hash_tree
from lockgate.artifacts.store import BlobStore, Data
from lockgate.bootstrap import acting, open_store
from lockgate.errors import (
    BlobNotFound,
    BlobStoreUnavailable,
    Conflict,
    Corrupt,
    DigestMismatch,
)
from lockgate.registry import Registry
from lockgate.services import publishing
from lockgate.services.depot import Depot, DepotRules
from lockgate.settings import Settings
from lockgate.storage import artifacts as rows
from racing import run_together

DAY = timedelta(days=1)


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[Registry]:
    """A registry with a local store, at a time that the test decides."""
    settings = Settings(
        database=database_url, artifacts=str(tmp_path / "store"), cache=str(tmp_path / "cache")
    )
    with Registry(open_store(database_url, settings, clock), acting(settings, "ana")) as opened:
        yield opened


def folder(tmp_path: Path, name: str, **files: str) -> Path:
    """A folder of text files."""
    made = tmp_path / name
    made.mkdir()
    for file, text in files.items():
        (made / f"{file}.txt").write_text(text)
    return made


def age(registry: Registry, days: float = 2) -> None:
    """Make every blob and manifest look so old, but nothing that is being written."""
    store = registry.depot.blobs
    store = getattr(store, "_store", store)  # the one that a fake of ours stands before
    assert isinstance(store, LocalStore)
    then = time.time() - days * 86_400
    for path in (*store.root.glob("blobs/*/*"), *store.root.glob("manifests/*/*")):
        with contextlib.suppress(FileNotFoundError):
            os.utime(path, (then, then))


def stored(registry: Registry) -> set[str]:
    """The digests of every blob and manifest in the store."""
    store = registry.depot.blobs
    return {item.name for item in (*store.list_blobs(), *store.list_manifests())}


def test_what_no_version_names_goes(registry: Registry, tmp_path: Path) -> None:
    """A preview names exactly what a sweep then takes, and what a version needs stays."""
    made = registry.push(folder(tmp_path, "a", one="first", two="second"), "churn", "1")
    kept = stored(registry)
    lost = hash_tree(folder(tmp_path, "b", three="no version names this"))
    registry.depot.blobs.put_many([(next(iter(lost.chunk_sizes)), b"no version names this")])
    registry.keep_manifest(lost.encoded)
    age(registry)
    preview = registry.gc(dry_run=True)
    assert {item.name for item in preview.leftovers} == stored(registry) - kept
    assert preview.bytes_freed == lost.size + len(lost.encoded)
    assert kept < stored(registry)
    swept = registry.gc()
    assert (swept.leftovers, swept.count) == (preview.leftovers, 2)
    assert swept.bytes_freed == preview.bytes_freed
    assert stored(registry) == kept
    assert registry.verify_artifacts().ok
    assert registry.get_version("churn", "1") == made


def test_what_is_young_stays(registry: Registry, tmp_path: Path) -> None:
    """A chunk that was just sent stays, though nothing names it yet."""
    lost = hash_tree(folder(tmp_path, "b", three="under way"))
    registry.depot.blobs.put_many([(next(iter(lost.chunk_sizes)), b"under way")])
    found = registry.gc()
    assert (found.count, found.young_bytes) == (0, len(b"under way"))
    assert stored(registry) == set(lost.chunk_sizes)


def test_a_deleted_version_can_be_restored_for_a_time(
    registry: Registry, tmp_path: Path, clock: Clock
) -> None:
    """Its files stay as long as it can be restored; afterwards they go and it cannot."""
    made = registry.push(folder(tmp_path, "a", one="mine", both="shared"), "churn", "1")
    other = registry.push(folder(tmp_path, "b", two="theirs", both="shared"), "churn", "2")
    registry.delete_version("churn", "1")
    age(registry)
    clock.now += 29 * DAY
    assert registry.gc().count == 0
    assert registry.restore_version("churn", "1").digest == made.digest
    assert registry.verify_artifacts("churn:1").ok
    registry.delete_version("churn", "1")
    clock.now += 31 * DAY
    assert registry.gc(dry_run=True).versions == ("default/churn:1",)
    assert registry.gc().versions == ("default/churn:1",)
    needed = hash_tree(tmp_path / "b")
    assert stored(registry) == {needed.digest, *needed.chunk_sizes}
    with pytest.raises(Conflict, match="has swept its files"):
        registry.restore_version("churn", "1")
    assert [event.action for event in registry.audit().items][-1] == "purge_version"
    assert registry.verify_audit().ok
    assert registry.verify_artifacts().versions == 1
    assert registry.get_version("churn", "2") == other


def test_a_deleted_model_takes_its_files_along(
    registry: Registry, tmp_path: Path, clock: Clock
) -> None:
    """The versions of a model that was deleted long ago are purged, and it stays deleted."""
    registry.push(folder(tmp_path, "a", one="mine"), "churn", "1")
    registry.delete_model("churn")
    age(registry)
    clock.now += 31 * DAY
    assert registry.gc().versions == ("default/churn:1",)
    assert stored(registry) == set()
    with pytest.raises(Conflict, match="has swept its files"):
        registry.restore_model("churn")
    assert registry.verify_audit().ok


def test_the_wrong_store_is_not_swept(registry: Registry, tmp_path: Path) -> None:
    """When a manifest that a version needs is not there, nothing at all is deleted."""
    made = registry.push(folder(tmp_path, "a", one="mine"), "churn", "1")
    registry.depot.blobs.delete_manifest(made.digest or "")
    age(registry)
    left = stored(registry)
    store = registry.depot.blobs
    fresh = Depot(lambda: store, DepotRules())
    registry._store.depot, before = fresh, registry._store.depot
    with pytest.raises(Corrupt, match="nothing is swept"):
        registry.gc()
    registry._store.depot = before
    assert stored(registry) == left


def test_damage_is_found_refused_and_repaired(registry: Registry, tmp_path: Path) -> None:
    """A flipped byte stops a pull, naming file and chunk; verify finds it; a push repairs it."""
    path = folder(tmp_path, "a", one="x" * 5000, two="whole")
    registry.push(path, "churn", "1")
    entry = hash_tree(path).files[0]
    digits = entry.chunks[0].digest.partition(":")[2]
    store = registry.depot.blobs
    assert isinstance(store, LocalStore)
    blob = store.root / "blobs" / digits[:2] / digits
    blob.write_bytes(b"y" + blob.read_bytes()[1:])
    with pytest.raises(DigestMismatch, match=r"Chunk 0 of file 'one\.txt'"):
        registry.pull("churn:1", tmp_path / "back")
    assert not (tmp_path / "back").exists()
    (fault,) = registry.verify_artifacts("churn:1").faults
    assert (fault.path, fault.chunk, fault.kind) == ("one.txt", 0, "damaged")
    (fault,) = registry.verify_artifacts("churn:1").faults
    assert fault.kind == "missing"
    registry.push(path, "churn", "1")
    assert registry.verify_artifacts("churn:1").ok
    registry.pull("churn:1", tmp_path / "back")


class Sweeping:
    """A store in which somebody sweeps a chunk between its arrival and the seal, a few times."""

    def __init__(self, store: BlobStore, times: int, sweep: object) -> None:
        self._store = store
        self._left = times
        self._sweep = sweep

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def put_manifest(self, digest: str, data: bytes) -> None:
        """After the chunks were seen and before the version is named."""
        self._store.put_manifest(digest, data)
        if self._left:
            self._left -= 1
            assert callable(self._sweep)
            self._sweep()


def test_swept_before_the_seal(registry: Registry, tmp_path: Path) -> None:
    """Chunks that a sweep took after they were seen are sent again before the version is named."""
    path = folder(tmp_path, "a", one="mine", two="also mine")
    store, swept = registry.depot.blobs, []

    def sweep() -> None:
        age(registry)
        swept.append(registry.gc().count)

    registry.depot._blobs = Sweeping(store, 2, sweep)  # type: ignore[assignment]
    made = registry.push(path, "churn", "1")
    assert swept == [3, 3]
    assert registry.verify_artifacts().ok
    assert made.digest == hash_tree(path).digest


def test_a_dead_sweep_is_ended(registry: Registry, tmp_path: Path) -> None:
    """A sweep whose program died holds a seal up for its lease and no longer."""
    store = registry._store
    seen = store.read(rows.read_epoch)
    begun = store.database.write(lambda session: rows.begin_sweep(session, seen, 1))
    assert begun == rows.Epoch(seen.number + 1, 1)
    registry.push(folder(tmp_path, "a", one="mine"), "churn", "1")
    assert store.read(rows.read_epoch) == rows.Epoch(seen.number + 2, None)
    # Back from the dead, it finds that it is over.
    assert not store.database.write(lambda session: rows.end_sweep(session, begun))
    assert store.database.write(lambda session: rows.begin_sweep(session, seen, 1)) is None


class Full:
    """A store on a full disk."""

    def __init__(self, store: BlobStore, manifests: bool) -> None:
        self._store = store
        self._manifests = manifests

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def put_many(self, blobs: Sequence[tuple[str, Data]]) -> None:
        if not self._manifests:
            raise BlobStoreUnavailable(detail="no space is left on the disk")
        self._store.put_many(blobs)

    def put_manifest(self, _digest: str, _data: bytes) -> None:
        raise BlobStoreUnavailable(detail="no space is left on the disk")


@pytest.mark.parametrize("manifests", [False, True])
def test_a_full_disk(registry: Registry, tmp_path: Path, manifests: bool) -> None:
    """A push that the disk has no room for says so and leaves no version; later it completes."""
    path, store = folder(tmp_path, "a", one="mine"), registry.depot.blobs
    registry.depot._blobs = Full(store, manifests)  # type: ignore[assignment]
    with pytest.raises(BlobStoreUnavailable, match="no space"):
        registry.push(path, "churn", "1")
    assert registry.list_models().items == ()
    registry.depot._blobs = store
    registry.push(path, "churn", "1")
    assert registry.verify_artifacts().ok


def test_a_manifest_is_named_by_its_own_digest(registry: Registry) -> None:
    """A manifest that was never kept cannot be sealed."""
    with pytest.raises(BlobNotFound):
        registry.seal("churn", "sha256:" + "0" * 64, "1")
    assert registry.list_models().items == ()


def test_two_push_the_same_at_once(registry: Registry, tmp_path: Path) -> None:
    """Of several who push the same new content under one label, all get the one version."""
    path = folder(tmp_path, "a", **{f"f{i}": f"text {i}" for i in range(50)})
    made = run_together([lambda: registry.push(path, "churn", "1") for _ in range(4)])
    assert {version.uid for version in made} == {made[0].uid}
    assert registry.verify_artifacts().ok
    assert registry.verify_audit().ok


def push_through(registry: Registry, path: Path, label: str) -> None:
    """Push until no sweep was quicker than the way from the first chunk to the seal."""
    for _ in range(100):
        with contextlib.suppress(BlobNotFound):
            registry.push(path, "churn", label)
            return
    raise AssertionError("every one of 100 pushes was swept away")


def test_pushes_while_sweeping(registry: Registry, tmp_path: Path) -> None:
    """Pushes and deletions among sweeps that take every chunk for old, lose nothing."""
    drawn = random.Random(7)
    texts = [f"text {i}" * 10 for i in range(12)]
    done = threading.Event()

    def sweep_on() -> None:
        while not done.wait(0.2):
            age(registry)
            registry.gc()

    sweeper = threading.Thread(target=sweep_on)
    sweeper.start()
    try:
        for number in range(12):
            files = {f"f{i}": text for i, text in enumerate(drawn.sample(texts, 4))}
            push_through(registry, folder(tmp_path, f"p{number}", **files), str(number))
    finally:
        done.set()
        sweeper.join()
    found = registry.verify_artifacts()
    assert (found.versions, found.faults) == (12, ())


def test_nothing_is_sealed_between_the_question_and_the_deletion(
    registry: Registry, tmp_path: Path
) -> None:
    """While a sweep deletes, a seal waits; afterwards it sees what is left."""
    store = registry._store
    seen = store.read(rows.read_epoch)
    begun = store.database.write(lambda session: rows.begin_sweep(session, seen, 60))
    sealed = threading.Event()

    def push() -> None:
        registry.push(folder(tmp_path, "a", one="mine"), "churn", "1")
        sealed.set()

    pusher = threading.Thread(target=push)
    pusher.start()
    assert not sealed.wait(0.3)
    assert registry.list_models().items == ()
    assert store.database.write(lambda session: rows.end_sweep(session, begun))
    pusher.join()
    assert sealed.is_set()
    assert publishing.quiet_epoch(store).number == seen.number + 2
