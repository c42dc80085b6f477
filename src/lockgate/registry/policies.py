"""Policies and members: the verbs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.domain.access import Member
from lockgate.domain.attachments import AttachedPolicy
from lockgate.domain.policies import PromotionPolicy
from lockgate.domain.references import split_name
from lockgate.registry.desk import Desk
from lockgate.services import members, policies
from lockgate.services.policies import Place

PolicyLike = PromotionPolicy | Mapping[str, Any]


class PolicyVerbs(Desk):
    """What guards which stage, and who has which role."""

    def attach_policy(
        self,
        stage: str,
        policy: PolicyLike,
        *,
        model: str | None = None,
        project: str | None = None,
    ) -> AttachedPolicy:
        """Let ``policy`` (an object or a document) guard ``stage`` of a model, or of a project.

        Takes the place of the one attached there. Raises `InvalidPolicy` with every fault.
        """
        place = self._place(model, project)
        return policies.attach_policy(self._store, self._who, place, stage, as_policy(policy))

    def detach_policy(
        self, stage: str, *, model: str | None = None, project: str | None = None
    ) -> None:
        """Take the policy off a stage. Raises `PolicyNotFound`."""
        policies.detach_policy(self._store, self._who, self._place(model, project), stage)

    def list_policies(
        self, *, model: str | None = None, project: str | None = None
    ) -> tuple[AttachedPolicy, ...]:
        """Return what guards which stage: of a model (its lifecycle's too), or of a project."""
        return policies.list_policies(self._store, self._place(model, project))

    def set_member(
        self, person: str, roles: Sequence[str], *, project: str | None = None
    ) -> Member:
        """Give a person these roles in a project and no others."""
        owner = project or self.project
        return members.set_member(self._store, self._who, owner, person, roles)

    def remove_member(self, person: str, *, project: str | None = None) -> None:
        """Take a person out of a project."""
        members.remove_member(self._store, self._who, project or self.project, person)

    def list_members(self, *, project: str | None = None) -> tuple[Member, ...]:
        """Return the members of a project by name.

        With none, everybody may everything, unless access control is on.
        """
        return members.list_members(self._store, project or self.project)

    def _place(self, model: str | None, project: str | None) -> Place:
        if model is None:
            return Place(project=project or self.project)
        owner, bare = split_name(model, project or self.project)
        return Place(project=owner, model=bare)


def as_policy(policy: PolicyLike) -> PromotionPolicy:
    """Return a policy given as an object or as a document."""
    if isinstance(policy, PromotionPolicy):
        return policy
    return PromotionPolicy.from_document(policy)
