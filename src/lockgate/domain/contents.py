"""What a file is: the verdict of the proof, and what it is bound to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lockgate.domain.digests import is_hex
from lockgate.errors import InvalidInput


class Verdict(StrEnum):
    """Whether a file can hold only data.

    ``data-only`` is earned: the file was parsed end to end as a format that holds no code. ``code``
    says that it holds or names code. ``unknown`` is everything else, and counts as unsafe.
    """

    DATA_ONLY = "data-only"
    CODE = "code"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ContentProof:
    """A verdict about one file, bound to its bytes, its name and the rules that were applied.

    ``sha256`` is the file's digest (64 hex), ``path`` the name it was judged under (an extension
    is a promise that the content must keep), ``format`` what it was parsed as (empty when it was
    not), ``reason`` one sentence, ``version`` the `PROOF_VERSION` of the rules: a verdict of other
    rules is worth nothing.
    """

    path: str
    sha256: str
    verdict: Verdict
    format: str
    reason: str
    version: int

    def __post_init__(self) -> None:
        if not is_hex(self.sha256):
            raise InvalidInput(
                detail=f"A proof is bound to a SHA-256 of 64 hex digits, not to {self.sha256!r}.",
                field="sha256",
            )
