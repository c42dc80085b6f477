"""Random histories against a plain model in memory: every place agrees at every instant."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gate_world import World
from lockgate.errors import NotFound, NothingToRollBackTo, StageEmpty, TransitionNotAllowed

INSTANT = timedelta(microseconds=1)
# stages, first is initial | the stage in production | where its incumbent goes, if one goes
SHAPES: dict[str, tuple[tuple[str, ...], str, str | None]] = {
    "standard": (("None", "Staging", "Production", "Archived"), "Production", "Staging"),
    "linear": (("Dev", "Staging", "Production"), "Production", None),
    "kanban": (("Development", "Staging", "Production", "Archived"), "Production", None),
    "open": (("none", "staging", "production", "archived"), "production", None),
    "single": (("none", "staging", "production", "archived"), "production", "staging"),
    "strict": (("None", "Staging", "Production", "Archived"), "Production", "Staging"),
}
ALIASES = ("champion", "challenger")


class Picture:
    """What stands where: all that the model in memory knows."""

    def __init__(self) -> None:
        self.stages: dict[str, str] = {}
        self.aliases: dict[str, str] = {}

    def latest_in(self, stage: str) -> str | None:
        """Return the version with the highest number that stands in a stage."""
        return max((each for each, at in self.stages.items() if at == stage), key=int, default=None)

    def take_away(self, label: str) -> None:
        """Let a version be nowhere, and its aliases name nothing."""
        del self.stages[label]
        self.aliases = {alias: of for alias, of in self.aliases.items() if of != label}


class History(RuleBasedStateMachine):
    """A model's life, and a list of pictures: one for every moment at which something changed."""

    @initialize(lifecycle=st.sampled_from(sorted(SHAPES)))
    def begin(self, lifecycle: str) -> None:
        """A model under one of the lifecycles, with a version."""
        self.world = World()
        self.registry = self.world.registry
        self.stages, self.serving, self.retreat = SHAPES[lifecycle]
        self.registry.create_model("m", lifecycle=lifecycle)
        self.world.clock.go(seconds=1)
        self.now = Picture()
        self.gone: list[str] = []
        self.alive = True
        self.count = 0
        self.pictures: list[tuple[datetime, Picture]] = []
        self.register()

    def teardown(self) -> None:
        """Compare the whole past with the pictures, then close."""
        if hasattr(self, "world"):
            self.look_back()
            assert self.registry.verify_audit().ok
            self.world.close()

    def keep(self) -> None:
        """Take a picture of this moment, and let a second pass."""
        self.pictures.append((self.world.clock.now, deepcopy(self.now)))
        self.world.clock.go(seconds=1)

    def enter(self, label: str, stage: str) -> None:
        """Let a version stand in a stage; who stood in production makes room, if there is room."""
        if stage == self.serving and self.retreat is not None:
            for other, at in self.now.stages.items():
                if at == stage and other != label:
                    self.now.stages[other] = self.retreat
        self.now.stages[label] = stage

    def pick(self, data: Any) -> str:
        """Return some version that is there."""
        return str(data.draw(st.sampled_from(sorted(self.now.stages)), label="version"))

    @precondition(lambda self: self.alive and self.count < 6)
    @rule()
    def register(self) -> None:
        """Another version."""
        self.count += 1
        self.registry.register_model("m", str(self.count))
        self.now.stages[str(self.count)] = self.stages[0]
        self.keep()

    @precondition(lambda self: self.alive and self.now.stages)
    @rule(data=st.data(), way=st.sampled_from(("promote", "demote", "archive", "transition")))
    def move(self, data: Any, way: str) -> None:
        """Send a version somewhere; what the lifecycle refuses changes nothing."""
        label = self.pick(data)
        to = None if way == "archive" else data.draw(st.sampled_from(self.stages), label="to")
        target = self.stages[-1] if to is None else to
        try:
            self.registry.transition("m", label, to, verb=way)
        except TransitionNotAllowed:
            pass
        else:
            self.enter(label, target)
        self.keep()

    @precondition(lambda self: self.alive)
    @rule()
    def roll_back(self) -> None:
        """Bring an earlier version back: one that stood in production and does not now."""
        try:
            label = self.registry.rollback("m").label
        except (NothingToRollBackTo, TransitionNotAllowed):
            self.keep()
            return
        assert any(picture.stages.get(label) == self.serving for _, picture in self.pictures)
        assert self.now.stages[label] != self.serving
        self.enter(label, self.serving)
        self.keep()

    @precondition(lambda self: self.alive and self.now.stages)
    @rule(data=st.data(), alias=st.sampled_from(ALIASES))
    def name(self, data: Any, alias: str) -> None:
        """Let an alias name a version."""
        label = self.pick(data)
        self.registry.set_alias("m", alias, label)
        self.now.aliases[alias] = label
        self.keep()

    @precondition(lambda self: self.alive)
    @rule(alias=st.sampled_from(ALIASES))
    def unname(self, alias: str) -> None:
        """Take an alias away, if it is there."""
        try:
            self.registry.delete_alias("m", alias)
        except NotFound:
            assert alias not in self.now.aliases
        self.now.aliases.pop(alias, None)
        self.keep()

    @precondition(lambda self: self.alive and self.now.stages)
    @rule(data=st.data())
    def delete(self, data: Any) -> None:
        """Delete a version, wherever it stands."""
        label = self.pick(data)
        self.registry.delete_version("m", label, force=True)
        self.now.take_away(label)
        self.gone.append(label)
        self.keep()

    @precondition(lambda self: self.alive and self.gone)
    @rule(data=st.data())
    def restore(self, data: Any) -> None:
        """Bring a deleted version back: it begins again."""
        label = data.draw(st.sampled_from(sorted(self.gone)), label="version")
        self.registry.restore_version("m", label)
        self.gone.remove(label)
        self.now.stages[label] = self.stages[0]
        self.keep()

    @precondition(lambda self: self.alive)
    @rule()
    def delete_model(self) -> None:
        """Delete the model; nothing of it stands anywhere until it comes back."""
        self.registry.delete_model("m", force=True)
        self.alive = False
        self.held, self.now = self.now, Picture()
        self.keep()

    @precondition(lambda self: not self.alive)
    @rule()
    def restore_model(self) -> None:
        """Bring the model back as it was."""
        self.registry.restore_model("m")
        self.alive = True
        self.now = self.held
        self.keep()

    @invariant()
    def present(self) -> None:
        """What stands where now is what the model in memory says."""
        if hasattr(self, "alive") and self.alive:
            versions = self.registry.list_versions("m").items
            assert {each.label: each.stage for each in versions} == self.now.stages
            assert self.seen(None) == self.expected(self.now)

    def look_back(self) -> None:
        """Ask at every moment of the past, just before it and after it."""
        earlier = Picture()
        for moment, picture in self.pictures:
            assert self.seen(moment - INSTANT) == self.expected(earlier), moment
            assert self.seen(moment) == self.expected(picture), moment
            assert self.seen(moment + timedelta(milliseconds=500)) == self.expected(picture)
            earlier = picture

    def expected(self, picture: Picture) -> dict[str, str | None]:
        """Return what each reference means, by a picture."""
        found = {f"m@{stage}": picture.latest_in(stage) for stage in self.stages}
        found |= {f"m@{alias}": picture.aliases.get(alias) for alias in ALIASES}
        return {**found, "production": picture.latest_in(self.serving)}

    def seen(self, at: datetime | None) -> dict[str, str | None]:
        """Return what each reference means, by the registry."""
        found: dict[str, str | None] = {}
        for word in (*self.stages, *ALIASES):
            try:
                found[f"m@{word}"] = self.registry.resolve(f"m@{word}", at=at).label
            except NotFound:
                found[f"m@{word}"] = None
        try:
            found["production"] = self.registry.production("m", at=at).label
        except (StageEmpty, NotFound):
            found["production"] = None
        return found


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
