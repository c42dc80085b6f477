"""Signatures: who signed which manifest, by a key the caller trusts."""

from __future__ import annotations

import dataclasses
import json

import pytest

from lockgate.artifacts.signatures import ManifestSignature, sign_manifest, verify_signature
from lockgate.errors import Corrupt, InvalidInput
from lockgate.keys import SigningKey, new_key

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
KEY = SigningKey(bytes(32))
PUBLIC = KEY.public_key.hex()


def test_a_signature_verifies() -> None:
    """What was signed verifies, also after it was written and read."""
    signature = ManifestSignature.parse(sign_manifest(DIGEST, KEY).encoded)
    assert signature == sign_manifest(DIGEST, KEY)
    assert verify_signature(signature, DIGEST, {PUBLIC}) == PUBLIC


def test_another_manifest() -> None:
    """A signature of one manifest is none of another, also when it claims to be."""
    signature = sign_manifest(DIGEST, KEY)
    with pytest.raises(Corrupt, match="not of sha256:b"):
        verify_signature(signature, OTHER, {PUBLIC})
    with pytest.raises(Corrupt, match="was not made by"):
        verify_signature(dataclasses.replace(signature, digest=OTHER), OTHER, {PUBLIC})


def test_another_key() -> None:
    """A key that is not trusted is refused, and so is a signature that names a trusted one."""
    stranger = new_key()
    signature = sign_manifest(DIGEST, stranger)
    with pytest.raises(Corrupt, match="not trusted"):
        verify_signature(signature, DIGEST, {PUBLIC})
    with pytest.raises(Corrupt, match="not trusted"):
        verify_signature(signature, DIGEST, set())
    with pytest.raises(Corrupt, match="was not made by"):
        verify_signature(dataclasses.replace(signature, key=PUBLIC), DIGEST, {PUBLIC})


def test_the_key_is_not_used_for_bare_digests() -> None:
    """A signature that the same key made of the bare digest elsewhere does not count."""
    bare = ManifestSignature(DIGEST, PUBLIC, KEY.sign(DIGEST.encode()).hex())
    with pytest.raises(Corrupt):
        verify_signature(bare, DIGEST, {PUBLIC})


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "sha256:x"}, {"digest": "blake3:" + "a" * 64}, {"key": "A" * 64}, {"key": ""},
        {"signature": "0" * 127}, {"signature": "0" * 127 + "\n"}, {"algorithm": "none"},
        {"schema": "other"}, {"extra": "x"}, {"key": 3},
    ],
)  # fmt: skip
def test_malformed_signatures(change: dict[str, object]) -> None:
    """A document that is not exactly a signature is refused."""
    document = json.loads(sign_manifest(DIGEST, KEY).encoded) | change
    with pytest.raises(InvalidInput):
        ManifestSignature.parse(json.dumps(document).encode())


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b"[" * 9000, b" " * 20_000])
def test_bytes_that_are_no_signature(data: bytes) -> None:
    """Other bytes are refused without an accident."""
    with pytest.raises(InvalidInput):
        ManifestSignature.parse(data)


def test_only_manifests_are_signed() -> None:
    """A text that is no manifest's digest is not signed."""
    with pytest.raises(InvalidInput):
        sign_manifest("blake3:" + "a" * 64, KEY)
