"""Checkpoints and notes are those of C2SP, and only what was signed is believed."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from lockgate.domain.checkpoints import (
    Checkpoint,
    VerifierKey,
    checkpoint_origin,
    open_checkpoint,
    open_note,
    parse_checkpoint,
    parse_note,
    parse_verifier_key,
    sign_checkpoint,
    sign_note,
)
from lockgate.domain.merkle import EMPTY_ROOT
from lockgate.errors import Corrupt, InvalidInput

# The key and the note that implementations of signed notes are tested with.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
PETERS_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETERS_NOTE = (
    PETERS_TEXT + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZ"
    "SNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ORIGIN = "lockgate/7f3c/default"
SECRET = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
KEY = VerifierKey(ORIGIN, SECRET.public_key().public_bytes_raw())
CHECKPOINT = Checkpoint(ORIGIN, 1042, b"r" * 32)


def verifier(key: VerifierKey) -> Callable[[bytes, bytes], bool]:
    """Return the function that verifies with a real Ed25519 key."""
    public = Ed25519PublicKey.from_public_bytes(key.public_key)

    def verify(signature: bytes, message: bytes) -> bool:
        try:
            public.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return verify


def test_published_note_verifies() -> None:
    """The published note opens with the published key."""
    key = parse_verifier_key(PETER)
    assert open_note(PETERS_NOTE, [(key, verifier(key))]) == PETERS_TEXT


def test_published_note_is_made_byte_for_byte() -> None:
    """Signing the published text with the published key gives the published note."""
    key = parse_verifier_key(PETER)
    sign = Ed25519PrivateKey.from_private_bytes(PETERS_SEED).sign
    assert str(sign_note(PETERS_TEXT, key, sign)) == PETERS_NOTE
    assert str(key) == PETER


def test_published_checkpoint_text() -> None:
    """The text of the specification's example reads as what it says."""
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    checkpoint = parse_checkpoint(text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text == text


def test_round_trip() -> None:
    """A signed checkpoint opens with its key as what was signed."""
    signed = sign_checkpoint(CHECKPOINT, KEY, SECRET.sign)
    assert signed.startswith(f"{ORIGIN}\n1042\n")
    assert open_checkpoint(signed, KEY, verifier(KEY)) == CHECKPOINT


@given(st.integers(0, 400), st.integers(1, 255))
def test_any_changed_byte_is_refused(position: int, change: int) -> None:
    """A signed checkpoint with one byte changed is never believed."""
    signed = bytearray(sign_checkpoint(CHECKPOINT, KEY, SECRET.sign).encode())
    position %= len(signed)
    signed[position] ^= change
    try:
        text = signed.decode()
    except UnicodeDecodeError:
        return
    with pytest.raises((InvalidInput, Corrupt)):
        open_checkpoint(text, KEY, verifier(KEY))


def test_signature_of_an_unknown_key_beside_ours_is_ignored() -> None:
    """A witness may add a signature; ours is the one that counts."""
    witness = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
    witness_key = VerifierKey("witness.example", witness.public_key().public_bytes_raw())
    other = str(sign_note(CHECKPOINT.text, witness_key, witness.sign))
    signed = sign_checkpoint(CHECKPOINT, KEY, SECRET.sign) + other.rpartition("\n\n")[2]
    assert open_checkpoint(signed, KEY, verifier(KEY)) == CHECKPOINT
    with pytest.raises(Corrupt, match=r"Signed by witness.example .*, trusted is lockgate/7f3c"):
        open_checkpoint(other, KEY, verifier(KEY))


def test_bad_signature_of_a_known_key_is_refused_beside_a_good_one() -> None:
    """One known key's signature that fails condemns the whole note."""
    good = sign_checkpoint(CHECKPOINT, KEY, SECRET.sign)
    line = f"— {ORIGIN} {base64.b64encode(KEY.key_id + b'x' * 64).decode()}\n"
    with pytest.raises(Corrupt, match="does not verify"):
        open_checkpoint(good + line, KEY, verifier(KEY))


def test_checkpoint_of_another_log_is_refused() -> None:
    """A checkpoint of another project is not taken for ours, though our key signed it."""
    other = Checkpoint("lockgate/7f3c/other", 3, b"r" * 32)
    with pytest.raises(InvalidInput, match="is not signed by"):
        sign_checkpoint(other, KEY, SECRET.sign)
    signed = str(sign_note(other.text, KEY, SECRET.sign))
    with pytest.raises(Corrupt, match="is of lockgate/7f3c/other"):
        open_checkpoint(signed, KEY, verifier(KEY))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "o\n1\n",
        "o\n1\nAA==\n",
        "o\n01\n" + CHECKPOINT.text.split("\n")[2] + "\n",
        "o\n-1\n" + CHECKPOINT.text.split("\n")[2] + "\n",
        "o\n1\n\n" + CHECKPOINT.text.split("\n")[2] + "\n",
        "o\n" + "9" * 5000 + "\n" + CHECKPOINT.text.split("\n")[2] + "\n",
        "o\n1\n" + CHECKPOINT.text.split("\n")[2],
        "o\n1\n" + CHECKPOINT.text.split("\n")[2].replace("I=", "J=") + "x\n",
    ],
)
def test_malformed_checkpoints(text: str) -> None:
    """What is not exactly a checkpoint is InvalidInput."""
    with pytest.raises(InvalidInput):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "text",
    [
        "text\n",
        "text\n\n",
        "text\n\n— name AAAAAAA=",
        "text\n\n- name AAAAAAAA\n",
        "text\n\n— na+me AAAAAAAA\n",
        "text\n\n— name AAAA\n",
        "text\n\n— name AAAAAAA\n",
        "te\txt\n\n— name AAAAAAAA\n",
        "te\ud800xt\n\n— name AAAAAAAA\n",
        "text\n\n" + "— name AAAAAAAA\n" * 101,
        "x" * 1_000_001,
    ],
)
def test_malformed_notes(text: str) -> None:
    """What is not exactly a note is InvalidInput."""
    with pytest.raises(InvalidInput):
        parse_note(text)


def test_text_of_a_note_may_have_empty_lines() -> None:
    """The last empty line separates the signatures."""
    note = parse_note("one\n\ntwo\n\n— name AAAAAAAA\n")
    assert (note.text, len(note.signatures)) == ("one\n\ntwo\n", 1)
    assert str(note) == "one\n\ntwo\n\n— name AAAAAAAA\n"


@given(st.integers(0, 200), st.integers(0, 200))
def test_no_part_of_a_verifier_key_is_one(begin: int, end: int) -> None:
    """A cut verifier key is refused."""
    part = PETER[begin:end]
    if part.strip() == PETER:
        return
    with pytest.raises(InvalidInput):
        parse_verifier_key(part)


def test_empty_log_has_one_root() -> None:
    """A checkpoint over no events has the root of the empty tree."""
    assert Checkpoint("o", 0, EMPTY_ROOT).text.split("\n")[1] == "0"
    with pytest.raises(InvalidInput):
        Checkpoint("o", 0, b"r" * 32)


def test_origin_names_log_and_project() -> None:
    """The origin can name a key: no spaces, no plus."""
    assert checkpoint_origin("7f3c", "default") == ORIGIN
    with pytest.raises(InvalidInput):
        checkpoint_origin("a b", "default")
