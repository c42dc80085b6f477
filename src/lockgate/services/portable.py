"""Portable bundles: what this registry says of a version, signed; and what another one said.

Bytes travel with whoever writes or reads the file (`artifacts.portable`); here are its words.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from lockgate.artifacts.signatures import signature_of
from lockgate.domain.checkpoints import parse_verifier_key, sign_note
from lockgate.domain.frozen import FrozenDict
from lockgate.domain.merkle import inclusion_proofs
from lockgate.domain.moments import to_micros, to_text
from lockgate.domain.permissions import SIGN, SIGN_AUDIT
from lockgate.domain.portable import (
    EVENTS_MAX,
    BundleHead,
    Portable,
    encode_index,
    note_text,
    verify_index,
)
from lockgate.domain.references import parse_reference
from lockgate.domain.versions import ModelVersion
from lockgate.errors import Contended
from lockgate.keys import SigningKey, verifying
from lockgate.services.checkpointing import make_checkpoint, verifier_of
from lockgate.services.depot import Depot
from lockgate.services.lineage import known_parents
from lockgate.services.lookup import find_stamp
from lockgate.services.possession import load_manifest
from lockgate.services.publishing import publish, require_push
from lockgate.services.registration import new_model, new_version
from lockgate.services.sealed import sealed_digest
from lockgate.services.signing import add_signature
from lockgate.storage import artifacts as artifact_rows
from lockgate.storage import checkpoints, evidence, guard, log
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.projects import project_id
from lockgate.storage.store import Caller, Store

ATTEMPTS_MAX = 5
_SAID = (
    *("uid", "project", "model", "label", "seq", "stage", "description", "artifact_uri"),
    *("metrics", "params", "tags", "metadata", "aliases", "approved_by", "approved_at"),
    *("created_by", "created_at"),
)


def describe(
    store: Store,
    depot: Depot,
    who: Caller,
    version: ModelVersion,
    signer: Callable[[], SigningKey],
) -> BundleHead:
    """Return what goes into a version's bundle beside its bytes, signed.

    The same again as long as nothing happens to the version: the log's proof is against the
    earliest checkpoint that covers it, made now if there is none. Raises `ArtifactNotFound`.
    """
    who = replace(who, once=None, only_if=None)  # that a checkpoint is made is no answer
    key = signer()
    verifier = verifier_of(version.project, key)
    depot.manifest(sealed_digest(version))
    for _ in range(ATTEMPTS_MAX):
        document = store.snapshot(
            lambda session: _gathered(store, depot, session, version, str(verifier)), who
        )
        if document is not None:
            index = encode_index({"key": str(verifier), **document})
            note = sign_note(note_text(index), verifier, key.sign)
            return BundleHead(index=index.decode(), note=str(note))
        make_checkpoint(store, who, version.project, signer)
    raise Contended(detail=f"{version.reference} kept changing while it was exported; try again.")


def seal_bundle(
    store: Store,
    depot: Depot,
    who: Caller,
    project: str,
    head: BundleHead,
    trust: Collection[str],
) -> ModelVersion:
    """Make a version of what a bundle says, its chunks and manifest being in the store.

    ``trust`` are verifier keys, one of which must have signed it. It begins in the initial stage
    of its lifecycle here: what others approved opens no gate. Raises what `verify_index` and
    `publish` raise.
    """
    store.read(lambda session: require_push(session, project))
    # Keys and nothing else: whoever asks may be far away, and our files are none of theirs.
    trusted = {parse_verifier_key(each).public_key.hex() for each in trust}
    portable = verify_index(head.index.encode(), head.note, trusted, verifying)
    signatures = portable.document["signatures"]

    def allowed(session: Session) -> tuple[str, ...]:
        if signatures:
            guard.require(session, SIGN, project_id(session, project), project)
        return _parents_here(store, session, project, portable)

    parents = store.snapshot(allowed, who)
    told = portable.version
    origin = portable.origin
    earlier = told["metadata"].get("origin")
    if earlier is not None:
        origin["earlier"] = earlier
    words = {name: told.get(name) for name in ("description", "artifact_uri", "metrics", "params")}
    new = new_version(
        store.limits,
        **words,
        version=told["label"],
        tags=told["tags"],
        metadata={**told["metadata"], "origin": origin},
        parents=parents,
        **{name: told.get(name) for name in ("run_id", "dataset", "code")},
    )
    version = publish(
        store,
        depot,
        who,
        project,
        new_model(store.limits, told["model"]),
        replace(new, origin=FrozenDict(origin)),
        load_manifest(store, depot, who, portable.digest),
    )
    after = replace(who, once=None, only_if=None)
    for each in signatures:
        signature = signature_of(portable.digest, each["public_key"], each["signature"])
        add_signature(store, depot, after, project, version.model, version.label, signature)
    return version


def _parents_here(
    store: Store, session: Session, project: str, portable: Portable
) -> tuple[str, ...]:
    """Return which of a version's parents are here too: the same bytes under the same name.

    All of them stay on record as part of where the version comes from.
    """
    found = []
    for parent in portable.version["parents"]:
        meant = parse_reference(parent["reference"])
        if meant.kind != "label" or parent.get("digest") is None:
            continue
        stamp = find_stamp(session, project, meant.model, meant.selector)
        here = None if stamp is None else store.versions.load(session, stamp)
        if here is not None and here.digest == parent["digest"]:
            found.append(here.reference)
    return tuple(found)


def _gathered(
    store: Store, depot: Depot, session: Session, asked: ModelVersion, key: str
) -> dict[str, Any] | None:
    """Return the index of a bundle, or None while no checkpoint covers what happened."""
    stored = model_rows.load_model(session, asked.project, asked.model)
    guard.require_here(session, SIGN_AUDIT, stored)
    row, version = version_rows.load_version(session, stored, asked.label)
    since_us = to_micros(version.created_at)
    events = log.list_version_bodies(
        session, stored.project_id, version.model, version.label, since_us
    )
    shown = events[-EVENTS_MAX:]
    last = shown[-1][0] if shown else 1
    checkpoint = checkpoints.find_covering(session, stored.project_id, version.project, key, last)
    if checkpoint is None:
        return None
    indexes = [seq - 1 for seq, _ in shown]
    proofs = inclusion_proofs(
        indexes, checkpoint.size, log.iterate_leaves(session, stored.project_id)
    )
    digest = sealed_digest(version)
    said = {name: getattr(version, name) for name in _SAID}
    parents = known_parents(store, session, row, version)
    sources = {name: getattr(version.sources, name) for name in ("run_id", "dataset", "code")}
    return {
        "version": _plain({**said, **sources, "parents": parents}),
        "manifest": {"digest": digest, "size": len(depot.manifest(digest).encoded)},
        "decisions": _plain(evidence.list_decisions(session, row)),
        "checks": _plain(evidence.list_checks(session, row)),
        "waivers": _plain(evidence.list_waivers(session, row)),
        "signatures": _plain(artifact_rows.list_signatures(session, digest)),
        "log": {
            "checkpoint": checkpoint.note,
            "earlier": len(events) - len(shown),
            "events": [
                {"index": seq - 1, "body": body, "proof": [each.hex() for each in proof]}
                for (seq, body), proof in zip(shown, proofs, strict=True)
            ],
        },
    }


def _plain(value: Any) -> Any:
    """Return JSON values of domain objects: fields by name, times as text, sets in order."""
    if isinstance(value, datetime):
        return to_text(value)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    if hasattr(value, "__dataclass_fields__"):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    return value
