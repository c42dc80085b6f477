"""Grants: what somebody who has proved who they are may do and see, worked out beforehand.

    rights of the identity (its roles, its teams' roles)  ∩  scope of the token

A `Grant` is immutable and holds for one revision of the access tables; `storage.grants` makes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from lockgate.domain import permissions as may
from lockgate.domain.frozen import EMPTY
from lockgate.errors import Forbidden, ForbiddenInInstallation, ProjectNotFound


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a token is narrowed to; None is everything that its owner may."""

    projects: frozenset[str] | None = None
    permissions: frozenset[str] | None = None
    expires_at: datetime | None = None

    def narrowed(self, permissions: frozenset[str]) -> frozenset[str]:
        """Return those of ``permissions`` that the scope lets through."""
        return permissions if self.permissions is None else permissions & self.permissions


EVERYTHING = Scope()


@dataclass(frozen=True, kw_only=True, eq=False)
class Grant:
    """What a caller may do, by project and in the installation.

    ``everywhere`` holds in the installation and in every project, ``projects`` by a project's
    name. ``keys`` are the database's keys of those projects, ``roles`` the names of roles.
    ``kind`` is person or service.
    """

    actor: str
    token: str
    kind: str = "person"
    everywhere: frozenset[str] = frozenset()
    projects: Mapping[str, frozenset[str]] = EMPTY
    keys: Mapping[str, int] = EMPTY
    roles: Mapping[str, frozenset[str]] = EMPTY
    roles_everywhere: frozenset[str] = frozenset()
    scope: Scope = EVERYTHING

    def may(self, permission: str, project: str) -> bool:
        """Say whether the caller may do something in a project."""
        return permission in self.everywhere or permission in self.projects.get(project, ())

    def may_everywhere(self, permission: str) -> bool:
        """Say whether the caller may do something in the installation, and in every project."""
        return permission in self.everywhere

    def may_somewhere(self, permission: str) -> bool:
        """Say whether the caller may do something in any project."""
        return permission in self.everywhere or any(
            permission in held for held in self.projects.values()
        )

    def sees(self, project: str) -> bool:
        """Say whether the project is there, as far as the caller can tell."""
        return self.may(may.VIEW, project)

    @cached_property
    def visible(self) -> tuple[str, ...] | None:
        """The names of the projects that the caller sees, in order; None for all."""
        if may.VIEW in self.everywhere:
            return None
        return tuple(sorted(name for name, held in self.projects.items() if may.VIEW in held))

    @cached_property
    def visible_keys(self) -> tuple[int, ...] | None:
        """The keys of the projects that the caller sees; None for all."""
        return None if self.visible is None else tuple(self.keys[name] for name in self.visible)

    def roles_in(self, project: str) -> frozenset[str]:
        """Return the caller's roles in a project, those in the installation too."""
        return self.roles_everywhere | self.roles.get(project, frozenset())

    def require(self, permission: str, project: str) -> None:
        """Raise `Forbidden` unless the caller may; `ProjectNotFound` where they see nothing."""
        if not self.sees(project):
            raise ProjectNotFound(project=project)
        if not self.may(permission, project):
            raise Forbidden(actor=self.actor, permission=permission, project=project)

    def require_everywhere(self, permission: str) -> None:
        """Raise `Forbidden` unless the caller may, in the installation."""
        if permission not in self.everywhere:
            raise self._lacks(permission)

    def require_somewhere(self, permission: str) -> None:
        """Raise `Forbidden` unless the caller may in some project."""
        if not self.may_somewhere(permission):
            raise self._lacks(permission)

    def require_own_tokens(self) -> None:
        """Raise `Forbidden` for a token that may not make others."""
        if self.scope.permissions is not None and may.MANAGE_TOKENS not in self.scope.permissions:
            raise self._lacks(may.MANAGE_TOKENS)

    def _lacks(self, permission: str) -> Forbidden:
        return ForbiddenInInstallation(actor=self.actor, permission=permission)

    @cached_property
    def digest(self) -> str:
        """A hash of who may do what: a write is answered again only under the same rights."""
        rights = [
            self.actor,
            self.token,
            sorted(self.everywhere),
            sorted((name, sorted(held)) for name, held in self.projects.items()),
        ]
        return hashlib.sha256(repr(rights).encode()).hexdigest()
