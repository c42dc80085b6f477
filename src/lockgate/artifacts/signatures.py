"""Sign a version: Ed25519 over its manifest's digest, so over every byte of every file.

    signed bytes   "lockgate manifest signature v1\\n" + "sha256:<64 hex>"
    signature      {"algorithm": "ed25519", "digest": …, "key": "<64 hex>", "schema": …,
                    "signature": "<128 hex>"}
    key            the public key itself, its 32 bytes in hex

A signature says who; whether that key is trusted is the caller's knowledge and never the file's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final, Self

from lockgate.artifacts.bundles import BundleSignature, verify_bundle
from lockgate.domain.checkpoints import VerifierKey
from lockgate.domain.digests import digest_hex, is_digest, is_hex
from lockgate.domain.manifests import Manifest
from lockgate.errors import Corrupt, InvalidInput
from lockgate.keys import EC_PREFIX, SigningKey, verifying

SCHEMA: Final = "lockgate.signature.v1"
SIGNATURE_BYTES_MAX: Final = 10_000
# Separates these signatures from any other use of the same key.
_CONTEXT: Final = b"lockgate manifest signature v1\n"


@dataclass(frozen=True)
class ManifestSignature:
    """A signature of the manifest ``digest`` by the key ``key`` (64 hex); not yet verified."""

    digest: str
    key: str
    signature: str

    def __post_init__(self) -> None:
        is_signature = len(self.signature) == 128 and all(
            is_hex(half) for half in (self.signature[:64], self.signature[64:])
        )
        if not (is_digest(self.digest, "sha256") and is_hex(self.key) and is_signature):
            raise InvalidInput(
                detail="A signature has a digest 'sha256:…', a key of 64 and a signature of 128 "
                "lower-case hexadecimal digits.",
                field="signature",
            )

    @property
    def encoded(self) -> bytes:
        """The signature as JSON, for a file or a request."""
        document = {
            "schema": SCHEMA,
            "algorithm": "ed25519",
            "digest": self.digest,
            "key": self.key,
            "signature": self.signature,
        }
        return json.dumps(document, sort_keys=True, indent=1).encode() + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Return the signature that ``data`` is; InvalidInput when it is none."""
        names = {"schema", "algorithm", "digest", "key", "signature"}
        try:
            if len(data) > SIGNATURE_BYTES_MAX:
                raise ValueError("too long")
            document = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(
                detail="The signature is not a JSON document.", field="signature"
            ) from error
        if (
            not isinstance(document, dict)
            or document.keys() != names
            or not all(isinstance(value, str) for value in document.values())
            or (document["schema"], document["algorithm"]) != (SCHEMA, "ed25519")
        ):
            raise InvalidInput(
                detail=f"The signature is not an object of {', '.join(sorted(names))} "
                f"with schema {SCHEMA!r} and algorithm 'ed25519'.",
                field="signature",
            )
        return cls(document["digest"], document["key"], document["signature"])


Signature = ManifestSignature | BundleSignature


def signature_of(digest: str, key: str, signature: str) -> Signature:
    """Return a signature in the format that its key tells. Raises `InvalidInput`."""
    kind = BundleSignature if key.startswith(EC_PREFIX) else ManifestSignature
    return kind(digest, key, signature)


def verify(
    signature: Signature,
    digest: str,
    manifest: Callable[[], Manifest],
    trusted_keys: Collection[str],
) -> str:
    """Return the trusted key that signed the manifest ``digest``, in either format. `Corrupt`."""
    if isinstance(signature, ManifestSignature):
        return verify_signature(signature, digest, trusted_keys)
    return verify_bundle(signature, manifest(), trusted_keys)


def sign_manifest(digest: str, key: SigningKey) -> ManifestSignature:
    """Return a signature of the manifest ``sha256:<64 hex>``; InvalidInput for other texts."""
    digest_hex(digest, "sha256")
    signature = key.sign(_CONTEXT + digest.encode()).hex()
    return ManifestSignature(digest, key.public_key.hex(), signature)


def verify_signature(
    signature: ManifestSignature, digest: str, trusted_keys: Collection[str]
) -> str:
    """Return the trusted key that signed the manifest ``digest``.

    Corrupt when the signature is of another manifest, by a key that is not among
    ``trusted_keys`` (64 hex each), or not by the key it names.
    """
    if signature.digest != digest:
        raise Corrupt(detail=f"The signature is of {signature.digest}, not of {digest}.")
    if signature.key not in trusted_keys:
        raise Corrupt(detail=f"The signature is by the key {signature.key}, which is not trusted.")
    verify = verifying(VerifierKey("signer", bytes.fromhex(signature.key)))
    if not verify(bytes.fromhex(signature.signature), _CONTEXT + digest.encode()):
        raise Corrupt(detail=f"The signature of {digest} was not made by the key {signature.key}.")
    return signature.key
