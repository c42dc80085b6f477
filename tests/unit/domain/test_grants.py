"""Grants: what a proved caller may, and what is not there for them."""

from __future__ import annotations

import pytest

from lockgate.domain.frozen import FrozenDict
from lockgate.domain.grants import Grant, Scope
from lockgate.domain.permissions import (
    IN_INSTALLATION,
    IN_PROJECTS,
    NEEDED_FOR,
    PERMISSIONS,
    known_permissions,
)
from lockgate.domain.roles import ROLES, permissions_of, role_name
from lockgate.errors import (
    Forbidden,
    ForbiddenInInstallation,
    InvalidInput,
    InvalidName,
    ProjectNotFound,
)

GRANT = Grant(
    actor="ana",
    token="t",
    everywhere=frozenset({"project.create"}),
    projects=FrozenDict(
        {
            "b": frozenset({"project.view", "version.push"}),
            "a": frozenset({"project.view"}),
            "blind": frozenset({"version.push"}),
        }
    ),
    keys=FrozenDict({"a": 1, "b": 2, "blind": 3}),
    roles=FrozenDict({"b": frozenset({"pusher"})}),
    roles_everywhere=frozenset({"founder"}),
)


def test_what_is_visible() -> None:
    """Only what may be viewed is there, in order; whoever sees everything has no list."""
    assert GRANT.visible == ("a", "b")
    assert GRANT.visible_keys == (1, 2)
    root = Grant(actor="r", token="t", everywhere=frozenset({"project.view"}))
    assert (root.visible, root.visible_keys, root.sees("whatever")) == (None, None, True)


def test_requiring() -> None:
    """Missing rights are named; what is not visible is not found, whatever is asked."""
    GRANT.require("version.push", "b")
    with pytest.raises(Forbidden, match=r"ana lacks the permission 'version\.push' in project 'a'"):
        GRANT.require("version.push", "a")
    for hidden in ("blind", "nowhere"):
        with pytest.raises(ProjectNotFound):
            GRANT.require("version.push", hidden)
    GRANT.require_somewhere("version.push")
    GRANT.require_everywhere("project.create")
    with pytest.raises(ForbiddenInInstallation, match="in this installation"):
        GRANT.require_everywhere("access.manage")
    with pytest.raises(ForbiddenInInstallation):
        GRANT.require_somewhere("version.approve")
    assert GRANT.roles_in("b") == {"pusher", "founder"}
    assert GRANT.roles_in("nowhere") == {"founder"}


def test_scope() -> None:
    """A scope lets through what it names, and everything when it names nothing."""
    held = frozenset({"project.view", "version.push"})
    assert Scope().narrowed(held) == held
    assert Scope(permissions=frozenset({"version.push"})).narrowed(held) == {"version.push"}
    GRANT.require_own_tokens()
    narrow = Grant(actor="a", token="t", scope=Scope(permissions=frozenset({"version.push"})))
    with pytest.raises(ForbiddenInInstallation, match=r"token\.manage"):
        narrow.require_own_tokens()


def test_digest_tells_rights_apart() -> None:
    """Another token, or other rights, have another digest."""
    assert GRANT.digest == Grant(**_fields(GRANT)).digest
    assert GRANT.digest != Grant(**{**_fields(GRANT), "token": "u"}).digest
    assert GRANT.digest != Grant(**{**_fields(GRANT), "everywhere": frozenset()}).digest


def _fields(grant: Grant) -> dict[str, object]:
    return {
        "actor": grant.actor,
        "token": grant.token,
        "everywhere": grant.everywhere,
        "projects": grant.projects,
    }


def test_every_permission_is_explained() -> None:
    """Each has a sentence; each action of the log needs some that there are."""
    assert all(text and not text.endswith(".") for text in PERMISSIONS.values())
    assert set().union(*NEEDED_FOR.values()) <= PERMISSIONS.keys()
    assert all(NEEDED_FOR.values())


def test_roles_are_of_what_there_is() -> None:
    """Built-in roles are sets of permissions in projects; admin has them all."""
    assert all(held <= IN_PROJECTS.keys() for held in ROLES.values())
    assert ROLES["admin"] == IN_PROJECTS.keys()
    assert permissions_of(["admin"], {}, everywhere=True) == {*IN_PROJECTS, *IN_INSTALLATION}
    assert permissions_of(["admin"], {}) == set(IN_PROJECTS)
    own = {"founder": frozenset({"project.create"}), "mine": frozenset({"version.push"})}
    assert permissions_of(["founder", "mine", "gone"], own) == {"version.push"}
    assert permissions_of(["founder"], own, everywhere=True) == {"project.create"}


def test_sets_of_permissions() -> None:
    """Whoever may anything in a project sees it; unknown permissions and none are refused."""
    assert known_permissions(["version.push"], "A role") == {"project.view", "version.push"}
    assert known_permissions(["cache.use"], "A role") == {"cache.use"}
    with pytest.raises(InvalidInput, match=r"There is no permission 'version\.fly'"):
        known_permissions(["version.fly"], "A role")
    with pytest.raises(InvalidInput, match="A token has at least one"):
        known_permissions([], "A token")


@pytest.mark.parametrize("name", ["", "admin", "Viewer", "a.b", "a b", "x" * 64, "-a", 3])
def test_names_of_roles(name: object) -> None:
    """A role's name is a plain word, and none of those that are always there."""
    with pytest.raises(InvalidName):
        role_name(name)  # type: ignore[arg-type]
    assert role_name("register-only") == "register-only"
