"""The lifecycles that come with the house, as documents like any user's own."""

from __future__ import annotations

from functools import cache
from typing import Any

from lockgate.domain.lifecycle_documents import parse_lifecycle
from lockgate.domain.lifecycles import Lifecycle

DEFAULT_LIFECYCLE = "standard"


def _edges(verb: str, *ways: str) -> list[dict[str, Any]]:
    """Edges that any verb of their direction may take; ``ways`` are written ``From>To``."""
    return [
        {"from": way.split(">")[0], "to": way.split(">")[1], "verbs": [verb, "transition"]}
        for way in ways
    ]


def _bound(verb: str, *ways: str) -> list[dict[str, Any]]:
    """Edges that only ``verb`` may take."""
    return [{"from": way.split(">")[0], "to": way.split(">")[1], "verbs": [verb]} for way in ways]


_STANDARD: dict[str, Any] = {
    "name": "standard",
    "description": "One version in Production; the one before it steps back to Staging.",
    "stages": [
        {"name": "None", "colour": "gray"},
        {"name": "Staging", "colour": "amber"},
        {
            "name": "Production",
            "colour": "green",
            "exclusive": True,
            "incumbent": "demote:Staging",
            "serving": True,
            "aliases": ["prod"],
        },
        {"name": "Archived", "colour": "slate", "archive": True},
    ],
    "initial": "None",
    "edges": [
        *_edges("promote", "None>Staging", "Staging>Production"),
        *_edges("demote", "Production>Staging", "Staging>None"),
        *_edges("archive", "None>Archived", "Staging>Archived", "Production>Archived"),
        *_bound("rollback", "Archived>Production"),
    ],
    "same_stage": "noop_audit",
}

_LINEAR: dict[str, Any] = {
    "name": "linear",
    "description": "Dev, Staging, Production, one step at a time, up and down.",
    "stages": [
        {"name": "Dev", "colour": "gray", "aliases": ["development"]},
        {"name": "Staging", "colour": "amber"},
        {"name": "Production", "colour": "green", "serving": True, "aliases": ["prod"]},
    ],
    "initial": "Dev",
    "edges": [
        *_bound("promote", "Dev>Staging", "Staging>Production"),
        *_bound("demote", "Production>Staging", "Staging>Dev"),
    ],
    "same_stage": "reject",
    "on_duplicate_version": "return_existing",
    "latest_by": "created",
}

_KANBAN: dict[str, Any] = {
    "name": "kanban",
    "description": "Integer versions move right over the board, or into the archive.",
    "stages": [
        {"name": "Development", "colour": "gray", "aliases": ["dev"]},
        {"name": "Staging", "colour": "amber"},
        {"name": "Production", "colour": "green", "serving": True, "aliases": ["prod"]},
        {"name": "Archived", "colour": "slate", "archive": True},
    ],
    "initial": "Development",
    "edges": [
        *_edges("promote", "Development>Staging", "Staging>Production"),
        *_edges("archive", "Development>Archived", "Staging>Archived", "Production>Archived"),
    ],
    "same_stage": "reject",
    "version_scheme": "int",
    "policy_mode": "advisory",
}

_OPEN_STAGES = ("none", "staging", "production", "archived")

_OPEN: dict[str, Any] = {
    "name": "open",
    "description": "Every stage leads to every other: what MLflow clients expect.",
    "stages": [
        {"name": "none", "colour": "gray"},
        {"name": "staging", "colour": "amber"},
        {
            "name": "production",
            "colour": "green",
            "serving": True,
            "aliases": ["prod"],
            "on_enter": ["stamp_approval"],
        },
        {"name": "archived", "colour": "slate", "archive": True},
    ],
    "initial": "none",
    "initial_choice": True,
    "edges": [
        {"from": source, "to": target, "verbs": ["transition"]}
        for source in _OPEN_STAGES
        for target in _OPEN_STAGES
    ],
    "same_stage": "record",
}

_SINGLE: dict[str, Any] = {
    **_OPEN,
    "name": "single",
    "description": "Every stage leads to every other, and one version stands in production.",
    "stages": [
        {**stage, "exclusive": True, "incumbent": "demote:staging"}
        if stage["name"] == "production"
        else stage
        for stage in _OPEN["stages"]
    ],
}

_STRICT: dict[str, Any] = {
    **_STANDARD,
    "name": "strict",
    "description": "Up one step at a time; what is archived stays archived.",
    "edges": [
        *_edges("promote", "None>Staging", "Staging>Production"),
        *_edges("demote", "Production>Staging"),
        *_edges("archive", "Staging>Archived", "Production>Archived"),
    ],
    "on_duplicate_model": "return_existing",
}

_UNSTAGED: dict[str, Any] = {
    "name": "unstaged",
    "description": "One stage, and every other word free for an alias: MLflow's prompts.",
    # Spelt as in `open`, where prompts and models of MLflow's clients come from.
    "stages": [{"name": "none", "colour": "gray"}],
    "initial": "none",
    "edges": [],
    "same_stage": "noop",
}

PRESET_DOCUMENTS: dict[str, dict[str, Any]] = {
    document["name"]: document
    for document in (_STANDARD, _LINEAR, _KANBAN, _OPEN, _SINGLE, _STRICT, _UNSTAGED)
}


@cache
def preset(name: str) -> Lifecycle:
    """Return the preset called ``name`` (KeyError if there is none)."""
    return parse_lifecycle(PRESET_DOCUMENTS[name])
