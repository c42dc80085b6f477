"""Policies and members: the verbs, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.domain.access import Member
from lockgate.domain.attachments import AttachedPolicy
from lockgate.domain.policies import PromotionPolicy
from lockgate.domain.references import split_name
from lockgate.sdk.calls import Calls, segment

PolicyLike = PromotionPolicy | Mapping[str, Any]


class PolicyVerbs(Calls):
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
        path = self._place(model, project, "policies", segment(stage, "stage"))
        return self._change(AttachedPolicy, "PUT", path, {"policy": policy_document(policy)})

    def detach_policy(
        self, stage: str, *, model: str | None = None, project: str | None = None
    ) -> None:
        """Take the policy off a stage. Raises `PolicyNotFound`."""
        path = self._place(model, project, "policies", segment(stage, "stage"))
        self._write("DELETE", path)

    def list_policies(
        self, *, model: str | None = None, project: str | None = None
    ) -> tuple[AttachedPolicy, ...]:
        """Return what guards which stage: of a model (its lifecycle's too), or of a project."""
        return self._all(AttachedPolicy, self._place(model, project, "policies"))

    def set_member(
        self, person: str, roles: Sequence[str], *, project: str | None = None
    ) -> Member:
        """Give a person these roles in a project and no others."""
        path = self._place(None, project, "members", segment(person, "person"))
        return self._change(Member, "PUT", path, {"roles": roles})

    def remove_member(self, person: str, *, project: str | None = None) -> None:
        """Take a person out of a project."""
        self._write("DELETE", self._place(None, project, "members", segment(person, "person")))

    def list_members(self, *, project: str | None = None) -> tuple[Member, ...]:
        """Return the members of a project by name.

        With none, everybody may everything, unless access control is on.
        """
        return self._all(Member, self._place(None, project, "members"))

    def _place(self, model: str | None, project: str | None, *rest: str) -> str:
        owner = project or self.project
        if model is None:
            return "/".join((f"/projects/{segment(owner)}", *rest))
        return self._model("/".join(split_name(model, owner)), *rest)


def policy_document(policy: PolicyLike) -> Mapping[str, Any]:
    """Return the document of a policy that is given as an object or as a document."""
    return policy.to_document() if isinstance(policy, PromotionPolicy) else policy
