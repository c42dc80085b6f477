"""Known keys: which tags, metrics and params there are, for whoever types a search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.domain.frozen import FrozenDict

KEYS_MAX = 200
VALUES_MAX = 20


@dataclass(frozen=True, kw_only=True)
class KnownKeys:
    """Keys that the newest models and versions of a project have, each list by name.

    Tags come with a few of their values, the newest first.
    """

    project: str
    model_tags: FrozenDict[str, tuple[str, ...]]
    version_tags: FrozenDict[str, tuple[str, ...]]
    metrics: tuple[str, ...]
    params: tuple[str, ...]


def tags_in(found: Iterable[Mapping[str, Any]]) -> FrozenDict[str, tuple[str, ...]]:
    """Return up to `KEYS_MAX` keys of tags, each with up to `VALUES_MAX` different values."""
    values: dict[str, dict[str, None]] = {}
    for tags in found:
        for key, value in tags.items():
            if key in values or len(values) < KEYS_MAX:
                seen = values.setdefault(key, {})
                if len(seen) < VALUES_MAX:
                    seen[str(value)] = None
    return FrozenDict({key: tuple(values[key]) for key in sorted(values)})


def keys_in(found: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return up to `KEYS_MAX` keys, by name."""
    seen: dict[str, None] = {}
    for facts in found:
        seen.update(dict.fromkeys(facts))
    return tuple(sorted(list(seen)[:KEYS_MAX]))
