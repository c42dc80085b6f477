"""Protected stages and aliases: kept for those with a role or a permission of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from access_world import Access
from gate_world import World
from lockgate.domain.policies import PromotionPolicy
from lockgate.errors import Forbidden, InvalidInput, NotFound, Protected


@pytest.fixture
def access() -> Iterator[Access]:
    """A project whose Production is kept for release managers, and champion for those who force."""
    made = Access()
    made.furnish()
    made.registry.set_role("release-manager", ["project.view"])
    made.registry.set_protection("stage", "production", "release-manager", project="risk")
    made.registry.set_protection("alias", "champion", "gate.force", model="risk/churn")
    yield made
    made.registry.close()


def test_stage(access: Access) -> None:
    """Who may promote cannot enter a protected stage without the role; with it they can."""
    maintainer = access.as_("maintainer")
    maintainer.promote("risk/churn", "2", to="Staging")
    with pytest.raises(Protected, match="'Production' is protected: maintainer needs"):
        maintainer.promote("risk/churn", "2", to="Production")
    with pytest.raises(Protected):
        maintainer.request_promotion("risk/churn", "2", "Production", auto_promote=True)
    access.registry.set_member("maintainer", ["maintainer", "release-manager"], project="risk")
    assert access.as_("maintainer").promote("risk/churn", "2").stage == "Production"


def test_rollback(access: Access) -> None:
    """Going back into a protected stage is entering it."""
    access.registry.promote("risk/churn", "2", to="Staging")
    access.registry.promote("risk/churn", "2", to="Production")
    with pytest.raises(Protected):
        access.as_("maintainer").rollback("risk/churn")
    assert access.as_("root").rollback("risk/churn").label == "1"


def test_alias(access: Access) -> None:
    """A protected alias is set and deleted by those who have the permission."""
    maintainer = access.as_("maintainer")
    with pytest.raises(Protected, match=r"needs 'gate\.force'"):
        maintainer.set_alias("risk/churn", "champion", "2")
    with pytest.raises(Protected):
        maintainer.delete_alias("risk/churn", "champion")
    assert maintainer.set_alias("risk/churn", "candidate", "2").version == "2"
    assert access.as_("admin").set_alias("risk/churn", "champion", "2").version == "2"


def test_flag(access: Access) -> None:
    """An alias that is protected by its flag takes a permission of its own to move."""
    access.registry.set_role("tagger", ["alias.set"])
    access.registry.set_member("contributor", ["contributor", "tagger"], project="risk")
    tagger = access.as_("contributor")
    tagger.set_alias("risk/churn", "beta", "1")
    with pytest.raises(Forbidden, match=r"alias\.protect"):
        tagger.set_alias("risk/churn", "beta", "1", protected=True)
    access.as_("maintainer").set_alias("risk/churn", "beta", "1", protected=True)
    with pytest.raises(Forbidden, match=r"alias\.protect"):
        tagger.set_alias("risk/churn", "beta", "2")
    with pytest.raises(Forbidden, match=r"alias\.protect"):
        tagger.delete_alias("risk/churn", "beta")


def test_requests_are_carried_out_while_their_maker_may(access: Access) -> None:
    """What waits to happen by itself does not happen once its maker has lost the right."""
    policy = PromotionPolicy().require_check("lint")
    access.registry.attach_policy("Staging", policy, project="risk")
    access.as_("maintainer").request_promotion("risk/churn", "2", "Staging", auto_promote=True)
    access.registry.set_member("maintainer", ["viewer"], project="risk")
    access.as_("contributor").report_check("risk/churn", "2", "lint", "passed")
    assert access.registry.get_version("risk/churn", "2").stage == "None"
    access.registry.set_member("maintainer", ["maintainer"], project="risk")
    access.as_("contributor").report_check("risk/churn", "2", "lint", "passed")
    assert access.registry.get_version("risk/churn", "2").stage == "Staging"


def test_who_may_ask_may_not_promote_by_asking(access: Access) -> None:
    """A contributor asks, but nothing is promoted in the name of who may not promote."""
    contributor = access.as_("contributor")
    assert contributor.request_promotion("risk/churn", "2", "Staging").request.status == "open"
    with pytest.raises(Forbidden, match=r"transition\.promote"):
        contributor.request_promotion("risk/churn", "2", "Archived", auto_promote=True)


def test_protections_are_listed_and_taken_off(access: Access) -> None:
    """They are shown with the project's first, and off is off."""
    shown = access.as_("viewer").list_protections(model="risk/churn")
    assert [(each.kind, each.name, each.needs, each.model) for each in shown] == [
        ("stage", "Production", "release-manager", None),
        ("alias", "champion", "gate.force", "churn"),
    ]
    access.as_("maintainer").remove_protection("alias", "champion", model="risk/churn")
    assert access.as_("maintainer").set_alias("risk/churn", "champion", "2").version == "2"
    with pytest.raises(NotFound, match="not protected"):
        access.as_("maintainer").remove_protection("alias", "champion", model="risk/churn")


def test_unknown_words(access: Access) -> None:
    """A stage, a role, a permission or a kind that there is not is refused."""
    registry = access.registry
    for kind, name, needs in (
        ("stage", "Prod uction", "admin"),
        ("stage", "Production", "owner"),
        ("stage", "Production", "project.create"),
        ("model", "churn", "admin"),
    ):
        with pytest.raises(InvalidInput):
            registry.set_protection(kind, name, needs, model="risk/churn")


def test_without_access_control() -> None:
    """Members of a project keep a stage for some before there is access control, too."""
    world = World()
    world.registry.register_model("m")
    world.registry.set_protection("stage", "Staging", "admin")
    world.as_("bob").promote("m", "1")
    world.registry.demote("m", "1", to="None")
    world.registry.set_member("ana", ["admin"])
    world.registry.set_member("bob", ["maintainer"])
    with pytest.raises(Protected):
        world.as_("bob").promote("m", "1")
    assert world.registry.promote("m", "1").stage == "Staging"
    world.close()
