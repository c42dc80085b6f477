"""Sources: set, list and remove where metrics are asked for, and ask.

    what is due (pure) → ask, outside of any transaction → values and how far was read, in one

Two servers that ask at once take in what is read once: the second finds it read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from lockgate.domain.moments import from_micros, to_micros
from lockgate.domain.observations import MICROS, Observed, gathered
from lockgate.domain.permissions import MONITOR
from lockgate.domain.sources import MetricSource, query_for, steps_due
from lockgate.domain.trials import VALUE_MAX
from lockgate.errors import LimitExceeded, NotFound, SourceNotFound
from lockgate.services.lookup import find_baseline
from lockgate.services.prometheus import SourceFault, find_prometheus
from lockgate.storage import guard
from lockgate.storage import models as model_rows
from lockgate.storage import observations as observation_rows
from lockgate.storage import sources as rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.log import record
from lockgate.storage.models import StoredModel
from lockgate.storage.store import Caller, Store

SOURCES_MAX = 100
ERROR_CHARS_MAX = 300
Ask = Callable[[str, str, int, int, int], list[tuple[float, float]]]


@dataclass(frozen=True, kw_only=True)
class Due:
    """What a source is to be asked now, about which version."""

    source: MetricSource
    version: str
    first_s: int
    last_s: int


def set_source(
    store: Store, who: Caller, project: str, name: str, metric: str, given: dict[str, Any]
) -> MetricSource:
    """Ask for a metric of a model from now on; what was asked before under its name is replaced."""

    def use_case(session: Session) -> MetricSource:
        stored = model_rows.lock_model(session, project, name)
        guard.require_here(session, MONITOR, stored)
        lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
        stage = given.get("stage")
        made = MetricSource(
            **{
                **given,
                "stage": (
                    lifecycle.serving_stage if stage is None else lifecycle.stage(stage)
                ).name,
            },
            project=project,
            model=stored.model.name,
            metric=metric,
            read_until=session.now,
            error="",
            set_by=who.name,
            set_at=session.now,
        )
        known = rows.list_sources(session, stored)
        before = next((each for each in known if each.metric == metric), None)
        if before is not None and _asked(before) == _asked(made):
            return before
        if before is None and len(known) >= SOURCES_MAX:
            raise LimitExceeded(
                what="The number of sources of a model",
                observed=len(known) + 1,
                limit=SOURCES_MAX,
            )
        write = rows.add_source if before is None else rows.update_source
        write(session, stored.id, made)
        _record(session, stored, who.name, "set_source", {"metric": metric, **_asked(made)})
        return made

    return store.write(who, use_case)


def list_sources(store: Store, project: str, name: str) -> tuple[MetricSource, ...]:
    """Return the sources of a model, by metric."""
    return store.snapshot(
        lambda session: tuple(
            rows.list_sources(session, model_rows.load_model(session, project, name))
        )
    )


def remove_source(store: Store, who: Caller, project: str, name: str, metric: str) -> MetricSource:
    """Ask no more for a metric, and return what was asked. Raises `SourceNotFound`."""

    def use_case(session: Session) -> MetricSource:
        stored = model_rows.lock_model(session, project, name)
        guard.require_here(session, MONITOR, stored)
        found = _find(session, stored, metric)
        if found is None:
            raise SourceNotFound(metric=metric, model=stored.model.full_name)
        rows.remove_source(session, stored.id, found.metric)
        _record(session, stored, who.name, "remove_source", {"metric": found.metric})
        return found

    return store.write(who, use_case)


def read_sources(store: Store) -> int:
    """Ask every source for what is due, and take it in; return how many values that was.

    What goes wrong is kept with the source. A server that does not answer is asked once a round.
    """
    prometheus = find_prometheus(store)
    if prometheus is None:
        return 0
    silent: dict[str, str] = {}
    count = 0
    for project, model, metric in store.database.snapshot(rows.all_sources):
        due = _due(store, project, model, metric)
        if due is None:
            continue
        url, error = due.source.url, silent.get(due.source.url, "")
        values: list[tuple[float, float]] = []
        if not error:
            query = query_for(due.source, due.version)
            try:
                values = prometheus.ask(url, query, due.first_s, due.last_s, due.source.step_s)
            except SourceFault as fault:
                error = str(fault)[:ERROR_CHARS_MAX]
                if fault.silent:
                    silent[url] = error
        count += _taken_in(store, due, values, error)
    return count


def _due(store: Store, project: str, model: str, metric: str) -> Due | None:
    def ask(session: Session) -> Due | None:
        stored = model_rows.find_model(session, project, model)
        source = None if stored is None else _find(session, stored, metric)
        if stored is None or source is None:
            return None  # removed meanwhile
        version = find_baseline(store, session, stored, f"@{source.stage}", lock=False)
        if version is None:
            return None
        now_s = session.settle_time(0) // MICROS
        span = steps_due(source, -(-to_micros(version.stage_since) // MICROS), now_s)
        if span is None:
            return None
        return Due(source=source, version=version.label, first_s=span[0], last_s=span[1])

    return store.database.snapshot(ask)


def _taken_in(store: Store, due: Due, values: list[tuple[float, float]], error: str) -> int:
    """Write what came of asking; return how many values were taken in."""
    before = due.source
    if error and error == before.error:
        return 0

    def use_case(session: Session) -> int:
        try:
            stored = model_rows.lock_model(session, before.project, before.model)
            key, _ = version_rows.load_version(session, stored, due.version)
        except NotFound:
            return 0  # deleted meanwhile
        if _find(session, stored, before.metric) != before:
            return 0  # changed meanwhile, or read by another server
        if error:
            rows.update_source(session, stored.id, replace(before, error=error))
            return 0
        seen = [
            Observed(metric=before.metric, value=value, at_us=round(at * MICROS))
            for at, value in values
            if abs(value) <= VALUE_MAX and due.first_s <= at <= due.last_s
        ]
        for (metric, grain_s), buckets in gathered(seen).items():
            observation_rows.add_buckets(session, key, metric, grain_s, buckets)
        read_until = from_micros(due.last_s * MICROS)
        after = replace(before, read_until=read_until, error="")
        rows.update_source(session, stored.id, after)
        return len(seen)

    return store.database.write(use_case)


def _find(session: Session, stored: StoredModel, metric: str) -> MetricSource | None:
    known = rows.list_sources(session, stored)
    return next((each for each in known if each.metric == metric), None)


def _asked(source: MetricSource) -> dict[str, Any]:
    """Return what of a source its setter says."""
    return {
        name: value
        for name, value in asdict(source).items()
        if name in ("stage", "url", "query", "step_s")
    }


def _record(
    session: Session, stored: StoredModel, actor: str, action: str, detail: dict[str, Any]
) -> None:
    record(session, stored.project_id, actor, action, model=stored.model.name, detail=detail)
