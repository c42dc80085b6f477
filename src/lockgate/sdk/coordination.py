"""Coordination through a Lockgate server: the same contract as every other backend, over HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from lockgate.coordination.backend import StatusCounts
from lockgate.domain.claims import (
    LEASE_S_DEFAULT,
    AlreadyExists,
    Claimed,
    ModelKey,
    ModelRecord,
    ModelStatus,
    Progress,
    clean_message,
    require_lease,
    require_limit,
)
from lockgate.domain.moments import parse_moment
from lockgate.errors import CoordinatorUnavailable, LimitExceeded, NotFound, Unavailable
from lockgate.sdk.transport import Query, Transport
from lockgate.wire.cache import (
    RECORDS_MAX,
    key_to_wire,
    progress_to_wire,
    record_from_wire,
    seen_to_wire,
)
from lockgate.wire.values import write_json

__all__ = ["ServerBackend"]

API = "/api/v1/cache"
TIMEOUT_S = 10.0


class ServerBackend:
    """Records kept by a server that was started with a coordination backend of its own."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S, token: str = "") -> None:
        """Connect when first asked; ``timeout_s`` bounds each call. Raises `InvalidSetting`.

        ``token`` is for a server with access control, and needs ``cache.use`` there.
        """
        self._transport = Transport(url, timeout_s)
        self._token = token

    def connect(self) -> None:
        try:
            self._ask("GET", "counts")
        except NotFound as error:
            raise CoordinatorUnavailable(detail=f"{self._transport.url}: {error}") from error

    def close(self) -> None:
        self._transport.close()

    def now(self) -> datetime:
        return parse_moment(self._ask("GET", "clock")["now"])

    # --- reading -----------------------------------------------------------------------------

    def get_status(self, key: ModelKey) -> ModelStatus | None:
        record = self.get_model_record(key)
        return None if record is None else record.status

    def get_model_record(self, key: ModelKey) -> ModelRecord | None:
        try:
            return record_from_wire(self._ask("GET", "record", query=_query(key)))
        except NotFound:
            return None

    def get_models_by_last_used(self, limit: int | None = None) -> list[ModelRecord]:
        wanted = RECORDS_MAX if require_limit(limit) is None else min(limit or 0, RECORDS_MAX)
        items = self._ask("GET", "records", query=[("limit", wanted)])["items"]
        if len(items) == RECORDS_MAX and limit != RECORDS_MAX:
            raise LimitExceeded(
                what="The number of cache records", observed=f"{RECORDS_MAX}+", limit=RECORDS_MAX
            )
        return [record_from_wire(item) for item in items]

    def get_status_counts(self) -> StatusCounts:
        found = self._ask("GET", "counts")
        return {status: int(found[status.value]) for status in ModelStatus}

    # --- changing ----------------------------------------------------------------------------

    def set_status(self, key: ModelKey, status: ModelStatus, message: str = "") -> None:
        body = {**key_to_wire(key), "status": status.value, "message": clean_message(message)}
        self._ask("PUT", "record", body)

    def touch_model(self, key: ModelKey) -> None:
        self._ask("POST", "touch", key_to_wire(key))

    def delete_model(self, key: ModelKey) -> None:
        self._ask("DELETE", "record", query=_query(key))

    def try_claim_for_download(
        self, key: ModelKey, *, holder: str = "", lease_s: float = LEASE_S_DEFAULT
    ) -> Claimed | AlreadyExists:
        found = self._ask("POST", "claim", _claimant(key, holder, lease_s))
        return _claim_of(key, found) or AlreadyExists(ModelStatus(found["status"]))

    def try_reset_error_for_retry(
        self, key: ModelKey, *, holder: str = "", lease_s: float = LEASE_S_DEFAULT
    ) -> bool:
        found = self._ask("POST", "retry", _claimant(key, holder, lease_s))
        return _claim_of(key, found) is not None

    def try_take_over(
        self, seen: ModelRecord, *, holder: str = "", lease_s: float = LEASE_S_DEFAULT
    ) -> Claimed | None:
        body = {**_claimant(seen.key, holder, lease_s), "seen": seen_to_wire(seen)}
        return _claim_of(seen.key, self._ask("POST", "takeover", body))

    def heartbeat(self, claim: Claimed, progress: Progress | None = None) -> None:
        told = None if progress is None else progress_to_wire(progress)
        self._ask("POST", "heartbeat", {**_held(claim), "progress": told})

    def finish(self, claim: Claimed) -> None:
        self._ask("POST", "finish", _held(claim))

    def fail(self, claim: Claimed, message: str) -> None:
        self._ask("POST", "fail", {**_held(claim), "message": clean_message(message)})

    def try_delete(self, seen: ModelRecord) -> bool:
        body = {**key_to_wire(seen.key), "seen": seen_to_wire(seen)}
        return bool(self._ask("POST", "forget", body)["gone"])

    # --- HTTP --------------------------------------------------------------------------------

    def _ask(
        self,
        method: str,
        verb: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Query | None = None,
    ) -> Any:
        # Every call names its holder or its claim, so that sending it again changes nothing twice.
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        with _translated():
            return self._transport.send(
                method,
                f"{API}/{verb}",
                query=query,
                body=None if body is None else write_json(body),
                headers=headers,
            )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except CoordinatorUnavailable:
        raise
    except Unavailable as error:
        raise CoordinatorUnavailable(detail=str(error)) from error


def _query(key: ModelKey) -> Query:
    return list(key_to_wire(key).items())


def _claimant(key: ModelKey, holder: str, lease_s: float) -> dict[str, Any]:
    return {
        **key_to_wire(key),
        "holder": holder or str(uuid.uuid4()),
        "lease_s": require_lease(lease_s),
    }


def _held(claim: Claimed) -> dict[str, Any]:
    return {**key_to_wire(claim.key), "holder": claim.holder, "fence": claim.fence}


def _claim_of(key: ModelKey, found: Mapping[str, Any]) -> Claimed | None:
    held = found["claim"]
    if held is None:
        return None
    return Claimed(key, held["holder"], int(held["fence"]), float(held["lease_s"]))
