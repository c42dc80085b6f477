"""Asking for a promotion and deciding on it: who counts, for what, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gate_world import World
from lockgate.bootstrap import connect
from lockgate.domain.policies import PromotionPolicy
from lockgate.errors import (
    AlreadyExists,
    Conflict,
    Forbidden,
    InvalidInput,
    PolicyViolated,
    RequestClosed,
    RequestNotFound,
)

TWO = PromotionPolicy().require_approvals(2)


@pytest.fixture
def world() -> Iterator[World]:
    """Version 1 of ``m``, registered by ana, in Staging; two must approve its way up."""
    made = World()
    made.registry.register_model("m", metrics={"auc": 0.9})
    made.registry.transition_stage("m", "1", "Staging")
    made.registry.attach_policy("Production", TWO, model="m")
    yield made
    made.close()


def ask(world: World, **options: Any) -> str:
    """Return the uid of ana's request."""
    return world.registry.request_promotion("m", "1", "Production", **options).request.uid


def stage(world: World) -> str:
    """Return where version 1 stands."""
    return world.registry.get_version("m", "1").stage


def test_request_is_carried_out_by_the_last_approval(world: World) -> None:
    """With auto_promote the version is in production as soon as the second person approved."""
    uid = ask(world, comment="ready", auto_promote=True)
    first = world.as_("bob").approve(uid, comment="looks good")
    assert (first.request.status, first.report.allowed, stage(world)) == ("open", False, "Staging")
    second = world.as_("cid").approve(uid)
    assert (second.request.status, stage(world)) == ("completed", "Production")
    passage = world.registry.get_transitions("m", "1")[-1]
    assert (passage.actor, passage.comment) == ("ana", "ready")
    assert passage.report is not None
    assert passage.report["rows"][0]["sentence"] == "Approvals 2 >= required 2: bob, cid"


def test_request_without_auto_promote_waits_for_a_hand(world: World) -> None:
    """An approved request stays open until somebody promotes; then it is completed by them."""
    uid = ask(world)
    for person in ("bob", "cid"):
        world.as_(person).approve(uid)
    assert (world.registry.get_request(uid).request.status, stage(world)) == ("open", "Staging")
    world.as_("dan").promote("m", "1")
    closed = world.registry.get_request(uid).request
    assert (closed.status, closed.closed_by) == ("completed", "dan")
    assert world.registry.inbox().items == ()


def test_open_gate_carries_a_request_out_at_once(world: World) -> None:
    """A request with auto_promote for a gate that is open is done when it is made."""
    world.registry.detach_policy("Production", model="m")
    asked = world.registry.request_promotion("m", "1", "Production", auto_promote=True)
    assert (asked.request.status, stage(world)) == ("completed", "Production")


def test_author_cannot_approve(world: World) -> None:
    """Who registered a version cannot approve it, and is told so; saying no is open to them."""
    uid = ask(world)
    with pytest.raises(Conflict, match="ana registered this version and cannot approve it"):
        world.registry.approve(uid)
    assert world.registry.reject(uid).request.status == "rejected"


def test_one_person_counts_once(world: World) -> None:
    """The same person approving twice is one approval."""
    uid = ask(world, auto_promote=True)
    world.as_("bob").approve(uid)
    again = world.as_("bob").approve(uid)
    assert again.report.rows[0].observed == 1
    assert stage(world) == "Staging"


def test_rejection_closes_the_request_in_the_name_of_who_rejected(world: World) -> None:
    """One rejection blocks: the request is rejected, by that person, and nobody else decides."""
    uid = ask(world)
    asked = world.as_("bob").reject(uid, comment="it is biased")
    assert (asked.request.status, asked.request.closed_by) == ("rejected", "bob")
    assert asked.report.rows[0].sentence == "Rejections 1 >= blocking 1: bob (“it is biased”)"
    with pytest.raises(RequestClosed, match="is rejected, no longer open"):
        world.as_("cid").approve(uid)


@pytest.mark.parametrize("way", ["ask again", "withdraw and ask again"])
def test_asking_again_does_not_wash_off_a_rejection(world: World, way: str) -> None:
    """A rejection blocks under the next request as well, however many others approve."""
    world.registry.attach_policy("Production", TWO.require_approvals(1, rejections=2), model="m")
    uid = ask(world, auto_promote=True)
    world.as_("bob").reject(uid)
    if way == "withdraw and ask again":
        second = ask(world, auto_promote=True)
        world.registry.withdraw(second)
    uid = ask(world, auto_promote=True)
    for person in ("cid", "dan", "eve"):
        report = world.as_(person).approve(uid).report
        assert not report.allowed
    assert stage(world) == "Staging"


def test_who_rejected_may_change_their_mind(world: World) -> None:
    """Asked again, who said no can say yes; it counts like any approval."""
    world.as_("bob").reject(ask(world))
    uid = ask(world, auto_promote=True)
    world.as_("cid").approve(uid)
    assert stage(world) == "Staging"
    world.as_("bob").approve(uid)
    assert stage(world) == "Production"


def test_withdrawn_request_takes_no_decisions(world: World) -> None:
    """Who asked can take it back; others cannot."""
    uid = ask(world)
    with pytest.raises(Conflict, match="Only ana, who made the request, can withdraw it"):
        world.as_("bob").withdraw(uid)
    assert world.registry.withdraw(uid, comment="not yet").status == "withdrawn"
    with pytest.raises(RequestClosed, match="is withdrawn"):
        world.as_("bob").approve(uid)


def test_approvals_outlive_a_withdrawn_request(world: World) -> None:
    """An approval is of the version, not of the request: asked again, it still counts."""
    first = ask(world)
    world.as_("bob").approve(first)
    world.registry.withdraw(first)
    second = ask(world, auto_promote=True)
    world.as_("cid").approve(second)
    assert stage(world) == "Production"


def test_request_expires(world: World) -> None:
    """From its expiry on nobody can decide, and the inbox of the open does not carry it out."""
    uid = ask(world, auto_promote=True, expires_at=world.clock.now.replace(hour=13))
    world.as_("bob").approve(uid)
    world.clock.go(hours=1)
    assert world.registry.get_request(uid).request.status == "expired"
    with pytest.raises(RequestClosed, match="is expired"):
        world.as_("cid").approve(uid)
    assert stage(world) == "Staging"


def test_one_request_at_a_time(world: World) -> None:
    """The same is not asked for twice; nor for where the version stands."""
    uid = ask(world)
    with pytest.raises(AlreadyExists) as refused:
        ask(world)
    assert refused.value.fields["request"] == uid
    with pytest.raises(InvalidInput, match="stands in Staging already"):
        world.registry.request_promotion("m", "1", "staging")
    with pytest.raises(RequestNotFound):
        world.registry.approve("no-such-uid")


def test_inbox_and_lists(world: World) -> None:
    """The inbox holds what waits, newest first, in pages; the list of a model also what is over."""
    world.registry.register_model("m")
    world.registry.register_model("other")
    uids = [
        world.registry.request_promotion(name, label, "Staging").request.uid
        for name, label in (("m", "2"), ("other", "1"))
    ]
    world.registry.withdraw(uids[0])
    last = ask(world)
    assert [each.uid for each in world.registry.inbox().items] == [last, uids[1]]
    assert [each.uid for each in world.registry.list_requests(model="m").items] == [last, uids[0]]
    page = world.registry.inbox(limit=1)
    rest = world.registry.inbox(limit=1, cursor=page.next_cursor)
    assert [each.uid for each in (*page.items, *rest.items)] == [last, uids[1]]


def test_changed_metrics_void_and_the_report_says_so(world: World) -> None:
    """After a metric changed the approvals no longer count, and the report says why."""
    uid = ask(world, auto_promote=True)
    world.as_("bob").approve(uid)
    world.registry.log_metrics("m", "1", {"auc": 0.2})
    report = world.as_("cid").approve(uid).report
    assert report.rows[0].sentence == (
        "Approvals 1 < required 2. Approval by bob no longer counts: metrics changed since"
    )


def test_changed_files_void() -> None:
    """A version whose files lie elsewhere is another content; approvals of the former are void."""
    world = World()
    world.registry.register_model("m", artifact_uri="s3://a")
    world.registry.attach_policy("Staging", TWO, model="m")
    uid = world.registry.request_promotion("m", "1", "Staging").request.uid
    world.as_("bob").approve(uid)
    world.registry.update_version("m", "1", artifact_uri="s3://b")
    report = world.registry.explain("m", "1", "Staging")
    assert report.rows[0].sentence == (
        "Approvals 0 < required 2. Approval by bob no longer counts: files changed since"
    )
    world.close()


def test_changed_policy_voids(world: World) -> None:
    """After the policy changed, of the project's too, approvals given before no longer count."""
    uid = ask(world)
    world.as_("bob").approve(uid)
    world.registry.attach_policy("Production", PromotionPolicy().require_tag("team"))
    report = world.registry.explain("m", "1", "Production")
    assert report.rows[-1].sentence == (
        "Approvals 0 < required 2. Approval by bob no longer counts: the policy changed since"
    )


def test_roles_of_the_time_count(world: World) -> None:
    """Only people with the role count, and only they may decide at all."""
    for person, role in (("ana", "admin"), ("bob", "approver"), ("cid", "maintainer")):
        world.registry.set_member(person, [role])
    policy = PromotionPolicy().require_approvals(1, "maintainer")
    world.registry.attach_policy("Production", policy, model="m")
    uid = ask(world, auto_promote=True)
    report = world.as_("bob").approve(uid).report
    assert report.rows[0].sentence == (
        "Approvals 0 < required 1 (role 'maintainer'). "
        "Approval by bob does not count: without the role 'maintainer'"
    )
    with pytest.raises(Forbidden, match=r"eve lacks the permission 'version\.approve'"):
        world.as_("eve").approve(uid)
    assert world.as_("cid").approve(uid).request.status == "completed"


def test_people_at_once_are_each_counted_once(database_url: str) -> None:
    """Of many who approve at the same moment none is lost, and one passage comes of it."""
    registry = connect(database_url, actor="ana")
    registry.register_model("m")
    registry.attach_policy("Staging", PromotionPolicy().require_approvals(4), model="m")
    uid = registry.request_promotion("m", "1", "Staging", auto_promote=True).request.uid
    closed: list[str] = []

    def approve(person: str) -> None:
        try:
            registry.acting_as(person).approve(uid)
        except RequestClosed:
            closed.append(person)

    threads = [Thread(target=approve, args=(f"person-{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = registry.audit(limit=1000).items
    actions = [event.action for event in events]
    assert len(closed) == 4
    assert actions.count("transition") == 1
    assert actions[: actions.index("transition")].count("approve") == 4
    assert actions.count("approve") == 4
    assert registry.verify_audit().ok
    registry.close()


# --- m - 1 approvals never open a gate that wants m ---------------------------------------------

PEOPLE = ("bob", "cid", "dan", "eve")
WISHES = [
    {"count": count, "rejections": rejections, "role": role}
    for count in (1, 2, 3)
    for rejections in (1, 2)
    for role in (None, "maintainer")
]
ROLES = {"bob": "maintainer", "cid": "maintainer", "dan": "maintainer", "eve": "approver"}
deciders = st.sampled_from(PEOPLE)


class Gate(RuleBasedStateMachine):
    """A gate through the registry, beside a model of it that only counts.

    The model keeps each person's last word with what it was said of. A word counts while the
    metrics and the policy are those that it was said of.
    """

    @initialize(wish=st.sampled_from(WISHES))
    def begin(self, wish: dict[str, Any]) -> None:
        """A registry in memory, four people beside ana, and a version of hers."""
        self.world = World()
        self.registry = self.world.registry
        self.registry.set_member("ana", ["admin"])
        for person, role in ROLES.items():
            self.registry.set_member(person, [role])
        self.registry.register_model("m", metrics={"auc": 0})
        self.auc = 0
        self.words: dict[str, tuple[str, Any]] = {}
        self.open: tuple[str, bool] | None = None
        self.stands = "None"
        self.attach(wish)

    def holds(self) -> bool:
        """Say whether the gate is open, by counting."""
        wish = self.wish
        counted = [
            (person, word)
            for person, (word, of) in self.words.items()
            if of == self.content and wish["role"] in (None, ROLES[person])
        ]
        yes = [person for person, word in counted if word == "approve"]
        no = [person for person, word in counted if word == "reject"]
        return len(yes) >= wish["count"] and len(no) < wish["rejections"]

    @property
    def content(self) -> tuple[Any, ...]:
        """What a word said now would be said of."""
        return (self.auc, tuple(self.wish.items()))

    def settle(self) -> None:
        """Expect the request to be carried out, if it is to be and the gate is open."""
        if self.open and self.open[1] and self.stands == "None" and self.holds():
            self.stands, self.open = "Staging", None

    def teardown(self) -> None:
        """Close the registry."""
        if hasattr(self, "world"):
            self.world.close()

    @rule(wish=st.sampled_from(WISHES))
    def attach(self, wish: dict[str, Any]) -> None:
        """Change the policy."""
        self.wish = wish
        self.registry.attach_policy("Staging", PromotionPolicy().require_approvals(**wish))
        self.settle()

    @rule(auc=st.integers(0, 1))
    def measure(self, auc: int) -> None:
        """Change a metric, or change it back."""
        self.registry.log_metrics("m", "1", {"auc": auc})
        changed, self.auc = self.auc != auc, auc
        if changed:
            self.settle()

    @precondition(lambda self: self.open is None and self.stands == "None")
    @rule(auto=st.booleans())
    def ask(self, auto: bool) -> None:
        """Ask for the promotion, perhaps again."""
        asked = self.registry.request_promotion("m", "1", "Staging", auto_promote=auto)
        self.open = (asked.request.uid, auto)
        self.settle()

    @precondition(lambda self: self.open is not None)
    @rule()
    def withdraw(self) -> None:
        """Take the request back."""
        assert self.open is not None
        self.registry.withdraw(self.open[0])
        self.open = None

    @precondition(lambda self: self.open is not None)
    @rule(person=deciders)
    def approve(self, person: str) -> None:
        """Somebody says yes."""
        assert self.open is not None
        self.registry.acting_as(person).approve(self.open[0])
        self.words[person] = ("approve", self.content)
        self.settle()

    @precondition(lambda self: self.open is not None)
    @rule(person=deciders)
    def reject(self, person: str) -> None:
        """Somebody says no; the request is over once that blocks."""
        assert self.open is not None
        asked = self.registry.acting_as(person).reject(self.open[0])
        self.words[person] = ("reject", self.content)
        counted = [
            word
            for who, (word, of) in self.words.items()
            if of == self.content and self.wish["role"] in (None, ROLES[who])
        ]
        blocked = counted.count("reject") >= self.wish["rejections"]
        assert asked.request.status == ("rejected" if blocked else asked.request.status)
        if blocked:
            self.open = None
        self.settle()

    @precondition(lambda self: self.stands == "None")
    @rule()
    def push(self) -> None:
        """Somebody tries the gate without asking: it opens if it holds, and else does not."""
        if self.holds():
            self.registry.promote("m", "1")
            self.stands, self.open = "Staging", None
            return
        with pytest.raises(PolicyViolated):
            self.registry.promote("m", "1")

    @precondition(lambda self: self.stands == "Staging")
    @rule()
    def step_back(self) -> None:
        """Take it back; what was decided stays decided."""
        self.registry.demote("m", "1")
        self.stands = "None"

    @invariant()
    def agrees(self) -> None:
        """The registry says of the gate, the version and the inbox what counting says."""
        if not hasattr(self, "stands"):
            return
        assert self.registry.get_version("m", "1").stage == self.stands
        if self.stands == "None":
            assert self.registry.explain("m", "1", "Staging").allowed == self.holds()
        waiting = self.registry.inbox().items
        assert [each.uid for each in waiting] == ([self.open[0]] if self.open else [])


TestGate = Gate.TestCase
TestGate.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
