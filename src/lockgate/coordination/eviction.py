"""Which copies go when there are too many, too old or too large ones, and how they go.

A plan is pure; `evict` applies it. The files go first and the record after them, so that a crash in
between leaves a record without files, which the next who wants the model finds and repairs.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from lockgate.coordination.layout import Copy, Layout
from lockgate.coordination.readers import READER_LEASE_S, Mark, try_mark_for_eviction
from lockgate.coordination.tallies import Tallies
from lockgate.domain.claims import ModelKey, ModelRecord, ModelStatus
from lockgate.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    from lockgate.coordination.backend import RegistryBackend

__all__ = [
    "Candidate",
    "EvictionLimits",
    "EvictionReport",
    "Evictions",
    "evict",
    "plan_evictions",
    "remove",
]


@dataclass(frozen=True, slots=True)
class EvictionLimits:
    """What a cache may hold; None is no limit. ``bytes_free_min`` is of the whole disk."""

    unused_s_max: float | None = None
    models_max: int | None = None
    bytes_free_min: int | None = None

    def __post_init__(self) -> None:
        for name in ("unused_s_max", "models_max", "bytes_free_min"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise InvalidInput(field=name, detail=f"{name} is {value}, not zero or more")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model on the disk, with how long nobody used it."""

    key: ModelKey
    unused_s: float
    bytes_total: int
    is_withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Evictions:
    """Candidates in the order in which they should go, each with the reason."""

    certain: tuple[tuple[Candidate, str], ...] = ()  # whatever else happens
    if_needed: tuple[Candidate, ...] = ()  # until the counts below are reached
    surplus: int = 0
    bytes_needed: int = 0


@dataclass(frozen=True, slots=True)
class EvictionReport:
    """What was evicted (with the reason), what would have been but is in use, and bytes freed."""

    evicted: list[tuple[ModelKey, str]] = field(default_factory=list)
    in_use: list[ModelKey] = field(default_factory=list)
    bytes_freed: int = 0


def plan_evictions(
    candidates: Sequence[Candidate], limits: EvictionLimits, *, bytes_free: int
) -> Evictions:
    """Say what should go. ``candidates`` are in the order of use, least recently used first.

    Withdrawn models and those unused for too long go in any case. What the number of models and
    the free bytes then still demand is taken from the rest in order, as far as it is not in use.
    """
    certain, rest = [], []
    for candidate in candidates:
        if candidate.is_withdrawn:
            certain.append((candidate, "withdrawn"))
        elif limits.unused_s_max is not None and candidate.unused_s > limits.unused_s_max:
            certain.append((candidate, f"unused for {candidate.unused_s:.0f} s"))
        else:
            rest.append(candidate)
    surplus = 0 if limits.models_max is None else max(0, len(candidates) - limits.models_max)
    missing = 0 if limits.bytes_free_min is None else max(0, limits.bytes_free_min - bytes_free)
    return Evictions(tuple(certain), tuple(rest), surplus, missing)


def evict(
    layout: Layout,
    backend: RegistryBackend,
    limits: EvictionLimits,
    *,
    node: str = "",
    is_withdrawn: Callable[[ModelKey], bool] = lambda _: False,
    reader_lease_s: float = READER_LEASE_S,
    bytes_free: Callable[[], int] | None = None,
) -> EvictionReport:
    """Evict what the limits demand from one cache; never a copy that somebody reads.

    ``is_withdrawn`` tells of models that must go whatever the limits (revoked, archived).
    Raises CoordinatorUnavailable; what was evicted before stays evicted. Raises Unavailable when
    the disk cannot be read or written.
    """
    with _disk(layout):
        copies: dict[ModelKey, list[Copy]] = {}
        for copy in layout.list_copies():
            copies.setdefault(copy.key, []).append(copy)
        _settle(backend, [key for key in copies if key.node == node])
        known = {record.key: record for record in backend.get_models_by_last_used()}
        layout.sweep(
            unfinished={
                key.slug
                for key, record in known.items()
                if record.status is not ModelStatus.DOWNLOADED
            }
        )
        records = {
            key: record
            for key, record in known.items()
            if key.node == node and record.status is ModelStatus.DOWNLOADED
        }
        now = backend.now()
        candidates = [
            _candidate(key, record, copies[key], now, is_withdrawn(key))
            for key, record in records.items()
            if key in copies
        ]
        free = shutil.disk_usage(layout.root).free if bytes_free is None else bytes_free()
        plan = plan_evictions(candidates, limits, bytes_free=free)
        report = _Evictor(layout, backend, copies, records, reader_lease_s)
        try:
            report.apply(plan)
        finally:
            done = {"evictions": len(report.evicted), "bytes_evicted": report.bytes_freed}
            Tallies(layout.root).add({name: number for name, number in done.items() if number})
    return EvictionReport(report.evicted, report.in_use, report.bytes_freed)


@contextmanager
def _disk(layout: Layout) -> Iterator[None]:
    try:
        layout.root.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise Unavailable(
            detail=f"Cannot make room below {layout.root}: {error.strerror or error}."
        ) from error


class _Evictor:
    def __init__(
        self,
        layout: Layout,
        backend: RegistryBackend,
        copies: dict[ModelKey, list[Copy]],
        records: dict[ModelKey, ModelRecord],
        reader_lease_s: float,
    ) -> None:
        self._layout, self._backend = layout, backend
        self._copies, self._records, self._reader_lease_s = copies, records, reader_lease_s
        self.evicted: list[tuple[ModelKey, str]] = []
        self.in_use: list[ModelKey] = []
        self.bytes_freed = 0

    def apply(self, plan: Evictions) -> None:
        for candidate, reason in plan.certain:
            self._try_evict(candidate, reason)
        for candidate in plan.if_needed:
            if len(self.evicted) < plan.surplus:
                self._try_evict(candidate, "too many models")
            elif self.bytes_freed < plan.bytes_needed:
                self._try_evict(candidate, "too few bytes free")
            else:
                return

    def _try_evict(self, candidate: Candidate, reason: str) -> None:
        key = candidate.key
        if not remove(self._layout, self._copies[key], self._reader_lease_s):
            self.in_use.append(key)
            return
        self._backend.try_delete(self._records[key])  # not if it is being downloaded again
        self.evicted.append((key, reason))
        self.bytes_freed += candidate.bytes_total


def remove(layout: Layout, copies: Sequence[Copy], reader_lease_s: float = READER_LEASE_S) -> bool:
    """Remove the copies of one model; False, and nothing is removed, if somebody reads one.

    Raises Unavailable when the disk cannot be written.
    """
    marks: list[Mark] = []
    with _disk(layout):
        for copy in copies:
            mark = try_mark_for_eviction(layout, copy, lease_s=reader_lease_s)
            if mark is None:
                for earlier in marks:
                    earlier.withdraw()
                return False
            marks.append(mark)
        for copy in copies:
            layout.remove(copy.folder)
    return True


def _settle(backend: RegistryBackend, keys: list[ModelKey]) -> None:
    """Have the records of complete copies say DOWNLOADED, as they should.

    They do not where the backend has forgotten a model, or where its owner died between
    publishing and saying so. An owner that is alive after all finds its copy published.
    """
    statuses = {record.key: record.status for record in backend.get_models_by_last_used()}
    for key in keys:
        if statuses.get(key) is not ModelStatus.DOWNLOADED:
            backend.set_status(key, ModelStatus.DOWNLOADED)


def _candidate(
    key: ModelKey, record: ModelRecord, copies: list[Copy], now: datetime, is_withdrawn: bool
) -> Candidate:
    unused_s = max(0.0, (now - record.last_used_at).total_seconds())
    return Candidate(key, unused_s, sum(copy.bytes_total for copy in copies), is_withdrawn)
