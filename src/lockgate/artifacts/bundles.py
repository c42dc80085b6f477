"""Signatures in the OpenSSF model-signing format: one file that lists every file's SHA-256.

    bundle       a Sigstore bundle, JSON
    └ envelope   DSSE; signed bytes "DSSEv1 <length> <type> <length> <statement>"
      └ statement  in-toto; its predicate lists name, algorithm and digest of every file

Signed with an elliptic curve key (P-256, P-384 or P-521). The bundle names the key by a hash only,
so the key travels beside it, as text: ``ec:`` and the base64 of its SubjectPublicKeyInfo. What is
written here is verified by ``model_signing verify key``, and the other way round; neither needs
the library here. Keyless (Sigstore) signatures and certificates are not read.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lockgate.domain.digests import is_digest
from lockgate.domain.manifests import Manifest
from lockgate.errors import Corrupt, InvalidInput, InvalidSetting, LimitExceeded
from lockgate.keys import EC_PREFIX, ec_key_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

BUNDLE_BYTES_MAX: Final = 1_000_000
LISTED_MAX: Final = 5
_BUNDLE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
_PAYLOAD: Final = "application/vnd.in-toto+json"
_STATEMENT: Final = "https://in-toto.io/Statement/v1"
_PREDICATE: Final = "https://model_signing/signature/v1.0"
_HASHES: Final = {256: "SHA256", 384: "SHA384", 521: "SHA512"}


@dataclass(frozen=True)
class BundleSignature:
    """A bundle over the files of the manifest ``digest`` by the key ``key``; not yet verified."""

    digest: str
    key: str
    signature: str

    def __post_init__(self) -> None:
        if not is_digest(self.digest, "sha256") or not self.key.startswith(EC_PREFIX):
            raise InvalidInput(
                detail="A model-signing signature has a digest 'sha256:…' and a key 'ec:…'.",
                field="signature",
            )
        size = len(self.signature.encode(errors="replace"))
        if size > BUNDLE_BYTES_MAX:
            raise LimitExceeded(
                what="A signature's size in bytes", observed=size, limit=BUNDLE_BYTES_MAX
            )


def sign_bundle(manifest: Manifest, name: str, key: Path) -> BundleSignature:
    """Return a signature of a manifest's files, under the name of their model.

    ``key`` is a file with a private key in PEM, without a password. Raises `InvalidSetting` for
    one that is none.
    """
    from cryptography.hazmat.primitives.asymmetric import ec

    private = _private_key(key)
    listed = [
        {"name": file.path, "algorithm": "sha256", "digest": file.sha256}
        for file in sorted(manifest.files, key=lambda file: file.path)
    ]
    statement = {
        "_type": _STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": _root(listed)}}],
        "predicateType": _PREDICATE,
        "predicate": {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": [],
            },
            "resources": listed,
        },
    }
    payload = json.dumps(statement).encode()
    signed = private.sign(_signed_bytes(payload), ec.ECDSA(_hash_for(private.public_key())))
    text = ec_key_text(private.public_key())
    bundle = {
        "mediaType": _BUNDLE,
        "verificationMaterial": {"publicKey": {"hint": _hint(text)}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": _PAYLOAD,
            "signatures": [{"sig": base64.b64encode(signed).decode(), "keyid": ""}],
        },
    }
    return BundleSignature(manifest.digest, text, json.dumps(bundle))


def verify_bundle(
    signature: BundleSignature, manifest: Manifest, trusted_keys: Collection[str]
) -> str:
    """Return the trusted key that signed exactly the files of ``manifest``.

    `Corrupt` when the signature is by a key that is not among ``trusted_keys``, not by the key
    it comes with, or of other files: also of more, or of fewer.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec

    if signature.key not in trusted_keys:
        raise Corrupt(detail=f"The signature is by the key {signature.key}, which is not trusted.")
    public = _public_key(signature.key)
    payload, raw, hint = _opened(signature.signature)
    try:
        public.verify(raw, _signed_bytes(payload), ec.ECDSA(_hash_for(public)))
    except InvalidSignature:
        hint = ""
    if hint != _hint(signature.key):
        raise Corrupt(detail="The signature was not made by the key that it comes with.")
    signed = _files_of(payload)
    wanted = {file.path: file.sha256 for file in manifest.files}
    unlike = sorted(path for path in signed.keys() | wanted if signed.get(path) != wanted.get(path))
    if signature.digest != manifest.digest or unlike:
        shown = ", ".join(unlike[:LISTED_MAX]) or signature.digest
        raise Corrupt(detail=f"The signature is of other files: they differ in {shown}.")
    return signature.key


def _opened(bundle: str) -> tuple[bytes, bytes, str]:
    """Return the signed statement, its signature, and the hash of the key in a bundle."""
    try:
        document = json.loads(bundle)
        envelope = document["dsseEnvelope"]
        (only,) = envelope["signatures"]
        if envelope["payloadType"] != _PAYLOAD:
            raise ValueError("payloadType")
        payload = base64.b64decode(envelope["payload"], validate=True)
        raw = base64.b64decode(only["sig"], validate=True)
        return payload, raw, str(document["verificationMaterial"]["publicKey"]["hint"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Corrupt(detail="The signature is no model-signing bundle by a key.") from None


def _files_of(payload: bytes) -> dict[str, str]:
    """Return path → SHA-256 (hex) of what a statement lists."""
    try:
        statement = json.loads(payload)
        predicate = statement["predicate"]
        how = predicate["serialization"]
        listed = predicate["resources"]
        known = (statement["_type"], statement["predicateType"]) == (_STATEMENT, _PREDICATE)
        by_file = (how["method"], how["hash_type"]) == ("files", "sha256")
        (subject,) = statement["subject"]
        if not known or not by_file or subject["digest"]["sha256"] != _root(listed):
            raise ValueError("statement")
        found = {str(each["name"]): str(each["digest"]) for each in listed}
        if len(found) != len(listed) or any(each["algorithm"] != "sha256" for each in listed):
            raise ValueError("resources")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Corrupt(
            detail="The signature is no statement of model-signing 1.0 about whole files and "
            "their SHA-256."
        ) from None
    return found


def _root(listed: list[dict[str, Any]]) -> str:
    return hashlib.sha256(b"".join(bytes.fromhex(each["digest"]) for each in listed)).hexdigest()


def _signed_bytes(payload: bytes) -> bytes:
    return f"DSSEv1 {len(_PAYLOAD)} {_PAYLOAD} {len(payload)} ".encode() + payload


def _hint(key: str) -> str:
    """Return the hash by which a bundle names its key: of the key in PEM."""
    from cryptography.hazmat.primitives import serialization

    pem = _public_key(key).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(pem).hexdigest()


def _hash_for(key: ec.EllipticCurvePublicKey) -> Any:
    from cryptography.hazmat.primitives import hashes

    return getattr(hashes, _HASHES[key.curve.key_size])()


def _private_key(path: Path) -> ec.EllipticCurvePrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        private = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, ec.EllipticCurvePrivateKey) or (
        private.curve.key_size not in _HASHES
    ):
        raise InvalidSetting(
            setting="key",
            detail=f"{path} holds no private key in PEM, without a password, on the curve P-256, "
            "P-384 or P-521",
        )
    return private


def _public_key(text: str) -> ec.EllipticCurvePublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        data = base64.b64decode(text.removeprefix(EC_PREFIX), validate=True)
        public = serialization.load_der_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        public = None
    if not isinstance(public, ec.EllipticCurvePublicKey) or public.curve.key_size not in _HASHES:
        raise Corrupt(detail=f"{text[:80]!r} is no public key on the curve P-256, P-384 or P-521.")
    return public
