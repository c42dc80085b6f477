"""What a coordination backend promises. The comments here are the contract.

One record per `ModelKey`; the rules of every change are in `lockgate.domain.claims`.

Atomicity: every method is one atomic change of one record. Of any number of callers in any number
of processes that claim an absent model, retry a failed one or take over a silent one, exactly one
wins. Nobody may conclude from a status that they own a download: only from `Claimed`.

Errors: `CoordinatorUnavailable` when the store does not answer. The change may then have been made
or not; every method that takes a holder or a claim may be called again with the same one and gives
the answer it would have given. `ClaimLost` when a claim is no longer held. `Contended` when other
writers won the record for as many attempts as the backend allows. `InvalidInput` for a bad lease
or limit. Nothing else is raised.

Retries: a backend may reconnect once; waiting for an outage to end is the caller's business.

Damage: a stored record that cannot be read is as good as absent. It is skipped with a warning,
and the next claim replaces it. Until then the counts may include it, where its status can be read.

Order and time: `last_used_at` is stamped by the store and strictly grows with every write, so that
the order of use is exact even where the clocks of the callers are an hour apart. (On Kubernetes,
whose API server stamps no microseconds, the order is that of the resource versions.)
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from lockgate.domain.claims import (
    LEASE_S_DEFAULT,
    AlreadyExists,
    Claimed,
    ModelKey,
    ModelRecord,
    ModelStatus,
    Progress,
)

__all__ = ["RegistryBackend", "StatusCounts"]

StatusCounts = dict[ModelStatus, int]


class RegistryBackend(Protocol):
    """One shared memory of who downloads what. Safe to use from several threads."""

    def connect(self) -> None:
        """Prove that the store answers and prepare it. May be called again."""

    def close(self) -> None:
        """Give connections back. The backend may be connected again."""

    # --- the ten ---------------------------------------------------------------------------

    def get_status(self, key: ModelKey) -> ModelStatus | None:
        """Return the status, or None where there is no record."""

    def get_model_record(self, key: ModelKey) -> ModelRecord | None:
        """Return the record, or None."""

    def set_status(self, key: ModelKey, status: ModelStatus, message: str = "") -> None:
        """Make the status so, whatever it was and whoever owns it; create the record if absent.

        ``created_at`` stays. For callers that keep no claim; owners use `finish` and `fail`.
        """

    def touch_model(self, key: ModelKey) -> None:
        """Note a use. Of an unknown model: nothing."""

    def delete_model(self, key: ModelKey) -> None:
        """Forget the record, whoever owns it. Of an unknown model: nothing."""

    def get_models_by_last_used(self, limit: int | None = None) -> list[ModelRecord]:
        """Return records, least recently used first; at most ``limit``, all of them for None."""

    def get_status_counts(self) -> StatusCounts:
        """Return the number of records of each status, zeros included."""

    def try_claim_for_download(
        self, key: ModelKey, *, holder: str = "", lease_s: float = LEASE_S_DEFAULT
    ) -> Claimed | AlreadyExists:
        """Claim an absent model. ``holder`` defaults to a fresh UUID."""

    def try_reset_error_for_retry(
        self, key: ModelKey, *, holder: str = "", lease_s: float = LEASE_S_DEFAULT
    ) -> bool:
        """Turn ERROR into DOWNLOADING ("Retrying download..."); True for the one who did."""

    # --- claims that outlive their owners ----------------------------------------------------

    def try_take_over(
        self, seen: ModelRecord, *, holder: str = "", lease_s: float = LEASE_S_DEFAULT
    ) -> Claimed | None:
        """Claim a record that is still exactly as ``seen``; None when it is not.

        When that is right is for the caller to judge, by their own clock: an owner whose
        heartbeat counter stood still for ``seen.lease_s``, a failure, lost files.
        """

    def heartbeat(self, claim: Claimed, progress: Progress | None = None) -> None:
        """Give a sign of life. Raises ClaimLost."""

    def finish(self, claim: Claimed) -> None:
        """Make it DOWNLOADED. Raises ClaimLost."""

    def fail(self, claim: Claimed, message: str) -> None:
        """Make it ERROR. Raises ClaimLost."""

    def try_delete(self, seen: ModelRecord) -> bool:
        """Forget a record that is still as ``seen``; True when it is gone now, by whomever."""

    def now(self) -> datetime:
        """Return the store's time (UTC), the one that `ModelRecord` is stamped with."""
