"""Members of a project: who may manage, decide, force and waive."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gate_world import World
from lockgate.domain.policies import PromotionPolicy
from lockgate.errors import Conflict, Forbidden, InvalidInput, NotFound, ProjectNotFound


@pytest.fixture
def world() -> Iterator[World]:
    """A project of which ana is the admin."""
    made = World()
    made.registry.register_model("m")
    made.registry.set_member("ana", ["admin"])
    yield made
    made.close()


def roles(world: World) -> dict[str, tuple[str, ...]]:
    """Return every member's roles."""
    return {each.person: each.roles for each in world.registry.list_members()}


def test_roles_are_given_and_taken(world: World) -> None:
    """A person has the roles that were given last; taken out they have none."""
    world.registry.set_member("bob", ["viewer", "approver"])
    assert roles(world) == {"ana": ("admin",), "bob": ("approver", "viewer")}
    world.registry.set_member("bob", ["viewer"])
    assert roles(world)["bob"] == ("viewer",)
    world.registry.remove_member("bob")
    assert roles(world) == {"ana": ("admin",)}
    with pytest.raises(NotFound, match="'bob' is no member"):
        world.registry.remove_member("bob")


def test_somebody_can_always_manage(world: World) -> None:
    """The last admin cannot go while others are there; the first member is an admin."""
    world.registry.set_member("bob", ["viewer"])
    for change in (
        lambda: world.registry.remove_member("ana"),
        lambda: world.registry.set_member("ana", ["viewer"]),
    ):
        with pytest.raises(Conflict, match="at least one admin"):
            change()
    world.registry.create_project("other")
    with pytest.raises(Conflict, match="at least one admin"):
        world.registry.set_member("bob", ["viewer"], project="other")


def test_last_member_may_go(world: World) -> None:
    """Without members the project belongs to everybody again."""
    world.registry.remove_member("ana")
    assert roles(world) == {}
    world.as_("bob").set_member("bob", ["admin"])


def test_only_those_who_may_manage(world: World) -> None:
    """Managing members and policies takes a role that gives it; others are told what is missing."""
    world.registry.set_member("bob", ["maintainer"])
    world.registry.set_member("cid", ["approver"])
    with pytest.raises(Forbidden, match=r"bob lacks the permission 'member\.manage'"):
        world.as_("bob").set_member("bob", ["admin"])
    with pytest.raises(Forbidden, match=r"mallory lacks the permission 'member\.manage'"):
        world.as_("mallory").remove_member("ana")
    policy = PromotionPolicy().require_tag("team")
    with pytest.raises(Forbidden, match=r"cid lacks the permission 'policy\.write'"):
        world.as_("cid").attach_policy("Staging", policy)
    with pytest.raises(Forbidden, match=r"cid lacks the permission 'scan\.waive'"):
        world.as_("cid").waive_scan("m", "1", reason="mine")
    world.as_("bob").attach_policy("Staging", policy)
    assert world.as_("bob").waive_scan("m", "1", reason="reviewed by hand").by == "bob"


def test_requests_of_others_are_withdrawn_by_those_who_manage_them(world: World) -> None:
    """A maintainer can take back what somebody else asked for; an approver cannot."""
    for person, role in (("bob", "maintainer"), ("cid", "approver"), ("dan", "contributor")):
        world.registry.set_member(person, [role])
    uid = world.as_("dan").request_promotion("m", "1", "Staging").request.uid
    with pytest.raises(Conflict, match="Only dan"):
        world.as_("cid").withdraw(uid)
    assert world.as_("bob").withdraw(uid).status == "withdrawn"


def test_unknown_words_are_refused(world: World) -> None:
    """A role or a project that there is not is refused, and nothing changes."""
    with pytest.raises(InvalidInput, match="There is no role 'owner'"):
        world.registry.set_member("bob", ["owner"])
    with pytest.raises(InvalidInput, match="at least one role"):
        world.registry.set_member("bob", [])
    with pytest.raises(ProjectNotFound):
        world.registry.set_member("bob", ["viewer"], project="nowhere")
    assert roles(world) == {"ana": ("admin",)}


def test_changes_are_on_record(world: World) -> None:
    """Every change of members is an event."""
    world.registry.set_member("bob", ["viewer"])
    world.registry.remove_member("bob")
    events = world.registry.audit().items[-2:]
    assert [(each.action, each.actor, dict(each.detail)) for each in events] == [
        ("set_member", "ana", {"person": "bob", "roles": ["viewer"]}),
        ("remove_member", "ana", {"person": "bob"}),
    ]
