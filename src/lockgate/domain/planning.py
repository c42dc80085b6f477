"""What a transition would change, decided before anything is touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lockgate.domain.lifecycles import (
    ARCHIVE,
    DEMOTE,
    PROMOTE,
    STAMP_APPROVAL,
    TRANSITION,
    Lifecycle,
    Stage,
)
from lockgate.errors import TransitionNotAllowed


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A version and the stage it stands in: all that a plan needs to know of it."""

    label: str
    stage: str


@dataclass(frozen=True, kw_only=True)
class Move:
    """One version's passage; ``displaced_by`` is set for an incumbent that makes room."""

    label: str
    source: str
    target: str
    verb: str
    displaced_by: str | None = None
    stamps_approval: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Every change a transition makes: displaced incumbents first, then the version itself.

    A plan without moves changes nothing; ``audited`` says whether the attempt goes on record.
    """

    target: str
    moves: tuple[Move, ...]
    audited: bool = True


def plan_transition(
    lifecycle: Lifecycle,
    version: Standing,
    target: Stage,
    verb: str,
    incumbents: Sequence[Standing] = (),
    *,
    archive_others: bool = False,
) -> Plan:
    """Return what ``verb`` to ``target`` changes.

    ``incumbents`` are the versions that stand in ``target`` now; ``archive_others`` archives
    them, also where several may stand. Raises `TransitionNotAllowed` with the steps that are
    allowed.
    """
    others = [each for each in incumbents if each.label != version.label]
    if version.stage == target.name:
        archived = _archivals(lifecycle, target, others, version) if archive_others else ()
        return _stay(lifecycle, version, target, verb, archived)
    if not lifecycle.allows(version.stage, target.name, verb):
        raise _refusal(lifecycle, version, target, verb)
    displaced: tuple[Move, ...] = ()
    if archive_others:
        displaced = _archivals(lifecycle, target, others, version)
    elif target.exclusive:
        displaced = _displacements(lifecycle, target, others, version)
    move = Move(
        label=version.label,
        source=version.stage,
        target=target.name,
        verb=lifecycle.natural_verb(version.stage, target.name) if verb == TRANSITION else verb,
        stamps_approval=STAMP_APPROVAL in target.on_enter,
    )
    return Plan(target=target.name, moves=(*displaced, move))


def plan_target(lifecycle: Lifecycle, version: Standing, verb: str) -> Stage:
    """Return the stage that ``verb`` leads to when the caller names none.

    The nearest later stage for promote, the nearest earlier for demote, the archive stage for
    archive. Raises `TransitionNotAllowed` when there is none.
    """
    names = [stage.name for stage in lifecycle.stages]
    here = names.index(version.stage)
    ways = {
        PROMOTE: lifecycle.stages[here + 1 :],
        DEMOTE: tuple(reversed(lifecycle.stages[:here])),
        ARCHIVE: lifecycle.stages,
    }[verb]
    for stage in ways:
        fits = stage.archive == (verb == ARCHIVE)
        if fits and (
            stage.name == version.stage or lifecycle.allows(version.stage, stage.name, verb)
        ):
            return stage
    raise _refusal(lifecycle, version, None, verb)


def _stay(
    lifecycle: Lifecycle,
    version: Standing,
    target: Stage,
    verb: str,
    archived: tuple[Move, ...],
) -> Plan:
    """Return the plan for a version that stands in ``target`` already, alone there afterwards."""
    if lifecycle.same_stage == "reject":
        raise TransitionNotAllowed(
            detail=f"Version '{version.label}' already stands in {target.name}."
            f"{_allowed_sentence(lifecycle, version.stage)}",
            **_allowed_fields(lifecycle, version, target, verb),
        )
    if lifecycle.same_stage == "record" or archived:
        move = Move(
            label=version.label,
            source=version.stage,
            target=target.name,
            verb=verb,
            stamps_approval=STAMP_APPROVAL in target.on_enter,
        )
        return Plan(target=target.name, moves=(*archived, move))
    return Plan(target=target.name, moves=(), audited=lifecycle.same_stage == "noop_audit")


def _displacements(
    lifecycle: Lifecycle, target: Stage, incumbents: Sequence[Standing], version: Standing
) -> tuple[Move, ...]:
    if not incumbents:
        return ()
    if target.incumbent == "reject":
        holder = incumbents[0].label
        raise TransitionNotAllowed(
            detail=f"{target.name} holds one version at a time and version '{holder}' stands "
            f"there; move it first.",
            **_allowed_fields(lifecycle, version, target, TRANSITION),
            incumbent=holder,
        )
    if target.incumbent == "archive":
        archive = lifecycle.archive_stage
        assert archive is not None, "validated with the document"  # noqa: S101
        retreat, verb = archive.name, ARCHIVE
    else:
        retreat = lifecycle.stage(target.incumbent.removeprefix("demote:")).name
        verb = DEMOTE
    return _retreat(incumbents, retreat, verb, version)


def _archivals(
    lifecycle: Lifecycle, target: Stage, incumbents: Sequence[Standing], version: Standing
) -> tuple[Move, ...]:
    """Return the moves of the others into the archive, where the lifecycle lets them go there."""
    if not incumbents:
        return ()
    archive = lifecycle.archive_stage
    if archive is None or not lifecycle.allows(target.name, archive.name, ARCHIVE):
        raise _refusal(lifecycle, incumbents[0], archive, ARCHIVE)
    if target.exclusive and target.incumbent == "reject":
        return _displacements(lifecycle, target, incumbents, version)
    return _retreat(incumbents, archive.name, ARCHIVE, version)


def _retreat(
    incumbents: Sequence[Standing], stage: str, verb: str, version: Standing
) -> tuple[Move, ...]:
    return tuple(
        Move(
            label=each.label,
            source=each.stage,
            target=stage,
            verb=verb,
            displaced_by=version.label,
        )
        for each in incumbents
    )


def _refusal(
    lifecycle: Lifecycle, version: Standing, target: Stage | None, verb: str
) -> TransitionNotAllowed:
    if target is None:
        what = f"Version '{version.label}' in {version.stage} has no stage to {verb} to."
    elif lifecycle.edge(version.stage, target.name) is None:
        what = f"Illegal transition {version.stage} → {target.name}."
    else:
        verbs = " or ".join(sorted(lifecycle.edge(version.stage, target.name).verbs))  # type: ignore[union-attr]
        what = f"{version.stage} → {target.name} is not open to {verb}, only to {verbs}."
    return TransitionNotAllowed(
        detail=what + _allowed_sentence(lifecycle, version.stage),
        **_allowed_fields(lifecycle, version, target, verb),
    )


def _allowed_sentence(lifecycle: Lifecycle, source: str) -> str:
    steps = lifecycle.next_steps(source)
    if not steps:
        return f" Nothing leads out of {source} in lifecycle '{lifecycle.name}'."
    return " Allowed: " + ", ".join(f"{verb} to {target}" for verb, target in steps) + "."


def _allowed_fields(
    lifecycle: Lifecycle, version: Standing, target: Stage | None, verb: str
) -> dict[str, object]:
    return {
        "version": version.label,
        "from_stage": version.stage,
        "to_stage": None if target is None else target.name,
        "verb": verb,
        "lifecycle": lifecycle.name,
        "allowed": [
            {"verb": step, "stage": stage} for step, stage in lifecycle.next_steps(version.stage)
        ],
    }
