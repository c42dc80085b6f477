"""Signatures: who signed which manifest, by a key the caller trusts."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lockgate.artifacts.signatures import (
    ManifestSignature,
    load_key,
    make_key,
    public_key_of,
    sign_manifest,
    verify_signature,
)
from lockgate.errors import AlreadyExists, Corrupt, InvalidInput, Unavailable

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = public_key_of(KEY)


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
    stranger = Ed25519PrivateKey.generate()
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


def test_a_key_file(tmp_path: Path) -> None:
    """A new key is written for its owner's eyes only, loads again, and is never overwritten."""
    path = tmp_path / "key.pem"
    public = make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert public_key_of(load_key(path)) == public
    before = path.read_bytes()
    with pytest.raises(AlreadyExists):
        make_key(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["key.pem"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_others_may_read(tmp_path: Path, mode: int) -> None:
    """A private key that others may read is refused, with the command that mends it."""
    path = tmp_path / "key.pem"
    make_key(path)
    path.chmod(mode)
    with pytest.raises(InvalidInput, match="chmod 600"):
        load_key(path)


def test_files_that_hold_no_key(tmp_path: Path) -> None:
    """A file without an Ed25519 key, or no file, is an error that says so."""
    path = tmp_path / "key.pem"
    with pytest.raises(Unavailable):
        load_key(path)
    path.write_text("no key")
    path.chmod(0o600)
    with pytest.raises(InvalidInput, match="no private key"):
        load_key(path)
    path.write_bytes(
        generate_private_key(SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    with pytest.raises(InvalidInput, match="another kind"):
        load_key(path)
    with pytest.raises(Unavailable):
        make_key(tmp_path / "absent" / "key.pem")
