"""Monitors: set, list and remove them."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from lockgate.domain import names
from lockgate.domain.monitors import Monitor, MonitorRule
from lockgate.domain.permissions import MONITOR
from lockgate.errors import InvalidInput, LimitExceeded, MonitorNotFound
from lockgate.services.windows import why_unjudged
from lockgate.storage import guard
from lockgate.storage import models as model_rows
from lockgate.storage import monitors as rows
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
            rule=_rule({**_usual(rule), "stage": stage.name}),
            state="ok",
            version=None,
            since=None,
            rolled_back_at=None if before is None else before.rolled_back_at,
            set_by=who.name,
            set_at=session.now,
        )
        if before is not None and before.rule == after.rule and before.set_by == after.set_by:
            return _told(store, session, stored, before)
        if before is None and len(known) >= MONITORS_MAX:
            raise LimitExceeded(
                what="The number of monitors of a model",
                observed=len(known) + 1,
                limit=MONITORS_MAX,
            )
        write = rows.add_monitor if before is None else rows.update_monitor
        write(session, stored.id, after)
        detail = {"monitor": title, "rule": asdict(after.rule)}
        record_of_monitor(session, stored, who.name, "set_monitor", None, detail)
        return _told(store, session, stored, after)

    return store.write(who, use_case)


def list_monitors(store: Store, project: str, name: str) -> tuple[Monitor, ...]:
    """Return the monitors of a model and how they stand, by name."""

    def use_case(session: Session) -> tuple[Monitor, ...]:
        stored = model_rows.load_model(session, project, name)
        return tuple(
            _told(store, session, stored, each) for each in rows.list_monitors(session, stored)
        )

    return store.snapshot(use_case)


def remove_monitor(store: Store, who: Caller, project: str, name: str, monitor: str) -> Monitor:
    """Watch no more by this rule, and return it. Raises `MonitorNotFound`."""

    def use_case(session: Session) -> Monitor:
        stored = model_rows.lock_model(session, project, name)
        guard.require_here(session, MONITOR, stored)
        found = load_monitor(session, stored, monitor)
        rows.remove_monitor(session, stored.id, found.name)
        record_of_monitor(
            session, stored, who.name, "remove_monitor", None, {"monitor": found.name}
        )
        return found

    return store.write(who, use_case)


def _told(store: Store, session: Session, stored: StoredModel, monitor: Monitor) -> Monitor:
    """Return a monitor that says why it judges nothing, if it does not."""
    return replace(monitor, unjudged=why_unjudged(store, session, stored, monitor.rule))


def _usual(given: dict[str, Any]) -> dict[str, Any]:
    """Return a rule with what its measure is usually held against, where nobody says so."""
    mean = given.get("measure", "mean") == "mean"
    usual = ("bound", "higher") if mean else ("reference", "lower")
    told = {name: value for name, value in given.items() if value is not None}
    return {"against": usual[0], "direction": usual[1], **told}


def _rule(given: dict[str, Any]) -> MonitorRule:
    try:
        return MonitorRule(**given)
    except TypeError:
        raise InvalidInput(
            detail=f"A monitor's rule has {', '.join(MonitorRule.__dataclass_fields__)}, of which "
            f"metric is required; got {', '.join(map(str, given))}",
            field="rule",
        ) from None


def load_monitor(session: Session, stored: StoredModel, name: str) -> Monitor:
    """Return a monitor of a model. Raises `MonitorNotFound`."""
    for each in rows.list_monitors(session, stored):
        if each.name == name:
            return each
    raise MonitorNotFound(monitor=name, model=stored.model.full_name)


def record_of_monitor(
    session: Session,
    stored: StoredModel,
    actor: str,
    action: str,
    version: str | None,
    detail: dict[str, Any],
) -> None:
    """Write what was done with a monitor, or what it has done, into the log."""
    record(
        session,
        stored.project_id,
        actor,
        action,
        model=stored.model.name,
        version=version,
        detail=detail,
    )
