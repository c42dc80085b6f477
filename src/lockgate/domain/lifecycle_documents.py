"""Lifecycle documents: read from TOML or JSON, checked with every fault reported at once.

name = "release-train"            # required
initial = "Dev"                   # required
initial_choice = false            # may a creator choose another initial stage?
same_stage = "noop_audit"         # reject | noop | noop_audit | record
version_scheme = "semver"         # auto | int | semver | string
latest_by = "seq"                 # seq | created
on_duplicate_version = "conflict" # conflict | return_existing
on_duplicate_model = "conflict"

[[stages]]                        # at least one, in order
name = "Live"
aliases = ["prod"]
colour = "green"
exclusive = true                  # at most one version at a time
incumbent = "demote:Dev"          # demote:<stage> | archive | reject
serving = true                    # what `production()` answers with
archive = false                   # where `archive` leads
on_enter = ["stamp_approval"]

[[edges]]
from = "Dev"
to = "Live"
verbs = ["promote"]               # left out: any verb of the direction

[policies.Live]                   # what must hold to enter; see the policy reference
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any, get_args

from lockgate.domain import names
from lockgate.domain.frozen import FrozenDict
from lockgate.domain.lifecycles import (
    ARCHIVE,
    DEMOTE,
    PROMOTE,
    STAMP_APPROVAL,
    TRANSITION,
    VERBS,
    Edge,
    LatestBy,
    Lifecycle,
    OnDuplicate,
    SameStage,
    Stage,
)
from lockgate.domain.models import VersionScheme
from lockgate.domain.policies import PromotionPolicy
from lockgate.domain.requirements.requirement import Mode, Surroundings
from lockgate.errors import InvalidInput, InvalidLifecycle, InvalidPolicy, LimitExceeded

STAGES_MAX = 32
DOCUMENT_CHARS_MAX = 200_000

_COLOUR = re.compile(r"[a-z]{3,20}|#[0-9a-fA-F]{6}")
_CHOICES: dict[str, tuple[str, ...]] = {
    "same_stage": get_args(SameStage),
    "version_scheme": get_args(VersionScheme),
    "latest_by": get_args(LatestBy),
    "on_duplicate_version": get_args(OnDuplicate),
    "on_duplicate_model": get_args(OnDuplicate),
    "policy_mode": get_args(Mode),
}
_FIELDS = {"name", "description", "stages", "initial", "initial_choice", "edges", "policies"}
_STAGE_FIELDS = {
    "name",
    "aliases",
    "colour",
    "description",
    "exclusive",
    "incumbent",
    "archive",
    "serving",
    "on_enter",
}


def read_document(text: str, *, form: str = "toml") -> dict[str, Any]:
    """Return the document in ``text``, which is ``toml`` or ``json``.

    Raises `InvalidLifecycle` with the line and column of a syntax error.
    """
    if len(text) > DOCUMENT_CHARS_MAX:
        raise _invalid("", [f"the document has over {DOCUMENT_CHARS_MAX} characters"])
    try:
        document = tomllib.loads(text) if form == "toml" else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _invalid("", [f"not valid {form.upper()}: {error}"]) from None
    if not isinstance(document, dict):
        raise _invalid("", ["the document must be an object with name, stages, initial and edges"])
    return document


def parse_lifecycle(document: Mapping[str, Any], revision: int = 1) -> Lifecycle:
    """Return the lifecycle that ``document`` describes.

    Raises `InvalidLifecycle` whose ``faults`` lists every fault.
    """
    if not isinstance(document, Mapping):
        fault = f"a lifecycle is an object with a name, stages and edges, got {document!r:.60}"
        raise _invalid("", [fault])
    return _Reader(document).read(revision)


def lifecycle_document(lifecycle: Lifecycle) -> dict[str, Any]:
    """Return the document of a lifecycle: `parse_lifecycle` of it gives an equal one."""
    return {
        "name": lifecycle.name,
        "description": lifecycle.description,
        "stages": [
            {
                "name": stage.name,
                "aliases": list(stage.aliases),
                "colour": stage.colour,
                "description": stage.description,
                "exclusive": stage.exclusive,
                "incumbent": stage.incumbent,
                "archive": stage.archive,
                "serving": stage.serving,
                "on_enter": list(stage.on_enter),
            }
            for stage in lifecycle.stages
        ],
        "initial": lifecycle.initial,
        "initial_choice": lifecycle.initial_choice,
        "edges": [
            {"from": edge.source, "to": edge.target, "verbs": sorted(edge.verbs)}
            for edge in lifecycle.edges
        ],
        **{choice: getattr(lifecycle, choice) for choice in _CHOICES},
        "policies": {stage: policy.to_document() for stage, policy in lifecycle.policies.items()},
    }


def _invalid(name: str, faults: list[str]) -> InvalidLifecycle:
    return InvalidLifecycle(lifecycle=name, detail="; ".join(faults), faults=faults)


class _Reader:
    """Reads one document, collecting faults as it goes."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.faults: list[str] = []
        self.by_key: dict[str, Stage] = {}

    def read(self, revision: int) -> Lifecycle:
        name = self._name()
        self._refuse_unknown(self.document, _FIELDS | _CHOICES.keys(), "the document")
        stages = self._stages()
        initial = self._known_stage(self.document.get("initial"), "initial")
        edges = self._edges(stages)
        choices = {field: self._choice(field, allowed) for field, allowed in _CHOICES.items()}
        initial_choice = self._flag(self.document, "initial_choice", "the document")
        policies = self._policies()
        description = self._text(self.document, "description")
        if not self.faults:
            self._check_initial(initial)
            self._check_reachable(stages, edges, initial, initial_choice)
            self._check_incumbents(stages, edges)
        if self.faults:
            raise _invalid(name, self.faults)
        return Lifecycle(
            name=name,
            revision=revision,
            description=description,
            stages=stages,
            initial=initial,
            initial_choice=initial_choice,
            edges=edges,
            policies=policies,
            **choices,
        )

    def _name(self) -> str:
        name = self.document.get("name")
        try:
            return names.project_name(name)
        except InvalidInput:
            self.faults.append(
                f"name must be lower-case letters, digits and . _ - , at most 63, got {name!r}"
            )
            return str(name)[:63]

    def _stages(self) -> tuple[Stage, ...]:
        listed = self.document.get("stages")
        if not isinstance(listed, list) or not listed:
            self.faults.append("stages must be a list with at least one stage")
            return ()
        if len(listed) > STAGES_MAX:
            self.faults.append(f"{len(listed)} stages are more than {STAGES_MAX}")
            return ()
        stages = [stage for each in listed if (stage := self._stage(each)) is not None]
        for stage in stages:
            for word in (stage.name, *stage.aliases):
                if word.casefold() in self.by_key:
                    self.faults.append(f"stage name or alias '{word}' is used twice")
                self.by_key[word.casefold()] = stage
        for flag in ("archive", "serving"):
            marked = [stage.name for stage in stages if getattr(stage, flag)]
            if len(marked) > 1:
                self.faults.append(f"only one stage may be {flag}, not {', '.join(marked)}")
        return tuple(stages)

    def _stage(self, entry: Any) -> Stage | None:
        if not isinstance(entry, Mapping):
            self.faults.append(f"a stage must be an object with a name, got {entry!r}")
            return None
        where = f"stage {entry.get('name')!r}"
        self._refuse_unknown(entry, _STAGE_FIELDS, where)
        words: list[Any] = [entry.get("name"), *self._texts(entry, "aliases", where)]
        for word in words:
            try:
                names.alias_name(word, limits=names.Limits(alias_chars_max=50))
            except InvalidInput as error:
                self.faults.append(f"{where}: {str(error).replace('alias', 'name', 1)}")
                return None
        colour = entry.get("colour", "gray")
        if not isinstance(colour, str) or not _COLOUR.fullmatch(colour):
            self.faults.append(f"{where}: colour must be a word or #rrggbb, got {colour!r}")
        on_enter = self._texts(entry, "on_enter", where)
        for action in on_enter:
            if action != STAMP_APPROVAL:
                self.faults.append(f"{where}: on_enter knows {STAMP_APPROVAL!r}, not {action!r}")
        exclusive = self._flag(entry, "exclusive", where)
        incumbent = entry.get("incumbent", "reject")
        if not isinstance(incumbent, str):
            self.faults.append(f"{where}: incumbent must be demote:<stage>, archive or reject")
            incumbent = "reject"
        elif incumbent != "reject" and not exclusive:
            self.faults.append(f"{where}: incumbent means nothing unless exclusive = true")
        return Stage(
            name=words[0],
            aliases=tuple(words[1:]),
            colour=str(colour),
            description=self._text(entry, "description"),
            exclusive=exclusive,
            incumbent=incumbent,
            archive=self._flag(entry, "archive", where),
            serving=self._flag(entry, "serving", where),
            on_enter=tuple(on_enter),
        )

    def _edges(self, stages: tuple[Stage, ...]) -> tuple[Edge, ...]:
        listed = self.document.get("edges", [])
        if not isinstance(listed, list):
            self.faults.append("edges must be a list of {from, to, verbs}")
            return ()
        order = [stage.name for stage in stages]
        edges: dict[tuple[str, str], Edge] = {}
        for entry in listed:
            if not isinstance(entry, Mapping):
                self.faults.append(f"an edge must be an object with from and to, got {entry!r}")
                continue
            where = f"edge {entry.get('from')} → {entry.get('to')}"
            self._refuse_unknown(entry, {"from", "to", "verbs"}, where)
            source = self._known_stage(entry.get("from"), where)
            target = self._known_stage(entry.get("to"), where)
            verbs = self._verbs(entry, where)
            if not source or not target:
                continue
            self._check_direction(order, source, target, verbs, where)
            if (source, target) in edges:
                self.faults.append(f"{where} is listed twice")
            edges[source, target] = Edge(source=source, target=target, verbs=frozenset(verbs))
        return tuple(edges.values())

    def _verbs(self, entry: Mapping[str, Any], where: str) -> list[str]:
        if "verbs" not in entry:
            return [TRANSITION]
        verbs = self._texts(entry, "verbs", where)
        if not verbs:
            self.faults.append(f"{where}: verbs must not be empty; leave it out to allow any")
        for verb in verbs:
            if verb not in VERBS:
                self.faults.append(f"{where}: unknown verb {verb!r}; known: {', '.join(VERBS)}")
        return verbs

    def _check_direction(
        self, order: list[str], source: str, target: str, verbs: list[str], where: str
    ) -> None:
        forward = order.index(target) > order.index(source)
        if PROMOTE in verbs and not forward:
            self.faults.append(f"{where}: promote leads to a later stage, {target} is not later")
        if DEMOTE in verbs and (forward or source == target):
            self.faults.append(f"{where}: demote leads to an earlier stage, {target} is not")
        if ARCHIVE in verbs and not self.by_key[target.casefold()].archive:
            self.faults.append(f"{where}: archive leads to a stage with archive = true")

    def _policies(self) -> FrozenDict[str, PromotionPolicy]:
        listed = self.document.get("policies", {})
        if not isinstance(listed, Mapping):
            self.faults.append("policies must map stages to policies")
            return FrozenDict()
        policies: dict[str, PromotionPolicy] = {}
        for name, policy in listed.items():
            stage = self._known_stage(name, "policies")
            try:
                read = PromotionPolicy.from_document(policy, Surroundings(stages=self.by_key))
            except InvalidPolicy as error:
                self.faults += [f"policies.{name}: {fault}" for fault in error.fields["faults"]]
                continue
            if stage:
                policies[stage] = read
        return FrozenDict(policies)

    def _check_initial(self, initial: str) -> None:
        if self.by_key[initial.casefold()].exclusive:
            self.faults.append(
                f"initial stage '{initial}' is exclusive: a second version could not be registered"
            )

    def _check_reachable(
        self, stages: tuple[Stage, ...], edges: tuple[Edge, ...], initial: str, choice: bool
    ) -> None:
        reached = {stage.name for stage in stages} if choice else {initial}
        while more := {e.target for e in edges if e.source in reached} - reached:
            reached |= more
        for stage in stages:
            if stage.name not in reached:
                self.faults.append(f"stage '{stage.name}' cannot be reached from '{initial}'")

    def _check_incumbents(self, stages: tuple[Stage, ...], edges: tuple[Edge, ...]) -> None:
        ways = {(edge.source, edge.target) for edge in edges}
        for stage in stages:
            if not stage.exclusive or stage.incumbent == "reject":
                continue
            where = f"stage '{stage.name}': incumbent = {stage.incumbent!r}"
            if stage.incumbent == "archive":
                retreat = next((each for each in stages if each.archive), None)
            elif stage.incumbent.startswith("demote:"):
                retreat = self.by_key.get(stage.incumbent.removeprefix("demote:").casefold())
            else:
                self.faults.append(f"{where} must be demote:<stage>, archive or reject")
                continue
            if retreat is None:
                self.faults.append(f"{where} names a stage that does not exist")
            elif retreat.exclusive:
                self.faults.append(f"{where} leads to another exclusive stage")
            elif (stage.name, retreat.name) not in ways:
                self.faults.append(f"{where} needs the edge {stage.name} → {retreat.name}")

    def _known_stage(self, name: Any, where: str) -> str:
        """Return the canonical name, or "" after recording the fault."""
        stage = self.by_key.get(name.casefold()) if isinstance(name, str) else None
        if stage is None:
            fault = "is missing" if name is None else f"names the unknown stage {name!r}"
            self.faults.append(f"{where} {fault}")
            return ""
        return stage.name

    def _choice(self, field: str, allowed: tuple[str, ...]) -> Any:
        default = Lifecycle.__dataclass_fields__[field].default
        value = self.document.get(field, default)
        if value not in allowed:
            self.faults.append(f"{field} must be one of {', '.join(allowed)}, got {value!r}")
        return value

    def _flag(self, entry: Mapping[str, Any], field: str, where: str) -> bool:
        value = entry.get(field, False)
        if not isinstance(value, bool):
            self.faults.append(f"{where}: {field} must be true or false, got {value!r}")
            return False
        return value

    def _text(self, entry: Mapping[str, Any], field: str) -> str:
        try:
            return names.plain_text(entry.get(field, ""), field, 1_000)
        except (InvalidInput, LimitExceeded) as error:
            self.faults.append(str(error))
            return ""

    def _texts(self, entry: Mapping[str, Any], field: str, where: str) -> list[str]:
        value = entry.get(field, [])
        if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
            self.faults.append(f"{where}: {field} must be a list of texts, got {value!r}")
            return []
        return list(value)

    def _refuse_unknown(self, entry: Mapping[str, Any], known: Any, where: str) -> None:
        for field in entry:
            if field not in known:
                self.faults.append(
                    f"{where}: unknown field {field!r}; known: {', '.join(sorted(known))}"
                )
