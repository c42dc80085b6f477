"""Windows: what a monitor's rule sees of a version, and what it holds that against.

whose windows ──► since it came to its stage, the latest ones ──► judged, each by itself
held against  ──► a bound, its own metric, its reference, or what stood there before
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from typing import TypeVar

from lockgate.domain.drift import Histogram
from lockgate.domain.moments import to_micros
from lockgate.domain.monitors import MonitorRule, Window, judge_drift, judge_mean
from lockgate.domain.observations import GRAINS_S, MICROS
from lockgate.domain.trials import Tally
from lockgate.domain.versions import ModelVersion
from lockgate.services.histograms import total_between
from lockgate.services.lookup import find_baseline
from lockgate.services.promotion import find_earlier
from lockgate.storage import histograms as histogram_rows
from lockgate.storage import observations as observation_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.models import StoredModel
from lockgate.storage.store import Store

T = TypeVar("T", Tally, Histogram)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The latest windows of a version, the last one last, and the bound that they were held to."""

    limit: float
    windows: tuple[Window | None, ...]


def look(
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
    shape = _shape(session, stored, rule, version)
    return None if shape is None else shape[1]


def _shape(
    session: Session, stored: StoredModel, rule: MonitorRule, version: ModelVersion
) -> tuple[tuple[float, ...], Histogram | None] | None:
    """Return where a version's histograms are cut, and its reference; None without any."""
    key = version_rows.find_key(session, stored, version.label)
    return None if key is None else histogram_rows.find_shape(session, key[0], rule.metric)


def _lasting_s(rule: MonitorRule) -> int:
    """Return how long all windows are that a rule looks at."""
    return max(rule.windows, rule.recovery) * rule.window_s


def _span_before(rule: MonitorRule, version: ModelVersion) -> tuple[int, int]:
    """Return the time before a version came to its stage, as long as its windows are."""
    until_us = to_micros(version.stage_since)
    return until_us - _lasting_s(rule) * MICROS, until_us


def _tally(
    session: Session,
    stored: StoredModel,
    label: str,
    rule: MonitorRule,
    since_us: int,
    until_us: int,
) -> Tally | None:
    """Return the values of a version in a span, or None when they are too few."""

    def total_of(version_id: int) -> Tally | None:
        buckets = observation_rows.list_buckets(
            session, version_id, rule.metric, GRAINS_S[0], since_us, until_us
        )
        tallies = [each.tally for each in buckets]
        return reduce(Tally.plus, tallies) if tallies else None

    return _enough(session, stored, label, rule, total_of)


def _histogram(
    session: Session,
    stored: StoredModel,
    label: str,
    rule: MonitorRule,
    since_us: int,
    until_us: int,
) -> Histogram | None:
    """Return the histogram of a version in a span, or None when it has too few values."""
    return _enough(
        session,
        stored,
        label,
        rule,
        lambda version_id: total_between(session, version_id, rule.metric, since_us, until_us),
    )


def _enough(
    session: Session,
    stored: StoredModel,
    label: str,
    rule: MonitorRule,
    total_of: Callable[[int], T | None],
) -> T | None:
    """Return the total of a version, or None where there is none or it is of too few values."""
    key = version_rows.find_key(session, stored, label)
    total = None if key is None else total_of(key[0])
    return None if total is None or total.n < rule.min_samples else total


def why_unjudged(
    store: Store, session: Session, stored: StoredModel, rule: MonitorRule
) -> str | None:
    """Return why a rule judges nothing, and what would change that; None where it judges."""
    version = find_baseline(store, session, stored, f"@{rule.stage}", lock=False)
    if version is None:
        return f"no version stands in {rule.stage}: promote one"
    if rule.measure == "mean":
        if _limit(session, stored, rule, version) is not None:
            return None
        if rule.against == "metrics":
            return (
                f"no metric of its own: version {version.label} was registered without "
                f"'{rule.metric}'; log it for that version, or hold the monitor against a bound"
            )
        return _without_incumbent(session, stored, rule, version)
    reference = _reference(session, stored, rule, version)
    if reference is None and rule.against == "incumbent":
        return _without_incumbent(session, stored, rule, version)
    if reference is None:
        return (
            f"no reference histogram: version {version.label} has none of '{rule.metric}'; set one "
            f"by lockgate monitor histogram {stored.model.name}:{version.label} {rule.metric} FILE "
            "--reference, or report_histogram(…, reference=True)"
        )
    shape = _shape(session, stored, rule, version)
    if shape is not None and shape[0] != reference.edges:
        return (
            f"other edges: the histograms of version {version.label} and of the one before it are "
            "cut at different places; report with the same edges"
        )
    return None


def _without_incumbent(
    session: Session, stored: StoredModel, rule: MonitorRule, version: ModelVersion
) -> str:
    earlier = find_earlier(session, stored, rule.stage)
    if earlier is None:
        return (
            f"nothing before it: no version stood in {rule.stage} before {version.label}; hold the "
            "monitor against something else until one has"
        )
    return (
        f"too little before it: version {earlier} reported fewer than {rule.min_samples} values of "
        f"'{rule.metric}' in the {_lasting_s(rule)} s before {version.label} came; hold the "
        "monitor against something else"
    )
