"""Who acts, and what each may do: decided here and nowhere else.

A project without members belongs to everybody who can reach it. Once it has members, what a
person may do there is what the person's roles allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lockgate.domain import names
from lockgate.errors import Forbidden, InvalidInput

APPROVE = "version.approve"
FORCE = "gate.force"
WRITE_POLICY = "policy.write"
WAIVE = "scan.waive"
MANAGE_MEMBERS = "member.manage"
MANAGE_REQUESTS = "request.manage"
MANAGE_WEBHOOKS = "webhook.manage"

ROLES: Mapping[str, frozenset[str]] = {
    "viewer": frozenset(),
    "contributor": frozenset(),
    "approver": frozenset({APPROVE}),
    "maintainer": frozenset({APPROVE, WRITE_POLICY, WAIVE, MANAGE_REQUESTS, MANAGE_WEBHOOKS}),
    "admin": frozenset(
        {APPROVE, WRITE_POLICY, WAIVE, MANAGE_REQUESTS, MANAGE_WEBHOOKS, MANAGE_MEMBERS, FORCE}
    ),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody or something that acts; ``name`` is what the record says."""

    name: str

    @classmethod
    def named(cls, name: str) -> Actor:
        """Return the actor called ``name``, validated like any name on record."""
        return cls(names.key_name(name, "actor"))


@dataclass(frozen=True, kw_only=True)
class Member:
    """A person's roles in a project."""

    project: str
    person: str
    roles: tuple[str, ...]


def known_roles(roles: Iterable[str]) -> tuple[str, ...]:
    """Return ``roles`` sorted, each once. Raises `InvalidInput` for one there is not."""
    found = tuple(sorted(set(roles)))
    for role in found:
        if role not in ROLES:
            raise InvalidInput(
                detail=f"There is no role {role!r}; the roles are {', '.join(ROLES)}", field="roles"
            )
    if not found:
        raise InvalidInput(detail="A member has at least one role", field="roles")
    return found


def may(permission: str, roles: Iterable[str] | None) -> bool:
    """Say whether somebody with ``roles`` may; None means that the project has no members."""
    if roles is None:
        return True
    return any(permission in ROLES.get(role, frozenset()) for role in roles)


def require(permission: str, actor: str, roles: Iterable[str] | None, project: str) -> None:
    """Raise `Forbidden`, naming the permission, unless ``actor`` may."""
    if not may(permission, roles):
        raise Forbidden(actor=actor, permission=permission, project=project)


def people_by_role(members: Iterable[Member]) -> dict[str | None, int] | None:
    """Return how many people have each role and (under None) how many may approve.

    None means that the project has no members, so that everybody may.
    """
    listed = list(members)
    if not listed:
        return None
    counts: dict[str | None, int] = dict.fromkeys(ROLES, 0)
    counts[None] = sum(may(APPROVE, member.roles) for member in listed)
    for member in listed:
        for role in member.roles:
            counts[role] = counts.get(role, 0) + 1
    return counts
