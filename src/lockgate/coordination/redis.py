"""Coordination through Redis, Valkey or anything that speaks like them and runs Lua.

One call is one round trip. What Redis has not yet persisted or replicated can be lost with it;
then the records are gone, models are claimed anew, and files that are there are found again.
"""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any

import msgspec
import redis
from redis.backoff import ExponentialBackoff
from redis.cluster import RedisCluster
from redis.commands.core import Script
from redis.exceptions import RedisClusterException
from redis.retry import Retry

from lockgate.coordination.backend import StatusCounts
from lockgate.coordination.comparing import claim_of, new_holder
from lockgate.coordination.scripts import CLAIM, CLAIM_KEYS, COUNTS, KEYS, LISTING, SCRIPTS
from lockgate.domain import claims
from lockgate.domain.claims import (
    LEASE_S_DEFAULT,
    RETRY_MESSAGE,
    AlreadyExists,
    Claimed,
    ModelKey,
    ModelRecord,
    ModelStatus,
    Progress,
)
from lockgate.errors import ClaimLost, Contended, CoordinatorUnavailable, InvalidInput

__all__ = ["RedisBackend"]

TIMEOUT_S = 5.0
RECONNECTS_MAX = 1
CLAIMS_MAX = 3
CLUSTER_PREFIX = "redis+cluster://"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RedisBackend:
    """Records as JSON in one hash, with an index by last use and one set a status."""

    def __init__(self, client: redis.Redis | RedisCluster) -> None:
        self._client = client
        self._scripts: dict[str, Script] = {
            name: client.register_script(body) for name, body in SCRIPTS.items()
        }
        self._claim = client.register_script(CLAIM)
        self._listing = client.register_script(LISTING)
        self._counts = client.register_script(COUNTS)

    @classmethod
    def open(cls, url: str) -> RedisBackend:
        """Use ``redis://``, ``rediss://``, ``unix://`` or ``redis+cluster://host:port``.

        A cluster is asked for its nodes at once. Raises CoordinatorUnavailable.
        """
        retry = Retry(ExponentialBackoff(cap=0.5, base=0.05), RECONNECTS_MAX)
        timeouts = {"socket_timeout": TIMEOUT_S, "socket_connect_timeout": TIMEOUT_S}
        with _TRANSLATED:
            if url.startswith(CLUSTER_PREFIX):
                address = "redis://" + url.removeprefix(CLUSTER_PREFIX)
                return cls(RedisCluster.from_url(address, retry=retry, **timeouts))
            return cls(redis.Redis.from_url(url, retry=retry, **timeouts))

    def connect(self) -> None:
        # Loading them now saves every first call two round trips.
        with _TRANSLATED:
            for body in (CLAIM, LISTING, COUNTS, *SCRIPTS.values()):
                self._client.script_load(body)

    def close(self) -> None:
        self._client.close()

    def now(self) -> datetime:
        with _TRANSLATED:
            seconds, microseconds = self._client.time()
        return _EPOCH + timedelta(seconds=seconds, microseconds=microseconds)

    # --- reading -----------------------------------------------------------------------------

    def get_status(self, key: ModelKey) -> ModelStatus | None:
        record = self.get_model_record(key)
        return None if record is None else record.status

    def get_model_record(self, key: ModelKey) -> ModelRecord | None:
        with _TRANSLATED:
            raw = self._client.hget(KEYS[0], key.id)
        return None if raw is None else _record_of(raw)

    def get_models_by_last_used(self, limit: int | None = None) -> list[ModelRecord]:
        claims.require_limit(limit)
        records: list[ModelRecord] = []
        offset = 0
        while limit is None or len(records) < limit:
            with _TRANSLATED:
                raws = self._listing(keys=KEYS, args=(offset, -1 if limit is None else limit))
            records += [record for raw in raws if (record := _record_of(raw)) is not None]
            if limit is None or len(raws) < limit:
                break
            offset += limit  # some were unreadable: look further
        return records[:limit]

    def get_status_counts(self) -> StatusCounts:
        with _TRANSLATED:
            numbers = self._counts(keys=KEYS)
        return dict(zip(ModelStatus, numbers, strict=True))

    # --- changing ----------------------------------------------------------------------------

    def set_status(self, key: ModelKey, status: ModelStatus, message: str = "") -> None:
        message = claims.clean_message(message)
        fresh = _fresh(key, status, message=message, holder="", lease_s=LEASE_S_DEFAULT)
        self._run("set_status", key, fresh, status.value, message)

    def touch_model(self, key: ModelKey) -> None:
        self._run("touch", key)

    def delete_model(self, key: ModelKey) -> None:
        self._run("delete", key)

    def try_delete(self, seen: ModelRecord) -> bool:
        return bool(self._run("delete_as_seen", seen.key, *_standing(seen)))

    def try_claim_for_download(
        self, key: ModelKey, *, holder: str = "", lease_s: float = LEASE_S_DEFAULT
    ) -> Claimed | AlreadyExists:
        holder, lease_s = holder or new_holder(), claims.require_lease(lease_s)
        fresh = _fresh(
            key,
            ModelStatus.DOWNLOADING,
            message=claims.CLAIM_MESSAGE,
            holder=holder,
            lease_s=lease_s,
        )
        for _ in range(CLAIMS_MAX):
            with _TRANSLATED:
                found = self._claim(keys=CLAIM_KEYS, args=(key.id, fresh[:-1]))
            if found == 1:
                return Claimed(key, holder, 1, lease_s)
            record = _record_of(found)
            if record is not None:
                held = claim_of(record, holder)
                return AlreadyExists(record.status) if held is None else held
            self._run("delete_unreadable", key)
        raise Contended(detail=f"Others keep writing an unreadable record of {key}.")

    def try_reset_error_for_retry(
        self, key: ModelKey, *, holder: str = "", lease_s: float = LEASE_S_DEFAULT
    ) -> bool:
        holder, lease_s = holder or new_holder(), claims.require_lease(lease_s)
        return bool(self._run("retry", key, holder, lease_s, RETRY_MESSAGE))

    def try_take_over(
        self, seen: ModelRecord, *, holder: str = "", lease_s: float = LEASE_S_DEFAULT
    ) -> Claimed | None:
        holder, lease_s = holder or new_holder(), claims.require_lease(lease_s)
        message = claims.take_over_message(seen.status)
        fence = self._run("take_over", seen.key, *_standing(seen), holder, lease_s, message)
        return Claimed(seen.key, holder, fence, lease_s) if fence else None

    def heartbeat(self, claim: Claimed, progress: Progress | None = None) -> None:
        done = "" if progress is None else progress.bytes_done
        total = "" if progress is None or progress.bytes_total is None else progress.bytes_total
        self._run_held("heartbeat", claim, done, total)

    def finish(self, claim: Claimed) -> None:
        self._run_held("end", claim, ModelStatus.DOWNLOADED.value, "")

    def fail(self, claim: Claimed, message: str) -> None:
        self._run_held("end", claim, ModelStatus.ERROR.value, claims.clean_message(message))

    def _run(self, name: str, key: ModelKey, *arguments: Any) -> Any:
        with _TRANSLATED:
            return self._scripts[name](keys=KEYS, args=(key.id, *arguments))

    def _run_held(self, name: str, claim: Claimed, *arguments: Any) -> None:
        why = self._run(name, claim.key, claim.holder, claim.fence, *arguments)
        if why:
            raise ClaimLost(
                key=str(claim.key), holder=claim.holder, fence=claim.fence, detail=_text(why)
            )


def _fresh(
    key: ModelKey, status: ModelStatus, *, message: str, holder: str, lease_s: float
) -> bytes:
    """Return a new record as the scripts take it; they add the times."""
    return msgspec.json.encode(
        {
            "provider": key.provider,
            "model": key.model,
            "revision": key.revision,
            "node": key.node,
            "status": status.value,
            "message": message,
            "holder": holder,
            "fence": 1,
            "lease_s": lease_s,
            "heartbeat": 0,
        }
    )


def _standing(seen: ModelRecord) -> tuple[str | int, ...]:
    created_us = (seen.created_at - _EPOCH) // timedelta(microseconds=1)
    return (seen.status.value, seen.holder, seen.fence, seen.heartbeat, created_us)


def _record_of(raw: bytes | str) -> ModelRecord | None:
    try:
        fields = msgspec.json.decode(raw)
        done, total = fields.get("bytes_done"), fields.get("bytes_total")
        return ModelRecord(
            key=ModelKey(fields["provider"], fields["model"], fields["revision"], fields["node"]),
            status=ModelStatus(fields["status"]),
            created_at=_EPOCH + timedelta(microseconds=int(fields["created_us"])),
            last_used_at=_EPOCH + timedelta(microseconds=int(fields["last_used_us"])),
            message=fields["message"],
            holder=fields["holder"],
            fence=int(fields["fence"]),
            lease_s=float(fields["lease_s"]),
            heartbeat=int(fields["heartbeat"]),
            progress=None if done is None else Progress(int(done), int(total) if total else None),
        )
    except (
        InvalidInput,
        msgspec.MsgspecError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        OverflowError,
    ) as error:
        warnings.warn(
            f"Skipped the unreadable cache record {raw[:80]!r}: {type(error).__name__}: {error}",
            stacklevel=2,
        )
        return None


def _text(reply: bytes | str) -> str:
    """Return a reply as text, whichever way the client was told to give it."""
    return reply if isinstance(reply, str) else reply.decode()


class _Translated:
    """Turns the client's errors into ours. One object serves all: it keeps nothing."""

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, redis.RedisError | RedisClusterException | OSError):
            raise CoordinatorUnavailable(detail=" ".join(str(error).split())) from error


_TRANSLATED = _Translated()
