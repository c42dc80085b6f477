"""The files of versions: the verbs, over HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockgate.artifacts.carrying import ReadTold
from lockgate.artifacts.pulling import Fetch
from lockgate.artifacts.sending import Sink
from lockgate.artifacts.signatures import Signature
from lockgate.domain.files import Collected, SignatureRecord, Verified, VersionFiles
from lockgate.domain.imports import ImportRules
from lockgate.domain.manifests import Manifest, parse_manifest
from lockgate.domain.versions import ModelVersion
from lockgate.importing import ImportVerbs
from lockgate.keys import SigningKey
from lockgate.sdk.calls import Calls, given, labels
from lockgate.sdk.transfers import Transfers
from lockgate.wire.records import from_wire

if TYPE_CHECKING:
    from lockgate.artifacts.passing import Part
    from lockgate.artifacts.store import Data

UPKEEP_S_MAX = 24 * 3600.0
"""How long the client waits while the server reads everything that it has."""


class ArtifactVerbs(Calls, ImportVerbs):
    """Pushing, pulling, looking at, signing, verifying and sweeping files."""

    def files(self, reference: str) -> VersionFiles:
        """Return a version's files, and what each was proved to be. Raises `ArtifactNotFound`."""
        return self._load(VersionFiles, self._at(self.resolve(reference), "files"))

    def card(self, reference: str) -> str:
        """Return the text of a version's model card: a file of it, else its description."""
        return str(self._get(self._at(self.resolve(reference), "card"))["text"])

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
        if isinstance(manifest, Manifest):
            manifest = self.keep_manifest(manifest.encoded).digest
        words["tags"] = labels(words.get("tags"))
        body = given(manifest=manifest, version=version, again=again or None, **words)
        # What the server proves of the files takes its time.
        made = self._transfers().write(
            self._model(name, "seals"), body, self._once_headers(), UPKEEP_S_MAX
        )
        return from_wire(ModelVersion, made)

    def keep_manifest(self, data: bytes) -> Manifest:
        """Keep the bytes of a manifest, for `seal`. Raises `InvalidManifest`."""
        self._transfers().keep_manifest(data)
        return parse_manifest(data)

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
        body = {
            "digest": signature.digest,
            "public_key": signature.key,
            "signature": signature.signature,
        }
        path = self._at(self.resolve(reference), "signatures")
        return self._change(SignatureRecord, "POST", path, body)

    def chunks(self, version: ModelVersion) -> Fetch:
        """Return where a version's chunks come from: asked for digests, it yields their bytes.

        Nobody has verified them yet. Raises `ArtifactNotFound`.
        """
        return self._transfers().fetch_from(self._at(version))

    def signatures(self, reference: str) -> tuple[SignatureRecord, ...]:
        """Return the signatures of a version's files, none of them verified."""
        return self._signatures(self.resolve(reference))

    def verify_artifacts(
        self, reference: str | None = None, *, progress: ReadTold | None = None
    ) -> Verified:
        """Read a version's files back (without a reference: those of all versions) and hash them.

        Damaged chunks are set aside: pushing the same files again repairs them. The server reads;
        ``progress`` is told of all its bytes at the end.
        """
        body = {"reference": reference}
        found = self._transfers().write(
            "/artifacts/verification", body, self._headers(), UPKEEP_S_MAX
        )
        verified = from_wire(Verified, found)
        if progress:
            progress(verified.bytes_read)
        return verified

    def gc(self, *, dry_run: bool = False) -> Collected:
        """Delete what no version needs any more, or say exactly what would go."""
        body = {"dry_run": dry_run}
        done = self._transfers().write("/artifacts/gc", body, self._headers(), UPKEEP_S_MAX)
        return from_wire(Collected, done)

    # --- chunks, for whoever carries them from elsewhere -------------------------------------

    def missing(self, digests: Sequence[str]) -> set[str]:
        """Return those of the blobs that have to be sent: not here, or not for the caller."""
        return self._transfers().missing(digests)

    def put_blobs(self, blobs: Sequence[tuple[str, Data]], part: Part | None = None) -> None:
        """Keep blobs under their digests, each verified first.

        Who says of what file they are a ``part``, all of it, has less to wait for at the seal.
        """
        if part is None:
            self._transfers().put_many(blobs)
        else:
            self._transfers().put_part(blobs, part)

    def upload_urls(self, digests: Sequence[str]) -> list[str | None]:
        """Return where blobs can be sent without us; then `admit_blobs`."""
        return self._transfers().upload_urls(digests)

    def admit_blobs(self, digests: Sequence[str]) -> None:
        """Verify blobs that were sent to their URLs, and keep them."""
        self._transfers().admit(digests)

    def download_urls(self, reference: str, digests: Sequence[str]) -> list[str | None]:
        """Return where chunks of a version can be had without us, None where they cannot."""
        return self._transfers().download_urls(self._at(self.resolve(reference)), digests)

    # --- what the verbs that carry files stand on --------------------------------------------

    def _once_headers(self) -> dict[str, str]:
        return {**self._headers(), "Idempotency-Key": self._key or uuid.uuid4().hex}

    def _at(self, version: ModelVersion, *rest: str) -> str:
        return self._version(f"{version.project}/{version.model}", version.label, *rest)

    def _transfers(self) -> Transfers:
        return Transfers(self._transport, self._headers())

    def _sink(self) -> Sink:
        return self._transfers()

    def _publish(self, name: str, manifest: Manifest, words: dict[str, Any]) -> ModelVersion:
        return self.seal(name, manifest, **words)

    def _read_manifest(self, version: ModelVersion) -> bytes:
        return self._transfers().get(self._at(version, "manifest"))

    def _signatures(self, version: ModelVersion) -> tuple[SignatureRecord, ...]:
        return self._all(SignatureRecord, self._at(version, "signatures"))

    def _own_folder(self) -> Path:
        return self._cache or Path.home() / ".cache" / "lockgate"

    def _import_rules(self) -> ImportRules:
        return ImportRules()
