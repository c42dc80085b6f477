"""Ed25519 keys on disk: made, read, used.

    PRIVATE+KEY+NAME+id+base64      the signing key: one line, readable by its owner only
    NAME+id+base64                  the verifier key: what is given to auditors

The lines are those of the C2SP signed-note tools, so keys can be made and notes verified with
any of them. A signing key is used under many names (one for each log); ``NAME`` is where it
was made.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.domain.checkpoints import VerifierKey, parse_verifier_key
from lockgate.errors import InvalidInput, InvalidSetting, Unavailable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

EC_PREFIX = "ec:"
KEY_FILE_BYTES_MAX = 10_000
_PREFIX = "PRIVATE+KEY+"
_ED25519 = b"\x01"
_SEED_BYTES = 32


@dataclass(frozen=True)
class SigningKey:
    """A private key. Its ``repr`` shows nothing of it."""

    seed: bytes

    def __repr__(self) -> str:
        return f"SigningKey({self.fingerprint})"

    @property
    def public_key(self) -> bytes:
        """The public key (32 bytes)."""
        return self._private().public_key().public_bytes_raw()

    @property
    def fingerprint(self) -> str:
        """What tells this key from others: 16 hexadecimal digits."""
        return self.public_key[:8].hex()

    def verifier(self, name: str) -> VerifierKey:
        """Return the public half under a name."""
        return VerifierKey(name, self.public_key)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message (64 bytes)."""
        return self._private().sign(message)

    def _private(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.seed)


def verifying(key: VerifierKey) -> Callable[[bytes, bytes], bool]:
    """Return a function that says whether ``(signature, message)`` is by ``key``."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    public = Ed25519PublicKey.from_public_bytes(key.public_key)

    def verify(signature: bytes, message: bytes) -> bool:
        try:
            public.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return verify


def ec_key_text(key: EllipticCurvePublicKey) -> str:
    """Return a public key on an elliptic curve as text."""
    from cryptography.hazmat.primitives import serialization

    data = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return EC_PREFIX + base64.b64encode(data).decode()


def trusted_keys_of(text: str) -> dict[str, str]:
    """Return the identities in a list with commas: public key as text → name.

    An entry is a verifier key (``name+id+base64``), or a file that holds one a line, or a file
    that is a public key on an elliptic curve in PEM, whose name is the file's. Raises
    `InvalidSetting` for a file that is none of it, `InvalidInput` for a line.
    """
    found: dict[str, str] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        lines = [part] if part.count("+") >= 2 else _lines(Path(part))
        if lines and lines[0].startswith("-----BEGIN"):
            found[_pem_key(Path(part), lines)] = Path(part).stem
            continue
        for line in lines:
            key = parse_verifier_key(line)
            found[key.public_key.hex()] = key.name
    return found


def _pem_key(path: Path, lines: list[str]) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    try:
        key = serialization.load_pem_public_key("\n".join(lines).encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, EllipticCurvePublicKey):
        raise InvalidSetting(
            setting="trusted_keys", detail=f"{path} holds no public key on an elliptic curve"
        )
    return ec_key_text(key)


def _lines(path: Path) -> list[str]:
    try:
        with path.open("r", encoding="utf-8") as file:
            text = file.read(KEY_FILE_BYTES_MAX)
    except (OSError, ValueError) as error:
        raise InvalidSetting(
            setting="trusted_keys", detail=f"no verifier key can be read from {path}: {error}"
        ) from None
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def new_key() -> SigningKey:
    """Return a key that nobody has yet."""
    return SigningKey(os.urandom(_SEED_BYTES))


def write_key(key: SigningKey, path: Path, name: str = "lockgate") -> None:
    """Write a key to a new file, whole or not at all, readable by its owner only.

    Raises `InvalidInput` where there is a file already: a key is never overwritten.
    """
    verifier = key.verifier(name)
    encoded = base64.b64encode(_ED25519 + key.seed).decode()
    line = f"{_PREFIX}{name}+{verifier.key_id.hex()}+{encoded}\n"
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # unlike a rename it fails where there is a file
        finally:
            draft.unlink()
    except OSError as error:
        if path.exists():
            raise InvalidInput(
                detail=f"{path} exists already; a key is never overwritten"
            ) from None
        raise Unavailable(detail=f"The key cannot be written to {path}: {error.strerror}") from None


def read_key(path: Path) -> SigningKey:
    """Return the key in a file. Raises `InvalidSetting` when there is none, or others can read it.

    The error names the file and never what is in it.
    """
    setting = "LOCKGATE_AUDIT_KEY"
    try:
        mode = path.stat().st_mode
        text = path.read_text("ascii").strip()
    except (OSError, ValueError):
        raise InvalidSetting(
            setting=setting,
            detail=f"no key can be read from {path}; make one with `lockgate audit keygen`",
        ) from None
    if os.name == "posix" and mode & 0o077:
        raise InvalidSetting(
            setting=setting, detail=f"{path} can be read by others; run `chmod 600 {path}`"
        )
    try:
        if not text.startswith(_PREFIX):
            raise ValueError
        _, _, encoded = text.removeprefix(_PREFIX).split("+", 2)
        data = base64.b64decode(encoded, validate=True)
        if data[:1] != _ED25519 or len(data) != 1 + _SEED_BYTES:
            raise ValueError
    except ValueError:
        raise InvalidSetting(setting=setting, detail=f"{path} holds no Ed25519 key") from None
    return SigningKey(data[1:])


def open_key(path: Path) -> SigningKey:
    """Return the key in a file, making it first where there is none."""
    if not path.exists():
        with suppress(InvalidInput):  # another process was first
            write_key(new_key(), path)
    return read_key(path)
