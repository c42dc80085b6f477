"""Applying a plan: every move it names, the intervals, and one audit event for each."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lockgate.domain.approvals import content_digest
from lockgate.domain.history import Transition
from lockgate.domain.lifecycles import Lifecycle
from lockgate.domain.planning import Move, Plan
from lockgate.domain.versions import ModelVersion
from lockgate.storage import history
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.log import Draft, record
from lockgate.storage.models import StoredModel


@dataclass(frozen=True, kw_only=True)
class Passage:
    """Who moves a version and why: what goes on record with every move of a plan."""

    actor: str
    comment: str = ""
    forced: bool = False
    reason: str = ""
    report: Mapping[str, Any] | None = None


def apply_plan(
    session: Session,
    stored: StoredModel,
    lifecycle: Lifecycle,
    plan: Plan,
    passage: Passage,
    standing: tuple[int, ModelVersion],
) -> tuple[Transition, ModelVersion] | None:
    """Make every move of ``plan`` on a locked model; None for a plan without moves.

    ``standing`` is the key of the version that the plan is about, and the version as this
    transaction read it; its passage is returned, and the version as it stands then.

    Displaced incumbents move first, so that an exclusive stage never holds two. Their events
    name the event of the version that took their place as ``cause``.
    """
    if not plan.moves:
        return None
    *displaced, main = plan.moves
    cause = record(
        session,
        stored.project_id,
        passage.actor,
        "transition",
        model=stored.model.name,
        version=main.label,
        detail={
            **_detail(main, passage),
            "reason": passage.reason,
            "displaced": [move.label for move in displaced],
            **({} if passage.report is None else {"report": passage.report}),
        },
    )
    for move in displaced:
        _make_room(session, stored, lifecycle, move, passage, cause)
    made = _move(session, stored, lifecycle, main, passage, standing)
    model_rows.touch_model(session, stored)
    return made


def record_stay(
    session: Session, stored: StoredModel, version: ModelVersion, verb: str, passage: Passage
) -> None:
    """Put on record that a version was sent to where it stands already."""
    record(
        session,
        stored.project_id,
        passage.actor,
        "transition_noop",
        model=version.model,
        version=version.label,
        detail={"stage": version.stage, "verb": verb, "comment": passage.comment},
    )
    model_rows.touch_model(session, stored)


def _make_room(
    session: Session,
    stored: StoredModel,
    lifecycle: Lifecycle,
    move: Move,
    passage: Passage,
    cause: Draft,
) -> None:
    quiet = replace(passage, comment="", forced=False, report=None)
    standing = version_rows.load_version(session, stored, move.label)
    _move(session, stored, lifecycle, move, quiet, standing)
    record(
        session,
        stored.project_id,
        passage.actor,
        "transition",
        model=stored.model.name,
        version=move.label,
        detail={**_detail(move, quiet), "displaced_by": move.displaced_by},
        cause=cause,
    )


def _move(
    session: Session,
    stored: StoredModel,
    lifecycle: Lifecycle,
    move: Move,
    passage: Passage,
    standing: tuple[int, ModelVersion],
) -> tuple[Transition, ModelVersion]:
    key, before = standing
    after = replace(before, stage=move.target, stage_since=session.now)
    if move.stamps_approval:
        after = replace(after, approved_by=passage.actor, approved_at=session.now)
    exclusive = lifecycle.stage(move.target).exclusive
    after = version_rows.update_version(session, key, before, after, exclusive)
    made = Transition(
        uid=uuid.uuid4().hex,
        project=stored.model.project,
        model=stored.model.name,
        version=move.label,
        from_stage=move.source,
        to_stage=move.target,
        verb=move.verb,
        actor=passage.actor,
        comment=passage.comment,
        cause=None
        if move.displaced_by is None
        else f"{stored.model.full_name}:{move.displaced_by}",
        forced=passage.forced,
        report=None if passage.report is None else dict(passage.report),
        at=session.now,
    )
    history.record_passage(session, stored, key, made, content=content_digest(before))
    return made, after


def _detail(move: Move, passage: Passage) -> dict[str, Any]:
    return {
        "from": move.source,
        "to": move.target,
        "verb": move.verb,
        "comment": passage.comment,
        "forced": passage.forced,
    }
