"""Collection: what is named or young never goes, and a preview says exactly what would."""

from __future__ import annotations

import os
from collections.abc import Collection, Container, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from lockgate.artifacts.collection import (
    SWEEP_BATCH,
    Swept,
    plan_collection,
    survey,
    sweep,
)
from lockgate.artifacts.local import LocalStore
from lockgate.artifacts.pushing import push_tree
from lockgate.artifacts.store import Data, StoredItem, blob_digest
from lockgate.domain.manifests import Manifest
from lockgate.errors import InvalidInput

HOUR = 3600.0
DAY = 24 * HOUR


def item(name: str, age_s: float, size: int = 10) -> StoredItem:
    return StoredItem(name, size, 1_000_000.0 - age_s)


def test_plan() -> None:
    """What is live stays, what is young stays, the rest goes; strays go by age alone."""
    plan = plan_collection(
        {"live", "m-live", "tmp/named"},
        manifests=[item("m-live", 9 * DAY), item("m-old", 9 * DAY), item("m-new", HOUR)],
        blobs=[
            item("live", 9 * DAY, 1),
            item("old", 9 * DAY),
            item("edge", DAY),
            item("new", -DAY),
        ],
        strays=[item("tmp/named", 2 * DAY), item("tmp/new", 0)],
        now_s=1_000_000.0,
        grace_s=DAY,
    )
    assert [i.name for i in plan.manifests] == ["m-old"]
    assert [i.name for i in plan.blobs] == ["old"]
    assert [i.name for i in plan.strays] == ["tmp/named"]
    assert (plan.live_count, plan.live_bytes) == (2, 11)
    assert (plan.young_count, plan.young_bytes) == (4, 40)
    assert plan.bytes_freed == 30


@pytest.mark.parametrize("grace_s", [0, -1, 3599])
def test_a_short_grace_is_refused(grace_s: float) -> None:
    """A grace period that a push could outlast is refused."""
    with pytest.raises(InvalidInput):
        plan_collection(set(), manifests=[], blobs=[], strays=[], now_s=0, grace_s=grace_s)


class Place:
    """A store with a live version and a deleted one that share content, all of it old."""

    def __init__(self, folder: Path) -> None:
        self.store = LocalStore(folder / "store")
        self.kept = self.push(folder / "kept", {"a": b"shared", "b": b"kept"})
        self.gone = self.push(folder / "gone", {"a": b"shared", "c": b"gone"})
        self.age()

    def push(self, tree: Path, files: dict[str, bytes]) -> Manifest:
        tree.mkdir()
        for name, data in files.items():
            (tree / name).write_bytes(data)
        manifest = push_tree(tree, self.store).manifest
        self.store.put_manifest(manifest.digest, manifest.encoded)
        return manifest

    def age(self) -> None:
        for path in self.store.root.rglob("*"):
            if path.is_file():
                os.utime(path, (0, 0))

    def live(self, *manifests: Manifest) -> set[str]:
        return {m.digest for m in manifests} | {d for m in manifests for d in m.chunk_sizes}

    def blobs(self) -> set[str]:
        return {item.name for item in self.store.list_blobs()}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.store.close()


class Asked:
    """A block in which nothing is sealed, counting how often it was entered."""

    def __init__(self, live: set[str]) -> None:
        self.live = live
        self.entered = 0

    @contextmanager
    def __call__(self) -> Iterator[Container[str]]:
        self.entered += 1
        yield self.live


def test_a_sweep_leaves_the_live_version_whole(place: Place) -> None:
    """After a sweep every blob of the live version is there, and nothing of the other's own."""
    live = place.live(place.kept)
    plan = survey(place.store, live, DAY)
    swept = sweep(place.store, plan, Asked(live))
    assert swept == Swept(2, plan.bytes_freed, 0)
    assert place.blobs() == set(place.kept.chunk_sizes)
    assert [i.name for i in place.store.list_manifests()] == [place.kept.digest]


def test_a_preview_changes_nothing(place: Place) -> None:
    """A survey lists exactly what would go, and leaves it."""
    before = place.blobs()
    plan = survey(place.store, place.live(place.kept), DAY)
    assert [i.name for i in plan.blobs] == [blob_digest(b"gone")]
    assert place.blobs() == before


def test_what_came_into_use_is_spared(place: Place) -> None:
    """A version sealed between plan and sweep keeps its blobs."""
    plan = survey(place.store, place.live(place.kept), DAY)
    swept = sweep(place.store, plan, Asked(place.live(place.kept, place.gone)))
    assert swept == Swept(0, 0, 2)
    assert place.store.missing(place.gone.chunk_sizes) == set()


def test_a_blob_put_again_is_young(place: Place) -> None:
    """Pushing content that was about to go makes it young, so the next survey leaves it."""
    place.store.put_many([(blob_digest(b"gone"), b"gone")])
    assert survey(place.store, place.live(place.kept), DAY).blobs == ()


def test_a_sweep_during_a_push_loses_nothing(place: Place, tmp_path: Path) -> None:
    """Blobs swept after a push had asked for them are missing when it seals, and sent again."""
    store = place.store
    live = place.live(place.kept)
    plan = survey(store, live, DAY)

    class Racing:
        """A sink between whose answer and whose client's seal a sweep runs."""

        def missing(self, digests: Collection[str]) -> set[str]:
            answer = store.missing(digests)
            sweep(store, plan, Asked(live))
            return answer

        def put_many(self, blobs: Sequence[tuple[str, Data]]) -> None:
            store.put_many(blobs)

    manifest = push_tree(tmp_path / "gone", Racing()).manifest
    assert manifest == place.gone
    assert store.missing(manifest.chunk_sizes) == {blob_digest(b"gone")}
    assert push_tree(tmp_path / "gone", store).chunks_sent == 1
    assert store.missing(manifest.chunk_sizes) == set()
    assert store.missing(place.kept.chunk_sizes) == set()


def test_strays_go(place: Place) -> None:
    """What stopped programs left goes once it is old."""
    (place.store.root / "tmp" / "x").write_bytes(b"half")
    live = place.live(place.kept, place.gone)
    assert survey(place.store, live, DAY).strays == ()
    place.age()
    plan = survey(place.store, live, DAY)
    assert [i.name for i in plan.strays] == ["tmp/x"]
    assert sweep(place.store, plan, Asked(live)).deleted_count == 1
    assert list(place.store.list_strays()) == []


def test_a_sweep_goes_in_batches(place: Place) -> None:
    """No block holds up sealing for more than a batch."""
    count = SWEEP_BATCH + 1
    blobs = [(blob_digest(data), data) for data in (b"%d" % i for i in range(count))]
    place.store.put_many(blobs)
    place.age()
    live = place.live(place.kept, place.gone)
    block = Asked(live)
    assert sweep(place.store, survey(place.store, live, DAY), block).deleted_count == count
    assert block.entered == 2
