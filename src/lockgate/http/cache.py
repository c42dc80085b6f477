"""Routes of the cluster's cache: who downloads what, for clients in any language.

    claim      with a claim in the answer: download, beat every third of the lease, then finish
               without: look at the record now and then, until it is DOWNLOADED or ERROR
    takeover   when the record's heartbeat stood still for lease_s of your own clock
    retry      when it says ERROR

Sending a request again is safe: it names its holder or its claim.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import Annotated

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from lockgate.coordination.backend import RegistryBackend
from lockgate.domain.claims import AlreadyExists, Claimed, ModelKey, ModelStatus
from lockgate.domain.moments import to_text
from lockgate.domain.permissions import MANAGE_CACHE, USE_CACHE
from lockgate.errors import ClaimLost, NotFound
from lockgate.http.calls import KEY_HEADER, CallOf, answer
from lockgate.http.representations import represent, represent_nothing
from lockgate.http.routing import router
from lockgate.wire.cache import (
    CacheCounts,
    CachedModel,
    CachedModelWords,
    CacheRecord,
    CacheRecords,
    ClaimAnswer,
    Clock,
    Failure,
    Forgotten,
    Heartbeat,
    HeldClaim,
    NewClaim,
    NewStatus,
    NewTakeover,
    RecordWords,
    SeenModel,
    record_to_wire,
)

__all__ = ["Desk", "routes"]

routes = router("cache")


class Desk:
    """The coordination backend of a server, and what was asked of it so far by outcome."""

    def __init__(self, backend: RegistryBackend | None) -> None:
        self._backend = backend
        self._lock = Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    @property
    def backend(self) -> RegistryBackend:
        """The backend. Raises `NotFound` on a server that has none."""
        if self._backend is None:
            raise NotFound(
                detail="This server coordinates no downloads. Start it with LOCKGATE_COORDINATION: "
                "'registry' for its own database, or the URL of another, such as redis://…"
            )
        return self._backend

    @property
    def is_open(self) -> bool:
        """Whether there is a backend."""
        return self._backend is not None

    def count(self, verb: str, outcome: str) -> None:
        """Count a call."""
        with self._lock:
            self._counts[verb, outcome] += 1

    def counts(self) -> dict[tuple[str, str], int]:
        """Return calls by verb and outcome."""
        with self._lock:
            return dict(self._counts)

    def close(self) -> None:
        """Close the backend, if there is one."""
        if self._backend is not None:
            self._backend.close()


# --- looking -----------------------------------------------------------------------------------


@routes.get("/cache/records", response_model=CacheRecords)
async def list_records(call: CallOf, words: Annotated[RecordWords, Query()]) -> Response:
    """List records, least recently used first."""
    backend = _desk(call).backend
    found = await call.run(lambda: backend.get_models_by_last_used(words.limit))
    return answer(represent({"items": [record_to_wire(record) for record in found]}), 200)


@routes.get("/cache/record", response_model=CacheRecord)
async def get_record(call: CallOf, words: Annotated[CachedModelWords, Query()]) -> Response:
    """Return the record of a model; 404 for one that nobody asked for."""
    backend, key = _desk(call).backend, words.key
    found = await call.run(lambda: backend.get_model_record(key))
    if found is None:
        raise NotFound(detail=f"There is no record of {key}.")
    return answer(represent(record_to_wire(found)), 200)


@routes.get("/cache/counts", response_model=CacheCounts)
async def counts(call: CallOf) -> Response:
    """Count the records of each status."""
    backend = _desk(call).backend
    found = await call.run(backend.get_status_counts)
    return answer(represent({status.value: found[status] for status in ModelStatus}), 200)


@routes.get("/cache/clock", response_model=Clock)
async def clock(call: CallOf) -> Response:
    """Return the time that records are stamped with."""
    now = await call.run(_desk(call).backend.now)
    return answer(represent({"now": to_text(now)}), 200)


# --- claims ------------------------------------------------------------------------------------


@routes.post("/cache/claim", response_model=ClaimAnswer)
async def claim(call: CallOf, body: NewClaim) -> Response:
    """Claim a model that nobody has begun; of all who ask, exactly one is given the claim."""
    desk, key, holder = _desk(call), body.key, _holder(call.request, body.holder)
    outcome = await call.run(
        lambda: desk.backend.try_claim_for_download(key, holder=holder, lease_s=body.lease_s)
    )
    return _claimed(desk, "claim", outcome)


@routes.post("/cache/retry", response_model=ClaimAnswer)
async def retry(call: CallOf, body: NewClaim) -> Response:
    """Claim a model whose download failed; exactly one is given the claim."""
    desk, key, holder = _desk(call), body.key, _holder(call.request, body.holder)

    def reset() -> Claimed | AlreadyExists | None:
        is_won = desk.backend.try_reset_error_for_retry(key, holder=holder, lease_s=body.lease_s)
        return _found_claim(desk.backend, key, holder if is_won else None)

    return _claimed(desk, "retry", await call.run(reset))


@routes.post("/cache/takeover", response_model=ClaimAnswer)
async def takeover(call: CallOf, body: NewTakeover) -> Response:
    """Claim a record that still stands as it was seen; when that is right is yours to judge."""
    desk, seen, holder = _desk(call), body.record, _holder(call.request, body.holder)

    def take() -> Claimed | AlreadyExists | None:
        taken = desk.backend.try_take_over(seen, holder=holder, lease_s=body.lease_s)
        return taken or _found_claim(desk.backend, seen.key, None)

    return _claimed(desk, "takeover", await call.run(take))


@routes.post("/cache/heartbeat", status_code=204, response_model=None)
async def heartbeat(call: CallOf, body: Heartbeat) -> Response:
    """Give a sign of life; 409 ``claim_lost`` when the claim is another's by now."""
    held, told = body.claim, body.told
    return await _held(call, "heartbeat", lambda backend: backend.heartbeat(held, told))


@routes.post("/cache/finish", status_code=204, response_model=None)
async def finish(call: CallOf, body: HeldClaim) -> Response:
    """Say that the files are there; 409 ``claim_lost`` when the claim is another's by now."""
    held = body.claim
    return await _held(call, "finish", lambda backend: backend.finish(held))


@routes.post("/cache/fail", status_code=204, response_model=None)
async def fail(call: CallOf, body: Failure) -> Response:
    """Say why the download failed; 409 ``claim_lost`` when the claim is another's by now."""
    held, message = body.claim, body.message
    return await _held(call, "fail", lambda backend: backend.fail(held, message))


# --- records -----------------------------------------------------------------------------------


@routes.post("/cache/touch", status_code=204, response_model=None)
async def touch(call: CallOf, body: CachedModel) -> Response:
    """Note a use. Of an unknown model: nothing."""
    key = body.key
    return await _held(call, "touch", lambda backend: backend.touch_model(key))


@routes.put("/cache/record", status_code=204, response_model=None)
async def set_status(call: CallOf, body: NewStatus) -> Response:
    """Make the status so, whoever owns it; for callers that keep no claims."""
    key, status = body.key, ModelStatus(body.status)
    return await _held(
        call,
        "set_status",
        lambda backend: backend.set_status(key, status, body.message),
        MANAGE_CACHE,
    )


@routes.delete("/cache/record", status_code=204, response_model=None)
async def delete(call: CallOf, words: Annotated[CachedModelWords, Query()]) -> Response:
    """Forget a record, whoever owns it. Of an unknown model: nothing."""
    key = words.key
    return await _held(call, "delete", lambda backend: backend.delete_model(key), MANAGE_CACHE)


@routes.post("/cache/forget", response_model=Forgotten)
async def forget(call: CallOf, body: SeenModel) -> Response:
    """Forget a record that still stands as it was seen."""
    desk, seen = _desk(call), body.record
    gone = await call.run(lambda: desk.backend.try_delete(seen))
    desk.count("forget", "done" if gone else "refused")
    return answer(represent({"gone": gone}), 200)


# --- pieces ------------------------------------------------------------------------------------


def _desk(call: CallOf, permission: str = USE_CACHE) -> Desk:
    call.require_everywhere(permission)
    desk: Desk = call.request.app.state.coordination
    return desk


def _holder(request: Request, said: str | None) -> str:
    """Return who claims: a request that is sent again under its key is the same claimant."""
    return said or request.headers.get(KEY_HEADER, "")[:255] or str(uuid.uuid4())


def _found_claim(
    backend: RegistryBackend, key: ModelKey, holder: str | None
) -> Claimed | AlreadyExists | None:
    """Return the claim that a holder has won, or how the record stands."""
    record = backend.get_model_record(key)
    if record is None:
        return None
    if holder is not None and record.holder == holder:
        return Claimed(key, holder, record.fence, record.lease_s)
    return AlreadyExists(record.status)


def _claimed(desk: Desk, verb: str, outcome: Claimed | AlreadyExists | None) -> Response:
    if isinstance(outcome, Claimed):
        desk.count(verb, "won")
        held = {
            "holder": outcome.holder,
            "fence": outcome.fence,
            "lease_s": outcome.lease_s,
        }
        return answer(represent({"claim": held, "status": ModelStatus.DOWNLOADING.value}), 200)
    desk.count(verb, "lost")
    status = None if outcome is None else outcome.status.value
    return answer(represent({"claim": None, "status": status}), 200)


async def _held(
    call: CallOf,
    verb: str,
    change: Callable[[RegistryBackend], None],
    permission: str = USE_CACHE,
) -> Response:
    desk = _desk(call, permission)
    try:
        await call.run(lambda: change(desk.backend))
    except ClaimLost:
        desk.count(verb, "refused")
        raise
    desk.count(verb, "done")
    return answer(represent_nothing(None), 204)
