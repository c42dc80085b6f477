"""Who acts, and what each may do: decided here and in the four beside it, nowhere else.

    permissions   every word of the rules          roles    sets of them with a name
    grants        what a proved caller may         tokens   how a caller proves who they are

Until access control is switched on (`lockgate admin init`), a project without members belongs to
everybody who can reach it; once it has members, the decisions at its gates (`permissions.GATED`)
are theirs by role.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from lockgate.domain import names
from lockgate.domain.frozen import EMPTY, FrozenDict
from lockgate.domain.permissions import (
    APPROVE,
    FORCE,
    MANAGE_MEMBERS,
    MANAGE_REQUESTS,
    WAIVE,
    WRITE_POLICY,
)
from lockgate.domain.roles import ROLES, known_roles, permissions_of
from lockgate.errors import Forbidden

__all__ = [
    "ADMIN_PROJECT",
    "APPROVE",
    "FORCE",
    "MANAGE_MEMBERS",
    "MANAGE_REQUESTS",
    "ROLES",
    "WAIVE",
    "WRITE_POLICY",
    "Account",
    "Actor",
    "Member",
    "Protection",
    "Team",
    "WhoAmI",
    "known_roles",
    "may",
    "people_by_role",
    "require",
]

AccountKind = Literal["person", "service"]
ProtectionKind = Literal["stage", "alias"]
ADMIN_PROJECT = "lockgate-access"
"""The project whose log tells what was done about people, teams, roles and tokens."""


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
    """The roles of a person, a service account or a team in a project."""

    project: str
    person: str
    roles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Account:
    """A person or a service account; ``roles`` are those in the installation."""

    name: str
    kind: AccountKind
    roles: tuple[str, ...]
    created_by: str
    created_at: datetime
    disabled_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Team:
    """People and service accounts that have roles together."""

    name: str
    members: tuple[str, ...]
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Protection:
    """Who may take versions into a stage, or move an alias: ``needs`` is a role or a permission.

    It comes on top of what the change needs anyway.
    """

    project: str
    model: str | None
    kind: ProtectionKind
    name: str
    needs: str
    set_by: str
    set_at: datetime


@dataclass(frozen=True, kw_only=True)
class WhoAmI:
    """Who acts, and what they may do; ``controlled`` says whether anything is asked at all."""

    actor: str
    kind: str
    controlled: bool
    token: str | None
    permissions: tuple[str, ...]
    projects: FrozenDict[str, tuple[str, ...]]
    expires_at: datetime | None = None


def may(
    permission: str, roles: Iterable[str] | None, own: Mapping[str, frozenset[str]] = EMPTY
) -> bool:
    """Say whether somebody with ``roles`` may; None means that the project has no members."""
    if roles is None:
        return True
    return permission in permissions_of(roles, own)


def require(
    permission: str,
    actor: str,
    roles: Iterable[str] | None,
    project: str,
    own: Mapping[str, frozenset[str]] = EMPTY,
) -> None:
    """Raise `Forbidden`, naming the permission, unless ``actor`` may."""
    if not may(permission, roles, own):
        raise Forbidden(actor=actor, permission=permission, project=project)


def people_by_role(
    members: Iterable[Member], own: Mapping[str, frozenset[str]] = EMPTY
) -> dict[str | None, int] | None:
    """Return how many people have each role and (under None) how many may approve.

    None means that the project has no members, so that everybody may.
    """
    listed = list(members)
    if not listed:
        return None
    counts: dict[str | None, int] = dict.fromkeys((*ROLES, *own), 0)
    counts[None] = sum(may(APPROVE, member.roles, own) for member in listed)
    for member in listed:
        for role in member.roles:
            counts[role] = counts.get(role, 0) + 1
    return counts
