"""What gates look at of a version's files: what each was proved to be, signatures, the card."""

from __future__ import annotations

from typing import Any

from lockgate.artifacts.proof import PROOF_VERSION, chunk_reader
from lockgate.artifacts.signatures import signature_of, verify
from lockgate.domain.files import CARD_BYTES_MAX, CARD_NAMES, key_shown
from lockgate.domain.manifests import Manifest
from lockgate.domain.requirements.evidence import Needs, ScannedFile, SignatureResult
from lockgate.domain.versions import ModelVersion
from lockgate.errors import Corrupt, InvalidInput
from lockgate.services.depot import Depot, find_depot
from lockgate.storage import artifacts as rows
from lockgate.storage.database import Session
from lockgate.storage.store import Store

UNPROVED = "It was not checked by the rules of this release; `lockgate verify` does that."


def files_evidence(
    store: Store, session: Session, version: ModelVersion, needs: Needs
) -> dict[str, Any]:
    """Return the fields of `Evidence` that are about files, as far as a policy asks for them.

    A version without files, or a registry without a store for them, has none. Raises what reading
    the store raises.
    """
    depot = find_depot(store)
    if depot is None or version.digest is None:
        return {}
    found: dict[str, Any] = {}
    if needs.scans:
        found["scanned"] = scanned_files(session, depot.manifest(version.digest))
    if needs.signatures:
        found["signatures"] = signature_results(session, depot, version.digest)
    if needs.card:
        found["card"] = card_of(depot, depot.manifest(version.digest))
    return found


def scanned_files(session: Session, manifest: Manifest) -> tuple[ScannedFile, ...]:
    """Return, for a gate, what every file of a manifest was proved to be."""
    proofs = rows.list_proofs(session, manifest.files, PROOF_VERSION)
    scanned = []
    for file in manifest.files:
        proof = proofs.get(file.path)
        if proof is None:
            scanned.append(ScannedFile(file.path, "unknown", UNPROVED))
        else:
            scanned.append(ScannedFile(file.path, proof.verdict.value, proof.reason))
    return tuple(scanned)


def card_of(depot: Depot, manifest: Manifest) -> str | None:
    """Return the text of the model card among the files, its beginning if it is very long."""
    for name in CARD_NAMES:
        file = manifest.find_file(name)
        if file is None:
            continue
        read = chunk_reader(depot.blobs.read)
        return read(file, 0, min(file.size, CARD_BYTES_MAX)).decode(errors="replace")
    return None


def signature_results(session: Session, depot: Depot, digest: str) -> tuple[SignatureResult, ...]:
    """Return, for a gate, which signatures of a manifest verify against trusted identities."""
    trusted = depot.trusted_keys
    results = []
    for each in rows.list_signatures(session, digest):
        key = trusted.get(each.public_key)
        identity = f"key {key_shown(each.public_key)}" if key is None else key
        detail = ""
        try:
            signature = signature_of(each.digest, each.public_key, each.signature)
            verify(signature, digest, lambda: depot.manifest(digest), trusted)
        except (Corrupt, InvalidInput) as error:
            detail = "the key is not trusted here" if key is None else str(error)
        results.append(SignatureResult(identity, not detail, each.digest, detail))
    return tuple(results)
