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
from dataclasses import dataclass, replace
from typing import Any

from lockgate.artifacts.store import BlobStore
from lockgate.domain.contents import ContentProof
from lockgate.domain.frozen import FrozenDict
from lockgate.domain.manifests import Manifest, parse_manifest
from lockgate.domain.permissions import EDIT, PUSH
from lockgate.domain.versions import ModelVersion
from lockgate.errors import BlobNotFound, Conflict, Contended, VersionSealed
from lockgate.services import hashing, possession, proving
from lockgate.services.depot import Depot
from lockgate.services.gates import lock_candidate
from lockgate.services.registration import NewModel, NewVersion, register_in
from lockgate.services.settling import settle
from lockgate.storage import artifact_truths as truths
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
UNSAID_LISTED_MAX = 10
POLL_S = 0.05
REPEATED_S_MAX = 24 * 3600
"""For how long a push without a label, repeated, is the same push."""
_SAID = ("description", "metrics", "params", "tags", "metadata", "sources", "artifact_uri")


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known of the files before they get their name, to be kept with it."""

    hashes: dict[str, str]
    proofs: list[ContentProof]


class EpochMoved(Exception):
    """A sweep began after the chunks were seen."""


def keep_manifest(depot: Depot, data: bytes) -> Manifest:
    """Keep a manifest's bytes in the store, before any version names it.

    Raises `InvalidManifest` with every fault.
    """
    manifest = parse_manifest(data)
    depot.keep_manifest(manifest)
    return manifest


def publish(
    store: Store,
    depot: Depot,
    who: Caller,
    project: str,
    model: NewModel,
    new: NewVersion,
    manifest: Manifest | str,
    *,
    hashed_here: bool = False,
    again: bool = False,
) -> ModelVersion:
    """Give a version its files: a new one, or one of that label that has none yet.

    ``manifest`` may be the digest of one that was kept. What it says of its files is computed
    again, unless this process did so when it made the manifest (``hashed_here``): `Corrupt` when
    it is not true. The label of a version that has exactly these files is that version, unchanged:
    `Conflict` if something else is said of it now than is on record, unless its lifecycle returns
    what exists. Of one with other files (or past the initial stage) it is `VersionSealed`.
    Without a label, what the same person pushed with the same words within a day is that push,
    unless it is wanted ``again``.
    `BlobNotFound` lists in ``missing`` the chunks that must be put first. `Contended` when sweeps
    keep coming between.
    """
    store.read(lambda session: require_push(session, project))
    if isinstance(manifest, str):
        manifest = possession.load_manifest(store, depot, who, manifest)
    found: _Found | None = None
    for _ in range(SEALS_MAX):
        epoch = quiet_epoch(store)
        require_blobs(depot.blobs, manifest)
        if found is None:
            try:
                found = _looked_at(store, depot, manifest, hashed_here)
            except BlobNotFound:
                # A sweep that began meanwhile took it: what is missing then is said by name.
                if quiet_epoch(store) == epoch:
                    raise
                continue
        depot.keep_manifest(manifest)
        use_case = _sealing(store, who, epoch, project, model, new, manifest, found, again)
        try:
            return store.write(who, use_case)
        except EpochMoved:
            continue
    raise Contended(detail=f"Sweeps came between {SEALS_MAX} attempts to seal; try again.")


def require_push(session: Session, project: str) -> None:
    """Raise `Forbidden` for a caller who may not push to a project, before any work is done."""
    guard.require(session, PUSH, project_id(session, project), project)


def _looked_at(store: Store, depot: Depot, manifest: Manifest, hashed_here: bool) -> _Found:
    if hashed_here:
        hashes = hashing.claimed_hashes(manifest)
    else:
        hashes = hashing.check_hashes(store, depot, manifest)
    return _Found(hashes, proving.prove(store, depot, manifest))


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


def require_blobs(blobs: BlobStore, manifest: Manifest) -> None:
    """Raise `BlobNotFound` unless all chunks of a manifest are in the store."""
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
    found: _Found,
    again: bool,
) -> Callable[[Session], ModelVersion]:
    """Return the transaction that names the files."""

    def use_case(session: Session) -> ModelVersion:
        if rows.hold_epoch(session) != epoch:
            raise EpochMoved
        require_push(session, project)
        proving.keep(session, manifest, found.proofs)
        truths.keep_hashes(session, found.hashes)
        possession.note_held(session, project_id(session, project), manifest)
        sealed = replace(new, digest=manifest.digest)
        if model_rows.find_model(session, project, model.name) is not None:
            stored = model_rows.lock_model(session, project, model.name)
            if new.label is None:
                earlier = None if again else _find_earlier(session, who, stored, sealed)
                if earlier is not None:
                    return earlier
            # By its label and nothing else: a number may be that of another version.
            elif version_rows.label_taken(session, stored.id, new.label):
                key = version_rows.find_key(session, stored, new.label)
                if key is not None and not key[1]:
                    return _seal(store, session, who, stored, key[0], new, manifest)
        return register_in(store, session, who, project, model, sealed)

    return use_case


def _find_earlier(
    session: Session, who: Caller, stored: StoredModel, new: NewVersion
) -> ModelVersion | None:
    """Return the version that this very push made before, its answer having been lost, or None.

    Same files, same words, same person, within a day: a command that is repeated is done once.
    """
    since_us = session.now_us - REPEATED_S_MAX * 1_000_000
    for key in truths.list_alike(session, stored.id, new.digest or "", who.name, since_us):
        version = version_rows.load_version_by_id(session, key, stored.model.name)
        if all(getattr(version, field) == getattr(new, field) for field in _SAID):
            return version
    return None


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
        lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
        if lifecycle.on_duplicate_version != "return_existing" and not new.origin:
            _require_said(before, new)
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
        for field in ("description", "artifact_uri", "metrics", "params", "tags", "metadata")
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


def _require_said(before: ModelVersion, new: NewVersion) -> None:
    """Raise `Conflict` if ``new`` says what is not on record: to drop it silently would lose it."""
    unsaid = [
        f"{field} {key!r}"
        for field in ("metrics", "params", "tags", "metadata")
        for key, value in getattr(new, field).items()
        if getattr(before, field).get(key) != value
    ]
    if new.description and new.description != before.description:
        unsaid.append("description")
    if new.sources.run_id is not None and new.sources.run_id != before.sources.run_id:
        unsaid.append("run_id")
    if unsaid:
        raise Conflict(
            detail=f"Version '{before.reference}' has these files already, and something else on "
            f"record for {', '.join(unsaid[:UNSAID_LISTED_MAX])}; `log_metrics` and "
            "`update_version` change that, or leave the version out to make another.",
            version=before.label,
            model=before.model,
        )


def _additions(before: ModelVersion, new: NewVersion) -> dict[str, Any]:
    added: dict[str, Any] = {
        field: FrozenDict({**getattr(before, field), **getattr(new, field)})
        for field in ("metrics", "params", "tags", "metadata")
    }
    if new.description:
        added["description"] = new.description
    if new.artifact_uri and before.artifact_uri is None:
        added["artifact_uri"] = new.artifact_uri
    return added
