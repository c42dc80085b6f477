"""Signing: who stands behind a version's files, and whether the keys are ones we trust."""

from __future__ import annotations

from lockgate.artifacts.signatures import ManifestSignature, verify_signature
from lockgate.domain.files import SignatureRecord
from lockgate.domain.permissions import SIGN
from lockgate.errors import InvalidInput
from lockgate.services.gates import lock_candidate
from lockgate.services.sealed import sealed_digest
from lockgate.services.settling import settle
from lockgate.storage import artifacts as rows
from lockgate.storage import guard
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.log import record
from lockgate.storage.store import Caller, Store

SIGNATURES_MAX = 100


def add_signature(
    store: Store, who: Caller, project: str, name: str, label: str, signature: ManifestSignature
) -> SignatureRecord:
    """Keep a signature of a version's manifest, once it verifies by the key that it names.

    Whether that key is trusted is asked whenever a gate or a pull looks. Open requests that
    waited for it are carried out. Raises `Corrupt`, `InvalidInput`, `ArtifactNotFound`.
    """

    def use_case(session: Session) -> SignatureRecord:
        candidate = lock_candidate(store, session, project, name, label)
        guard.require_here(session, SIGN, candidate.stored)
        digest = sealed_digest(candidate.version)
        verify_signature(signature, digest, {signature.key})
        known = rows.list_signatures(session, digest)
        for each in known:
            if each.public_key == signature.key:
                return each
        if len(known) >= SIGNATURES_MAX:
            raise InvalidInput(detail=f"{digest} has {SIGNATURES_MAX} signatures already")
        kept = SignatureRecord(
            digest=digest,
            public_key=signature.key,
            signature=signature.signature,
            signed_by=who.name,
            at=session.now,
        )
        rows.add_signature(session, kept)
        model_rows.touch_model(session, candidate.stored)
        record(
            session,
            candidate.stored.project_id,
            who.name,
            "sign_version",
            model=candidate.version.model,
            version=candidate.version.label,
            detail={"digest": digest, "public_key": signature.key},
        )
        settle(store, session, candidate)
        return kept

    return store.write(who, use_case)


def list_signatures(
    store: Store, project: str, name: str, label: str
) -> tuple[SignatureRecord, ...]:
    """Return the signatures of a version's files, oldest first; none of them verified."""

    def use_case(session: Session) -> tuple[SignatureRecord, ...]:
        stored = model_rows.load_model(session, project, name)
        _, version = version_rows.load_version(session, stored, label)
        return rows.list_signatures(session, sealed_digest(version))

    return store.snapshot(use_case)
