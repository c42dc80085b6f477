"""Boards: versions as cards in the columns of their stages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lockgate.domain.approvals import PromotionRequest
from lockgate.domain.lifecycles import Lifecycle, Stage
from lockgate.domain.versions import ModelVersion


@dataclass(frozen=True, kw_only=True)
class BoardCard:
    """A version, the lifecycle it moves by, and the open requests to promote it."""

    version: ModelVersion
    lifecycle: str
    lifecycle_revision: int
    requests: tuple[PromotionRequest, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BoardColumn:
    """A stage: ``count`` versions stand in it, of which ``cards`` are the newest."""

    stage: str
    colour: str
    description: str
    count: int
    cards: tuple[BoardCard, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Board:
    """The versions of a model, or of a whole project where ``model`` is None."""

    project: str
    model: str | None
    columns: tuple[BoardColumn, ...]


def merged_stages(lifecycles: Iterable[Lifecycle]) -> tuple[Stage, ...]:
    """Return the stages of several lifecycles as one row of columns.

    Stages of one name, in whatever case, are one column. A stage that only one lifecycle has
    stands behind the one that it follows there.
    """
    row: list[Stage] = []
    for lifecycle in lifecycles:
        behind = 0
        for stage in lifecycle.stages:
            keys = [each.name.casefold() for each in row]
            key = stage.name.casefold()
            if key not in keys:
                row.insert(behind, stage)
                behind += 1
            else:
                behind = keys.index(key) + 1
    return tuple(row)
