"""Promotion: every passage from stage to stage, rollback included.

    lock the model → find the version → plan (pure) → ask the gate → apply → record → commit
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lockgate.domain import names
from lockgate.domain.history import Transition
from lockgate.domain.lifecycles import ROLLBACK, TRANSITION, Lifecycle, Stage
from lockgate.domain.planning import Plan, Standing, plan_target, plan_transition
from lockgate.domain.rollback import plan_rollback, Stay
from lockgate.domain.versions import ModelVersion
from lockgate.errors import NothingToRollBackTo, StageChanged
from lockgate.storage import history
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.models import StoredModel
from lockgate.storage.passages import Passage, apply_plan, record_stay
from lockgate.storage.store import Caller, Store


@dataclass(frozen=True, kw_only=True)
class Move:
    """What a caller asks for: a verb, and where to unless the verb says it."""

    verb: str = TRANSITION
    to: str | None = None
    comment: str = ""
    expected_stage: str | None = None


@dataclass(frozen=True, kw_only=True)
class Promoted:
    """What came of it: the version as it stands now, its passage, and who made room."""

    version: ModelVersion
    transition: Transition | None
    displaced: tuple[str, ...] = ()


def transition(
    store: Store, who: Caller, project: str, name: str, label: str, move: Move
) -> Promoted:
    """Take a version to another stage.

    Raises `TransitionNotAllowed` with the steps that are, `StageChanged` when the version does
    not stand where the caller expected, `PolicyViolated` with the whole report.
    """
    comment = names.plain_text(move.comment, "comment", store.limits.comment_chars_max)

    def use_case(session: Session) -> Promoted:
        stored = model_rows.lock_model(session, project, name)
        lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
        _, version = version_rows.load_version(session, stored, label)
        _require_expected(lifecycle, version, move.expected_stage)
        standing = Standing(label=version.label, stage=version.stage)
        if move.to is None:
            target = plan_target(lifecycle, standing, move.verb)
        else:
            target = lifecycle.stage(move.to)
        passage = Passage(actor=who.name, comment=comment)
        return _pass(session, stored, lifecycle, version, target, move.verb, passage)

    return store.write(who, use_case)


def rollback(
    store: Store,
    who: Caller,
    project: str,
    name: str,
    *,
    stage: str | None,
    to_version: str | None,
    comment: str,
) -> Promoted:
    """Bring back the version that stood in ``stage`` before the present one.

    ``stage`` is the serving stage unless told; ``to_version`` picks an earlier occupant by name.
    Raises `NothingToRollBackTo` when the record knows none, or its files are gone.
    """
    comment = names.plain_text(comment, "comment", store.limits.comment_chars_max)

    def use_case(session: Session) -> Promoted:
        stored = model_rows.lock_model(session, project, name)
        lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
        target = lifecycle.serving_stage if stage is None else lifecycle.stage(stage)
        label = _earlier(session, stored, target, to_version)
        _, version = version_rows.load_version(session, stored, label)
        passage = Passage(actor=who.name, comment=comment)
        return _pass(session, stored, lifecycle, version, target, ROLLBACK, passage)

    return store.write(who, use_case)


def list_transitions(
    store: Store, project: str, name: str, label: str
) -> tuple[Transition, ...]:
    """Return a version's passages, oldest first."""

    def use_case(session: Session) -> tuple[Transition, ...]:
        stored = model_rows.load_model(session, project, name)
        key, _ = version_rows.load_version(session, stored, label)
        return tuple(history.list_passages(session, stored, key))

    return store.snapshot(use_case)


def _require_expected(
    lifecycle: Lifecycle, version: ModelVersion, expected: str | None
) -> None:
    if expected is not None and lifecycle.stage(expected).name != version.stage:
        raise StageChanged(
            version=version.label,
            model=version.model,
            stage=version.stage,
            expected_stage=lifecycle.stage(expected).name,
        )


def _pass(
    session: Session,
    stored: StoredModel,
    lifecycle: Lifecycle,
    version: ModelVersion,
    target: Stage,
    verb: str,
    passage: Passage,
) -> Promoted:
    """Plan and apply one passage; both ways in, transition and rollback, come through here."""
    plan = _plan(session, stored, lifecycle, version, target, verb)
    if not plan.moves:
        if plan.audited:
            record_stay(session, stored, version, verb, passage)
        return Promoted(version=version, transition=None)
    made = apply_plan(session, stored, lifecycle, plan, passage)
    _, after = version_rows.load_version(session, stored, version.label)
    displaced = tuple(move.label for move in plan.moves[:-1])
    return Promoted(version=after, transition=made, displaced=displaced)


def _plan(
    session: Session,
    stored: StoredModel,
    lifecycle: Lifecycle,
    version: ModelVersion,
    target: Stage,
    verb: str,
) -> Plan:
    incumbents = (
        [
            Standing(label=label, stage=target.name)
            for _, label in history.standing_in(session, stored.id, target.name)
        ]
        if target.exclusive
        else []
    )
    here = Standing(label=version.label, stage=version.stage)
    return plan_transition(lifecycle, here, target, verb, incumbents)


def _earlier(
    session: Session, stored: StoredModel, stage: Stage, wanted: str | None
) -> str:
    """Return the label of the version that stood in ``stage`` before, by the record."""
    stays: list[Stay] = []
    gone: set[str] = set()
    for _, label, verb, left_at, deleted_at in history.entries_into(
        session, stored.id, stage.name
    ):
        stays.append(Stay(label=label, verb=verb, over=left_at is not None))
        if deleted_at is not None:
            gone.add(label)
    model = stored.model.name
    if wanted is not None:
        _, version = version_rows.load_version(session, stored, wanted)
        label: Any = version.label if any(s.label == version.label for s in stays) else None
        if label is None:
            raise NothingToRollBackTo(
                model=model,
                stage=stage.name,
                detail=f"version '{version.label}' never stood there.",
            )
    else:
        label = plan_rollback(stays)
    if label is None:
        raise NothingToRollBackTo(
            model=model, stage=stage.name, detail="no earlier version is on record there."
        )
    if label in gone:
        raise NothingToRollBackTo(
            model=model,
            stage=stage.name,
            detail=f"version '{label}', which stood there before, is deleted; restore it or "
            "name another.",
        )
    return str(label)
