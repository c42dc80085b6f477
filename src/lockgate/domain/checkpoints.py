"""Checkpoints: what the log was at one size, signed, in the C2SP tlog-checkpoint form.

    lockgate/7f3c…/default                          origin: which log
    1042                                            how many events
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=    root of the Merkle tree over them
                                                    (an empty line)
    — lockgate/7f3c…/default Az3grlgtzPICa5OS8np…   signature of the lines above

The envelope is a C2SP signed note with Ed25519 signatures (type 1), so any verifier of that
ecosystem reads it, and witnesses may add signatures of their own. Keys stay outside: signing and
verifying are functions that the caller passes in.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lockgate.domain.merkle import EMPTY_ROOT, HASH_BYTES
from lockgate.errors import Corrupt, InvalidInput

Sign = Callable[[bytes], bytes]
"""Takes a message, returns its Ed25519 signature (64 bytes)."""
Verify = Callable[[bytes, bytes], bool]
"""Takes a signature and a message (in this order), says whether the signature is good."""

NOTE_BYTES_MAX = 1_000_000
SIGNATURES_MAX = 100
_ED25519 = b"\x01"
_PUBLIC_KEY_BYTES = 32
_KEY_ID_BYTES = 4
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_KEY_ID = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A named Ed25519 public key (32 bytes), written ``name+id+base64`` in one line."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        _require_key_name(self.name)
        if len(self.public_key) != _PUBLIC_KEY_BYTES:
            raise InvalidInput(
                detail=f"An Ed25519 public key has {_PUBLIC_KEY_BYTES} bytes, "
                f"got {len(self.public_key)}",
                field="public_key",
            )

    @property
    def key_id(self) -> bytes:
        """The four bytes that, with the name, say which key signed."""
        named = self.name.encode() + b"\n" + _ED25519 + self.public_key
        return hashlib.sha256(named).digest()[:_KEY_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_encode(_ED25519 + self.public_key)}"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line of a note; ``key_id`` is four bytes, ``signature`` as many as it takes."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures. The text is not to be believed before `open_note` says so."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __str__(self) -> str:
        lines = [f"— {s.name} {_encode(s.key_id + s.signature)}\n" for s in self.signatures]
        return self.text + "\n" + "".join(lines)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log ``origin`` had ``size`` events, whose Merkle tree has this ``root`` (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin or "\n" in self.origin:
            raise InvalidInput(detail="The origin of a checkpoint is one line", field="origin")
        if self.size < 0 or not _SIZE.fullmatch(str(self.size)):
            raise InvalidInput(
                detail=f"The size of a log is no number of events: {self.size}", field="size"
            )
        if len(self.root) != HASH_BYTES:
            raise InvalidInput(
                detail=f"The root of a log has {HASH_BYTES} bytes, got {len(self.root)}",
                field="root",
            )
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise InvalidInput(detail="A log without events has another root", field="root")

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{_encode(self.root)}\n"


def checkpoint_origin(log: str, project: str) -> str:
    """Return the origin of a project's log; ``log`` is the installation's uid or host."""
    origin = f"lockgate/{log}/{project}"
    _require_key_name(origin)
    return origin


def parse_verifier_key(text: str) -> VerifierKey:
    """Return the key that ``text`` writes as ``name+id+base64``. Raises `InvalidInput`."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3 or not _KEY_ID.fullmatch(parts[1]):
        raise _bad_key(text, "write it as name+id+base64, the id in 8 hexadecimal digits")
    name, key_id, encoded = parts
    data = _decode(encoded, "verifier key")
    if data[:1] != _ED25519:
        raise _bad_key(text, "only Ed25519 keys (type 1) are known")
    key = VerifierKey(name, data[1:])
    if key.key_id.hex() != key_id:
        raise _bad_key(text, f"its id is {key_id}, but name and key make {key.key_id.hex()}")
    return key


def parse_note(text: str) -> Note:
    """Return the note that ``text`` writes, nothing verified. Raises `InvalidInput`."""
    if len(text) > NOTE_BYTES_MAX:
        raise _bad_note(f"it has {len(text)} characters, at most {NOTE_BYTES_MAX} are read")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise _bad_note("it contains a lone surrogate")
    if any(char < " " and char != "\n" for char in text):
        raise _bad_note("it contains control characters")
    body, separator, tail = text.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise _bad_note("after the text come an empty line and signature lines")
    lines = tail[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise _bad_note(f"it has more than {SIGNATURES_MAX} signatures")
    return Note(body + "\n", tuple(_parse_signature(line) for line in lines))


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint of a note's text; extension lines are ignored.

    Raises `InvalidInput` when it is not one.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise _bad_checkpoint("it has three or more lines, none of them empty")
    origin, size, root = lines[:3]
    if not _SIZE.fullmatch(size):
        raise _bad_checkpoint(f"its second line is the number of events, got {size[:30]!r}")
    return Checkpoint(origin, int(size), _decode(root, "root of the checkpoint"))


def sign_note(text: str, key: VerifierKey, sign: Sign) -> Note:
    """Return ``text`` signed in the name of ``key``."""
    if not text.endswith("\n"):
        raise _bad_note("its text must end with a newline")
    return Note(text, (NoteSignature(key.name, key.key_id, sign(text.encode())),))


def sign_checkpoint(checkpoint: Checkpoint, key: VerifierKey, sign: Sign) -> str:
    """Return the signed checkpoint as it is published; the key's name is the log's origin."""
    if key.name != checkpoint.origin:
        raise InvalidInput(
            detail=f"A checkpoint of {checkpoint.origin} is not signed by {key.name}", field="key"
        )
    return str(sign_note(checkpoint.text, key, sign))


def open_note(text: str, keys: Iterable[tuple[VerifierKey, Verify]]) -> str:
    """Return a note's text once one known key has signed it.

    Signatures of unknown keys are ignored. Raises `InvalidInput` when it is no note, `Corrupt`
    when no known key signed it or any known key's signature does not verify.
    """
    note = parse_note(text)
    message = note.text.encode()
    known = {(key.name, key.key_id): verify for key, verify in keys}
    seen = False
    for each in note.signatures:
        verify = known.get((each.name, each.key_id))
        if verify is None:
            continue
        if not verify(each.signature, message):
            raise Corrupt(
                detail=f"The signature by {each.name} ({each.key_id.hex()}) does not verify: "
                "the text was changed, or another key signed it"
            )
        seen = True
    if not seen:
        signers = ", ".join(f"{s.name} ({s.key_id.hex()})" for s in note.signatures[:5])
        wanted = ", ".join(f"{name} ({key_id.hex()})" for name, key_id in known) or "no key"
        raise Corrupt(detail=f"Signed by {signers}, trusted is {wanted}")
    return note.text


def open_checkpoint(text: str, key: VerifierKey, verify: Verify) -> Checkpoint:
    """Return a signed checkpoint after verifying it.

    Raises `InvalidInput` when it is no checkpoint, `Corrupt` when ``key`` did not sign it or it
    is another log's.
    """
    checkpoint = parse_checkpoint(open_note(text, [(key, verify)]))
    if checkpoint.origin != key.name:
        raise Corrupt(detail=f"This checkpoint is of {checkpoint.origin}, not of {key.name}")
    return checkpoint


def _parse_signature(line: str) -> NoteSignature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—":
        raise _bad_note(f"{line[:60]!r} is no signature line (— name base64)")
    _require_key_name(parts[1])
    data = _decode(parts[2], "signature")
    if len(data) <= _KEY_ID_BYTES:
        raise _bad_note("a signature is too short")
    return NoteSignature(parts[1], data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])


def _require_key_name(name: str) -> None:
    printable = name.isprintable() and not any(char.isspace() for char in name)
    if not name or "+" in name or not printable:
        raise InvalidInput(
            detail=f"{name[:80]!r} cannot name a key: no spaces, no +, not empty", field="name"
        )


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(text: str, what: str) -> bytes:
    """Return the bytes of standard base64 in its one canonical spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data or _encode(data) != text:
        raise InvalidInput(detail=f"The {what} is not base64: {text[:60]!r}", field=what)
    return data


def _bad_key(text: str, why: str) -> InvalidInput:
    return InvalidInput(detail=f"{text[:80]!r} is no verifier key: {why}", field="verifier key")


def _bad_note(why: str) -> InvalidInput:
    return InvalidInput(detail=f"This is no signed note: {why}", field="note")


def _bad_checkpoint(why: str) -> InvalidInput:
    return InvalidInput(detail=f"This is no checkpoint: {why}", field="checkpoint")
