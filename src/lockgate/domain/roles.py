"""Roles: sets of permissions with a name, five that are always there and one's own.

viewer        sees
contributor   registers, pushes, edits, asks
approver      sees and decides
maintainer    both, and promotes, sets aliases, writes policies
admin         everything in a project; given in the installation, everything there is
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lockgate.domain import permissions as may
from lockgate.errors import InvalidInput, InvalidName

_VIEWER = frozenset({may.VIEW, may.VIEW_AUDIT})
_CONTRIBUTOR = _VIEWER | {
    *(may.REGISTER_MODEL, may.REGISTER, may.PUSH, may.EDIT, may.SIGN),
    *(may.REPORT_CHECK, may.ASK, may.REPORT_DEPLOYMENT),
    *(may.REPORT_OUTCOMES, may.REPORT_OBSERVATIONS),
}
_APPROVER = _VIEWER | {may.APPROVE}
_MAINTAINER = (
    _CONTRIBUTOR
    | _APPROVER
    | {
        *(may.EDIT_MODEL, may.DELETE_MODEL, may.DELETE, may.EDIT_PROJECT),
        *(may.PROMOTE, may.DEMOTE, may.ARCHIVE, may.ROLLBACK),
        *(may.SET_ALIAS, may.PROTECT_ALIAS, may.WRITE_POLICY, may.WAIVE, may.MANAGE_REQUESTS),
        *(may.SIGN_AUDIT, may.MANAGE_WEBHOOKS, may.SPLIT, may.MONITOR),
    }
)

ROLES: Mapping[str, frozenset[str]] = {
    "viewer": _VIEWER,
    "contributor": _CONTRIBUTOR,
    "approver": _APPROVER,
    "maintainer": _MAINTAINER,
    "admin": frozenset(may.IN_PROJECTS),
}
"""What each role gives in a project."""

ADMIN = "admin"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class Role:
    """A set of permissions; ``built_in`` ones are always there and never change."""

    name: str
    permissions: tuple[str, ...]
    description: str = ""
    built_in: bool = False


def role_name(value: str) -> str:
    """Return the name of a role of one's own. Raises `InvalidName`."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise InvalidName(
            detail=f"role {value!r:.80} must be lower-case letters, digits, _ and -, without a dot "
            "(permissions have dots)",
            field="role",
        )
    if value in ROLES:
        raise InvalidName(detail=f"role '{value}' is built in and never changes", field="role")
    return value


def permissions_of(
    roles: Iterable[str], own: Mapping[str, frozenset[str]], *, everywhere: bool = False
) -> frozenset[str]:
    """Return what ``roles`` give in a project; with ``everywhere``, in the installation.

    ``own`` are roles of one's own. A role that there is not (any more) gives nothing.
    """
    found: set[str] = set()
    for role in roles:
        found |= ROLES.get(role) or own.get(role, frozenset())
        if everywhere and role == ADMIN:
            found |= may.IN_INSTALLATION.keys()
    return frozenset(found if everywhere else found & may.IN_PROJECTS.keys())


def known_roles(
    roles: Iterable[str], own: Iterable[str] = (), *, required: bool = True
) -> tuple[str, ...]:
    """Return ``roles`` sorted, each once. Raises `InvalidInput` for one there is not."""
    found = tuple(sorted(set(roles)))
    known = [*ROLES, *sorted(own)]
    for role in found:
        if role not in known:
            raise InvalidInput(
                detail=f"There is no role {role!r}; the roles are {', '.join(known)}", field="roles"
            )
    if not found and required:
        raise InvalidInput(detail="A member has at least one role", field="roles")
    return found
