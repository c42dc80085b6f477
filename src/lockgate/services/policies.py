"""Policies: attach them to a project or a model, take them off, list what guards what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lockgate.domain import access
from lockgate.domain.attachments import AttachedPolicy
from lockgate.domain.lifecycles import Lifecycle, Stage
from lockgate.domain.policies import PromotionPolicy
from lockgate.domain.requirements.requirement import Surroundings
from lockgate.errors import InvalidInput, PolicyNotFound
from lockgate.services.lookup import require_seen
from lockgate.services.settling import settle_project
from lockgate.storage import accounts, guard
from lockgate.storage import lifecycles as lifecycle_rows
from lockgate.storage import members as member_rows
from lockgate.storage import models as model_rows
from lockgate.storage import policies as rows
from lockgate.storage.database import Session
from lockgate.storage.log import record
from lockgate.storage.policies import PROJECT_KEY
from lockgate.storage.projects import project_id
from lockgate.storage.store import Caller, Store


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a policy is attached to: a project, or (with ``model``) one model of it."""

    project: str
    model: str | None = None

    def __str__(self) -> str:
        if self.model is None:
            return f"project '{self.project}'"
        return f"model '{self.project}/{self.model}'"


def attach_policy(
    store: Store, who: Caller, place: Place, stage: str, policy: PromotionPolicy
) -> AttachedPolicy:
    """Let ``policy`` guard ``stage``, in place of the one that is attached there.

    Needs ``policy.write``. Open requests whose gate opens by it are carried out. Raises
    `InvalidPolicy` with every fault: a stage that does not exist, more approvals than there are
    people with the role.
    """

    def use_case(session: Session) -> AttachedPolicy:
        key, model_key, lifecycles = lock_place(store, session, place)
        canonical = stage_named(lifecycles, stage)
        members = member_rows.list_people(session, key, place.project)
        people = access.people_by_role(members, accounts.own_roles(session))
        words = {word for each in lifecycles for word in each.stage_words}
        require_seen(session, place.project, place.model, policy)
        policy.require_fits(Surroundings(stages=words, people=people))
        rows.attach(session, key, model_key, canonical, policy, who.name)
        record(
            session,
            key,
            who.name,
            "attach_policy",
            model=place.model,
            detail={
                "stage": canonical,
                "digest": policy.digest(),
                "policy": policy.to_document(),
            },
        )
        settle_project(store, session, key, model_key or None)
        return AttachedPolicy(
            scope="project" if place.model is None else "model",
            project=place.project,
            model=place.model,
            stage=canonical,
            policy=policy,
            set_by=who.name,
            set_at=session.now,
        )

    return store.write(who, use_case)


def detach_policy(store: Store, who: Caller, place: Place, stage: str) -> None:
    """Take the policy off a stage. Needs ``policy.write``. Raises `PolicyNotFound`."""

    def use_case(session: Session) -> None:
        key, model_key, lifecycles = lock_place(store, session, place)
        canonical = stage_named(lifecycles, stage)
        if not rows.detach(session, key, model_key, canonical, who.name):
            raise PolicyNotFound(scope=str(place), stage=canonical)
        record(
            session,
            key,
            who.name,
            "detach_policy",
            model=place.model,
            detail={"stage": canonical},
        )
        settle_project(store, session, key, model_key or None)

    store.write(who, use_case)


def list_policies(store: Store, place: Place) -> tuple[AttachedPolicy, ...]:
    """Return what guards which stage: for a model, its lifecycle's and project's policies too."""

    def use_case(session: Session) -> tuple[AttachedPolicy, ...]:
        key = project_id(session, place.project)
        found: list[AttachedPolicy] = []
        model_key = PROJECT_KEY
        lifecycle: Lifecycle | None = None
        if place.model is not None:
            stored = model_rows.load_model(session, place.project, place.model)
            model_key = stored.id
            lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
            found += [
                AttachedPolicy(
                    scope="lifecycle",
                    project=place.project,
                    model=place.model,
                    stage=stage,
                    policy=policy,
                )
                for stage, policy in lifecycle.policies.items()
            ]
        known = [lifecycle] if lifecycle else _all_lifecycles(store, session)
        for each in rows.list_policies(session, key, model_key):
            stage = _first_stage(known, each.stage)
            if lifecycle is not None and stage is None:
                continue
            found.append(
                AttachedPolicy(
                    scope="model" if each.of_model else "project",
                    project=place.project,
                    model=place.model if each.of_model else None,
                    stage=each.stage if stage is None else stage.name,
                    policy=each.policy,
                    set_by=each.set_by,
                    set_at=each.set_at,
                )
            )
        return tuple(found)

    return store.snapshot(use_case)


def lock_place(store: Store, session: Session, place: Place) -> tuple[int, int, list[Lifecycle]]:
    """Return the keys of the place and the lifecycles that its stage may belong to.

    The models are locked: a passage that is under way was judged by the policies before, and is
    on record before the change of policy is.
    """
    key = project_id(session, place.project)
    session.settle_time(0)
    guard.require(session, access.WRITE_POLICY, key, place.project)
    if place.model is not None:
        stored = model_rows.lock_model(session, place.project, place.model)
        return key, stored.id, [store.lifecycles.load(session, stored.lifecycle_id)]
    model_rows.lock_models(session, key)
    return key, PROJECT_KEY, _all_lifecycles(store, session)


def _all_lifecycles(store: Store, session: Session) -> list[Lifecycle]:
    keys = lifecycle_rows.all_keys(session)
    return [store.lifecycles.load(session, each) for each in keys]


def _first_stage(lifecycles: Iterable[Lifecycle], text: str) -> Stage | None:
    named = (lifecycle.find_stage(text) for lifecycle in lifecycles)
    return next((stage for stage in named if stage is not None), None)


def stage_named(lifecycles: Iterable[Lifecycle], text: str) -> str:
    """Return the canonical name of a stage of any of ``lifecycles``."""
    listed = list(lifecycles)
    stage = _first_stage(listed, text)
    if stage is not None:
        return stage.name
    allowed = sorted({stage.name for lifecycle in listed for stage in lifecycle.stages})
    raise InvalidInput(
        detail=f"Invalid stage {text!r}. Allowed: {', '.join(allowed)}.",
        field="stage",
        allowed=allowed,
    )
