"""What a caller may not see is not there: in no answer, count, search, cursor, log or error."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from access_world import ROOT, STRANGER, Access
from lockgate.domain.policies import PromotionPolicy
from lockgate.errors import (
    Forbidden,
    InvalidCursor,
    ModelNotFound,
    NotFound,
    PolicyViolated,
    ProjectNotFound,
    RegistryError,
    Unauthenticated,
)
from lockgate.registry import Registry


@pytest.fixture(scope="module")
def access() -> Iterator[Access]:
    """Two projects, of which everybody but the root sees one."""
    made = Access()
    made.furnish()
    yield made
    made.registry.close()


LOOKS: dict[str, Callable[[Registry], object]] = {
    "get_project": lambda r: r.get_project("secret"),
    "get_model": lambda r: r.get_model("secret/hidden"),
    "get_version": lambda r: r.get_version("secret/hidden", "1"),
    "by number": lambda r: r.get_version("secret/hidden", 1),
    "list_versions": lambda r: r.list_versions("secret/hidden"),
    "resolve": lambda r: r.resolve("secret/hidden@champion"),
    "resolve digest": lambda r: r.resolve("secret/hidden@sha256:" + "0" * 64),
    "resolve then": lambda r: r.resolve("secret/hidden@champion", at="2099-01-01T00:00Z"),
    "latest": lambda r: r.get_latest("secret/hidden"),
    "production": lambda r: r.production("secret/hidden"),
    "history": lambda r: r.history("secret/hidden"),
    "transitions": lambda r: r.get_transitions("secret/hidden", "1"),
    "aliases": lambda r: r.list_aliases("secret/hidden"),
    "compare": lambda r: r.compare_versions("secret/hidden", "1", "2"),
    "explain": lambda r: r.explain("secret/hidden", "1"),
    "policies": lambda r: r.list_policies(model="secret/hidden"),
    "members": lambda r: r.list_members(project="secret"),
    "protections": lambda r: r.list_protections(project="secret"),
    "audit": lambda r: r.audit(project="secret"),
    "verify": lambda r: r.verify_audit(project="secret"),
    "search": lambda r: r.search(project="secret"),
    "by stage": lambda r: r.get_by_stage("Production", project="secret"),
    "summary": lambda r: r.summary(project="secret"),
    "checks": lambda r: r.list_checks("secret/hidden", "1"),
    "lineage": lambda r: r.lineage("secret/hidden:1"),
    "files": lambda r: r.files("secret/hidden:1"),
    "requests": lambda r: r.list_requests(model="secret/hidden"),
    "register": lambda r: r.register_model("secret/hidden", "3"),
    "promote": lambda r: r.promote("secret/hidden", "2"),
    "edit": lambda r: r.update_version("secret/hidden", "1", description="x"),
    "delete": lambda r: r.delete_model("secret/hidden"),
    "alias": lambda r: r.set_alias("secret/hidden", "champion", "2"),
    "member": lambda r: r.set_member("admin", ["admin"], project="secret"),
}


@pytest.mark.parametrize("look", LOOKS)
def test_hidden_is_as_absent(access: Access, look: str) -> None:
    """A thing in a project of others is answered exactly as one that is not there."""
    admin = access.as_("admin")
    with pytest.raises(NotFound) as hidden:
        LOOKS[look](admin)
    root = access.as_(ROOT)
    if look not in ("register",):
        said = str(hidden.value)
        assert "ret/hid" not in said.replace("secret/hidden", "")
    assert not isinstance(hidden.value, Forbidden)
    assert root.get_model("secret/hidden").version_count == 2


def test_lists_counts_and_searches_leave_it_out(access: Access) -> None:
    """Over all projects, only what is visible is listed, counted and found."""
    viewer, root = access.as_("viewer"), access.as_(ROOT)
    assert [each.name for each in viewer.list_projects()] == ["risk"]
    assert {"risk", "secret", "default"} < {each.name for each in root.list_projects()}
    assert viewer.summary().total_models == 1
    assert root.summary().total_models == 2
    assert viewer.summary().by_stage == {"None": 1, "Production": 1}
    assert {each.project for each in viewer.search()} == {"risk"}
    assert {each.project for each in root.search()} == {"risk", "secret"}
    assert {each.project for each in viewer.search("metrics.auc > 0")} == {"risk"}
    assert [each.name for each in viewer.search_models("name LIKE '%'")] == ["churn"]
    assert {each.project for each in viewer.get_by_stage("Production")} == {"risk"}


def test_cursors_do_not_lead_there(access: Access) -> None:
    """Pages end where the visible ends; the cursor of somebody else is of another search."""
    viewer, root = access.as_("viewer"), access.as_(ROOT)
    first = viewer.search(limit=1)
    second = viewer.search(limit=1, cursor=first.next_cursor)
    assert second.next_cursor is None
    assert [each.project for each in (*first, *second)] == ["risk", "risk"]
    with pytest.raises(InvalidCursor):
        viewer.search(limit=1, cursor=root.search(limit=1).next_cursor)
    pages = viewer.get_by_stage("None", limit=1)
    assert pages.next_cursor is None


def test_requests_of_others_are_not_there(access: Access) -> None:
    """The inbox, and a request by its uid, keep to what is visible."""
    asked = access.as_(STRANGER).request_promotion("secret/hidden", "2", "Staging")
    mine = access.as_("contributor").request_promotion("risk/churn", "2", "Staging")
    inbox = {each.uid for each in access.as_("viewer").inbox()}
    assert inbox == {mine.request.uid}
    with pytest.raises(NotFound):
        access.as_("admin").approve(asked.request.uid)
    access.as_(STRANGER).withdraw(asked.request.uid)
    access.as_("contributor").withdraw(mine.request.uid)


def test_baselines_elsewhere(access: Access) -> None:
    """A baseline in a project of others is written into no policy, and tried in none.

    Where somebody who sees both wrote it, the gate is as shut to those who do not.
    """
    spying = PromotionPolicy().require_metric_vs("auc", baseline="secret/hidden:2")
    maintainer = access.as_("maintainer")
    with pytest.raises(ProjectNotFound):
        maintainer.check_promotion_policy("risk/churn", "2", spying, "Staging")
    with pytest.raises(ProjectNotFound):
        maintainer.attach_policy("Staging", spying, project="risk")
    maintainer.register_model("risk/worse", "1", metrics={"auc": 0.1})
    access.as_(ROOT).attach_policy("Staging", spying, model="risk/worse")
    with pytest.raises(PolicyViolated):
        maintainer.promote("risk/worse", "1")
    access.as_("maintainer").delete_model("risk/worse")


def test_lineage_ends_where_the_visible_ends(access: Access) -> None:
    """Neither parents nor children of others are in the graph, nor that there are any."""
    root, viewer = access.as_(ROOT), access.as_("viewer")
    root.register_model("secret/offspring", "1", parents=["risk/churn:1"])
    root.register_model("risk/heir", "1", parents=["secret/hidden:1", "secret/none:1"])
    root.register_model("risk/heir", "2", parents=["risk/heir:1"])
    assert len(root.lineage("risk/churn:1").nodes) == 2
    assert len(root.lineage("risk/heir:2").nodes) == 4
    assert [each.id for each in viewer.lineage("risk/churn:1").nodes] == ["risk/churn:1"]
    seen = viewer.lineage("risk/heir:2")
    assert [each.id for each in seen.nodes] == ["risk/heir:2", "risk/heir:1"]
    below = viewer.lineage("risk/churn:1", direction="downstream", depth=1)
    assert not below.truncated
    root.delete_model("risk/heir")
    root.delete_model("secret/offspring")


def test_a_name_that_is_taken_unseen(access: Access) -> None:
    """A project cannot be made anew under a name that is taken; nothing else is told of it."""
    access.registry.set_role("founder", ["project.create"])
    access.registry.set_account("founder", roles=["founder"])
    access.issue("founder")
    founder = access.as_("founder")
    with pytest.raises(RegistryError) as taken:
        founder.create_project("secret")
    assert "already exists" in str(taken.value)
    founder.create_project("mine")
    access.store.grants.refresh()
    again = access.as_("founder")
    assert [each.name for each in again.list_projects()] == ["mine"]
    assert again.register_model("mine/first").label == "1"
    with pytest.raises(ModelNotFound):
        again.get_model("secret/hidden")


def test_a_token_acts_for_its_owner_only(access: Access) -> None:
    """Nobody takes another's name with a token of their own."""
    with pytest.raises(Unauthenticated, match="acts for nobody else"):
        access.as_("viewer").acting_as("admin")
    assert access.as_("viewer").acting_as("viewer").actor == "viewer"
