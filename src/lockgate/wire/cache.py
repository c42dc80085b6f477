"""What requests about the cluster's cache carry, and what they are answered with.

A model is named by ``provider``, ``model``, ``revision`` and ``node``, beside the other fields.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lockgate.domain.claims import LEASE_S_DEFAULT, Claimed, ModelKey, ModelRecord, ModelStatus
from lockgate.domain.claims import Progress as Bytes
from lockgate.domain.moments import parse_moment, to_text
from lockgate.errors import RegistryError
from lockgate.wire.bodies import Body
from lockgate.wire.queries import Words

RECORDS_MAX = 100_000
RECORDS_DEFAULT = 1_000
INTEGER_MAX = 2**53 - 1
Status = Literal["DOWNLOADING", "DOWNLOADED", "ERROR"]
Holder = Annotated[str, Field(min_length=1, max_length=255)]
Count = Annotated[int, Field(ge=0, le=INTEGER_MAX)]


# --- what comes in -----------------------------------------------------------------------------


class CachedModel(Body):
    """The model that a request is about."""

    provider: str
    model: str
    revision: str = ""
    node: str = ""

    @property
    def key(self) -> ModelKey:
        """The key. Raises `InvalidInput`."""
        return ModelKey(self.provider, self.model, self.revision, self.node)


class CachedModelWords(Words):
    """The model that a question is about."""

    provider: str
    model: str
    revision: str = ""
    node: str = ""

    @property
    def key(self) -> ModelKey:
        """The key. Raises `InvalidInput`."""
        return ModelKey(self.provider, self.model, self.revision, self.node)


class RecordWords(Words):
    limit: Annotated[int, Field(ge=0, le=RECORDS_MAX)] = RECORDS_DEFAULT


class NewClaim(CachedModel):
    """Who claims. The same ``holder`` asking again is given the same answer."""

    holder: Holder | None = None
    lease_s: float = LEASE_S_DEFAULT


class Progress(Body):
    """Bytes so far; ``bytes_total`` is null when the origin does not say."""

    bytes_done: Count
    bytes_total: Count | None = None


class Seen(Body):
    """A record as it was read; what is done to it is done only if it still stands so."""

    status: Status
    holder: str
    fence: Count
    heartbeat: Count
    created_at: str


class SeenModel(CachedModel):
    seen: Seen

    @property
    def record(self) -> ModelRecord:
        """The record, as far as it is compared."""
        created_at = parse_moment(self.seen.created_at, "created_at")
        return ModelRecord(
            key=self.key,
            status=ModelStatus(self.seen.status),
            created_at=created_at,
            last_used_at=created_at,
            holder=self.seen.holder,
            fence=self.seen.fence,
            heartbeat=self.seen.heartbeat,
        )


class NewTakeover(SeenModel):
    """A claim on what has failed, was lost, or whose owner was silent for its whole lease."""

    holder: Holder | None = None
    lease_s: float = LEASE_S_DEFAULT


class HeldClaim(CachedModel):
    """A claim, by what its owner was given."""

    holder: Holder
    fence: Count

    @property
    def claim(self) -> Claimed:
        return Claimed(self.key, self.holder, self.fence, LEASE_S_DEFAULT)


class Heartbeat(HeldClaim):
    progress: Progress | None = None

    @property
    def told(self) -> Bytes | None:
        """How far the download is, if that was said."""
        said = self.progress
        return None if said is None else Bytes(said.bytes_done, said.bytes_total)


class Failure(HeldClaim):
    message: str


class NewStatus(CachedModel):
    status: Status
    message: str = ""


# --- what goes out -----------------------------------------------------------------------------


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", defer_build=True)


class ProgressAnswer(_Answer):
    bytes_done: int
    bytes_total: int | None


class CacheRecord(_Answer):
    """One model as the cluster knows it. ``heartbeat`` counts its owner's signs of life."""

    provider: str
    model: str
    revision: str
    node: str
    status: Status
    message: str
    created_at: str
    last_used_at: str
    holder: str
    fence: int
    lease_s: float
    heartbeat: int
    progress: ProgressAnswer | None


class CacheRecords(_Answer):
    """Records, least recently used first."""

    items: list[CacheRecord]


class CacheClaim(_Answer):
    """Yours until ``lease_s`` pass without a heartbeat."""

    holder: str
    fence: int
    lease_s: float


class ClaimAnswer(_Answer):
    """The claim, if you have it; the status that the record has now, if there is one."""

    claim: CacheClaim | None
    status: Status | None


class CacheCounts(_Answer):
    """Records of each status."""

    DOWNLOADING: int
    DOWNLOADED: int
    ERROR: int


class Clock(_Answer):
    """The time that records are stamped with."""

    now: str


class Forgotten(_Answer):
    """Whether the record is gone now, by whomever."""

    gone: bool


def record_to_wire(record: ModelRecord) -> dict[str, Any]:
    """Return the JSON value of a record."""
    progress = record.progress
    return {
        **key_to_wire(record.key),
        "status": record.status.value,
        "message": record.message,
        "created_at": to_text(record.created_at),
        "last_used_at": to_text(record.last_used_at),
        "holder": record.holder,
        "fence": record.fence,
        "lease_s": record.lease_s,
        "heartbeat": record.heartbeat,
        "progress": None if progress is None else progress_to_wire(progress),
    }


def key_to_wire(key: ModelKey) -> dict[str, Any]:
    """Return the fields that name a model."""
    return {
        "provider": key.provider,
        "model": key.model,
        "revision": key.revision,
        "node": key.node,
    }


def progress_to_wire(progress: Bytes) -> dict[str, Any]:
    """Return the JSON value of progress."""
    return {"bytes_done": progress.bytes_done, "bytes_total": progress.bytes_total}


def seen_to_wire(seen: ModelRecord) -> dict[str, Any]:
    """Return what a record is compared by."""
    return {
        "status": seen.status.value,
        "holder": seen.holder,
        "fence": seen.fence,
        "heartbeat": seen.heartbeat,
        "created_at": to_text(seen.created_at),
    }


def record_from_wire(value: Any) -> ModelRecord:
    """Return the record that `record_to_wire` wrote. Raises `RegistryError` if it is none."""
    try:
        progress = value["progress"]
        return ModelRecord(
            key=ModelKey(value["provider"], value["model"], value["revision"], value["node"]),
            status=ModelStatus(value["status"]),
            created_at=parse_moment(value["created_at"]),
            last_used_at=parse_moment(value["last_used_at"]),
            message=value["message"],
            holder=value["holder"],
            fence=int(value["fence"]),
            lease_s=float(value["lease_s"]),
            heartbeat=int(value["heartbeat"]),
            progress=None
            if progress is None
            else Bytes(progress["bytes_done"], progress["bytes_total"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RegistryError(
            detail=f"The server's answer is no cache record that this client can read: {error}"
        ) from None
