"""Replay: the log folded back into the state it tells of.

    events ──▶ State.apply ──▶ models ─┬ stages:  label → stage
                                       ├ aliases: alias → label
                                       └ deleted: label → stage it stood in (restorable)

What the tables say can so be compared with what the log says, now or at a moment in the past. An
event that cannot follow from the ones before it (a version leaving a stage it does not stand in)
is a fault of the log. Actions that change none of this are passed over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lockgate.domain.moments import to_text
from lockgate.errors import ChainBroken

Event = Mapping[str, Any]
"""An event as its canonical JSON reads."""


@dataclass(slots=True)
class ModelState:
    """What the log says of one model. Labels and stages are as the events spell them."""

    lifecycle: Any = None
    lifecycle_revision: Any = None
    stages: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    deleted: dict[str, str] = field(default_factory=dict)

    def standing(self, stage: str) -> list[str]:
        """Return the labels that stand in ``stage``, in order of registration."""
        return [label for label, at in self.stages.items() if at == stage]

    def to_document(self) -> dict[str, Any]:
        """Return this as JSON values."""
        return {
            "lifecycle": self.lifecycle,
            "lifecycle_revision": self.lifecycle_revision,
            "stages": dict(self.stages),
            "aliases": dict(self.aliases),
            "deleted": dict(self.deleted),
        }


@dataclass(slots=True)
class State:
    """What the log of one project tells: its models, and the deleted ones.

    ``tombstones`` keep deleted models by name, the latest deletion last. Changes in place.
    """

    models: dict[str, ModelState] = field(default_factory=dict)
    tombstones: dict[str, list[ModelState]] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Take in the next event.

        Raises `ChainBroken` when it cannot follow from the ones before.
        """
        change = _CHANGES.get(event["action"])
        if change is None:
            return
        try:
            change(self, event, event["detail"])
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise _incoherent(event, f"its detail is not readable ({error!r})") from None

    def model(self, event: Event) -> ModelState:
        """Return the live model that ``event`` is about. Raises `ChainBroken`."""
        found = self.models.get(event["model"])
        if found is None:
            raise _incoherent(event, f"there was no model '{event['model']}'")
        return found

    def to_document(self) -> dict[str, Any]:
        """Return this as JSON values."""
        return {
            "models": {name: model.to_document() for name, model in self.models.items()},
            "tombstones": {
                name: [model.to_document() for model in models]
                for name, models in self.tombstones.items()
            },
        }


def replay(events: Iterable[Event | bytes], until: datetime | None = None) -> State:
    """Return the state after ``events`` (as JSON values or canonical bytes, in their order).

    With ``until``, the state at that moment: everything up to and including it. Raises
    `ChainBroken` naming the first event that cannot follow from the ones before.
    """
    state = State()
    limit = None if until is None else to_text(until)
    for each in events:
        event = json.loads(each) if isinstance(each, bytes) else each
        if limit is not None and event["at"] > limit:
            break
        state.apply(event)
    return state


def _incoherent(event: Event, why: str) -> ChainBroken:
    return ChainBroken(
        detail=f"Event {event['seq']} ({event['action']}) cannot follow from those before it: "
        f"{why}",
        seq=event["seq"],
        fault="incoherent",
    )


# --- one function for each action that changes the state ---------------------------------------


def _create_model(state: State, event: Event, detail: Event) -> None:
    name = event["model"]
    if name in state.models:
        raise _incoherent(event, f"model '{name}' existed already")
    state.models[name] = ModelState(detail.get("lifecycle"), detail.get("lifecycle_revision"))


def _update_model(state: State, event: Event, detail: Event) -> None:
    renamed = detail["changes"].get("name")
    if renamed is None:
        return
    old, new = renamed
    if old not in state.models:
        raise _incoherent(event, f"there was no model '{old}'")
    if new != old and new in state.models:
        raise _incoherent(event, f"model '{new}' existed already")
    state.models[new] = state.models.pop(old)


def _delete_model(state: State, event: Event, _detail: Event) -> None:
    model = state.model(event)
    del state.models[event["model"]]
    state.tombstones.setdefault(event["model"], []).append(model)


def _restore_model(state: State, event: Event, _detail: Event) -> None:
    name = event["model"]
    buried = state.tombstones.get(name)
    if not buried:
        raise _incoherent(event, f"no model '{name}' was deleted")
    if name in state.models:
        raise _incoherent(event, f"model '{name}' existed already")
    state.models[name] = buried.pop()
    if not buried:
        del state.tombstones[name]


def _move_lifecycle(state: State, event: Event, detail: Event) -> None:
    model = state.model(event)
    model.lifecycle, model.lifecycle_revision = detail["to"]


def _register_version(state: State, event: Event, detail: Event) -> None:
    model, label = state.model(event), event["version"]
    if label in model.stages:
        raise _incoherent(event, f"version '{label}' existed already")
    model.deleted.pop(label, None)
    model.stages[label] = detail["stage"]


def _delete_version(state: State, event: Event, detail: Event) -> None:
    model, label = state.model(event), event["version"]
    _require_stage(model, event, detail["stage"])
    model.deleted[label] = model.stages.pop(label)
    for alias in [alias for alias, named in model.aliases.items() if named == label]:
        del model.aliases[alias]


def _restore_version(state: State, event: Event, detail: Event) -> None:
    model, label = state.model(event), event["version"]
    if label not in model.deleted:
        raise _incoherent(event, f"no version '{label}' was deleted")
    del model.deleted[label]
    model.stages[label] = detail["stage"]


def _transition(state: State, event: Event, detail: Event) -> None:
    model = state.model(event)
    _require_stage(model, event, detail["from"])
    model.stages[event["version"]] = detail["to"]


def _set_alias(state: State, event: Event, detail: Event) -> None:
    model, alias, label = state.model(event), detail["alias"], detail["version"]
    if label not in model.stages:
        raise _incoherent(event, f"there was no version '{label}'")
    if model.aliases.get(alias) != detail.get("previous"):
        raise _incoherent(
            event, f"alias '{alias}' named {model.aliases.get(alias)}, not {detail['previous']}"
        )
    model.aliases[alias] = label


def _delete_alias(state: State, event: Event, detail: Event) -> None:
    model, alias = state.model(event), detail["alias"]
    if model.aliases.get(alias) != detail["version"]:
        raise _incoherent(
            event, f"alias '{alias}' named {model.aliases.get(alias)}, not {detail['version']}"
        )
    del model.aliases[alias]


def _require_stage(model: ModelState, event: Event, stage: str) -> None:
    label = event["version"]
    stands = model.stages.get(label)
    if stands is None:
        raise _incoherent(event, f"there was no version '{label}'")
    if stands != stage:
        raise _incoherent(event, f"version '{label}' stood in {stands}, not in {stage}")


_CHANGES: dict[str, Callable[[State, Event, Event], None]] = {
    "create_model": _create_model,
    "update_model": _update_model,
    "delete_model": _delete_model,
    "restore_model": _restore_model,
    "move_lifecycle": _move_lifecycle,
    "register_version": _register_version,
    "delete_version": _delete_version,
    "restore_version": _restore_version,
    "transition": _transition,
    "set_alias": _set_alias,
    "delete_alias": _delete_alias,
}
