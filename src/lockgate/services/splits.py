"""Splits: share a model's keys out among versions, count what came of it, compare."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NoReturn

from lockgate.domain import names
from lockgate.domain.lifecycles import Lifecycle
from lockgate.domain.permissions import REPORT_OUTCOMES, SPLIT
from lockgate.domain.splits import (
    RING,
    Arm,
    ArmKind,
    Assignment,
    Split,
    parse_weights,
    recut,
    split_key,
)
from lockgate.domain.trials import (
    OUTCOMES_MAX,
    ArmOutcome,
    Direction,
    Outcome,
    OutcomeComparison,
    Tally,
    VersionTally,
    contrast,
    parse_outcome,
    verdict_of,
)
from lockgate.domain.versions import ModelVersion
from lockgate.errors import (
    AliasNotFound,
    IdempotencyMismatch,
    InvalidInput,
    LimitExceeded,
    SplitNotFound,
    StageEmpty,
    VersionNotFound,
)
from lockgate.services.gates import lock_candidate
from lockgate.services.lookup import find_baseline
from lockgate.services.settling import settle
from lockgate.storage import guard, history
from lockgate.storage import models as model_rows
from lockgate.storage import splits as rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.encoding import to_json
from lockgate.storage.log import record
from lockgate.storage.models import StoredModel
from lockgate.storage.store import Caller, Store

BATCH_KEPT_US = 30 * 86_400 * 1_000_000
"""How long a batch of outcomes is remembered: sent again after that, it counts again."""


def set_split(store: Store, who: Caller, project: str, name: str, arms: Any) -> Split:
    """Share the keys of a model out by weight, moving only those that the change must move.

    The same arms with the same weights again change nothing and leave no event.
    """
    weights = parse_weights(arms)

    def use_case(session: Session) -> Split:
        stored = model_rows.lock_model(session, project, name)
        guard.require_here(session, SPLIT, stored)
        lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
        made = tuple(
            _arm(session, stored, lifecycle, text, weight) for text, weight in weights.items()
        )
        if len({each.name for each in made}) < len(made):
            raise InvalidInput(
                detail=f"Two arms are one and the same: {', '.join(weights)}", field="arms"
            )
        for each in made:
            _version_of(store, session, stored, each, lock=True)
        before = rows.find_split(session, stored)
        if before is not None and before.arms == made:
            return before
        ring, moved = recut(() if before is None else before.ring, made)
        after = Split(
            uid=uuid.uuid4().hex if before is None else before.uid,
            project=project,
            model=stored.model.name,
            arms=made,
            ring=ring,
            revision=1 if before is None else before.revision + 1,
            moved=moved / RING,
            set_by=who.name,
            set_at=session.now,
        )
        if before is None:
            rows.add_split(session, stored.id, after)
        else:
            rows.update_split(session, stored.id, after)
        _record(session, stored, who, "set_split", after)
        return after

    return store.write(who, use_case)


def get_split(store: Store, project: str, name: str) -> Split:
    """Return a model's split. Raises `SplitNotFound`."""
    return store.snapshot(
        lambda session: _load(session, model_rows.load_model(session, project, name))
    )


def remove_split(store: Store, who: Caller, project: str, name: str) -> Split:
    """Take a model's split away, and return it. Raises `SplitNotFound`."""

    def use_case(session: Session) -> Split:
        stored = model_rows.lock_model(session, project, name)
        guard.require_here(session, SPLIT, stored)
        split = _load(session, stored)
        rows.remove_split(session, stored.id)
        _record(session, stored, who, "remove_split", split)
        return split

    return store.write(who, use_case)


def assign(store: Store, project: str, name: str, key: str | int) -> Assignment:
    """Return the arm of a key, and the version it means now. Raises `SplitNotFound`."""
    text = split_key(key)

    def use_case(session: Session) -> Assignment:
        stored = model_rows.load_model(session, project, name)
        arm = _load(session, stored).arm_of(text)
        version = _version_of(store, session, stored, arm, lock=False)
        return Assignment(
            project=project,
            model=stored.model.name,
            key=text,
            arm=arm.name,
            version=version.label,
            reference=version.reference,
            digest=version.digest,
        )

    return store.snapshot(use_case)


def report_outcomes(
    store: Store, who: Caller, project: str, name: str, outcomes: Any, batch: str | None
) -> tuple[VersionTally, ...]:
    """Count outcomes, all or none; a ``batch`` that was counted before is not counted again.

    Returns all that is known of each version and metric that they name. Raises
    `IdempotencyMismatch` for a batch of the same name with something else in it.
    """
    parsed = _parsed(outcomes)
    name_of_batch = uuid.uuid4().hex if batch is None else names.key_name(batch, "batch")
    digest = hashlib.sha256(to_json([asdict(each) for each in parsed]).encode()).hexdigest()

    def use_case(session: Session) -> tuple[VersionTally, ...]:
        stored = model_rows.lock_model(session, project, name)
        guard.require_here(session, REPORT_OUTCOMES, stored)
        counted = rows.find_batch(session, stored.id, name_of_batch)
        if counted not in (None, digest):
            raise IdempotencyMismatch(key=name_of_batch)
        split = rows.find_split(session, stored)
        found: dict[tuple[int, str], VersionTally] = {}
        for each in parsed:
            label = each.version
            if each.arm is not None:
                arm = _load(session, stored) if split is None else split
                label = _version_of(store, session, stored, arm.arm(each.arm), lock=True).label
            key, version = version_rows.load_version(session, stored, label or "")
            tally = _counted(session, key, each, anew=counted is None)
            found[key, each.metric] = VersionTally(
                version=version.label, metric=each.metric, tally=tally
            )
        if counted is None:
            rows.add_batch(session, stored.id, name_of_batch, digest, BATCH_KEPT_US)
            for label in {each.version for each in found.values()}:
                settle(store, session, lock_candidate(store, session, project, name, label))
        return tuple(found.values())

    return store.write(who, use_case)


def compare_outcomes(
    store: Store,
    project: str,
    name: str,
    metric: str,
    baseline: str | None,
    direction: Direction,
    alpha: float,
) -> OutcomeComparison:
    """Compare the arms of a split by a metric; the first is the baseline unless told.

    ``alpha`` is shared among the arms compared, and holds however often anybody looks.
    """
    _require(direction, alpha)

    def use_case(session: Session) -> OutcomeComparison:
        stored = model_rows.load_model(session, project, name)
        split = _load(session, stored)
        base = split.arms[0] if baseline is None else split.arm(baseline)
        each_alpha = alpha / max(1, len(split.arms) - 1)
        versions = {
            arm.name: _version_of(store, session, stored, arm, lock=False) for arm in split.arms
        }
        tallies = {
            arm: rows.find_tally_of(session, version.uid, metric)
            for arm, version in versions.items()
        }
        compared = tuple(
            _beside(arm.name, versions[arm.name], tallies, base.name, direction, each_alpha)
            for arm in split.arms
        )
        better = [each for each in compared if each.verdict == "better"]
        sign = 1 if direction == "higher" else -1
        best = max(better, key=lambda each: sign * (each.difference or 0.0), default=None)
        return OutcomeComparison(
            project=project,
            model=stored.model.name,
            metric=metric,
            baseline=base.name,
            direction=direction,
            alpha=alpha,
            arms=compared,
            winner=None if best is None else best.arm,
        )

    return store.snapshot(use_case)


def _arm(
    session: Session, stored: StoredModel, lifecycle: Lifecycle, text: str, weight: int
) -> Arm:
    """Return the arm that ``text`` means: ``@word``, ``:label``, or a word that is either."""
    bare = text[1:] if text[:1] in ("@", ":") else text
    stage = None if text.startswith(":") else lifecycle.find_stage(bare)
    if stage is not None:
        return Arm(name=stage.name, kind="stage", weight=weight)
    kind: ArmKind = "version"
    if not text.startswith(":") and history.find_alias(session, stored, bare) is not None:
        kind = "alias"
    elif text.startswith("@"):
        _no_alias(stored, lifecycle, bare)
    if kind == "version":
        _, version = version_rows.load_version(session, stored, bare)
        bare = version.label
    return Arm(name=bare, kind=kind, weight=weight)


def _version_of(
    store: Store, session: Session, stored: StoredModel, arm: Arm, *, lock: bool
) -> ModelVersion:
    """Return what an arm means now. Raises `StageEmpty`, `AliasNotFound`, `VersionNotFound`."""
    sign = ":" if arm.kind == "version" else "@"
    version = find_baseline(store, session, stored, sign + arm.name, lock=lock)
    if version is not None:
        return version
    if arm.kind == "stage":
        raise StageEmpty(model=stored.model.name, stage=arm.name)
    if arm.kind == "alias":
        _no_alias(stored, store.lifecycles.load(session, stored.lifecycle_id), arm.name)
    raise VersionNotFound(version=arm.name, model=stored.model.name)


def _no_alias(stored: StoredModel, lifecycle: Lifecycle, alias: str) -> NoReturn:
    raise AliasNotFound(
        model=stored.model.name,
        alias=alias,
        aliases=sorted(stored.model.aliases),
        stages=[stage.name for stage in lifecycle.stages],
    )


def _load(session: Session, stored: StoredModel) -> Split:
    split = rows.find_split(session, stored)
    if split is None:
        raise SplitNotFound(model=stored.model.full_name)
    return split


def _parsed(outcomes: Any) -> list[Outcome]:
    if not isinstance(outcomes, Sequence) or isinstance(outcomes, str) or not outcomes:
        raise InvalidInput(detail="Report a list of outcomes, one at least", field="outcomes")
    if len(outcomes) > OUTCOMES_MAX:
        raise LimitExceeded(
            what="The number of outcomes", observed=len(outcomes), limit=OUTCOMES_MAX
        )
    return [parse_outcome(each) for each in outcomes]


def _counted(session: Session, key: int, outcome: Outcome, *, anew: bool) -> Tally:
    """Return all that is known after an outcome, written down if it is counted ``anew``."""
    before = rows.find_tally(session, key, outcome.metric)
    if before is not None and before.kind != outcome.tally.kind:
        raise InvalidInput(
            detail=f"'{outcome.metric}' was reported as a {before.kind} of this version before, "
            f"not as a {outcome.tally.kind}",
            field="outcomes",
        )
    if not anew:
        return before or outcome.tally
    after = outcome.tally if before is None else before.plus(outcome.tally)
    rows.put_tally(session, key, outcome.metric, after, is_new=before is None)
    return after


def _beside(
    arm: str,
    version: ModelVersion,
    tallies: Mapping[str, Tally | None],
    baseline: str,
    direction: Direction,
    alpha: float,
) -> ArmOutcome:
    mine, base = tallies[arm], tallies[baseline]
    found = None
    if arm != baseline and mine is not None and base is not None:
        found = contrast(mine, base, alpha)
    verdict = "undecided" if found is None else verdict_of(found, direction)
    return ArmOutcome(
        arm=arm,
        version=version.label,
        n=0 if mine is None else mine.n,
        mean=None if mine is None else mine.mean,
        difference=None if found is None else found.difference,
        low=None if found is None else found.low,
        high=None if found is None else found.high,
        p_value=None if found is None else found.p_value,
        verdict="baseline" if arm == baseline else verdict,
    )


def _require(direction: str, alpha: float) -> None:
    if direction not in ("higher", "lower"):
        raise InvalidInput(
            detail=f"direction is higher or lower (what is better), got {direction!r:.60}",
            field="direction",
        )
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or not 0 < alpha < 1:
        raise InvalidInput(
            detail=f"alpha is the probability of a wrong verdict, such as 0.05, got {alpha!r:.60}",
            field="alpha",
        )


def _record(session: Session, stored: StoredModel, who: Caller, action: str, split: Split) -> None:
    """Put a split on record, with its ring: whose a key was at any moment can be told from it."""
    record(
        session,
        stored.project_id,
        who.name,
        action,
        model=stored.model.name,
        detail={
            "split": split.uid,
            "arms": [asdict(each) for each in split.arms],
            "ring": [[each.arm, each.start, each.end] for each in split.ring],
            "moved": split.moved,
            "revision": split.revision,
        },
    )
