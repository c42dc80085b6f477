"""Keys on disk: made once, readable by their owner only, used under many names."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lockgate.domain.checkpoints import parse_verifier_key
from lockgate.errors import InvalidInput, InvalidSetting, Unavailable
from lockgate.keys import SigningKey, new_key, open_key, read_key, verifying, write_key

SEED = bytes(range(32))


def test_key_is_what_was_written(tmp_path: Path) -> None:
    """A key comes back from its file as it was; nobody else can read the file."""
    path = tmp_path / "folder" / "audit.key"
    write_key(SigningKey(SEED), path)
    assert read_key(path) == SigningKey(SEED)
    assert path.stat().st_mode & 0o777 == 0o600


def test_public_half_is_that_of_the_standard() -> None:
    """The public key of RFC 8032's first test vector."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert SigningKey(seed).public_key.hex() == public
    assert SigningKey(seed).fingerprint == public[:16]


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    """Writing where a key lies is refused, and the key stays."""
    path = tmp_path / "audit.key"
    write_key(SigningKey(SEED), path)
    with pytest.raises(InvalidInput, match="exists already"):
        write_key(new_key(), path)
    assert read_key(path) == SigningKey(SEED)


def test_open_makes_a_key_once(tmp_path: Path) -> None:
    """Where there is no key one is made, and the next time it is the same."""
    path = tmp_path / "audit.key"
    assert open_key(path) == open_key(path)


def test_many_who_open_at_once_get_one_key(tmp_path: Path) -> None:
    """Of several that make the key at the same moment one wins, and all read that one."""
    path = tmp_path / "folder" / "audit.key"
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(open_key, [path] * 8))
    assert keys == [read_key(path)] * 8
    assert [each.name for each in path.parent.iterdir()] == ["audit.key"]


def test_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """A signing key that its group can read is not used; the error says what to run."""
    path = tmp_path / "audit.key"
    write_key(SigningKey(SEED), path)
    path.chmod(0o640)
    with pytest.raises(InvalidSetting, match=f"chmod 600 {path}"):
        read_key(path)


def test_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    """Without a file the error names the command that makes one."""
    with pytest.raises(InvalidSetting, match="lockgate audit keygen"):
        read_key(tmp_path / "none.key")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lockgate+00000000+AAAA",
        "PRIVATE+KEY+lockgate",
        "PRIVATE+KEY+lockgate+00000000+not base64",
        "PRIVATE+KEY+lockgate+00000000+AQID",
        "PRIVATE+KEY+lockgate+00000000+" + "A" * 44,
        "PRIVATE+KEY+é",
    ],
)
def test_what_is_no_key_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    """A file with something else in it is refused, and the error repeats nothing of it."""
    path = tmp_path / "audit.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(InvalidSetting) as refused:
        read_key(path)
    assert str(path) in str(refused.value)
    assert "AAAA" not in str(refused.value)


def test_key_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder that is a file cannot hold a key: that is said, not raised as a bug."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="The key cannot be written"):
        write_key(SigningKey(SEED), tmp_path / "file" / "audit.key")


def test_repr_shows_nothing_of_the_seed() -> None:
    """What ends up in logs and tracebacks is the fingerprint."""
    assert SEED.hex() not in repr(SigningKey(SEED))
    assert repr(SigningKey(SEED)) == f"SigningKey({SigningKey(SEED).fingerprint})"


def test_signature_verifies_for_this_message_only() -> None:
    """A signature is good for its message and its key, and for nothing else."""
    key = SigningKey(SEED)
    signature = key.sign(b"message")
    verify = verifying(key.verifier("log"))
    assert verify(signature, b"message")
    assert not verify(signature, b"another message")
    assert not verify(signature[:-1], b"message")
    assert not verifying(SigningKey(os.urandom(32)).verifier("log"))(signature, b"message")


def test_verifier_key_is_written_and_read() -> None:
    """The line that auditors are given reads back as the key."""
    verifier = SigningKey(SEED).verifier("lockgate/log/default")
    assert parse_verifier_key(str(verifier)) == verifier
