"""A backend out of four primitive steps: load, create, replace and remove, each compared and set.

For stores that run no code of ours: memory, SQL and Kubernetes. A change is planned on what was
loaded and is written only if the stored version is still that one; otherwise it is planned again
on what is there now. No lock is held and no transaction stays open between the two.
"""

from __future__ import annotations

import random
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from lockgate.domain import claims
from lockgate.domain.claims import (
    LEASE_S_DEFAULT,
    AlreadyExists,
    Claimed,
    ModelKey,
    ModelRecord,
    ModelStatus,
    Progress,
)
from lockgate.errors import Contended

__all__ = ["ComparingBackend", "Stored", "claim_of", "new_holder"]

ATTEMPTS_MAX = 64
PAUSE_S_MAX = 0.05

Plan = Callable[[ModelRecord | None], ModelRecord | None]


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store has under a key. ``record`` is None when it cannot be read."""

    record: ModelRecord | None
    version: object


class ComparingBackend(ABC):
    """Every change of `RegistryBackend`, given the steps below. Subclasses add the listings.

    The steps raise CoordinatorUnavailable. They stamp ``last_used_at`` themselves (and
    ``created_at`` on creation) where the store has a clock of its own.
    """

    @abstractmethod
    def _load(self, key: ModelKey) -> Stored | None:
        """Return what is stored now, never an older state; None where there is nothing."""

    @abstractmethod
    def _create(self, record: ModelRecord) -> bool:
        """Store a record under an absent key; False when the key is there."""

    @abstractmethod
    def _replace(self, record: ModelRecord, version: object) -> bool:
        """Store a record over exactly this version; False when it is another, or gone."""

    @abstractmethod
    def _remove(self, key: ModelKey, version: object) -> bool:
        """Remove exactly this version; False when it is another, or gone."""

    @abstractmethod
    def now(self) -> datetime:
        """Return the store's time."""

    # --- reading -----------------------------------------------------------------------------

    def get_status(self, key: ModelKey) -> ModelStatus | None:
        record = self.get_model_record(key)
        return None if record is None else record.status

    def get_model_record(self, key: ModelKey) -> ModelRecord | None:
        stored = self._load(key)
        return None if stored is None else stored.record

    # --- changing ----------------------------------------------------------------------------

    def set_status(self, key: ModelKey, status: ModelStatus, message: str = "") -> None:
        self._change(
            key,
            lambda record: claims.set_status(record, key, status, message=message, now=self.now()),
        )

    def touch_model(self, key: ModelKey) -> None:
        self._change(key, lambda record: claims.touch(record, now=self.now()))

    def delete_model(self, key: ModelKey) -> None:
        self._change(key, lambda _: None)

    def try_delete(self, seen: ModelRecord) -> bool:
        after = self._change(seen.key, lambda record: claims.delete_as_seen(record, seen))
        return after is None

    def try_claim_for_download(
        self, key: ModelKey, *, holder: str = "", lease_s: float = LEASE_S_DEFAULT
    ) -> Claimed | AlreadyExists:
        holder, lease_s = holder or new_holder(), claims.require_lease(lease_s)
        # A claim usually meets an absent record: create first, look only when that fails.
        fresh = claims.claim(None, key, holder=holder, lease_s=lease_s, now=self.now())
        if self._create(fresh):
            return Claimed(key, holder, fresh.fence, lease_s)
        after = self._change(
            key,
            lambda record: claims.claim(
                record, key, holder=holder, lease_s=lease_s, now=self.now()
            ),
        )
        assert after is not None  # noqa: S101 - a claim never ends in an absent record
        held = claim_of(after, holder)
        return AlreadyExists(after.status) if held is None else held

    def try_reset_error_for_retry(
        self, key: ModelKey, *, holder: str = "", lease_s: float = LEASE_S_DEFAULT
    ) -> bool:
        holder, lease_s = holder or new_holder(), claims.require_lease(lease_s)
        after = self._change(
            key,
            lambda record: claims.retry(record, holder=holder, lease_s=lease_s, now=self.now()),
        )
        return after is not None and claim_of(after, holder) is not None

    def try_take_over(
        self, seen: ModelRecord, *, holder: str = "", lease_s: float = LEASE_S_DEFAULT
    ) -> Claimed | None:
        holder, lease_s = holder or new_holder(), claims.require_lease(lease_s)
        after = self._change(
            seen.key,
            lambda record: claims.take_over(
                record, seen, holder=holder, lease_s=lease_s, now=self.now()
            ),
        )
        return None if after is None else claim_of(after, holder)

    def heartbeat(self, claim: Claimed, progress: Progress | None = None) -> None:
        self._change(
            claim.key,
            lambda record: claims.heartbeat(record, claim, progress=progress, now=self.now()),
        )

    def finish(self, claim: Claimed) -> None:
        self._change(claim.key, lambda record: claims.finish(record, claim, now=self.now()))

    def fail(self, claim: Claimed, message: str) -> None:
        self._change(
            claim.key,
            lambda record: claims.fail(record, claim, message=message, now=self.now()),
        )

    def _change(self, key: ModelKey, plan: Plan) -> ModelRecord | None:
        """Apply a plan to the record and return what is stored then."""
        for attempt in range(ATTEMPTS_MAX):
            if attempt:
                time.sleep(random.uniform(0, PAUSE_S_MAX))  # noqa: S311 - spreads the rivals
            stored = self._load(key)
            if stored is not None and stored.record is None:
                self._remove(key, stored.version)  # unreadable: as good as absent
                stored = None
            before = None if stored is None else stored.record
            after = plan(before)
            if after is before or self._write(key, stored, after):
                return after
        raise Contended(
            detail=f"Other writers changed the record of {key} {ATTEMPTS_MAX} times in a row."
        )

    def _write(self, key: ModelKey, stored: Stored | None, after: ModelRecord | None) -> bool:
        if stored is None:
            return after is None or self._create(after)
        if after is None:
            return self._remove(key, stored.version)
        return self._replace(after, stored.version)


def new_holder() -> str:
    """Return a name that no claim ever had."""
    return str(uuid.uuid4())


def claim_of(record: ModelRecord, holder: str) -> Claimed | None:
    """Return the claim that a record shows a holder to have."""
    if record.status is not ModelStatus.DOWNLOADING or record.holder != holder:
        return None
    return Claimed(record.key, holder, record.fence, record.lease_s)
