"""Coordination among the threads of one process."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Lock

from lockgate.coordination.backend import StatusCounts
from lockgate.coordination.comparing import ComparingBackend, Stored
from lockgate.domain.claims import ModelKey, ModelRecord, ModelStatus, require_limit

__all__ = ["MemoryBackend"]

_MICROSECOND = timedelta(microseconds=1)


class MemoryBackend(ComparingBackend):
    """Records in a dictionary. The version of a record is the record object itself."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._records: dict[ModelKey, ModelRecord] = {}
        self._newest = datetime.min.replace(tzinfo=UTC)

    def connect(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def get_models_by_last_used(self, limit: int | None = None) -> list[ModelRecord]:
        require_limit(limit)
        with self._lock:
            records = list(self._records.values())
        return sorted(records, key=lambda record: record.last_used_at)[:limit]

    def get_status_counts(self) -> StatusCounts:
        counts = dict.fromkeys(ModelStatus, 0)
        with self._lock:
            for record in self._records.values():
                counts[record.status] += 1
        return counts

    def _load(self, key: ModelKey) -> Stored | None:
        record = self._records.get(key)
        return None if record is None else Stored(record, record)

    def _create(self, record: ModelRecord) -> bool:
        with self._lock:
            if record.key in self._records:
                return False
            self._put(record)
            return True

    def _replace(self, record: ModelRecord, version: object) -> bool:
        with self._lock:
            if self._records.get(record.key) is not version:
                return False
            self._put(record)
            return True

    def _remove(self, key: ModelKey, version: object) -> bool:
        with self._lock:
            if self._records.get(key) is not version:
                return False
            del self._records[key]
            return True

    def _put(self, record: ModelRecord) -> None:
        if record.last_used_at <= self._newest:
            record = replace(record, last_used_at=self._newest + _MICROSECOND)
        self._newest = record.last_used_at
        self._records[record.key] = record
