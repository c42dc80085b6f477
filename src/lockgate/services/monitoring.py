"""Monitoring: look at what monitors watch, and act on what is seen.

lock the model → who stands in the stage → its windows → next state (pure) → record → roll back

All in one transaction. Of two servers that look at once the second sees what the first did; and one
that dies has done all of it or nothing, which the next one then does.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import reduce
from typing import Any

from lockgate.domain.access import Actor
from lockgate.domain.drift import Histogram
from lockgate.domain.moments import to_micros
from lockgate.domain.monitors import (
    Monitor,
    MonitorRule,
    MonitorState,
    Window,
    judge_drift,
    judge_mean,
    may_roll_back,
    next_state,
)
from lockgate.domain.observations import GRAINS_S, MICROS
from lockgate.domain.permissions import MONITOR, ROLLBACK, SETTLE
from lockgate.domain.trials import Tally
from lockgate.domain.versions import ModelVersion
from lockgate.errors import (
    NotFound,
    NothingToRollBackTo,
    PolicyViolated,
    Protected,
    TransitionNotAllowed,
)
from lockgate.services.histograms import total_between
from lockgate.services.lookup import find_baseline
from lockgate.services.monitors import load_monitor, record_of_monitor
from lockgate.services.promotion import find_earlier, roll_back_in
from lockgate.services.sources import read_sources
from lockgate.storage import guard
from lockgate.storage import histograms as histogram_rows
from lockgate.storage import models as model_rows
from lockgate.storage import monitors as rows
from lockgate.storage import observations as observation_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.models import StoredModel
from lockgate.storage.store import Caller, Store


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The latest windows of a version, the last one last, and the bound that they were held to."""

    limit: float
    windows: tuple[Window | None, ...]


def evaluate_monitors(store: Store, who: Caller) -> tuple[Monitor, ...]:
    """Read every source and look at every monitor, each by itself; return those that changed.

    An alarm, and its end, is an event. A rollback is made in the name of who set the monitor, as
    far as they still may.
    """
    if who.grant is not None:
        who.grant.require_everywhere(SETTLE)
    read_sources(store)
    changed = []
    for project, model, name in store.database.snapshot(rows.all_monitors):
        after = _evaluate(store, project, model, name)
        if after is not None:
            changed.append(after)
    return tuple(changed)


def _evaluate(store: Store, project: str, model: str, name: str) -> Monitor | None:
    """Return the monitor if its state has changed."""

    def look(session: Session) -> Monitor | None:
        try:
            stored = model_rows.lock_model(session, project, model)
            before = load_monitor(session, stored, name)
        except NotFound:
            return None  # removed meanwhile
        version = find_baseline(store, session, stored, f"@{before.rule.stage}", lock=True)
        if version is None:
            return None
        anew = (before.version, before.since) != (version.label, version.stage_since)
        state: MonitorState = "ok" if anew else before.state
        seen = _look(session, stored, before.rule, version)
        after_state = state if seen is None else next_state(before.rule, state, seen.windows)
        after = replace(before, state=after_state, version=version.label, since=version.stage_since)
        if after == before:
            return None
        rows.update_monitor(session, stored.id, after)
        if seen is None or after_state == state:
            return None
        guard.vouch(session, MONITOR, stored.project_id)
        action = "monitor_alarm" if after_state == "alarm" else "monitor_recovered"
        evidence = _evidence(after, seen)
        record_of_monitor(session, stored, before.set_by, action, version.label, evidence)
        return _rolled_back(store, session, stored, after) if after_state == "alarm" else after

    actor = _acting(store, project, model, name)
    return None if actor is None else store.write(actor, look)


def _rolled_back(store: Store, session: Session, stored: StoredModel, alarmed: Monitor) -> Monitor:
    """Return the monitor after what its alarm asks for; what is refused stays an alarm."""
    rule = alarmed.rule
    if not may_roll_back(rule, alarmed.rolled_back_at, session.now):
        return alarmed
    if not guard.may_still(session, alarmed.set_by, ROLLBACK, stored, rule.stage):
        return alarmed
    comment = f"Monitor '{alarmed.name}': '{rule.metric}' of version {alarmed.version} failed"
    try:
        roll_back_in(store, session, alarmed.set_by, stored, rule.stage, comment)
    except (NothingToRollBackTo, PolicyViolated, Protected, TransitionNotAllowed):
        # Raised before anything is moved. The alarm goes on record, and what a gate refused does.
        return alarmed
    after = replace(alarmed, rolled_back_at=session.now)
    rows.update_monitor(session, stored.id, after)
    return after


def _acting(store: Store, project: str, model: str, name: str) -> Caller | None:
    """Return who set a monitor, in whose name it acts, or None when it is gone."""

    def ask(session: Session) -> Caller | None:
        stored = model_rows.find_model(session, project, model)
        known = [] if stored is None else rows.list_monitors(session, stored)
        found = next((each for each in known if each.name == name), None)
        return None if found is None else Caller(actor=Actor.named(found.set_by))

    return store.database.snapshot(ask)


def _look(
    session: Session, stored: StoredModel, rule: MonitorRule, version: ModelVersion
) -> Seen | None:
    """Return what the windows of a version show, or None where there is nothing to compare with."""
    spans = _spans(session, rule, version)
    if rule.measure == "mean":
        limit = _limit(session, stored, rule, version)
        if limit is None:
            return None
        tallies = [_tally(session, stored, version.label, rule, *each) for each in spans]
        judged = [None if each is None else judge_mean(rule, each, limit) for each in tallies]
        return Seen(limit=limit.mean, windows=tuple(judged))
    reference = _reference(session, stored, rule, version)
    if reference is None:
        return None
    windows = []
    for since_us, until_us in spans:
        found = _histogram(session, stored, version.label, rule, since_us, until_us)
        same = found is not None and found.edges == reference.edges
        windows.append(judge_drift(rule, found, reference) if found and same else None)
    return Seen(limit=rule.bound, windows=tuple(windows))


def _spans(session: Session, rule: MonitorRule, version: ModelVersion) -> list[tuple[int, int]]:
    """Return the latest whole windows since the version came to its stage, the last one last."""
    size_us = rule.window_s * MICROS
    # Values of the minute in which it came may be of another time.
    first_us = -(-to_micros(version.stage_since) // (60 * MICROS)) * 60 * MICROS
    whole = (session.settle_time(0) - first_us) // size_us
    count = min(max(rule.windows, rule.recovery), whole)
    begin_us = first_us + (whole - count) * size_us
    return [
        (begin_us + index * size_us, begin_us + (index + 1) * size_us) for index in range(count)
    ]


def _limit(
    session: Session, stored: StoredModel, rule: MonitorRule, version: ModelVersion
) -> Tally | None:
    """Return the bound with how sure it is, or None where there is nothing to compare with."""
    if rule.against == "bound":
        return Tally(kind="value", n=1, total=float(rule.bound))
    sign = 1 if rule.direction == "lower" else -1
    if rule.against == "metrics":
        own = version.metrics.get(rule.metric)
        if own is None:
            return None
        return Tally(kind="value", n=1, total=float(own) + sign * rule.bound)
    earlier = find_earlier(session, stored, rule.stage)
    if earlier is None:
        return None
    tally = _tally(session, stored, earlier, rule, *_span_before(rule, version))
    if tally is None:
        return None
    return replace(tally, total=tally.total + sign * rule.bound * tally.n)


def _reference(
    session: Session, stored: StoredModel, rule: MonitorRule, version: ModelVersion
) -> Histogram | None:
    """Return what a version's histograms are held against, or None where there is nothing."""
    if rule.against == "incumbent":
        earlier = find_earlier(session, stored, rule.stage)
        if earlier is None:
            return None
        return _histogram(session, stored, earlier, rule, *_span_before(rule, version))
    key = version_rows.find_key(session, stored, version.label)
    shape = None if key is None else histogram_rows.find_shape(session, key[0], rule.metric)
    return None if shape is None else shape[1]


def _span_before(rule: MonitorRule, version: ModelVersion) -> tuple[int, int]:
    """Return the time before a version came to its stage, as long as its windows are."""
    until_us = to_micros(version.stage_since)
    return until_us - max(rule.windows, rule.recovery) * rule.window_s * MICROS, until_us


def _tally(
    session: Session,
    stored: StoredModel,
    label: str,
    rule: MonitorRule,
    since_us: int,
    until_us: int,
) -> Tally | None:
    """Return the values of a version in a span, or None when they are too few."""
    key = version_rows.find_key(session, stored, label)
    if key is None:
        return None
    buckets = observation_rows.list_buckets(
        session, key[0], rule.metric, GRAINS_S[0], since_us, until_us
    )
    tallies = [each.tally for each in buckets]
    total = reduce(Tally.plus, tallies) if tallies else None
    return None if total is None or total.n < rule.min_samples else total


def _histogram(
    session: Session,
    stored: StoredModel,
    label: str,
    rule: MonitorRule,
    since_us: int,
    until_us: int,
) -> Histogram | None:
    """Return the histogram of a version in a span, or None when it has too few values."""
    key = version_rows.find_key(session, stored, label)
    if key is None:
        return None
    total = total_between(session, key[0], rule.metric, since_us, until_us)
    return None if total is None or total.n < rule.min_samples else total


def _evidence(monitor: Monitor, seen: Seen) -> dict[str, Any]:
    measure = monitor.rule.measure
    return {
        "monitor": monitor.name,
        "rule": asdict(monitor.rule),
        "limit": seen.limit,
        "windows": [
            None if each is None else {"n": each.n, measure: each.value} for each in seen.windows
        ],
    }
