"""Who downloads a model for everyone else: the record, the claim, and every change of them.

    operation      absent            DOWNLOADING    DOWNLOADED     ERROR
    claim          → DOWNLOADING     as it is       as it is       as it is
    retry          absent            as it is       as it is       → DOWNLOADING
    take_over      absent            → DOWNLOADING  → DOWNLOADING  → DOWNLOADING   if still as seen
    set_status(s)  → s               → s            → s            → s
    touch          absent            used now       used now       used now
    delete         absent            absent         absent         absent
    heartbeat      ClaimLost         counter + 1    ClaimLost      ClaimLost       for its holder
    finish, fail   ClaimLost         → DOWNLOADED   ClaimLost      ClaimLost       for its holder

Each change is a pure function from the record that is stored (or None) to the record that should
be. It returns the very same object when nothing is to be written. A backend's whole duty is to
apply one of them atomically.

Every change that is written counts as a use of the model. A claim is told apart by its holder (a
fresh UUID for every attempt) and its fence (grows with every change of ownership while the record
lives). Asking twice with one holder gives the same answer twice, so that a caller whose reply was
lost may ask again.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from lockgate.errors import ClaimLost, InvalidInput

__all__ = [
    "CLAIM_MESSAGE",
    "LEASE_S_DEFAULT",
    "LEASE_S_MAX",
    "LEASE_S_MIN",
    "MESSAGE_CHARS_MAX",
    "RETRY_MESSAGE",
    "AlreadyExists",
    "Claimed",
    "ModelKey",
    "ModelRecord",
    "ModelStatus",
    "Progress",
    "claim",
    "clean_message",
    "delete_as_seen",
    "fail",
    "finish",
    "heartbeat",
    "is_as_seen",
    "require_lease",
    "require_limit",
    "retry",
    "set_status",
    "take_over",
    "take_over_message",
    "touch",
]

LEASE_S_DEFAULT = 30.0
LEASE_S_MIN = 0.1
LEASE_S_MAX = 3600.0
MODEL_CHARS_MAX = 1024
REVISION_CHARS_MAX = 512
NODE_CHARS_MAX = 253
SLUG_CHARS_READABLE = 50
SLUG_CHARS_HASH = 32
MESSAGE_CHARS_MAX = 1000

CLAIM_MESSAGE = "Starting download..."
RETRY_MESSAGE = "Retrying download..."
TAKE_OVER_MESSAGE = "Taking over the download..."

_PROVIDER = re.compile(r"[a-z][a-z0-9+.-]{0,31}")


class ModelStatus(StrEnum):
    """What the cluster knows of a model's files. Nothing at all is said by an absent record."""

    DOWNLOADING = "DOWNLOADING"
    DOWNLOADED = "DOWNLOADED"
    ERROR = "ERROR"


@dataclass(frozen=True)
class ModelKey:
    """What is fetched once: equal names of two providers, or of two revisions, never meet.

    ``node`` is empty when the whole cluster shares one copy, and names the machine when every
    machine has its own.
    """

    provider: str
    model: str
    revision: str = ""
    node: str = ""

    def __post_init__(self) -> None:
        if not _PROVIDER.fullmatch(self.provider):
            raise InvalidInput(
                field="provider",
                detail=f"provider {self.provider!r} is not a name such as 'hf' or 's3': a small "
                "letter, then small letters, digits, '+', '.', '-'; at most 32 characters",
            )
        _require_text("model", self.model, chars_min=1, chars_max=MODEL_CHARS_MAX)
        _require_text("revision", self.revision, chars_min=0, chars_max=REVISION_CHARS_MAX)
        _require_text("node", self.node, chars_min=0, chars_max=NODE_CHARS_MAX)

    @cached_property
    def id(self) -> str:
        """64 hex digits that stand for the key in stores and file names."""
        # No part can hold the separator.
        parts = "\0".join((self.provider, self.model, self.revision, self.node))
        return hashlib.sha256(parts.encode()).hexdigest()

    @cached_property
    def slug(self) -> str:
        """A name for files and objects: a part to read, and a hash that tells keys apart."""
        readable = re.sub(r"[^a-z0-9]+", "-", f"{self.provider}-{self.model}".lower())
        return f"{readable[:SLUG_CHARS_READABLE].strip('-')}-{self.id[:SLUG_CHARS_HASH]}"

    def __str__(self) -> str:
        revision = f"@{self.revision}" if self.revision else ""
        node = f" on {self.node}" if self.node else ""
        return f"{self.provider}://{self.model}{revision}{node}"


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes of a download so far; ``bytes_total`` is None when the source does not say."""

    bytes_done: int = 0
    bytes_total: int | None = None

    def __post_init__(self) -> None:
        if self.bytes_done < 0 or (self.bytes_total is not None and self.bytes_total < 0):
            raise InvalidInput(field="progress", detail="byte counts are zero or more")


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One model as the cluster knows it. Times are UTC, by the clock of the store.

    ``heartbeat`` counts the owner's signs of life: a waiter that sees it stand still for
    ``lease_s`` of its own clock may take over.
    """

    key: ModelKey
    status: ModelStatus
    created_at: datetime
    last_used_at: datetime
    message: str = ""
    holder: str = ""
    fence: int = 1
    lease_s: float = LEASE_S_DEFAULT
    heartbeat: int = 0
    progress: Progress | None = None

    @property
    def model_name(self) -> str:
        return self.key.model

    @property
    def provider(self) -> str:
        return self.key.provider


@dataclass(frozen=True, slots=True)
class Claimed:
    """The caller owns the download until ``lease_s`` pass without a heartbeat."""

    key: ModelKey
    holder: str
    fence: int
    lease_s: float


@dataclass(frozen=True, slots=True)
class AlreadyExists:
    """Somebody else has, or had, this download."""

    status: ModelStatus


# --- changes ---------------------------------------------------------------------------------


def claim(
    record: ModelRecord | None, key: ModelKey, *, holder: str, lease_s: float, now: datetime
) -> ModelRecord:
    """Begin a download that nobody has begun."""
    if record is not None:
        return record
    return ModelRecord(
        key=key,
        status=ModelStatus.DOWNLOADING,
        created_at=now,
        last_used_at=now,
        message=CLAIM_MESSAGE,
        holder=holder,
        lease_s=lease_s,
    )


def retry(
    record: ModelRecord | None, *, holder: str, lease_s: float, now: datetime
) -> ModelRecord | None:
    """Begin a failed download again."""
    if record is None or record.status is not ModelStatus.ERROR:
        return record
    return _owned(record, holder=holder, lease_s=lease_s, message=RETRY_MESSAGE, now=now)


def take_over(
    record: ModelRecord | None, seen: ModelRecord, *, holder: str, lease_s: float, now: datetime
) -> ModelRecord | None:
    """Begin again what is still exactly as it was seen (a silent owner, a failure, lost files)."""
    if record is None or not is_as_seen(record, seen):
        return record
    message = take_over_message(record.status)
    return _owned(record, holder=holder, lease_s=lease_s, message=message, now=now)


def set_status(
    record: ModelRecord | None, key: ModelKey, status: ModelStatus, *, message: str, now: datetime
) -> ModelRecord:
    """Say what is so, whoever owns it. ``created_at`` stays.

    DOWNLOADING said of a download counts as a sign of life; any other change ends the claim.
    """
    message = clean_message(message)
    if record is None:
        return ModelRecord(
            key=key, status=status, created_at=now, last_used_at=now, message=message
        )
    if record.status is status is ModelStatus.DOWNLOADING:
        return replace(record, heartbeat=record.heartbeat + 1, message=message, last_used_at=now)
    return replace(
        record,
        status=status,
        message=message,
        holder="",
        fence=record.fence + 1,
        lease_s=LEASE_S_DEFAULT,
        heartbeat=0,
        progress=None,
        last_used_at=now,
    )


def touch(record: ModelRecord | None, *, now: datetime) -> ModelRecord | None:
    """Note a use."""
    return None if record is None else replace(record, last_used_at=now)


def delete_as_seen(record: ModelRecord | None, seen: ModelRecord) -> ModelRecord | None:
    """Forget a model that is still as it was seen."""
    return None if record is None or is_as_seen(record, seen) else record


def heartbeat(
    record: ModelRecord | None, held: Claimed, *, progress: Progress | None, now: datetime
) -> ModelRecord:
    """Give a sign of life. Raises ClaimLost unless the claim is held."""
    record = _require_held(record, held)
    if record.status is not ModelStatus.DOWNLOADING:
        raise _lost(held, f"it has ended as {record.status}")
    return replace(
        record,
        heartbeat=record.heartbeat + 1,
        progress=progress if progress is not None else record.progress,
        last_used_at=now,
    )


def finish(record: ModelRecord | None, held: Claimed, *, now: datetime) -> ModelRecord:
    """End a download well. Raises ClaimLost unless the claim is held."""
    return _ended(record, held, ModelStatus.DOWNLOADED, message="", now=now)


def fail(record: ModelRecord | None, held: Claimed, *, message: str, now: datetime) -> ModelRecord:
    """End a download badly. Raises ClaimLost unless the claim is held."""
    return _ended(record, held, ModelStatus.ERROR, message=clean_message(message), now=now)


# --- rules -----------------------------------------------------------------------------------


def is_as_seen(record: ModelRecord, seen: ModelRecord) -> bool:
    """Tell whether nobody has begun, fed or ended the download since; a mere use is no change."""
    return _standing(record) == _standing(seen)


def take_over_message(status: ModelStatus) -> str:
    """Return what a record says once it was taken over from this status."""
    return RETRY_MESSAGE if status is ModelStatus.ERROR else TAKE_OVER_MESSAGE


def require_lease(lease_s: float) -> float:
    """Return a lease in seconds that is within the limits. Raises InvalidInput."""
    if not LEASE_S_MIN <= lease_s <= LEASE_S_MAX:
        raise InvalidInput(
            field="lease_s", detail=f"lease_s is {lease_s}, not {LEASE_S_MIN} to {LEASE_S_MAX:g}"
        )
    return float(lease_s)


def require_limit(limit: int | None) -> int | None:
    """Return a limit that is None (no limit) or zero or more. Raises InvalidInput."""
    if limit is not None and limit < 0:
        raise InvalidInput(field="limit", detail=f"limit is {limit}, not zero or more")
    return limit


def clean_message(message: str) -> str:
    """Return a message that any store can hold: no control characters, bounded."""
    kept = "".join(c if _is_storable(c) else " " for c in message[:MESSAGE_CHARS_MAX])
    return kept.strip()


def _standing(record: ModelRecord) -> tuple[object, ...]:
    return (record.status, record.holder, record.fence, record.heartbeat, record.created_at)


def _owned(
    record: ModelRecord, *, holder: str, lease_s: float, message: str, now: datetime
) -> ModelRecord:
    return replace(
        record,
        status=ModelStatus.DOWNLOADING,
        holder=holder,
        fence=record.fence + 1,
        lease_s=lease_s,
        heartbeat=0,
        progress=None,
        message=message,
        last_used_at=now,
    )


def _ended(
    record: ModelRecord | None, held: Claimed, status: ModelStatus, *, message: str, now: datetime
) -> ModelRecord:
    record = _require_held(record, held)
    if record.status is status:
        return record  # the same word again: the reply to the first was lost
    if record.status is not ModelStatus.DOWNLOADING:
        raise _lost(held, f"it has ended as {record.status}")
    return replace(record, status=status, message=message, last_used_at=now)


def _require_held(record: ModelRecord | None, held: Claimed) -> ModelRecord:
    if record is None:
        raise _lost(held, "the record was deleted")
    if (record.holder, record.fence) != (held.holder, held.fence):
        raise _lost(held, f"{record.holder or 'somebody'} has it now, fence {record.fence}")
    return record


def _lost(held: Claimed, detail: str) -> ClaimLost:
    return ClaimLost(key=str(held.key), holder=held.holder, fence=held.fence, detail=detail)


def _require_text(field: str, value: str, *, chars_min: int, chars_max: int) -> None:
    if not chars_min <= len(value) <= chars_max:
        raise InvalidInput(
            field=field,
            detail=f"{field} has {len(value)} characters, not {chars_min} to {chars_max}",
        )
    if not all(map(_is_storable, value)):
        raise InvalidInput(
            field=field, detail=f"{field} {value!r} has control characters or lone surrogates"
        )


def _is_storable(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cs")
