"""Monitors: set, list and remove them, and act on what they see.

lock the model → who stands in the stage → its windows → next state (pure) → record → roll back

All in one transaction, so that of two servers that look at once the second sees what the first did.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import reduce
from typing import Any

from lockgate.domain import names
from lockgate.domain.access import Actor
from lockgate.domain.moments import to_micros
from lockgate.domain.monitors import (
    Monitor,
    MonitorRule,
    MonitorState,
    may_roll_back,
    next_state,
)
from lockgate.domain.observations import MICROS
from lockgate.domain.permissions import MONITOR, ROLLBACK, SETTLE
from lockgate.domain.trials import Tally
from lockgate.domain.versions import ModelVersion
from lockgate.errors import (
    InvalidInput,
    LimitExceeded,
    MonitorNotFound,
    NotFound,
    NothingToRollBackTo,
    PolicyViolated,
    Protected,
    TransitionNotAllowed,
)
from lockgate.services.lookup import find_baseline
from lockgate.services.promotion import find_earlier, roll_back_in
from lockgate.storage import guard
from lockgate.storage import models as model_rows
from lockgate.storage import monitors as rows
from lockgate.storage import observations as observation_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.log import record
from lockgate.storage.models import StoredModel
from lockgate.storage.store import Caller, Store

MONITORS_MAX = 100


def set_monitor(
    store: Store, who: Caller, project: str, name: str, monitor: str, rule: dict[str, Any]
) -> Monitor:
    """Watch a model by a rule; under a name that there is, the rule is replaced."""
    title = names.key_name(monitor, "monitor")

    def use_case(session: Session) -> Monitor:
        stored = model_rows.lock_model(session, project, name)
        guard.require_here(session, MONITOR, stored)
        lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
        given = rule.get("stage")
        stage = lifecycle.serving_stage if given is None else lifecycle.stage(given)
        known = rows.list_monitors(session, stored)
        before = next((each for each in known if each.name == title), None)
        after = Monitor(
            project=project,
            model=stored.model.name,
            name=title,
            rule=_rule({**rule, "stage": stage.name}),
            state="ok",
            version=None,
            since=None,
            rolled_back_at=None if before is None else before.rolled_back_at,
            set_by=who.name,
            set_at=session.now,
        )
        if before is not None and before.rule == after.rule and before.set_by == after.set_by:
            return before
        if before is None and len(known) >= MONITORS_MAX:
            raise LimitExceeded(
                what="The number of monitors of a model",
                observed=len(known) + 1,
                limit=MONITORS_MAX,
            )
        write = rows.add_monitor if before is None else rows.update_monitor
        write(session, stored.id, after)
        detail = {"monitor": title, "rule": asdict(after.rule)}
        _record(session, stored, who.name, "set_monitor", None, detail)
        return after

    return store.write(who, use_case)


def list_monitors(store: Store, project: str, name: str) -> tuple[Monitor, ...]:
    """Return the monitors of a model and how they stand, by name."""
    return store.snapshot(
        lambda session: tuple(
            rows.list_monitors(session, model_rows.load_model(session, project, name))
        )
    )


def remove_monitor(store: Store, who: Caller, project: str, name: str, monitor: str) -> Monitor:
    """Watch no more by this rule, and return it. Raises `MonitorNotFound`."""

    def use_case(session: Session) -> Monitor:
        stored = model_rows.lock_model(session, project, name)
        guard.require_here(session, MONITOR, stored)
        found = _load(session, stored, monitor)
        rows.remove_monitor(session, stored.id, found.name)
        _record(session, stored, who.name, "remove_monitor", None, {"monitor": found.name})
        return found

    return store.write(who, use_case)


def evaluate_monitors(store: Store, who: Caller) -> tuple[Monitor, ...]:
    """Look at every monitor, each in its own transaction; return those whose state changed.

    An alarm, and its end, is an event. A rollback is made in the name of who set the monitor, as
    far as they still may.
    """
    if who.grant is not None:
        who.grant.require_everywhere(SETTLE)
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
            before = _load(session, stored, name)
        except NotFound:
            return None  # removed meanwhile
        version = find_baseline(store, session, stored, f"@{before.rule.stage}", lock=True)
        if version is None:
            return None
        anew = (before.version, before.since) != (version.label, version.stage_since)
        state: MonitorState = "ok" if anew else before.state
        limit = _limit(session, stored, before.rule, version)
        windows = _windows(session, stored, before.rule, version)
        after_state = state if limit is None else next_state(before.rule, state, windows, limit)
        after = replace(before, state=after_state, version=version.label, since=version.stage_since)
        if after == before:
            return None
        rows.update_monitor(session, stored.id, after)
        if after_state != state:
            guard.vouch(session, MONITOR, stored.project_id)
            evidence = _evidence(after, windows, limit)
            action = "monitor_alarm" if after_state == "alarm" else "monitor_recovered"
            _record(session, stored, before.set_by, action, version.label, evidence)
        return after if after_state != state else None

    actor = _acting(store, project, model, name)
    if actor is None:
        return None
    changed = store.write(actor, look)
    if changed is not None and changed.state == "alarm":
        return _rolled_back(store, actor, changed)
    return changed


def _rolled_back(store: Store, actor: Caller, alarmed: Monitor) -> Monitor:
    """Return the monitor after what its alarm asks for; what is refused stays an alarm."""

    def act(session: Session) -> Monitor:
        stored = model_rows.lock_model(session, alarmed.project, alarmed.model)
        now = _load(session, stored, alarmed.name)
        stage = now.rule.stage
        version = find_baseline(store, session, stored, f"@{stage}", lock=True)
        still = now.state == "alarm" and version is not None and version.label == now.version
        if not still or not may_roll_back(now.rule, now.rolled_back_at, session.now):
            return now
        if not guard.may_still(session, now.set_by, ROLLBACK, stored, stage):
            return now
        after = replace(now, rolled_back_at=session.now)
        rows.update_monitor(session, stored.id, after)
        comment = f"Monitor '{now.name}': '{now.rule.metric}' of version {now.version} failed"
        roll_back_in(store, session, now.set_by, stored, stage, comment)
        return after

    try:
        return store.write(actor, act)
    except (NothingToRollBackTo, PolicyViolated, Protected, TransitionNotAllowed):
        return alarmed  # nothing has changed; the alarm is on record, and the gate's refusal is


def _acting(store: Store, project: str, model: str, name: str) -> Caller | None:
    """Return who set a monitor, in whose name it acts, or None when it is gone."""

    def ask(session: Session) -> Caller | None:
        stored = model_rows.find_model(session, project, model)
        known = [] if stored is None else rows.list_monitors(session, stored)
        found = next((each for each in known if each.name == name), None)
        return None if found is None else Caller(actor=Actor.named(found.set_by))

    return store.database.snapshot(ask)


def _windows(
    session: Session, stored: StoredModel, rule: MonitorRule, version: ModelVersion
) -> list[Tally | None]:
    """Return the latest whole windows since the version came to its stage, the latest last."""
    size_us = rule.window_s * MICROS
    # Values of the minute in which it came may be of another time.
    first_us = -(-to_micros(version.stage_since) // (60 * MICROS)) * 60 * MICROS
    whole = (session.settle_time(0) - first_us) // size_us
    count = min(max(rule.windows, rule.recovery), whole)
    begin_us = first_us + (whole - count) * size_us
    found: list[Tally | None] = []
    for index in range(count):
        start_us = begin_us + index * size_us
        tally = _total(session, stored, version.label, rule.metric, start_us, start_us + size_us)
        enough = tally is not None and tally.n >= rule.min_samples
        found.append(tally if enough else None)
    return found


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
    until_us = to_micros(version.stage_since)
    since_us = until_us - max(rule.windows, rule.recovery) * rule.window_s * MICROS
    tally = _total(session, stored, earlier, rule.metric, since_us, until_us)
    if tally is None or tally.n < rule.min_samples:
        return None
    return replace(tally, total=tally.total + sign * rule.bound * tally.n)


def _total(
    session: Session, stored: StoredModel, label: str, metric: str, since_us: int, until_us: int
) -> Tally | None:
    found = version_rows.find_key(session, stored, label)
    if found is None:
        return None
    buckets = observation_rows.list_buckets(session, found[0], metric, 60, since_us, until_us)
    tallies = [each.tally for each in buckets]
    return reduce(Tally.plus, tallies) if tallies else None


def _evidence(monitor: Monitor, windows: list[Tally | None], limit: Tally | None) -> dict[str, Any]:
    return {
        "monitor": monitor.name,
        "rule": asdict(monitor.rule),
        "limit": None if limit is None else limit.mean,
        "windows": [None if each is None else {"n": each.n, "mean": each.mean} for each in windows],
    }


def _rule(given: dict[str, Any]) -> MonitorRule:
    try:
        return MonitorRule(**given)
    except TypeError:
        raise InvalidInput(
            detail=f"A monitor's rule has {', '.join(MonitorRule.__dataclass_fields__)}, of which "
            f"metric is required; got {', '.join(map(str, given))}",
            field="rule",
        ) from None


def _load(session: Session, stored: StoredModel, name: str) -> Monitor:
    for each in rows.list_monitors(session, stored):
        if each.name == name:
            return each
    raise MonitorNotFound(monitor=name, model=stored.model.full_name)


def _record(
    session: Session,
    stored: StoredModel,
    actor: str,
    action: str,
    version: str | None,
    detail: dict[str, Any],
) -> None:
    record(
        session,
        stored.project_id,
        actor,
        action,
        model=stored.model.name,
        version=version,
        detail=detail,
    )
