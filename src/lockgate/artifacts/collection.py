"""Collect what no version needs any more: mark, show, sweep.

    keep    what a live manifest names; what is younger than the grace period
    go      everything else: manifests first, then blobs, then what stopped programs left behind

The plan is a pure function of what was listed; nothing goes that is not in a plan. A push asks for
missing blobs long before it seals, so between a plan and its sweep a blob may come into use again.
Hence two rules that close every gap:

* The sweep asks again which blobs are live, in a block (`LiveBlobs`) in which no version can be
  sealed, and deletes a batch before it leaves the block.
* Whoever seals a version asks the store for missing blobs in the same kind of block, and has the
  client send what was swept since it asked.

Ages are by the store's own clock; an item dated in the future is young.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Protocol

from lockgate.artifacts.store import BlobStore, StoredItem
from lockgate.errors import InvalidInput

GRACE_S_MIN: Final = 3600
SWEEP_BATCH: Final = 200

# Enters a block in which no version is sealed, and gives the digests (blobs and manifests) that
# live versions need as of then.
LiveBlobs = Callable[[], AbstractContextManager[Container[str]]]


class Deletes(Protocol):
    """The part of a `BlobStore` that a sweep uses."""

    def delete(self, digest: str) -> None: ...

    def delete_manifest(self, digest: str) -> None: ...

    def delete_stray(self, name: str) -> None: ...


@dataclass(frozen=True)
class CollectionPlan:
    """What would go, and what stays and why; sizes in bytes."""

    manifests: tuple[StoredItem, ...]
    blobs: tuple[StoredItem, ...]
    strays: tuple[StoredItem, ...]
    live_count: int
    live_bytes: int
    young_count: int
    young_bytes: int

    @property
    def bytes_freed(self) -> int:
        """How many bytes the store holds less once the plan is carried out."""
        return sum(item.size for item in (*self.manifests, *self.blobs, *self.strays))


@dataclass(frozen=True)
class Swept:
    """What a sweep deleted; ``spared`` came into use after the plan was made."""

    deleted_count: int
    deleted_bytes: int
    spared_count: int


def plan_collection(
    live: Container[str],
    *,
    manifests: Iterable[StoredItem],
    blobs: Iterable[StoredItem],
    strays: Iterable[StoredItem],
    now_s: float,
    grace_s: float,
) -> CollectionPlan:
    """Return what may go: what ``live`` does not hold and is older than ``grace_s``.

    ``live`` holds the digests of the manifests of all versions that are not deleted for good, and
    of every chunk these name. InvalidInput when the grace period is shorter than an hour: a push
    that takes longer than it would be in danger of sending twice.
    """
    if grace_s < GRACE_S_MIN:
        raise InvalidInput(
            detail=f"A grace period of {grace_s:g} s is too short; use {GRACE_S_MIN} or more.",
            field="grace_s",
        )
    going: dict[str, list[StoredItem]] = {"manifests": [], "blobs": [], "strays": []}
    kept_live: list[int] = []
    kept_young: list[int] = []
    for kind, items in (("manifests", manifests), ("blobs", blobs), ("strays", strays)):
        for item in items:
            if kind != "strays" and item.name in live:
                kept_live.append(item.size)
            elif now_s - item.modified_s <= grace_s:
                kept_young.append(item.size)
            else:
                going[kind].append(item)
    return CollectionPlan(
        manifests=tuple(going["manifests"]),
        blobs=tuple(going["blobs"]),
        strays=tuple(going["strays"]),
        live_count=len(kept_live),
        live_bytes=sum(kept_live),
        young_count=len(kept_young),
        young_bytes=sum(kept_young),
    )


def survey(store: BlobStore, live: Container[str], grace_s: float) -> CollectionPlan:
    """List a store and return the plan for it; errors are those of the store."""
    # The clock first: what is put while we list is then younger than it is.
    now_s = store.clock_s()
    return plan_collection(
        live,
        manifests=store.list_manifests(),
        blobs=store.list_blobs(),
        strays=store.list_strays(),
        now_s=now_s,
        grace_s=grace_s,
    )


def sweep(store: Deletes, plan: CollectionPlan, live_blobs: LiveBlobs) -> Swept:
    """Carry out a plan in batches; stopping anywhere leaves a store that is whole.

    Each batch is checked against what is live when it is deleted, not when it was planned.
    """
    deleted = spared = freed = 0
    content = [(item, store.delete_manifest) for item in plan.manifests]
    content += [(item, store.delete) for item in plan.blobs]
    for batch in _batches(content):
        with live_blobs() as live:
            for item, delete in batch:
                if item.name in live:
                    spared += 1
                    continue
                delete(item.name)
                deleted, freed = deleted + 1, freed + item.size
    for item in plan.strays:
        store.delete_stray(item.name)
        deleted, freed = deleted + 1, freed + item.size
    return Swept(deleted, freed, spared)


def _batches(
    items: Sequence[tuple[StoredItem, Callable[[str], None]]],
) -> Iterator[Sequence[tuple[StoredItem, Callable[[str], None]]]]:
    for first in range(0, len(items), SWEEP_BATCH):
        yield items[first : first + SWEEP_BATCH]
