"""The guard: every change asks here first, and the log refuses what did not.

    require              in a project       a `Grant` decides; without one, the roles of members
    require_everywhere   in the installation
    require_unprotected  a stage or an alias that is kept for some
    vouch                a change that follows by itself from one that was allowed

A session without a viewer speaks for the operator, who may open the database itself and so may
everything; or, before access control is on, for anybody: then the members of a project guard what
is in `permissions.GATED`.
"""

from __future__ import annotations

from lockgate.domain import access
from lockgate.domain.permissions import GATED
from lockgate.domain.roles import ADMIN, permissions_of
from lockgate.errors import Protected
from lockgate.storage import accounts, protections
from lockgate.storage.database import Session
from lockgate.storage.grants import find_grant
from lockgate.storage.members import roles_of
from lockgate.storage.models import StoredModel

INSTALLATION_KEY = 0


def require(session: Session, permission: str, project_id: int, project: str) -> None:
    """Raise `Forbidden` unless the caller may, naming the permission."""
    if session.viewer is not None:
        session.viewer.require(permission, project)
    elif permission in GATED and session.origin is not None:
        roles = caller_roles(session, project_id, project)
        own = {} if roles is None else accounts.own_roles(session)
        access.require(permission, session.origin.actor, roles, project, own)
    session.note_asked(permission, project_id)


def may(session: Session, permission: str, project_id: int, project: str) -> bool:
    """Say whether `require` would let the caller."""
    if session.viewer is not None:
        return session.viewer.may(permission, project)
    if permission not in GATED or session.origin is None:
        return True
    roles = caller_roles(session, project_id, project)
    return access.may(permission, roles, {} if roles is None else accounts.own_roles(session))


def require_here(session: Session, permission: str, stored: StoredModel) -> None:
    """Raise `Forbidden` unless the caller may, in the project of a model."""
    require(session, permission, stored.project_id, stored.model.project)


def require_everywhere(session: Session, permission: str) -> None:
    """Raise `Forbidden` unless the caller may, in the installation."""
    if session.viewer is not None:
        session.viewer.require_everywhere(permission)
    session.note_asked(permission, INSTALLATION_KEY)


def is_allowed(session: Session, permission: str, project_id: int, project: str) -> bool:
    """Say whether the caller may by a role, or as the operator; not where nobody has roles."""
    if session.viewer is not None:
        return session.viewer.may(permission, project)
    if accounts.read_state(session).enabled:
        return True
    roles = caller_roles(session, project_id, project)
    return roles is not None and access.may(permission, roles, accounts.own_roles(session))


def caller_roles(session: Session, project_id: int, project: str) -> tuple[str, ...] | None:
    """Return the caller's roles in a project; None for whoever may without any.

    That is everybody where nobody has roles, and under access control whoever opened the
    database itself: its operator.
    """
    if session.viewer is not None:
        return tuple(sorted(session.viewer.roles_in(project)))
    if accounts.read_state(session).enabled:
        return None
    return roles_of(session, project_id, "" if session.origin is None else session.origin.actor)


def require_unprotected(session: Session, stored: StoredModel, kind: str, name: str) -> None:
    """Raise `Protected` when a stage or an alias needs what the caller does not have."""
    needed = protections.needs_of(session, stored.project_id, stored.id, kind, name)
    if not needed:
        return
    project = stored.model.project
    roles = caller_roles(session, stored.project_id, project)
    actor = session.origin.actor if session.origin is not None else "nobody"
    for needs in needed:
        if not _meets(session, needs, roles, project):
            raise Protected(kind=kind, name=name, actor=actor, needs=needs, project=project)


def _meets(session: Session, needs: str, roles: tuple[str, ...] | None, project: str) -> bool:
    if roles is None or needs in roles:
        return True
    viewer = session.viewer
    if viewer is not None:
        return ADMIN in viewer.roles_everywhere or viewer.may(needs, project)
    return access.may(needs, roles, accounts.own_roles(session))


def vouch(session: Session, permission: str, project_id: int) -> None:
    """Note that a change follows from what was allowed, whoever set it off."""
    session.note_asked(permission, project_id)


def may_still_by(
    session: Session, name: str, token: str | None, permission: str, project: str
) -> bool:
    """Say whether somebody who was let earlier, by a token, may still do something.

    Everybody may what no members of a project guard, before access control is on.
    """
    assert permission not in GATED, permission  # noqa: S101 - members are not asked here
    if not accounts.read_state(session).enabled:
        return True
    grant = find_grant(session, name, token)
    return grant is not None and grant.may(permission, project)


def may_still(session: Session, name: str, permission: str, stored: StoredModel, to: str) -> bool:
    """Say whether somebody who asked earlier may still take a version into the stage ``to``.

    Without access control what the members of the project protect is all there is to ask.
    """
    needed = protections.needs_of(session, stored.project_id, stored.id, "stage", to)
    project = stored.model.project
    if accounts.read_state(session).enabled:
        grant = find_grant(session, name, None)
        if grant is None:
            return False
        held = grant.roles_in(project)
        return grant.may(permission, project) and all(
            needs in held or grant.may(needs, project) or ADMIN in grant.roles_everywhere
            for needs in needed
        )
    roles = roles_of(session, stored.project_id, name)
    if roles is None:
        return True
    allowed = permissions_of(roles, accounts.own_roles(session))
    return all(needs in roles or needs in allowed for needs in needed)
