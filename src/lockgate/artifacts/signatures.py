"""Sign a version: Ed25519 over its manifest's digest, so over every byte of every file.

    signed bytes   "lockgate manifest signature v1\\n" + "sha256:<64 hex>"
    signature      {"algorithm": "ed25519", "digest": …, "key": "<64 hex>", "schema": …,
                    "signature": "<128 hex>"}
    key            the public key itself, its 32 bytes in hex

A signature says who; whether that key is trusted is the caller's knowledge and never the file's.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from lockgate.domain.digests import digest_hex, is_digest, is_hex
from lockgate.errors import AlreadyExists, Corrupt, InvalidInput, Unavailable

SCHEMA: Final = "lockgate.signature.v1"
KEY_FILE_BYTES_MAX: Final = 10_000
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


def make_key(path: Path) -> str:
    """Write a new private key to ``path``, readable by its owner only; return the public key.

    The file is PEM (PKCS 8, not encrypted). AlreadyExists when there is a file: a key is never
    overwritten. Unavailable when it cannot be written.
    """
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")
    try:
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(file, "wb") as opened:
                opened.write(pem)
                opened.flush()
                os.fsync(opened.fileno())
            os.link(temporary, path)  # unlike a rename, it never replaces
        finally:
            os.unlink(temporary)
    except FileExistsError as error:
        raise AlreadyExists(kind="Key file", name=str(path)) from error
    except OSError as error:
        raise Unavailable(detail=f"{path} cannot be written: {error.strerror}.") from error
    return public_key_of(private)


def load_key(path: Path) -> Ed25519PrivateKey:
    """Return the private key in a PEM file.

    InvalidInput when others may read the file, or when it holds no Ed25519 key; Unavailable when it
    cannot be read.
    """
    try:
        with path.open("rb") as opened:
            found = os.fstat(opened.fileno())
            data = opened.read(KEY_FILE_BYTES_MAX)
    except OSError as error:
        raise Unavailable(detail=f"{path} cannot be read: {error.strerror}.") from error
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise InvalidInput(
            detail=f"Others may read the private key {path}; run: chmod 600 {path}", field="key"
        )
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidInput(
            detail=f"{path} holds no private key in PEM form without a password.", field="key"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidInput(detail=f"{path} holds a key of another kind than Ed25519.", field="key")
    return key


def public_key_of(key: Ed25519PrivateKey) -> str:
    """Return the public key of a private one, 64 hex digits."""
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return raw.hex()


def sign_manifest(digest: str, key: Ed25519PrivateKey) -> ManifestSignature:
    """Return a signature of the manifest ``sha256:<64 hex>``; InvalidInput for other texts."""
    digest_hex(digest, "sha256")
    signature = key.sign(_CONTEXT + digest.encode()).hex()
    return ManifestSignature(digest, public_key_of(key), signature)


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
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signature.key))
    try:
        public.verify(bytes.fromhex(signature.signature), _CONTEXT + digest.encode())
    except InvalidSignature as error:
        raise Corrupt(
            detail=f"The signature of {digest} was not made by the key {signature.key}."
        ) from error
    return signature.key
