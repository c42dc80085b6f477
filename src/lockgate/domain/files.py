"""What is said of a version's files: what each is, who signed them, what a sweep takes away."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from lockgate.domain.manifests import FileEntry

CARD_NAMES = ("MODEL_CARD.md", "README.md")
"""Where a model card lies, the first that is there."""
CARD_BYTES_MAX = 1_000_000


def content_key(file: FileEntry) -> str:
    """Return what tells a file's bytes from all others: a hash over its chunks.

    Chunks are verified by whoever stores them. The file's own SHA-256 is only claimed by who
    pushed it, until somebody pulls it: nothing that is proved may hang on that.
    """
    digest = hashlib.sha256()
    for chunk in file.chunks:
        digest.update(content_line(chunk.digest, chunk.size))
    return digest.hexdigest()


def content_line(digest: str, size: int) -> bytes:
    """Return what a chunk adds to the `content_key` of its file."""
    return f"{digest} {size}\n".encode()


@dataclass(frozen=True, kw_only=True)
class FileRecord:
    """A file of a sealed version and what it was proved to be.

    ``verdict`` is ``data-only``, ``code`` or ``unknown``; ``reason`` says why in one sentence.
    ``tensors`` counts those that are known, None where none can be. ``waived_by`` answered for it.
    """

    path: str
    size: int
    sha256: str
    verdict: str
    format: str
    reason: str
    tensors: int | None = None
    waived_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class SignatureRecord:
    """A signature of a manifest's files; ``signed_by`` is who handed it in.

    Ours: ``public_key`` is 64 hex digits, ``signature`` 128. In the model-signing format:
    ``public_key`` is ``ec:`` and base64, ``signature`` the whole bundle, which is JSON.
    """

    digest: str
    public_key: str
    signature: str
    signed_by: str
    at: datetime


def key_shown(public_key: str) -> str:
    """Return the few characters by which people tell keys apart: of an EC key, the last ones."""
    return public_key[-16:] if ":" in public_key else public_key[:16]


@dataclass(frozen=True, kw_only=True)
class VersionFiles:
    """The files of a sealed version; ``size`` is in bytes, all together."""

    reference: str
    digest: str
    size: int
    files: tuple[FileRecord, ...]
    signatures: tuple[SignatureRecord, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """Something in the store that goes: a ``manifest``, a ``blob`` or a ``stray``."""

    kind: str
    name: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What a collection took away, or would (``dry_run``); sizes in bytes.

    ``versions`` are those whose time to be restored is over. ``leftovers`` lists what goes, at
    most ``LEFTOVERS_LISTED_MAX`` of it; the counts are of all. ``spared`` came into use meanwhile.
    ``in_use`` are deleted versions that keep their files because they are still deployed.
    """

    dry_run: bool
    versions: tuple[str, ...]
    leftovers: tuple[Leftover, ...]
    count: int
    bytes_freed: int
    live_bytes: int
    young_bytes: int
    spared: int = 0
    in_use: tuple[str, ...] = ()


LEFTOVERS_LISTED_MAX = 10_000


@dataclass(frozen=True, kw_only=True)
class FileFault:
    """What is wrong with stored files; see `artifacts.verification.FaultKind`."""

    reference: str
    path: str
    kind: str
    digest: str
    chunk: int | None = None
    tensor: str | None = None


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What was read back and hashed, and every fault that was found."""

    versions: int
    bytes_read: int
    faults: tuple[FileFault, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults
