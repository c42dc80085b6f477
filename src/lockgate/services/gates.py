"""Gates: which policy guards a stage, what is known of a version, and the verdict.

Dry runs, transitions and requests all come through `judge`, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lockgate.domain.gates import GateReport, evaluate
from lockgate.domain.lifecycles import Lifecycle, Stage
from lockgate.domain.outcomes import Preview
from lockgate.domain.planning import Move, Plan, Standing, plan_target, plan_transition
from lockgate.domain.policies import PromotionPolicy, combine
from lockgate.domain.requirements.evidence import Evidence, Needs
from lockgate.domain.requirements.requirement import Row
from lockgate.domain.trials import Tally
from lockgate.domain.versions import ModelVersion
from lockgate.errors import TransitionNotAllowed, VersionNotFound
from lockgate.services.file_evidence import files_evidence
from lockgate.services.lookup import find_baseline, find_stamp, require_seen
from lockgate.storage import evidence as evidence_rows
from lockgate.storage import history
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.models import StoredModel
from lockgate.storage.policies import list_policies
from lockgate.storage.splits import find_tally, find_tally_of
from lockgate.storage.store import Store

COMBINED_MAX = 1_000
NO_POLICY = PromotionPolicy()
_combined: dict[tuple[object, ...], PromotionPolicy] = {}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A version of a model, with all that the gates need to know to look at it.

    ``locked`` says whether its model is, so that what else is looked at is to be locked as well.
    """

    stored: StoredModel
    lifecycle: Lifecycle
    key: int
    version: ModelVersion
    locked: bool

    @property
    def standing(self) -> Standing:
        """What a plan needs to know of it."""
        return Standing(label=self.version.label, stage=self.version.stage)


def lock_candidate(
    store: Store, session: Session, project: str, name: str, label: str | int
) -> Candidate:
    """Return a version whose model nobody else changes until the transaction ends.

    An integer is a number alone, see `storage.versions.load_version`.
    """
    stored = model_rows.lock_model(session, project, name)
    lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
    key, version = version_rows.load_version(session, stored, label)
    return Candidate(stored=stored, lifecycle=lifecycle, key=key, version=version, locked=True)


def load_candidate(
    store: Store, session: Session, project: str, name: str, label: str
) -> Candidate:
    """Return a version for a dry run, in a snapshot where nothing is written.

    Raises `ModelNotFound`, `VersionNotFound`. The moment is the one
    that a transaction would have: later than anything on record.
    """
    stored = model_rows.load_model(session, project, name)
    session.settle_time(stored.changed_us)
    lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
    stamp = find_stamp(session, project, name, label)
    if stamp is None:
        raise VersionNotFound(version=label, model=name)
    version = store.versions.load(session, stamp)
    return Candidate(
        stored=stored, lifecycle=lifecycle, key=stamp[0], version=version, locked=False
    )


def plan_of(
    session: Session,
    candidate: Candidate,
    target: Stage,
    verb: str,
    *,
    archive_others: bool = False,
) -> Plan:
    """Return what the passage changes. Raises `TransitionNotAllowed`."""
    standing = []
    if target.exclusive or archive_others:
        found = history.standing_in(session, candidate.stored.id, target.name)
        standing = [Standing(label=label, stage=target.name) for _, label in found]
    return plan_transition(
        candidate.lifecycle,
        candidate.standing,
        target,
        verb,
        standing,
        archive_others=archive_others,
    )


def policy_in_force(
    session: Session, stored: StoredModel, lifecycle: Lifecycle, stage: Stage
) -> PromotionPolicy | None:
    """Return all that guards the way into ``stage``: the lifecycle's, the project's, the model's.

    The strictest set applies. Under a lifecycle whose policies are advisory nothing blocks.
    """
    attached = [
        each.policy
        for each in list_policies(session, stored.project_id, stored.id)
        if lifecycle.find_stage(each.stage) == stage
    ]
    own = lifecycle.policies.get(stage.name)
    parts = ([] if own is None else [own]) + attached
    if not parts:
        return None
    key = (lifecycle.policy_mode, *(part.digest() for part in parts))
    policy = _combined.get(key)
    if policy is None:
        policy = combine(parts)
        if lifecycle.policy_mode == "advisory":
            softened = (replace(each, mode="advisory") for each in policy.requirements)
            policy = PromotionPolicy("advisory", tuple(softened))
        if len(_combined) >= COMBINED_MAX:
            _combined.clear()
        _combined[key] = policy
    return policy


def judge(
    store: Store,
    session: Session,
    candidate: Candidate,
    stage: Stage,
    tried: PromotionPolicy | None = None,
) -> GateReport:
    """Return what the gate into ``stage`` says of the candidate.

    ``tried`` is a policy in hand to be asked instead of the one in force. Approvals count for it
    as they count for the one in force, which is what they were given under.
    """
    stored, lifecycle = candidate.stored, candidate.lifecycle
    in_force = policy_in_force(session, stored, lifecycle, stage) or NO_POLICY
    policy = in_force if tried is None else tried
    evidence = gather(store, session, candidate, stage, policy)
    if policy is not in_force:
        evidence = replace(evidence, policy_digest=in_force.digest())
    return evaluate(policy, evidence)


def gather(
    store: Store, session: Session, candidate: Candidate, stage: Stage, policy: PromotionPolicy
) -> Evidence:
    """Return the evidence that ``policy`` looks at, and nothing else."""
    needs, key = policy.needs(), candidate.key
    baselines = {
        text: find_baseline(store, session, candidate.stored, text, lock=candidate.locked)
        for text in sorted(needs.baselines)
    }
    return Evidence(
        version=candidate.version,
        to_stage=stage.name,
        now=session.now,
        policy_digest=policy.digest(),
        baselines=baselines,
        decisions=evidence_rows.list_decisions(session, key) if needs.decisions else (),
        checks=evidence_rows.list_checks(session, key) if needs.checks else (),
        stays=tuple(history.stays_of(session, candidate.stored, key)) if needs.stages else (),
        waivers=evidence_rows.list_waivers(session, key) if needs.scans else (),
        outcomes=_outcomes(session, candidate, baselines, needs),
        **files_evidence(store, session, candidate.version, needs),
    )


def _outcomes(
    session: Session,
    candidate: Candidate,
    baselines: Mapping[str, ModelVersion | None],
    needs: Needs,
) -> dict[str, dict[str, Tally | None]]:
    """Return what was reported in use, of the candidate and of its baselines."""
    found: dict[str, dict[str, Tally | None]] = {"": {}}
    for baseline, metric in sorted(needs.outcomes):
        found[""][metric] = find_tally(session, candidate.key, metric)
        other = baselines[baseline]
        if other is not None:
            found.setdefault(baseline, {})[metric] = find_tally_of(session, other.uid, metric)
    return found


def preview(
    store: Store, project: str, name: str, label: str, to: str | None, verb: str
) -> Preview:
    """Return what would happen to a transition: the dry run of `promotion.transition`.

    A step that the lifecycle does not have is the first row of the report. Writes nothing.
    """

    def use_case(session: Session) -> Preview:
        candidate = load_candidate(store, session, project, name, label)
        lifecycle = candidate.lifecycle
        if to is None:
            stage = plan_target(lifecycle, candidate.standing, verb)
        else:
            stage = lifecycle.stage(to)

        def seen(moves: tuple[Move, ...], report: GateReport) -> Preview:
            return Preview(
                version=candidate.version, to_stage=stage.name, moves=moves, report=report
            )

        try:
            plan = plan_of(session, candidate, stage, verb)
        except TransitionNotAllowed as refusal:
            report = judge(store, session, candidate, stage)
            rows = (_no_way(refusal, lifecycle, stage), *report.rows)
            return seen((), replace(report, rows=rows))
        if not plan.moves:
            here = candidate.version.label
            return seen(
                (), GateReport(version=here, stage=stage.name, mode="enforce", policy_digest="")
            )
        return seen(plan.moves, judge(store, session, candidate, stage))

    return store.snapshot(use_case)


def check_policy(
    store: Store, project: str, name: str, label: str, policy: PromotionPolicy, to: str | None
) -> GateReport:
    """Return what a policy in hand says of a version, attached or not. Writes nothing."""

    def use_case(session: Session) -> GateReport:
        candidate = load_candidate(store, session, project, name, label)
        require_seen(session, project, name, policy)
        lifecycle = candidate.lifecycle
        stage = lifecycle.serving_stage if to is None else lifecycle.stage(to)
        return judge(store, session, candidate, stage, policy)

    return store.snapshot(use_case)


def _no_way(refusal: TransitionNotAllowed, lifecycle: Lifecycle, stage: Stage) -> Row:
    steps = [step["stage"] for step in refusal.fields["allowed"]]
    return Row(
        "lifecycle",
        lifecycle.name,
        "failed",
        refusal.fields["from_stage"],
        stage.name,
        str(refusal),
        f"take one of the steps that lead out: {', '.join(steps) or 'there are none'}",
    )
