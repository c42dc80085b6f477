"""What requests about files carry, and what they are answered with."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from lockgate.artifacts.bundles import BUNDLE_BYTES_MAX
from lockgate.domain.files import Collected, SignatureRecord, Verified, VersionFiles
from lockgate.wire.answers import schema_of
from lockgate.wire.bodies import Body, NewVersion

Digest = Annotated[str, Field(max_length=100)]


class Digests(Body):
    """Blobs, ``blake3:`` and 64 hexadecimal digits each."""

    digests: Annotated[list[Digest], Field(max_length=1_000)]


class NewSeal(NewVersion):
    """A version, and the manifest of its files, which was sent before."""

    manifest: Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]
    again: Annotated[bool, Field(description="A new version, though it repeat an earlier push")] = (
        False
    )


class NewSignature(Body):
    """A signature over ``digest``, Ed25519 or a model-signing bundle; see the artifact format."""

    digest: Digest
    public_key: Annotated[str, Field(pattern="^([0-9a-f]{64}|ec:[A-Za-z0-9+/=]{1,400})$")]
    signature: Annotated[str, Field(max_length=BUNDLE_BYTES_MAX)]


class NewCollection(Body):
    """A sweep, or only what it would take."""

    dry_run: bool = True


class NewVerification(Body):
    """A reference, or null for all versions."""

    reference: str | None = None


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", defer_build=True)


class Missing(_Answer):
    """Those of the blobs asked about that must be sent."""

    missing: list[str]


class Urls(_Answer):
    """Where each blob is had or sent without asking again; null where only here."""

    urls: list[str | None]


class KeptManifest(_Answer):
    """A manifest that was kept."""

    digest: str
    files: int
    size: int


class Card(_Answer):
    """A model card."""

    text: str


FilesAnswer = schema_of(VersionFiles)
SignatureAnswer = schema_of(SignatureRecord)
CollectedAnswer = schema_of(Collected)
VerifiedAnswer = schema_of(Verified)
