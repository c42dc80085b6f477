"""The files of versions: the verbs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lockgate.artifacts.carrying import ReadTold
from lockgate.artifacts.passing import Part
from lockgate.artifacts.pulling import Fetch
from lockgate.artifacts.sending import Sink
from lockgate.artifacts.signatures import Signature
from lockgate.artifacts.store import Data
from lockgate.domain.files import Collected, SignatureRecord, Verified, VersionFiles
from lockgate.domain.imports import ImportRules
from lockgate.domain.manifests import Manifest
from lockgate.domain.permissions import PUSH, VERIFY, VIEW
from lockgate.domain.versions import ModelVersion
from lockgate.errors import InvalidSetting
from lockgate.importing import ImportVerbs
from lockgate.keys import SigningKey
from lockgate.registry.desk import Desk
from lockgate.services import (
    collecting,
    downloads,
    possession,
    proving,
    publishing,
    registration,
    signing,
    usage,
)
from lockgate.services.depot import Depot, find_depot
from lockgate.services.downloads import URL_EXPIRES_S
from lockgate.services.file_evidence import card_of
from lockgate.services.loose_files import LooseFiles
from lockgate.services.possession import PossessedBlobs
from lockgate.services.sealed import sealed_digest
from lockgate.services.uploads import Uploads
from lockgate.services.verifying import Verifying, every_sealed


class ArtifactVerbs(Desk, ImportVerbs):
    """Pushing, pulling, looking at, signing, verifying and sweeping files."""

    @property
    def depot(self) -> Depot:
        """Where files are kept. Raises `InvalidSetting` for a registry that keeps none."""
        depot = find_depot(self._store)
        if depot is None:
            raise InvalidSetting(
                setting="artifacts", detail="this registry was opened without a store for files"
            )
        return depot

    @property
    def uploads(self) -> Uploads:
        """Whole files on their way in, for clients that do not know of chunks."""
        return Uploads(self._store, self.depot, self._who)

    @property
    def loose_files(self) -> LooseFiles:
        """Files that belong to no version. Raises `InvalidSetting` as `depot` does."""
        return LooseFiles(self._store, self.depot, self._who)

    def files(self, reference: str) -> VersionFiles:
        """Return a version's files, and what each was proved to be. Raises `ArtifactNotFound`."""
        version = self.resolve(reference)
        return proving.list_files(
            self._store, self.depot, version.project, version.model, version.label
        )

    def manifest(self, reference: str) -> Manifest:
        """Return the manifest of a version. Raises `ArtifactNotFound`."""
        version = self.resolve(reference)
        found = self.depot.manifest(sealed_digest(version))
        usage.note_pull(self._store, self._who, version)
        return found

    def card(self, reference: str) -> str:
        """Return the text of a version's model card: a file of it, else its description."""
        version = self.resolve(reference)
        if version.digest is None:
            return version.description
        found = card_of(self.depot, self.depot.manifest(version.digest))
        return version.description if found is None else found

    def seal(
        self,
        name: str,
        manifest: Manifest | str,
        version: str | int | None = None,
        *,
        again: bool = False,
        **words: Any,
    ) -> ModelVersion:
        """Make a version of files whose chunks are all in the store, named by their manifest.

        ``manifest`` is the manifest, or the digest of one that was kept; ``again`` makes a new
        version even of what the same person pushed with the same words before; ``words`` are
        those of `register_model`. See `push`, which is this and all that comes before it.
        """
        return self._seal(name, manifest, {"version": version, **words}, again=again)

    def _seal(
        self,
        name: str,
        manifest: Manifest | str,
        words: dict[str, Any],
        *,
        hashed_here: bool = False,
        again: bool = False,
    ) -> ModelVersion:
        project, bare = self._split(name)
        limits = self._store.limits
        model = registration.new_model(limits, bare, lifecycle=words.get("lifecycle"))
        new = registration.new_version(limits, **words)
        return publishing.publish(
            self._store,
            self.depot,
            self._who,
            project,
            model,
            new,
            manifest,
            hashed_here=hashed_here,
            again=again,
        )

    def keep_manifest(self, data: bytes) -> Manifest:
        """Keep the bytes of a manifest, for `seal`. Raises `InvalidManifest`."""
        self._require_somewhere(PUSH)
        kept = publishing.keep_manifest(self.depot, data)
        possession.note_sent(self._store, self._who, [kept.digest])
        return kept

    def sign(
        self, reference: str, key: SigningKey | str | Path, *, format: str = "lockgate"
    ) -> SignatureRecord:
        """Sign a version's files with a key, or with the one in a file.

        ``format`` is ``lockgate`` (Ed25519), or ``model-signing`` (OpenSSF's, with the file of a
        private key on an elliptic curve in PEM).
        """
        version = self._sealed(reference)
        return self.add_signature(version.reference, self._signature(version, key, format))

    def add_signature(self, reference: str, signature: Signature) -> SignatureRecord:
        """Keep a signature of a version's files that was made elsewhere, once it verifies."""
        version = self.resolve(reference)
        return signing.add_signature(
            self._store,
            self.depot,
            self._who,
            version.project,
            version.model,
            version.label,
            signature,
        )

    def verify_artifacts(
        self, reference: str | None = None, *, progress: ReadTold | None = None
    ) -> Verified:
        """Read a version's files back (without a reference: those of all versions) and hash them.

        Damaged chunks are set aside: pushing the same files again repairs them.
        """
        run = Verifying(self._store, self.depot, self._who, progress)
        if reference is not None:
            version = self.resolve(reference)
            self._store.read(lambda session: publishing.require_push(session, version.project))
            run.add(version)
            return run.verified()
        self._require_everywhere(VERIFY, VIEW)
        for version in every_sealed(self._store):
            run.add(version)
        return run.verified()

    def gc(self, *, dry_run: bool = False) -> Collected:
        """Delete what no version needs any more, or say exactly what would go."""
        return collecting.collect(self._store, self.depot, self._who, dry_run=dry_run)

    # --- chunks, for whoever carries them from elsewhere -------------------------------------

    def missing(self, digests: Sequence[str]) -> set[str]:
        """Return those of the blobs that have to be sent: not here, or not for the caller."""
        self._require_somewhere(PUSH)
        return self._blobs().missing(digests)

    def put_blobs(self, blobs: Sequence[tuple[str, Data]], part: Part | None = None) -> None:
        """Keep blobs under their digests, each verified first.

        Who says of what file they are a ``part``, all of it, has less to wait for at the seal.
        """
        self._require_somewhere(PUSH)
        self.depot.passing.keep(blobs, part, self._blobs().put_many)

    def upload_urls(self, digests: Sequence[str]) -> list[str | None]:
        """Return where blobs can be sent without us; then `admit_blobs`."""
        self._require_somewhere(PUSH)
        return self._blobs().upload_urls(digests, URL_EXPIRES_S)

    def admit_blobs(self, digests: Sequence[str]) -> None:
        """Verify blobs that were sent to their URLs, and keep them."""
        self._require_somewhere(PUSH)
        self._blobs().admit(digests)

    def download_urls(self, reference: str, digests: Sequence[str]) -> list[str | None]:
        """Return where chunks of a version can be had without us, None where they cannot."""
        return downloads.download_urls(self.depot, self.manifest(reference), digests)

    def chunks(self, version: ModelVersion) -> Fetch:
        """Return where a version's chunks come from: asked for digests, it yields their bytes.

        Nobody has verified them yet. Raises `ArtifactNotFound`.
        """
        manifest = self.depot.manifest(sealed_digest(version))
        return lambda digests: downloads.read_chunks(self.depot, manifest, digests)

    def signatures(self, reference: str) -> tuple[SignatureRecord, ...]:
        """Return the signatures of a version's files, none of them verified."""
        return self._signatures(self.resolve(reference))

    # --- what the verbs that carry files stand on --------------------------------------------

    def _sink(self) -> Sink:
        self._require_somewhere(PUSH)
        return self._blobs()

    def _blobs(self) -> PossessedBlobs:
        return PossessedBlobs(self._store, self.depot, self._who)

    def _publish(self, name: str, manifest: Manifest, words: dict[str, Any]) -> ModelVersion:
        return self._seal(name, manifest, words, hashed_here=True)

    def _read_manifest(self, version: ModelVersion) -> bytes:
        found = self.depot.manifest(sealed_digest(version))
        usage.note_pull(self._store, self._who, version)
        return found.encoded

    def _signatures(self, version: ModelVersion) -> tuple[SignatureRecord, ...]:
        return signing.list_signatures(self._store, version.project, version.model, version.label)

    def _own_folder(self) -> Path:
        return self.depot.rules.cache

    def _import_rules(self) -> ImportRules:
        return self.depot.rules.imports
