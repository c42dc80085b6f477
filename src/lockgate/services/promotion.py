"""Promotion: every passage from stage to stage, rollback included.

lock the model → find the version → plan (pure) → ask the gate → apply → record → commit
"""

from __future__ import annotations

from dataclasses import dataclass

from lockgate.domain import access, names
from lockgate.domain.approvals import content_digest
from lockgate.domain.gates import GateReport
from lockgate.domain.history import Transition
from lockgate.domain.lifecycles import (
    ARCHIVE,
    DEMOTE,
    PROMOTE,
    ROLLBACK,
    TRANSITION,
    Lifecycle,
    Stage,
)
from lockgate.domain.outcomes import Promoted
from lockgate.domain.permissions import OF_VERB
from lockgate.domain.planning import plan_target
from lockgate.domain.rollback import Stay, plan_rollback
from lockgate.domain.versions import ModelVersion
from lockgate.errors import InvalidInput, NothingToRollBackTo, PolicyViolated, StageChanged
from lockgate.services.gates import Candidate, judge, lock_candidate, plan_of
from lockgate.services.settling import complete_requests
from lockgate.storage import guard, history
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.log import record
from lockgate.storage.models import StoredModel
from lockgate.storage.passages import Passage, apply_plan, record_stay
from lockgate.storage.store import Caller, Store


@dataclass(frozen=True, kw_only=True)
class Move:
    """What a caller asks for: a verb, and where to unless the verb says it.

    ``force`` opens a closed gate, with the permission ``gate.force`` and a ``reason``.
    ``archive_others`` archives the versions that stand where this one goes.
    """

    verb: str = TRANSITION
    to: str | None = None
    comment: str = ""
    expected_stage: str | None = None
    force: bool = False
    reason: str = ""
    archive_others: bool = False


def transition(
    store: Store, who: Caller, project: str, name: str, label: str | int, move: Move
) -> Promoted:
    """Take a version to another stage. An integer is a number alone, whatever its label.

    Raises `TransitionNotAllowed` with the steps that are, `StageChanged` when the version does
    not stand where the caller expected, `PolicyViolated` with the whole report. A refusal by the
    gate goes on record.
    """
    _require_way(move)
    comment = names.plain_text(move.comment, "comment", store.limits.comment_chars_max)
    reason = _reason(store, move.force, move.reason)

    def use_case(session: Session) -> Promoted:
        candidate = lock_candidate(store, session, project, name, label)
        lifecycle, version = candidate.lifecycle, candidate.version
        _require_expected(lifecycle, version, move.expected_stage)
        if move.to is None:
            target = plan_target(lifecycle, candidate.standing, move.verb)
        else:
            target = lifecycle.stage(move.to)
        passage = Passage(actor=who.name, comment=comment, forced=move.force, reason=reason)
        return _pass(
            *(store, session, candidate, target, move.verb, passage),
            archive_others=move.archive_others,
        )

    return store.write(who, use_case)


def rollback(
    store: Store,
    who: Caller,
    project: str,
    name: str,
    *,
    stage: str | None,
    to_version: str | None,
    move: Move,
) -> Promoted:
    """Bring back the version that stood in ``stage`` before the present one.

    ``stage`` is the serving stage unless told; ``to_version`` picks an earlier occupant by name.
    The gate does not block content that it let in before. Raises `NothingToRollBackTo` when the
    record knows none, or its files are gone.
    """
    comment = names.plain_text(move.comment, "comment", store.limits.comment_chars_max)
    reason = _reason(store, move.force, move.reason)

    def use_case(session: Session) -> Promoted:
        stored = model_rows.lock_model(session, project, name)
        guard.require_here(session, OF_VERB[ROLLBACK], stored)
        lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
        target = lifecycle.serving_stage if stage is None else lifecycle.stage(stage)
        label = _earlier(session, stored, target, to_version)
        candidate = lock_candidate(store, session, project, name, label)
        passage = Passage(actor=who.name, comment=comment, forced=move.force, reason=reason)
        return _pass(store, session, candidate, target, ROLLBACK, passage)

    return store.write(who, use_case)


def roll_back_in(
    store: Store, session: Session, actor: str, stored: StoredModel, stage: str, comment: str
) -> Promoted:
    """Roll a stage back within a transaction whose model is locked; see `rollback`."""
    lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
    target = lifecycle.stage(stage)
    label = _earlier(session, stored, target, None)
    model = stored.model
    candidate = lock_candidate(store, session, model.project, model.name, label)
    passage = Passage(actor=actor, comment=comment)
    return _pass(store, session, candidate, target, ROLLBACK, passage)


def find_earlier(session: Session, stored: StoredModel, stage: str) -> str | None:
    """Return the version that a rollback of a stage would bring back, deleted or not, or None."""
    entries = history.entries_into(session, stored.id, stage)
    return plan_rollback(
        Stay(label=label, verb=verb, over=left_at is not None)
        for _, label, verb, left_at, _ in entries
    )


def list_transitions(store: Store, project: str, name: str, label: str) -> tuple[Transition, ...]:
    """Return a version's passages, oldest first."""

    def use_case(session: Session) -> tuple[Transition, ...]:
        stored = model_rows.load_model(session, project, name)
        key, _ = version_rows.load_version(session, stored, label)
        return tuple(history.list_passages(session, stored, key))

    return store.snapshot(use_case)


def _require_way(move: Move) -> None:
    """Refuse a verb that is none, and one that needs to be told where to."""
    verbs = (TRANSITION, PROMOTE, DEMOTE, ARCHIVE)
    if move.verb not in verbs:
        raise InvalidInput(
            detail=f"verb must be one of {', '.join(verbs)}, got {move.verb!r:.60}; going back on "
            "the record is a rollback",
            field="verb",
        )
    if move.verb == TRANSITION and move.to is None:
        raise InvalidInput(detail="Say the stage to go to, or a verb that knows it", field="to")


def _reason(store: Store, force: bool, reason: str) -> str:
    text = names.plain_text(reason, "reason", store.limits.comment_chars_max)
    if force and not text.strip():
        raise InvalidInput(
            detail="Forcing a gate needs a reason, which goes on record", field="reason"
        )
    return text


def _require_expected(lifecycle: Lifecycle, version: ModelVersion, expected: str | None) -> None:
    if expected is not None and lifecycle.stage(expected).name != version.stage:
        raise StageChanged(
            version=version.label,
            model=version.model,
            stage=version.stage,
            expected_stage=lifecycle.stage(expected).name,
        )


def _pass(
    store: Store,
    session: Session,
    candidate: Candidate,
    target: Stage,
    verb: str,
    passage: Passage,
    *,
    archive_others: bool = False,
) -> Promoted:
    """Plan, judge and apply one passage; transition and rollback both come through here."""
    stored, version = candidate.stored, candidate.version
    permission = passage_permission(candidate.lifecycle, version.stage, target.name, verb)
    guard.require_here(session, permission, stored)
    guard.require_unprotected(session, stored, "stage", target.name)
    if archive_others:
        guard.require_here(session, OF_VERB[ARCHIVE], stored)
    plan = plan_of(session, candidate, target, verb, archive_others=archive_others)
    if not plan.moves:
        if plan.audited:
            record_stay(session, stored, version, verb, passage)
        return Promoted(version=version, transition=None)
    report = judge(store, session, candidate, target)
    if report.rows:
        passage = _let_in(session, candidate, target, verb, passage, report)
    else:
        passage = Passage(actor=passage.actor, comment=passage.comment)  # nothing to force
    standing = (candidate.key, version)
    done = apply_plan(session, stored, candidate.lifecycle, plan, passage, standing)
    assert done is not None, "the plan has moves"  # noqa: S101
    made, after = done
    complete_requests(session, candidate, target.name, passage.actor)
    displaced = tuple(move.label for move in plan.moves[:-1])
    return Promoted(version=after, transition=made, displaced=displaced, report=report)


def _let_in(
    session: Session,
    candidate: Candidate,
    target: Stage,
    verb: str,
    passage: Passage,
    report: GateReport,
) -> Passage:
    """Return the passage with the gate's report on it. Raises `PolicyViolated`, on record."""
    version, stored = candidate.version, candidate.stored
    document = report.to_document()
    known = verb == ROLLBACK and content_digest(version) in history.contents_let_in(
        session, candidate.key, target.name
    )
    if report.allowed or known:
        return Passage(actor=passage.actor, comment=passage.comment, report=document)
    if passage.forced:
        guard.require_here(session, access.FORCE, stored)
        return Passage(
            actor=passage.actor,
            comment=passage.comment,
            forced=True,
            reason=passage.reason,
            report=document,
        )
    record(
        session,
        stored.project_id,
        passage.actor,
        "transition_refused",
        model=version.model,
        version=version.label,
        detail={
            "from": version.stage,
            "to": target.name,
            "verb": verb,
            "comment": passage.comment,
            "report": document,
        },
    )
    raise session.refuse(
        PolicyViolated(
            detail=report.sentence,
            model=version.model,
            version=version.label,
            from_stage=version.stage,
            to_stage=target.name,
            report=document,
        )
    )


def passage_permission(lifecycle: Lifecycle, source: str, target: str, verb: str) -> str:
    """Return what a passage needs; ``transition`` needs what its direction needs.

    To be sent to where it stands already may stamp an approval anew: that is like a promotion.
    """
    if verb == TRANSITION:
        verb = PROMOTE if source == target else lifecycle.natural_verb(source, target)
    return OF_VERB[verb]


def _earlier(session: Session, stored: StoredModel, stage: Stage, wanted: str | None) -> str:
    """Return the label of the version that stood in ``stage`` before, by the record."""
    stays: list[Stay] = []
    gone: set[str] = set()
    for _, label, verb, left_at, deleted_at in history.entries_into(session, stored.id, stage.name):
        stays.append(Stay(label=label, verb=verb, over=left_at is not None))
        if deleted_at is not None:
            gone.add(label)
    model = stored.model.name
    if wanted is None:
        earlier = plan_rollback(stays)
    else:
        _, version = version_rows.load_version(session, stored, wanted)
        earlier = version.label
        if all(stay.label != earlier for stay in stays):
            raise NothingToRollBackTo(
                model=model, stage=stage.name, detail=f"version '{earlier}' never stood there."
            )
    if earlier is None:
        why = "no earlier version is on record there."
        if len({stay.label for stay in stays if not stay.over}) > 1:
            why = "the versions that stood there before stand there still."
        raise NothingToRollBackTo(model=model, stage=stage.name, detail=why)
    if earlier in gone:
        raise NothingToRollBackTo(
            model=model,
            stage=stage.name,
            detail=f"version '{earlier}', which stood there before, is deleted; restore it or "
            "name another.",
        )
    return earlier
