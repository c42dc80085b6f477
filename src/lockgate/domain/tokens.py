"""Tokens: how one is written, and what is kept of it.

    lgt_ 0123456789ab _ 43 letters and digits  6 of checksum
         the token's id  256 random bits

The prefix and the CRC-32 of all before it let secret scanners recognise a token without asking
anybody. Only the SHA-256 of the whole is kept: with that much chance in it, a slow hash adds
nothing. The id is no secret; the log names tokens by it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from zlib import crc32

PREFIX = "lgt_"
SESSION_PREFIX = "lgs_"
ID_CHARS = 12
SECRET_CHARS = 43
_CHECK_CHARS = 6
ENTROPY_BYTES = 41
"""How many random bytes `write_token` wants: 9 for the id, 32 for the secret."""
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LOWER = "0123456789abcdefghijklmnopqrstuvwxyz"
_TOKEN = re.compile(rf"(?:lgt|lgs)_([0-9a-z]{{{ID_CHARS}}})_[0-9A-Za-z]{{49}}", re.ASCII)
CHARS_MAX = 200
TOUCH_S = 60
"""The last use of a token is written down at most once in this time."""


@dataclass(frozen=True, kw_only=True)
class Token:
    """What is known of a token; the secret itself was shown once and is not kept."""

    id: str
    name: str
    owner: str
    projects: tuple[str, ...] | None
    permissions: tuple[str, ...] | None
    created_by: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    last_used_at: datetime | None = None
    last_used_from: str | None = None


@dataclass(frozen=True, kw_only=True)
class IssuedToken:
    """A new token; ``secret`` is what its owner sends, and is never shown again."""

    token: Token
    secret: str

    def __repr__(self) -> str:
        return f"IssuedToken(token={self.token!r}, secret='…')"


def write_token(entropy: bytes, prefix: str = PREFIX) -> str:
    """Return the token that `ENTROPY_BYTES` random bytes make."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"{ENTROPY_BYTES} bytes are wanted")
    number = _written(int.from_bytes(entropy[:9]), _LOWER, ID_CHARS)
    secret = _written(int.from_bytes(entropy[9:]), _DIGITS, SECRET_CHARS)
    body = f"{prefix}{number}_{secret}"
    return body + _checksum(body)


def token_id(text: str, prefix: str = PREFIX) -> str | None:
    """Return the id in a token, or None for what is no token at all."""
    if len(text) > CHARS_MAX or not text.startswith(prefix):
        return None
    found = _TOKEN.fullmatch(text)
    if found is None or _checksum(text[:-_CHECK_CHARS]) != text[-_CHECK_CHARS:]:
        return None
    return found[1]


def token_hash(text: str) -> bytes:
    """Return what is kept of a token (32 bytes)."""
    return hashlib.sha256(text.encode()).digest()


def same_hash(kept: bytes, presented: bytes) -> bool:
    """Compare in a time that does not depend on where the two differ."""
    return hmac.compare_digest(kept, presented)


def csrf_of(session: str) -> str:
    """Return what a page must send along with a write: only who has the cookie can know it."""
    return hashlib.sha256(b"csrf:" + session.encode()).hexdigest()


def _checksum(body: str) -> str:
    return _written(crc32(body.encode()), _DIGITS, _CHECK_CHARS)


def _written(number: int, digits: str, chars: int) -> str:
    """Return the last ``chars`` digits of a number in the base that ``digits`` are of."""
    written = []
    for _ in range(chars):
        number, digit = divmod(number, len(digits))
        written.append(digits[digit])
    return "".join(reversed(written))
