"""Publishing: a manifest whose chunks are all in the store becomes a version's, for good.

    chunks ──► manifest ──► proofs ──► one transaction: version, digest, event
    (durable)  (durable)               (the epoch must be the one in which the chunks were seen)

Bytes first, name last: whatever stops before the transaction leaves chunks that nothing names. A
sweep (`collecting`) that begins after the chunks were seen moves the epoch, and they are looked
for again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lockgate.artifacts.store import BlobStore
from lockgate.domain.contents import ContentProof
from lockgate.domain.frozen import FrozenDict
from lockgate.domain.manifests import Manifest, parse_manifest
from lockgate.domain.permissions import EDIT, PUSH
from lockgate.domain.versions import ModelVersion
from lockgate.errors import BlobNotFound, Contended, VersionSealed
from lockgate.services import proving
from lockgate.services.depot import Depot
from lockgate.services.gates import lock_candidate
from lockgate.services.registration import NewModel, NewVersion, register_in
from lockgate.services.settling import settle
from lockgate.storage import artifacts as rows
from lockgate.storage import guard
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.artifacts import Epoch
from lockgate.storage.database import Session
from lockgate.storage.log import record
from lockgate.storage.models import StoredModel
from lockgate.storage.projects import project_id
from lockgate.storage.store import Caller, Store

SEALS_MAX = 20
"""How often the chunks are looked for again because a sweep began meanwhile."""
ASK_DIGESTS_MAX = 1_000
LACKING_LISTED_MAX = 10_000
POLL_S = 0.05


class _EpochMoved(Exception):
    """A sweep began after the chunks were seen."""


def keep_manifest(depot: Depot, data: bytes) -> Manifest:
    """Keep a manifest's bytes in the store, before any version names it.

    Raises `InvalidManifest` with every fault.
    """
    manifest = parse_manifest(data)
    depot.blobs.put_manifest(manifest.digest, data)
    return manifest


def publish(
    store: Store,
    depot: Depot,
    who: Caller,
    project: str,
    model: NewModel,
    new: NewVersion,
    manifest: Manifest,
) -> ModelVersion:
    """Give a version its files: a new one, or one of that label that has none yet.

    The label of a version that has exactly these files is that version, unchanged; of one with
    others (or past the initial stage) it is `VersionSealed`. `BlobNotFound` lists in ``missing``
    the chunks that must be put first. `Contended` when sweeps keep coming in between.
    """
    store.read(lambda session: require_push(session, project))
    proofs: list[ContentProof] | None = None
    for _ in range(SEALS_MAX):
        epoch = quiet_epoch(store)
        _require_blobs(depot.blobs, manifest)
        if proofs is None:
            proofs = proving.prove(store, depot, manifest)
        depot.blobs.put_manifest(manifest.digest, manifest.encoded)
        use_case = _sealing(store, who, epoch, project, model, new, manifest, proofs)
        try:
            return store.write(who, use_case)
        except _EpochMoved:
            continue
    raise Contended(detail=f"Sweeps came between {SEALS_MAX} attempts to seal; try again.")


def require_push(session: Session, project: str) -> None:
    """Raise `Forbidden` for a caller who may not push to a project, before any work is done."""
    guard.require(session, PUSH, project_id(session, project), project)


def quiet_epoch(store: Store) -> Epoch:
    """Return the epoch once no sweep is under way.

    A sweep that shows no progress for as long as its lease allows, by our own clock, belongs to a
    program that died: it is ended here. A live one stops deleting halfway through its lease.
    """
    seen: Epoch | None = None
    since_s = 0.0
    while True:
        epoch = store.read(rows.read_epoch)
        if epoch.lease_s is None:
            return epoch
        if epoch != seen:
            seen, since_s = epoch, time.monotonic()
        elif time.monotonic() - since_s >= epoch.lease_s:
            store.database.write(_ending(epoch))
        time.sleep(POLL_S)


def _ending(epoch: Epoch) -> Callable[[Session], bool]:
    return lambda session: rows.end_sweep(session, epoch)


def _require_blobs(blobs: BlobStore, manifest: Manifest) -> None:
    digests = list(manifest.chunk_sizes)
    lacking: list[str] = []
    for first in range(0, len(digests), ASK_DIGESTS_MAX):
        lacking += sorted(blobs.missing(digests[first : first + ASK_DIGESTS_MAX]))
    if lacking:
        raise BlobNotFound(
            digest=lacking[0], missing=lacking[:LACKING_LISTED_MAX], count=len(lacking)
        )


def _sealing(
    store: Store,
    who: Caller,
    epoch: Epoch,
    project: str,
    model: NewModel,
    new: NewVersion,
    manifest: Manifest,
    proofs: list[ContentProof],
) -> Callable[[Session], ModelVersion]:
    """Return the transaction that names the files."""

    def use_case(session: Session) -> ModelVersion:
        if rows.hold_epoch(session) != epoch:
            raise _EpochMoved
        require_push(session, project)
        proving.keep(session, manifest, proofs)
        if new.label is not None and model_rows.find_model(session, project, model.name):
            stored = model_rows.lock_model(session, project, model.name)
            # By its label and nothing else: a number may be that of another version.
            taken = version_rows.label_taken(session, stored.id, new.label)
            found = version_rows.find_key(session, stored, new.label) if taken else None
            if found is not None and not found[1]:
                return _seal(store, session, who, stored, found[0], new, manifest)
        sealed = replace(new, digest=manifest.digest)
        return register_in(store, session, who, project, model, sealed)

    return use_case


def _seal(
    store: Store,
    session: Session,
    who: Caller,
    stored: StoredModel,
    key: int,
    new: NewVersion,
    manifest: Manifest,
) -> ModelVersion:
    """Seal a version that is there; what is said of it besides is added to it."""
    name = stored.model.name
    before = version_rows.load_version_by_id(session, key, name)
    if before.digest == manifest.digest:
        return before
    if before.created_by != who.name:
        guard.require_here(session, EDIT, stored)
    lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
    if before.digest is not None or before.stage != lifecycle.initial:
        raise VersionSealed(
            version=before.label, model=name, stage=before.stage, digest=before.digest
        )
    after = replace(before, digest=manifest.digest, **_additions(before, new))
    exclusive = lifecycle.stage(before.stage).exclusive
    version_rows.update_version(session, key, before, after, exclusive)
    model_rows.touch_model(session, stored)
    changes = {
        field: [getattr(before, field), getattr(after, field)]
        for field in ("description", "metrics", "params", "tags", "metadata")
        if getattr(before, field) != getattr(after, field)
    }
    record(
        session,
        stored.project_id,
        who.name,
        "seal_version",
        model=name,
        version=before.label,
        detail={
            "digest": manifest.digest,
            "files": len(manifest.files),
            "size": manifest.size,
            "changes": changes,
        },
    )
    settle(
        store,
        session,
        lock_candidate(store, session, stored.model.project, name, before.label),
    )
    return version_rows.load_version_by_id(session, key, name)


def _additions(before: ModelVersion, new: NewVersion) -> dict[str, Any]:
    added: dict[str, Any] = {
        field: FrozenDict({**getattr(before, field), **getattr(new, field)})
        for field in ("metrics", "params", "tags", "metadata")
    }
    if new.description:
        added["description"] = new.description
    return added
