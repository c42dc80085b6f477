"""Proving: what each file of a version is, decided once for its bytes, its name and the rules."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

from lockgate.artifacts.proof import PROOF_VERSION, chunk_reader, prove_files
from lockgate.domain.contents import ContentProof, Verdict
from lockgate.domain.files import FileRecord, VersionFiles
from lockgate.domain.manifests import Manifest
from lockgate.domain.requirements.evidence import Waiver
from lockgate.services.depot import Depot
from lockgate.services.file_evidence import UNPROVED
from lockgate.services.sealed import sealed_digest
from lockgate.storage import artifacts as rows
from lockgate.storage import evidence as evidence_rows
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.store import Caller, Store

PROCESSES = 2
SHARED_MIN = 2000
"""From how many files on it is worth starting more than one process."""


def prove(store: Store, depot: Depot, manifest: Manifest) -> list[ContentProof]:
    """Return proofs of those files that have none by the present rules yet.

    Parses them in a process with limits; call it outside every transaction. Raises what reading
    the store raises.
    """
    known = store.snapshot(lambda session: rows.list_proofs(session, manifest.files, PROOF_VERSION))
    unproved = [file for file in manifest.files if file.path not in known]

    def share(first: int, step: int) -> list[ContentProof]:
        read = chunk_reader(depot.blobs.read, depot.heads.find)
        return prove_files(unproved[first::step], read)

    if len(unproved) < SHARED_MIN:
        return share(0, 1)

    with ThreadPoolExecutor(PROCESSES, thread_name_prefix="prove") as pool:
        shares = pool.map(share, range(PROCESSES), repeat(PROCESSES))
        return [proof for proofs in shares for proof in proofs]


def keep(session: Session, manifest: Manifest, proofs: list[ContentProof]) -> None:
    """Keep proofs of a manifest's files."""
    rows.keep_proofs(session, manifest.files, proofs, PROOF_VERSION)


def prove_again(store: Store, depot: Depot, who: Caller, manifest: Manifest) -> None:
    """Prove what has no proof by the present rules: after an update brought other ones."""
    proofs = prove(store, depot, manifest)
    if proofs:
        store.write(who, lambda session: keep(session, manifest, proofs))


def list_files(store: Store, depot: Depot, project: str, name: str, label: str) -> VersionFiles:
    """Return a version's files and what each was proved to be. Raises `ArtifactNotFound`."""

    def use_case(session: Session) -> VersionFiles:
        stored = model_rows.load_model(session, project, name)
        key, version = version_rows.load_version(session, stored, label)
        manifest = depot.manifest(sealed_digest(version))
        proofs = rows.list_proofs(session, manifest.files, PROOF_VERSION)
        waived = _waived(evidence_rows.list_waivers(session, key), manifest.digest)
        return VersionFiles(
            reference=version.reference,
            digest=manifest.digest,
            size=manifest.size,
            files=tuple(
                FileRecord(
                    path=file.path,
                    size=file.size,
                    sha256=file.sha256,
                    verdict=str(proof.verdict if proof else Verdict.UNKNOWN),
                    format=proof.format if proof else "",
                    reason=proof.reason if proof else UNPROVED,
                    tensors=None if file.tensors is None else len(file.tensors),
                    waived_by=waived.get(file.path, waived.get("*")),
                )
                for file in manifest.files
                for proof in [proofs.get(file.path)]
            ),
            signatures=rows.list_signatures(session, manifest.digest),
        )

    return store.snapshot(use_case)


def _waived(waivers: tuple[Waiver, ...], digest: str) -> dict[str, str]:
    return {waiver.path: waiver.by for waiver in waivers if waiver.digest == digest}
