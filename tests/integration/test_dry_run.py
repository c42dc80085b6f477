"""What `explain` says is what the transition does, on random policies and evidence."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gate_world import World
from lockgate.domain.access import Actor
from lockgate.domain.policies import PromotionPolicy
from lockgate.errors import PolicyViolated, RegistryError, TransitionNotAllowed
from lockgate.registry import Registry

EXAMPLES = 150
CASES_MIN = 1_000
LIFECYCLES = ("standard", "linear", "kanban", "open", "single", "strict")
STAGES = {
    "standard": ("None", "Staging", "Production", "Archived"),
    "linear": ("Dev", "Staging", "Production"),
    "kanban": ("Development", "Staging", "Production", "Archived"),
    "open": ("none", "staging", "production", "archived"),
    "single": ("none", "staging", "production", "archived"),
    "strict": ("None", "Staging", "Production", "Archived"),
}
PEOPLE = ("ana", "bob", "cid", "dan")
METRICS = st.dictionaries(
    st.sampled_from(("auc", "loss")), st.sampled_from((0.1, 0.5, 0.9)), max_size=2
)
MODES = st.sampled_from((None, None, None, "advisory", "enforce"))

requirements = st.one_of(
    st.builds(
        dict,
        kind=st.just("metric"),
        name=st.sampled_from(("auc", "loss")),
        comparison=st.sampled_from((">", ">=", "<", "<=", "==")),
        threshold=st.sampled_from((0.1, 0.5, 0.9)),
    ),
    st.builds(
        dict,
        kind=st.just("metric_vs"),
        name=st.sampled_from(("auc", "loss")),
        baseline=st.sampled_from(("@production", "@latest", "@champion", ":1")),
        direction=st.sampled_from(("higher", "lower")),
        min_delta=st.sampled_from((-0.1, 0.0, 0.1)),
        require_baseline=st.booleans(),
    ),
    st.builds(
        dict,
        kind=st.just("approvals"),
        count=st.integers(1, 2),
        rejections=st.integers(1, 2),
        allow_author=st.booleans(),
    ),
    st.builds(
        dict,
        kind=st.just("check"),
        name=st.sampled_from(("ci", "bias")),
        max_age=st.sampled_from(("30m", "2h")),
    ),
    st.builds(
        dict,
        kind=st.just("soak"),
        stage=st.sampled_from(("Staging", "Production")),
        duration=st.sampled_from(("1h", "3h")),
    ),
    st.builds(dict, kind=st.just("tag"), name=st.just("team"), matches=st.sampled_from("*r")),
    st.builds(dict, kind=st.just("metadata"), name=st.just("card.owner")),
    st.builds(dict, kind=st.just("card"), chars_min=st.sampled_from((1, 20))),
    st.builds(dict, kind=st.just("lineage")),
    st.builds(dict, kind=st.sampled_from(("scan", "signature"))),
)
policies = st.builds(
    lambda mode, wanted: {"mode": mode, "requirements": wanted},
    st.sampled_from(("enforce", "enforce", "advisory")),
    st.lists(requirements, min_size=1, max_size=4),
)
deeds = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.sampled_from((1, 45, 200))),
        st.tuples(st.just("measure"), METRICS),
        st.tuples(st.just("tag"), st.sampled_from(("risk", "growth"))),
        st.tuples(
            st.just("check"),
            st.sampled_from(("ci", "bias")),
            st.sampled_from(("passed", "passed", "failed", "running")),
        ),
        st.tuples(
            st.just("decide"),
            st.sampled_from(PEOPLE),
            st.sampled_from(("approve", "approve", "approve", "reject")),
        ),
        st.tuples(st.just("move"), st.integers(0, 3)),
        st.tuples(st.just("promote first"), st.just(0)),
        st.tuples(st.just("alias"), st.just(0)),
    ),
    max_size=8,
)

Life = tuple[str, dict[str, float], tuple[Any, ...], bool, list[tuple[Any, ...]]]
lives = st.tuples(
    st.sampled_from(LIFECYCLES),
    METRICS,
    st.tuples(policies, policies, policies),
    st.booleans(),
    deeds,
)


class Worlds:
    """Hands out projects that nobody has used, in a world that is new now and then."""

    def __init__(self) -> None:
        self.world = World()
        self._used = 0

    def project(self) -> tuple[World, Registry]:
        """Return a world, so young that its tables are small, and a registry on a new project."""
        self._used += 1
        if self._used % 20 == 0:
            self.world.close()
            self.world = World()
        name = f"p{self._used}"
        self.world.registry.create_project(name)
        return self.world, Registry(self.world.store, Actor.named("ana"), name)


def do(world: World, registry: Registry, deed: tuple[Any, ...], stages: tuple[str, ...]) -> None:
    """Do something to version 2, or to what it is compared with. Refusals are part of life."""
    what, *words = deed
    if what == "wait":
        world.clock.go(minutes=words[0])
    elif what == "measure":
        registry.log_metrics("m", "2", words[0])
    elif what == "tag":
        registry.update_version("m", "2", tags={"team": words[0]})
    elif what == "check":
        registry.report_check("m", "2", words[0], words[1])
    elif what == "decide":
        person, verdict = words
        for stage in stages[1:3]:
            asked = next(
                (
                    r.uid
                    for r in registry.list_requests(model="m", status="open").items
                    if r.to_stage == stage
                ),
                None,
            )
            if asked is None:
                asked = registry.request_promotion("m", "2", stage).request.uid
            getattr(registry.acting_as(person), verdict)(asked)
    elif what == "move":
        registry.transition("m", "2", stages[words[0] % len(stages)])
    elif what == "promote first":
        registry.promote("m", "1")
    else:
        registry.set_alias("m", "champion", "1")


def verdict(world: World, registry: Registry, stage: str | None) -> str:
    """Ask and try the way into ``stage``; return what came of it, after comparing the two."""
    before = world.dump()
    report, no_way = None, None
    try:
        report = registry.explain("m", "2", stage)
    except TransitionNotAllowed as refusal:
        no_way = str(refusal)
    assert world.dump() == before
    told = None if report is None else report.to_document()
    outcome, heard = attempt(registry, stage)
    if outcome == "no way" and report is None:
        assert heard == no_way
        return "no step"
    assert report is not None
    assert report.allowed == (outcome in ("open", "stays"))
    if outcome == "no way":
        assert (report.rows[0].requirement, report.rows[0].sentence) == ("lifecycle", heard)
    elif heard is not None:
        assert heard == told
    return outcome


def attempt(registry: Registry, stage: str | None) -> tuple[str, Any]:
    """Try the way into ``stage``; return what came of it, and the report or sentence of that."""
    try:
        verb = "promote" if stage is None else "transition"
        done = registry.transition("m", "2", stage, verb=verb)
    except TransitionNotAllowed as refusal:
        return "no way", str(refusal)
    except PolicyViolated as refusal:
        return "closed", refusal.fields["report"]
    report = None if done.report is None else done.report.to_document()
    return ("open" if done.transition else "stays"), report


def live(worlds: Worlds, life: Life) -> list[str]:
    """Live a life up to the gates, and return what came of asking at each of them."""
    lifecycle, metrics, attached, of_project, done = life
    world, registry = worlds.project()
    stages = STAGES[lifecycle]
    registry.create_model("m", lifecycle=lifecycle)
    registry.register_model("m", "1", metrics=metrics)
    registry.register_model("m", "2", metrics=metrics, description="A card of some length.")
    for stage, policy in zip(stages[1:], attached, strict=False):
        registry.attach_policy(stage, PromotionPolicy.from_document(policy), model="m")
        if of_project:
            registry.attach_policy(stage, PromotionPolicy.from_document(attached[0]))
    for deed in done:
        with suppress(RegistryError):
            do(world, registry, deed, stages)
    return [verdict(world, registry, stage) for stage in (*stages, None, *reversed(stages))]


def test_dry_run_is_what_happens() -> None:
    """In a thousand random cases `explain` changes no row, and says what the transition does."""
    worlds = Worlds()
    outcomes: list[str] = []

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(lives)
    def look(life: Life) -> None:
        outcomes.extend(live(worlds, life))

    look()
    worlds.world.close()
    assert len(outcomes) >= CASES_MIN
    assert set(outcomes) == {"open", "closed", "no way", "no step", "stays"}
