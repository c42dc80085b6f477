"""Lifecycles: stages, the edges between them, and the rules of standing in one.

A lifecycle is data. Everything that the house knows about a stage it asks here; no other module
knows a stage by name. Documents are read and validated in `lifecycle_documents`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from lockgate.domain.frozen import EMPTY
from lockgate.domain.models import VersionScheme
from lockgate.domain.policies import PromotionPolicy
from lockgate.domain.requirements.requirement import Mode
from lockgate.errors import InvalidInput

SameStage = Literal["reject", "noop", "noop_audit", "record"]
OnDuplicate = Literal["return_existing", "conflict"]
LatestBy = Literal["created", "seq"]

PROMOTE, DEMOTE, ARCHIVE, ROLLBACK, TRANSITION = (
    "promote",
    "demote",
    "archive",
    "rollback",
    "transition",
)
VERBS = (PROMOTE, DEMOTE, ARCHIVE, ROLLBACK, TRANSITION)
STAMP_APPROVAL = "stamp_approval"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where a version may stand.

    ``incumbent`` (for an exclusive stage) says what happens to the version that stands there
    when another enters: ``demote:<stage>``, ``archive`` or ``reject``. ``archive`` marks the
    stage that retired versions go to; ``serving`` the one whose versions are in production.
    """

    name: str
    aliases: tuple[str, ...] = ()
    colour: str = "gray"
    description: str = ""
    exclusive: bool = False
    incumbent: str = "reject"
    archive: bool = False
    serving: bool = False
    on_enter: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A way from stage to stage, and the verbs that may take it.

    The verb ``transition`` on an edge stands for any verb that fits its direction; an edge
    without it is bound to the verbs it lists.
    """

    source: str
    target: str
    verbs: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Lifecycle:
    """A validated set of stages and edges; ``revision`` 1, 2, 3 … under one name.

    ``policies`` maps a stage's name to the policy that guards the way into it. Under
    ``policy_mode`` advisory no policy blocks, wherever it is attached.
    """

    name: str
    revision: int = 1
    description: str = ""
    stages: tuple[Stage, ...]
    initial: str
    initial_choice: bool = False
    edges: tuple[Edge, ...]
    same_stage: SameStage = "reject"
    on_duplicate_version: OnDuplicate = "conflict"
    on_duplicate_model: OnDuplicate = "conflict"
    version_scheme: VersionScheme = "string"
    latest_by: LatestBy = "seq"
    policy_mode: Mode = "enforce"
    policies: Mapping[str, PromotionPolicy] = EMPTY

    def stage(self, text: Any) -> Stage:
        """Return the stage that ``text`` names in any case, or by an alias of the stage.

        Raises `InvalidInput` listing the stages there are.
        """
        found = self.find_stage(text)
        if found is None:
            allowed = [stage.name for stage in self.stages]
            raise InvalidInput(
                detail=f"Invalid stage {text!r}. Allowed: {', '.join(allowed)}.",
                field="stage",
                allowed=allowed,
            )
        return found

    def find_stage(self, text: Any) -> Stage | None:
        """Return the stage that ``text`` names in any case or by an alias, or None."""
        return self._by_key.get(text.strip().casefold()) if isinstance(text, str) else None

    @cached_property
    def _by_key(self) -> dict[str, Stage]:
        return {
            name.casefold(): stage for stage in self.stages for name in (stage.name, *stage.aliases)
        }

    @cached_property
    def _edges(self) -> dict[tuple[str, str], Edge]:
        return {(edge.source, edge.target): edge for edge in self.edges}

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {stage.name: position for position, stage in enumerate(self.stages)}

    @cached_property
    def stage_words(self) -> frozenset[str]:
        """Every name and alias of a stage, case-folded: none of them can be a version alias."""
        return frozenset(self._by_key)

    @cached_property
    def serving_stage(self) -> Stage:
        """The stage whose versions are in production.

        It is the one marked ``serving``; without a mark the last exclusive stage; without one
        the last stage that is not the archive.
        """
        marked = [stage for stage in self.stages if stage.serving]
        exclusive = [stage for stage in self.stages if stage.exclusive]
        active = [stage for stage in self.stages if not stage.archive]
        return (marked or exclusive or active or list(self.stages))[-1]

    def protects(self, stage: Stage) -> bool:
        """Say whether a version is deleted from a stage only by force.

        So it is where one stands alone and where versions serve, unless all of them begin there.
        """
        return stage.exclusive or stage.name == self.serving_stage.name != self.initial

    @cached_property
    def archive_stage(self) -> Stage | None:
        """The stage that retired versions go to, if there is one."""
        return next((stage for stage in self.stages if stage.archive), None)

    def edge(self, source: str, target: str) -> Edge | None:
        """Return the edge between two canonical stage names, or None."""
        return self._edges.get((source, target))

    def natural_verb(self, source: str, target: str) -> str:
        """Return the verb that describes the direction: archive, promote or demote."""
        if self._by_key[target.casefold()].archive:
            return ARCHIVE
        return PROMOTE if self._positions[target] > self._positions[source] else DEMOTE

    def allows(self, source: str, target: str, verb: str) -> bool:
        """Say whether ``verb`` may take a version from ``source`` to ``target``.

        A caller's ``transition`` is any verb but rollback: going back on the record is said
        explicitly.
        """
        edge = self.edge(source, target)
        if edge is None:
            return False
        if verb == TRANSITION:
            return bool(edge.verbs - {ROLLBACK})
        if verb in edge.verbs:
            return True
        fits = verb in (ROLLBACK, self.natural_verb(source, target))
        return TRANSITION in edge.verbs and fits

    def next_steps(self, source: str) -> tuple[tuple[str, str], ...]:
        """Return ``(verb, target)`` for every edge out of ``source``, in the order of stages."""
        steps: list[tuple[str, str]] = []
        for stage in self.stages:
            edge = self.edge(source, stage.name)
            if edge is None or stage.name == source:
                continue
            natural = self.natural_verb(source, stage.name)
            if edge.verbs == {ROLLBACK}:
                steps.append((ROLLBACK, stage.name))
            elif TRANSITION in edge.verbs or natural in edge.verbs:
                steps.append((natural, stage.name))
            else:
                steps.extend((verb, stage.name) for verb in sorted(edge.verbs))
        return tuple(steps)
