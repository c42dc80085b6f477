"""The two kinds of digest: how they are written, and whether a text is one.

    sha256:<64 hex>   of a manifest (the version's digest); of a file, written without the prefix
    blake3:<64 hex>   of a chunk and of a tensor

Hexadecimal digits are lower case only, so that equal digests are equal texts.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final, Literal

from lockgate.errors import InvalidInput

Algorithm = Literal["sha256", "blake3"]

HEX_DIGITS: Final = 64
_HEX: Final = re.compile(r"[0-9a-f]{64}")


def is_hex(text: object) -> bool:
    """Tell whether ``text`` is 64 lower-case hexadecimal digits and nothing else."""
    return isinstance(text, str) and _HEX.fullmatch(text) is not None


def is_digest(text: object, algorithm: Algorithm) -> bool:
    """Tell whether ``text`` is ``<algorithm>:<64 hex>``."""
    prefix = f"{algorithm}:"
    return isinstance(text, str) and text.startswith(prefix) and is_hex(text[len(prefix) :])


def digest_hex(text: str, algorithm: Algorithm) -> str:
    """Return the 64 digits of a digest; InvalidInput when ``text`` is not one of that kind."""
    if not is_digest(text, algorithm):
        raise InvalidInput(
            detail=f"{text[:100]!r} is not a digest: write '{algorithm}:' and "
            f"{HEX_DIGITS} lower-case hexadecimal digits.",
            field="digest",
        )
    return text[len(algorithm) + 1 :]


def sha256_digest(data: bytes) -> str:
    """Return the digest of ``data`` as ``sha256:<64 hex>``."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
