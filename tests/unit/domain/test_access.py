"""Who may do what: roles give permissions, and a project without members belongs to all."""

from __future__ import annotations

import pytest

from lockgate.domain import access
from lockgate.domain.access import Actor, Member
from lockgate.errors import Forbidden, InvalidInput, InvalidName

# Written out by hand: what each role may, beyond what everybody may.
TABLE = {
    "viewer": set(),
    "contributor": set(),
    "approver": {"version.approve"},
    "maintainer": {"version.approve", "policy.write", "scan.waive", "request.manage"},
    "admin": {
        "version.approve",
        "policy.write",
        "scan.waive",
        "request.manage",
        "member.manage",
        "gate.force",
    },
}
PERMISSIONS = TABLE["admin"]


def member(person: str, *roles: str) -> Member:
    """Return somebody with these roles."""
    return Member(project="default", person=person, roles=roles)


@pytest.mark.parametrize("role", TABLE)
def test_role_gives_these_permissions_and_no_others(role: str) -> None:
    """Every role and every permission, against the table above."""
    assert {each for each in PERMISSIONS if access.may(each, [role])} == TABLE[role]


def test_roles_add_up() -> None:
    """Who has two roles may what either of them gives; without roles nobody may."""
    assert access.may("version.approve", ["viewer", "approver"])
    assert not access.may("version.approve", [])
    assert not access.may("version.approve", ["a role that was taken out of the house"])


def test_project_without_members_belongs_to_all() -> None:
    """Where there are no members everybody may everything."""
    assert all(access.may(permission, None) for permission in PERMISSIONS)


def test_who_may_not_is_told_what_is_missing() -> None:
    """The refusal names the person, the permission and the project."""
    access.require("gate.force", "ana", ["admin"], "risk")
    with pytest.raises(Forbidden) as refused:
        access.require("gate.force", "bob", ["maintainer"], "risk")
    assert str(refused.value) == "bob lacks the permission 'gate.force' in project 'risk'."


def test_people_are_counted_by_role() -> None:
    """Each role is counted, and under None those who may approve."""
    counts = access.people_by_role(
        [member("ana", "admin"), member("bob", "approver", "viewer"), member("cid", "viewer")]
    )
    assert counts == {
        None: 2,
        "viewer": 2,
        "contributor": 0,
        "approver": 1,
        "maintainer": 0,
        "admin": 1,
    }
    assert access.people_by_role([]) is None


def test_roles_are_known_ones() -> None:
    """Roles are kept in order, each once; one that there is not is refused with those there are."""
    assert access.known_roles(["viewer", "admin", "viewer"]) == ("admin", "viewer")
    with pytest.raises(InvalidInput, match="There is no role 'owner'; the roles are viewer"):
        access.known_roles(["owner"])
    with pytest.raises(InvalidInput, match="at least one role"):
        access.known_roles([])


def test_actor_has_a_name_for_the_record() -> None:
    """A name that would not be readable on record is refused."""
    assert Actor.named("ana").name == "ana"
    for name in ("", " ", "a\nb"):
        with pytest.raises(InvalidName):
            Actor.named(name)
