"""Collecting: what no version needs goes.

    run out    deleted versions whose time to be restored is over give up their files
    mark       what any other version's manifest names, deleted ones included, stays; so does what
               a loose file consists of (`loose_files`), and what has come of an upload in parts
    forget     who has lost the last version of some bytes has them no more (`possession`)
    sweep      the rest goes, once it is older than the grace period, in short batches

Each batch is an epoch of its own (see `publishing`): it is announced in the database before what
is live is asked, so a version that is sealed before it is seen by it, and one that is sealed after
it looks for its chunks again. A sweeper deletes only in the first half of its lease, by its own
clock; others wait for the whole of it before they take it for dead.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Container, Iterator
from dataclasses import replace

from lockgate.artifacts.collection import CollectionPlan, survey, sweep
from lockgate.artifacts.store import BlobStore
from lockgate.domain.files import (
    LEFTOVERS_LISTED_MAX,
    Collected,
    Leftover,
)
from lockgate.domain.permissions import COLLECT, VIEW
from lockgate.errors import Contended
from lockgate.services import ownership, possession
from lockgate.services.depot import Depot
from lockgate.services.marking import Marked
from lockgate.services.publishing import quiet_epoch
from lockgate.storage import artifacts as rows
from lockgate.storage import guard
from lockgate.storage import loose_files as loose_rows
from lockgate.storage import models as model_rows
from lockgate.storage.artifacts import Epoch, RunOut
from lockgate.storage.database import Session
from lockgate.storage.log import record
from lockgate.storage.store import Caller, Store

DAY_US = 86_400_000_000
UPLOADS_KEPT_US = 7 * DAY_US
"""How long an upload in parts may take."""
PURGED_AT_ONCE = 1_000


def collect(store: Store, depot: Depot, who: Caller, *, dry_run: bool = False) -> Collected:
    """Take away what no version needs, or say what would go, to the byte.

    Raises `Corrupt`, with nothing swept, when a manifest that is needed cannot be read, and
    `InvalidSetting` when the store has become another database's.
    """
    if who.grant is not None:
        # The report names what goes, whatever project it was of.
        who.grant.require_everywhere(COLLECT)
        who.grant.require_everywhere(VIEW)
    ownership.require_own(store, depot.blobs)
    before_us = _moment_us(store) - depot.rules.restore_days * DAY_US
    marked = Marked(depot)
    if dry_run:
        gone = store.read(lambda session: rows.list_run_out(session, before_us, PURGED_AT_ONCE))
        marked.add(store.read(lambda session: rows.live_digests(session, before_us)))
        marked.add(store.snapshot(loose_rows.kept_digests))
    else:
        gone = list(_purge_run_out(store, who, before_us))
        stale_us = _moment_us(store) - UPLOADS_KEPT_US
        store.database.write(lambda session: loose_rows.end_stale_uploads(session, stale_us))
        marked.add(store.snapshot(_needed))
    plan = survey(depot.blobs, marked, depot.rules.gc_grace_s)
    in_use = store.read(lambda session: rows.list_in_use(session, before_us, PURGED_AT_ONCE))
    report = replace(_report(plan, gone, dry_run=dry_run), in_use=tuple(in_use))
    if dry_run:
        return report
    # First, so that no project is said to have what is gone.
    possession.forget_lost(store, depot)
    sweeper = _Sweeper(store, depot, marked)
    swept = sweep(sweeper, plan, sweeper.batch)
    return replace(
        report,
        count=swept.deleted_count,
        bytes_freed=swept.deleted_bytes,
        spared=swept.spared_count,
    )


def _needed(session: Session) -> set[str]:
    return rows.needed_digests(session) | loose_rows.kept_digests(session)


def _moment_us(store: Store) -> int:
    return store.read(lambda session: session.settle_time(0))


def _purge_run_out(store: Store, who: Caller, before_us: int) -> Iterator[RunOut]:
    while True:
        found = store.read(lambda session: rows.list_run_out(session, before_us, PURGED_AT_ONCE))
        for gone in found:
            if store.write(replace(who, once=None), _purging(gone, who, before_us)):
                yield gone
        if len(found) < PURGED_AT_ONCE:
            return


def _purging(gone: RunOut, who: Caller, before_us: int) -> Callable[[Session], bool]:
    def use_case(session: Session) -> bool:
        model_rows.lock_model_by_id(session, gone.model_id)
        if not rows.is_run_out(session, gone.key, before_us):
            return False
        guard.require_everywhere(session, COLLECT)
        rows.purge(session, gone, who.name)
        record(
            session,
            gone.project_id,
            who.name,
            "purge_version",
            model=gone.model,
            version=gone.label,
            detail={"digest": gone.digest},
        )
        return True

    return use_case


def _report(plan: CollectionPlan, gone: list[RunOut], *, dry_run: bool) -> Collected:
    kinds = (("manifest", plan.manifests), ("blob", plan.blobs), ("stray", plan.strays))
    leftovers = [
        Leftover(kind=kind, name=item.name, size=item.size)
        for kind, items in kinds
        for item in items
    ]
    return Collected(
        dry_run=dry_run,
        versions=tuple(f"{each.project}/{each.model}:{each.label}" for each in gone),
        leftovers=tuple(leftovers[:LEFTOVERS_LISTED_MAX]),
        count=len(leftovers),
        bytes_freed=plan.bytes_freed,
        live_bytes=plan.live_bytes,
        young_bytes=plan.young_bytes,
    )


class _Sweeper:
    """Deletes for a sweep, and only while nobody can take it for dead."""

    def __init__(self, store: Store, depot: Depot, marked: Marked) -> None:
        self._store = store
        self._blobs: BlobStore = depot.blobs
        self._lease_s = depot.rules.sweep_lease_s
        self._marked = marked
        self._until_s = 0.0

    @contextlib.contextmanager
    def batch(self) -> Iterator[Container[str]]:
        """Yield what is live, in a block in which no version is sealed."""
        began_s, sweep_ = self._begin()
        self._until_s = began_s + self._lease_s / 2
        try:
            self._marked.add(self._store.snapshot(_needed))
            yield self._marked
        finally:
            self._store.database.write(lambda session: rows.end_sweep(session, sweep_))

    def _begin(self) -> tuple[float, Epoch]:
        while True:
            seen = quiet_epoch(self._store)
            # The clock starts before others can see the sweep, so that ours runs out first.
            began_s = time.monotonic()
            begun = self._store.database.write(_beginning(seen, self._lease_s))
            if begun is not None:
                return began_s, begun

    def delete(self, digest: str) -> None:
        self._require_lease()
        self._blobs.delete(digest)

    def delete_manifest(self, digest: str) -> None:
        self._require_lease()
        self._blobs.delete_manifest(digest)

    def delete_stray(self, name: str) -> None:
        self._blobs.delete_stray(name)

    def _require_lease(self) -> None:
        if time.monotonic() > self._until_s:
            raise Contended(
                detail=f"The store was too slow for a sweep: a batch took longer than "
                f"{self._lease_s / 2:g} s. What was swept is swept; run it again."
            )


def _beginning(seen: Epoch, lease_s: int) -> Callable[[Session], Epoch | None]:
    return lambda session: rows.begin_sweep(session, seen, lease_s)
