"""Lineage: what a version came from, and what came from it, as a graph.

    dataset ─┐
    run ─────┼──▶ version ──▶ version ──▶ version
    code ────┘    (parent)                (child)

An edge leads from what was first to what was made of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from lockgate.domain.versions import ModelVersion
from lockgate.errors import InvalidInput

Direction = Literal["upstream", "downstream", "both"]
DIRECTIONS: tuple[str, ...] = get_args(Direction)
DEPTH_DEFAULT = 5
DEPTH_MAX = 50
NODES_MAX = 1_000

Kind = Literal["version", "deleted", "unknown", "run", "dataset", "code"]


@dataclass(frozen=True, kw_only=True)
class LineageNode:
    """A version, or what one was made with.

    ``id`` is a version's reference, else ``run:…``, ``dataset:…``, ``code:…``. ``distance``
    counts the steps from the version that was asked about, below zero for what came before it.
    A parent that was deleted, or that nothing is known of here, says so by its kind. ``url`` is
    the page of a run.
    """

    id: str
    kind: Kind
    name: str
    distance: int
    stage: str | None = None
    digest: str | None = None
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class LineageEdge:
    """``target`` was made from (or by, or with) ``source``; both are ids of nodes."""

    source: str
    target: str


@dataclass(frozen=True, kw_only=True)
class LineageGraph:
    """What is known around the version ``root``.

    ``truncated`` says that there is more than the depth or `NODES_MAX` allow.
    """

    root: str
    nodes: tuple[LineageNode, ...]
    edges: tuple[LineageEdge, ...]
    truncated: bool = False

    def sources_of(self, node: str) -> tuple[str, ...]:
        """Return the ids of what a node was made from."""
        return tuple(edge.source for edge in self.edges if edge.target == node)

    def targets_of(self, node: str) -> tuple[str, ...]:
        """Return the ids of what was made from a node."""
        return tuple(edge.target for edge in self.edges if edge.source == node)


def version_node(version: ModelVersion, distance: int) -> LineageNode:
    """Return the node of a version."""
    return LineageNode(
        id=version.reference,
        kind="version" if version.deleted_at is None else "deleted",
        name=version.reference,
        distance=distance,
        stage=version.stage,
        digest=version.digest,
    )


def check_question(direction: str, depth: int) -> None:
    """Raise `InvalidInput` for a direction or a depth that there is not."""
    if direction not in DIRECTIONS:
        raise InvalidInput(
            detail=f"The direction is {', '.join(DIRECTIONS)}, got {direction!r:.60}",
            field="direction",
        )
    if not isinstance(depth, int) or not 1 <= depth <= DEPTH_MAX:
        raise InvalidInput(
            detail=f"The depth is from 1 to {DEPTH_MAX} steps, got {depth!r:.60}", field="depth"
        )
