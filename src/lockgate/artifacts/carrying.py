"""The verbs that carry files, written once for a registry in this process and one on a server.

    push    folder → chunks (those that lack) → manifest → version
    pull    version → manifest → chunks → folder
    use     the same, into a cache that is shared by all who ask on this machine

A registry of either kind says where chunks go and come from; everything else is here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockgate.artifacts.bundles import sign_bundle
from lockgate.artifacts.cache import ArtifactCache
from lockgate.artifacts.proof import chunk_reader
from lockgate.artifacts.pulling import Fetch, PullProgress, pull_tree
from lockgate.artifacts.pushing import Pushed, push_tree
from lockgate.artifacts.remembered import HashMemory
from lockgate.artifacts.sending import PushProgress, Sink
from lockgate.artifacts.signatures import Signature, sign_manifest, signature_of, verify
from lockgate.artifacts.store import blob_digest
from lockgate.domain.contents import Verdict
from lockgate.domain.differences import ManifestDiff, diff_manifests
from lockgate.domain.files import SignatureRecord, VersionFiles
from lockgate.domain.manifests import Manifest, parse_manifest
from lockgate.domain.references import parse_reference
from lockgate.domain.versions import ModelVersion
from lockgate.errors import (
    ArtifactNotFound,
    BlobNotFound,
    Corrupt,
    DigestMismatch,
    InvalidInput,
    InvalidReference,
    Unavailable,
)
from lockgate.keys import SigningKey, read_key, trusted_keys_of

if TYPE_CHECKING:
    from lockgate.artifacts.advice import ScanAdvice

PUSHES_MAX = 10
"""How often what was swept, before the files had their name, is sent again."""

PushTold = Callable[[PushProgress], None]
PullTold = Callable[[PullProgress], None]
ReadTold = Callable[[int], None]


class FileVerbs(ABC):
    """Push, pull, use and compare the files of versions."""

    project: str

    @abstractmethod
    def resolve(self, reference: str) -> ModelVersion:
        """Return the version that a reference means."""

    @abstractmethod
    def files(self, reference: str) -> VersionFiles:
        """Return a version's files, and what each was proved to be."""

    @abstractmethod
    def _sink(self) -> Sink:
        """Return where chunks go."""

    @abstractmethod
    def _publish(self, name: str, manifest: Manifest, words: dict[str, Any]) -> ModelVersion:
        """Make a version of these files; BlobNotFound when chunks lack."""

    @abstractmethod
    def _read_manifest(self, version: ModelVersion) -> bytes:
        """Return the manifest of a sealed version."""

    @abstractmethod
    def chunks(self, version: ModelVersion) -> Fetch:
        """Return where the chunks of a sealed version come from."""

    @abstractmethod
    def _signatures(self, version: ModelVersion) -> tuple[SignatureRecord, ...]:
        """Return the signatures of a sealed version, unverified."""

    @abstractmethod
    def _own_folder(self) -> Path:
        """Return the folder of the user's own that aids may be kept in."""

    def push(
        self,
        path: str | Path,
        name: str,
        version: str | int | None = None,
        *,
        metrics: Mapping[str, float] | None = None,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        run_id: str | None = None,
        dataset: str | None = None,
        code: str | None = None,
        parents: Sequence[str] | None = None,
        description: str = "",
        stage: str | None = None,
        lifecycle: str | None = None,
        artifact_uri: str | None = None,
        progress: PushTold | None = None,
    ) -> ModelVersion:
        """Make a file or folder the files of a version, and return that version, sealed.

        ``artifact_uri`` says where they came from; nothing is read there.
        A version of that label that has no files yet is given these. One that has exactly these
        is returned as it is; one that has others is `VersionSealed`. Only chunks that the store
        lacks are sent; a push that stopped is completed by pushing again. Other errors are those
        of `push_tree` and `register_model`.
        """
        words = {
            "version": version,
            "metrics": metrics,
            "params": params,
            "tags": tags,
            "metadata": metadata,
            "run_id": run_id,
            "dataset": dataset,
            "code": code,
            "parents": parents,
            "description": description,
            "stage": stage,
            "lifecycle": lifecycle,
            "artifact_uri": artifact_uri,
        }
        lacking: BlobNotFound | None = None
        for _ in range(PUSHES_MAX):
            pushed = self._send(Path(path), progress)
            try:
                return self._publish(name, pushed.manifest, words)
            except BlobNotFound as error:
                lacking = error  # swept in between: the next round sends it again
        assert lacking is not None  # noqa: S101  # at least one round
        raise lacking

    def _send(self, path: Path, progress: PushTold | None) -> Pushed:
        memory = HashMemory(self._own_folder() / "hashed")
        return push_tree(path, self._sink(), memory=memory, on_progress=progress)

    def pull(
        self,
        reference: str,
        destination: str | Path,
        *,
        verify_keys: Sequence[str] = (),
        progress: PullTold | None = None,
    ) -> ModelVersion:
        """Make ``destination`` a folder of a version's files, verified to the last byte.

        It must not be there yet, or be an empty folder. A pull that stopped is completed by
        pulling again. With ``verify_keys`` (``name+id+base64``, or the file of a public key) one
        of these must have signed the files: `Corrupt` otherwise. Other errors are
        `ArtifactNotFound` and those of `pull_tree`.
        """
        version = self._sealed(reference)
        manifest = self._manifest(version)
        if verify_keys:
            self._require_signature(version, verify_keys)
        pull_tree(manifest, self.chunks(version), Path(destination), on_progress=progress)
        return version

    def use(
        self,
        reference: str,
        *,
        verify_keys: Sequence[str] = (),
        progress: PullTold | None = None,
    ) -> Path:
        """Return a folder on this machine that holds a version's files, verified and read-only.

        It lies in the user's cache and is shared: copy it before changing it. A version that is
        there costs one question and no bytes. When the registry does not answer, a reference by
        digest is answered from the cache.
        """
        cache = ArtifactCache(self._own_folder() / "artifacts")
        parsed = parse_reference(reference, self.project)
        try:
            version = self._sealed(reference)
        except Unavailable:
            found = cache.find(parsed.selector) if parsed.kind == "digest" else None
            if found is None or verify_keys:
                raise
            return found
        if verify_keys:
            self._require_signature(version, verify_keys)
        return cache.ensure(
            version.digest or "",
            lambda: self._read_manifest(version),
            self.chunks(version),
            on_progress=progress,
        )

    def manifest(self, reference: str) -> Manifest:
        """Return the manifest of a version. Raises `ArtifactNotFound`."""
        return self._manifest(self._sealed(reference))

    def diff(self, before: str, after: str) -> ManifestDiff:
        """Return what differs between the files of two versions, from their digests alone."""
        return diff_manifests(self.manifest(before), self.manifest(after))

    def scan_advice(self, reference: str) -> tuple[ScanAdvice, ...]:
        """Return what picklescan says of those files that are not proved to be only data.

        Advice: no gate listens to it, and a file without findings is no better for it. The files
        are fetched and scanned here, in a process with limits. Raises `ArtifactNotFound`.
        """
        from lockgate.artifacts.advice import advise

        version = self._sealed(reference)
        manifest, fetch = self._manifest(version), self.chunks(version)

        def read_blob(digest: str) -> bytes:
            data = bytes(next(iter(fetch([digest]))))
            if blob_digest(data) != digest:
                raise DigestMismatch(subject="A chunk", observed=blob_digest(data), expected=digest)
            return data

        proved = {
            file.path for file in self.files(reference).files if file.verdict == Verdict.DATA_ONLY
        }
        others = [file for file in manifest.files if file.path not in proved]
        return advise(others, chunk_reader(read_blob))

    def tensor_moves(self, before: str, after: str) -> dict[str, float]:
        """Return how far each tensor that changed has moved, as a share of its norm before.

        Reads the tensors that changed, and nothing else; those of rare dtypes are left out.
        """
        from lockgate.artifacts.moves import tensor_moves

        one, two = self._sealed(before), self._sealed(after)
        old, new = self._manifest(one), self._manifest(two)
        return tensor_moves(
            old,
            new,
            diff_manifests(old, new).tensors,
            _reading_one(self.chunks(one)),
            _reading_one(self.chunks(two)),
        )

    def _manifest(self, version: ModelVersion) -> Manifest:
        manifest = parse_manifest(self._read_manifest(version))
        if manifest.digest != version.digest:
            raise Corrupt(
                detail=f"The manifest of {version.reference} is {manifest.digest}, "
                f"not {version.digest}."
            )
        return manifest

    def _sealed(self, reference: str) -> ModelVersion:
        version = self.resolve(reference)
        if version.digest is None:
            raise ArtifactNotFound(reference=version.reference, artifact_uri=version.artifact_uri)
        return version

    def _signature(
        self, version: ModelVersion, key: SigningKey | str | Path, form: str
    ) -> Signature:
        """Return a new signature of a sealed version's files."""
        if form == "lockgate":
            signer = key if isinstance(key, SigningKey) else read_key(Path(key))
            return sign_manifest(version.digest or "", signer)
        if form != "model-signing" or isinstance(key, SigningKey):
            raise InvalidInput(
                detail="A signature's format is 'lockgate', or 'model-signing' with the file of a "
                f"key in PEM; got {form!r:.60}",
                field="format",
            )
        return sign_bundle(self._manifest(version), version.model, Path(key))

    def _require_signature(self, version: ModelVersion, keys: Sequence[str]) -> None:
        """Raise `Corrupt` unless one of the keys signed a version's files."""
        trusted = trusted_keys_of(",".join(keys))
        for each in self._signatures(version):
            if each.public_key in trusted:
                signature = signature_of(each.digest, each.public_key, each.signature)
                verify(signature, version.digest or "", lambda: self._manifest(version), trusted)
                return
        names = ", ".join(trusted.values())
        raise Corrupt(detail=f"{version.reference} is not signed by {names}.")


def _reading_one(fetch: Fetch) -> Callable[[str], bytes]:
    return lambda digest: bytes(next(iter(fetch([digest]))))


def named_reference(
    text: str,
    project: str,
    *,
    stage: str | None = None,
    version: str | int | None = None,
    alias: str | None = None,
) -> str:
    """Return the reference that a name and at most one selector mean.

    Raises `InvalidReference` when a selector comes with a reference that has one, or with another.
    """
    given = [each for each in (stage, version, alias) if each is not None]
    parsed = parse_reference(text, project)
    if not given:
        return str(parsed)
    if len(given) > 1 or ":" in text or "@" in text:
        raise InvalidReference(
            detail=f"{text!r} with {', '.join(map(str, given))} names a version twice; give one "
            "of stage, version and alias, or a whole reference.",
            reference=text,
        )
    sign = "@" if version is None else ":"
    return f"{parsed.project}/{parsed.model}{sign}{given[0]}"
