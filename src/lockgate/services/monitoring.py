"""Monitoring: look at what monitors watch, and act on what is seen.

lock the model → who stands in the stage → its windows → next state (pure) → record → roll back

All in one transaction. Of two servers that look at once the second sees what the first did; and one
that dies has done all of it or nothing, which the next one then does.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from lockgate.domain.access import Actor
from lockgate.domain.monitors import (
    Monitor,
    MonitorState,
    may_roll_back,
    next_state,
)
from lockgate.domain.permissions import MONITOR, ROLLBACK, SETTLE
from lockgate.errors import (
    NotFound,
    NothingToRollBackTo,
    PolicyViolated,
    Protected,
    TransitionNotAllowed,
)
from lockgate.services.lookup import find_baseline
from lockgate.services.monitors import load_monitor, record_of_monitor
from lockgate.services.promotion import roll_back_in
from lockgate.services.sources import read_sources
from lockgate.services.windows import Seen, look
from lockgate.storage import guard
from lockgate.storage import models as model_rows
from lockgate.storage import monitors as rows
from lockgate.storage.database import Session
from lockgate.storage.models import StoredModel
from lockgate.storage.store import Caller, Store


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

    def use_case(session: Session) -> Monitor | None:
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
        seen = look(session, stored, before.rule, version)
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
    return None if actor is None else store.write(actor, use_case)


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
