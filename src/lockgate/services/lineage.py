"""Lineage: what versions were derived from is kept when they are registered, and followed here."""

from __future__ import annotations

from collections.abc import Iterable

from lockgate.domain.lineage import (
    NODES_MAX,
    Direction,
    Kind,
    LineageEdge,
    LineageGraph,
    LineageNode,
    check_question,
    version_node,
)
from lockgate.domain.references import parse_reference
from lockgate.domain.versions import ModelVersion
from lockgate.services.lookup import find_reference
from lockgate.storage import models as model_rows
from lockgate.storage import parents as rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.store import Store

CHILDREN_MAX = 100
_Place = tuple[int, ModelVersion]


def keep_parents(store: Store, session: Session, key: int, version: ModelVersion) -> None:
    """Write down what a new version was derived from, and what its references mean now.

    A reference that means nothing (yet, or for whom the session speaks) is kept as it is.
    """
    if not version.sources.parents:
        return
    known = []
    for text in version.sources.parents:
        stamp = find_reference(store, session, parse_reference(text))
        known.append((text, None if stamp is None or stamp[0] == key else stamp[0]))
    rows.add_parents(session, key, known)


def load_lineage(
    store: Store, project: str, name: str, label: str, direction: Direction, depth: int
) -> LineageGraph:
    """Return what is known around a version, up to ``depth`` steps either way.

    Runs, data sets and code are shown of the version and of what it came from. What the caller
    may not see is not in it, nor is anything beyond it. Raises `InvalidInput`.
    """
    check_question(direction, depth)

    def use_case(session: Session) -> LineageGraph:
        stored = model_rows.load_model(session, project, name)
        walk = _Walk(store, session, version_rows.load_version(session, stored, label))
        if direction != "downstream":
            walk.up(depth)
        if direction != "upstream":
            walk.down(depth)
        return walk.graph()

    return store.snapshot(use_case)


def list_children(store: Store, project: str, name: str, label: str) -> tuple[ModelVersion, ...]:
    """Return the versions that were derived from one directly, newest first.

    At most `CHILDREN_MAX`, and those only that the caller may see. Raises `VersionNotFound`.
    """

    def use_case(session: Session) -> tuple[ModelVersion, ...]:
        stored = model_rows.load_model(session, project, name)
        found = _Walk(store, session, version_rows.load_version(session, stored, label)).children()
        found.sort(key=lambda version: version.created_at, reverse=True)
        return tuple(found[:CHILDREN_MAX])

    return store.snapshot(use_case)


class _Walk:
    """A walk over the graph, a level a question, from one version in both directions."""

    def __init__(self, store: Store, session: Session, root: _Place) -> None:
        self._store = store
        self._session = session
        self._root = root
        self._nodes: dict[str, LineageNode] = {}
        self._edges: dict[tuple[str, str], LineageEdge] = {}
        self._truncated = False
        self._add(version_node(root[1], 0))

    def graph(self) -> LineageGraph:
        return LineageGraph(
            root=self._root[1].reference,
            nodes=tuple(self._nodes.values()),
            edges=tuple(self._edges.values()),
            truncated=self._truncated,
        )

    def up(self, depth: int) -> None:
        level = [self._root]
        for distance in range(1, depth + 1):
            for _, version in level:
                self._add_sources(version, -distance)
            if not level:
                return
            level = self._parents_of(level, -distance)
        self._truncated |= any(version.sources.parents for _, version in level)

    def down(self, depth: int) -> None:
        level = [self._root]
        for distance in range(1, depth + 1):
            level = self._children_of(level, distance)
            if not level:
                return
        asked = [(key, version.reference) for key, version in level]
        beyond = rows.list_children(self._session, asked, NODES_MAX + 1)
        self._truncated |= bool(self._load(child for child, _, _ in beyond))

    def children(self) -> list[ModelVersion]:
        return [version for _, version in self._children_of([self._root], 1)]

    def _parents_of(self, level: list[_Place], distance: int) -> list[_Place]:
        children = dict(level)
        said = rows.list_parents(self._session, list(children))
        meant = {
            (child, text): self._key_of(text) if key is None else key for child, text, key in said
        }
        found = self._load(key for key in meant.values() if key is not None)
        fresh: dict[int, ModelVersion] = {}
        for (child, text), key in meant.items():
            parent = None if key is None else found.get(key)
            if parent is not None:
                if self._link(version_node(parent, distance), children[child].reference):
                    fresh[key or 0] = parent
            elif key is None and self._session.sees(parse_reference(text).project):
                node = LineageNode(id=text, kind="unknown", name=text, distance=distance)
                self._link(node, children[child].reference)
        return list(fresh.items())

    def _children_of(self, level: list[_Place], distance: int) -> list[_Place]:
        parents = {key: version.reference for key, version in level}
        by_reference = {reference: key for key, reference in parents.items()}
        said = rows.list_children(self._session, list(parents.items()), NODES_MAX + 1)
        self._truncated |= len(said) > NODES_MAX
        found = self._load(child for child, _, _ in said)
        fresh: dict[int, ModelVersion] = {}
        for child, key, text in said:
            version = found.get(child)
            parent = parents.get(by_reference.get(text, 0) if key is None else key)
            if version is None or parent is None or version.reference == parent:
                continue
            if self._link(version_node(version, distance), parent, below=True):
                fresh[child] = version
        return list(fresh.items())

    def _load(self, keys: Iterable[int]) -> dict[int, ModelVersion]:
        """Return the versions that the caller may see, by key."""
        wanted = list(dict.fromkeys(keys))[: NODES_MAX + 1]
        places = rows.load_places(self._session, wanted) if wanted else {}
        stamps = [stamp for stamp, project in places.values() if self._session.sees(project)]
        found = self._store.versions.load_all(self._session, stamps)
        return {stamp[0]: version for stamp, version in zip(stamps, found, strict=True)}

    def _key_of(self, text: str) -> int | None:
        """Return the key of a version that was named before it was there, or None."""
        reference = parse_reference(text)
        if reference.kind not in ("label", "digest"):
            return None
        stamp = find_reference(self._store, self._session, reference)
        return None if stamp is None else stamp[0]

    def _add_sources(self, version: ModelVersion, distance: int) -> None:
        sources = version.sources
        said: tuple[tuple[Kind, str | None], ...] = (
            ("run", sources.run_id),
            ("dataset", sources.dataset),
            ("code", sources.code),
        )
        for kind, text in said:
            if text:
                url = self._store.run_pages.find(text) if kind == "run" else None
                node = LineageNode(
                    id=f"{kind}:{text}", kind=kind, name=text, distance=distance, url=url
                )
                self._link(node, version.reference)

    def _link(self, node: LineageNode, other: str, *, below: bool = False) -> bool:
        """Join a node to one that is there; say whether it is new."""
        if node.id == other:
            return False  # it named itself before it was there
        is_new = node.id not in self._nodes
        if is_new and not self._add(node):
            return False
        ends = (other, node.id) if below else (node.id, other)
        self._edges[ends] = LineageEdge(source=ends[0], target=ends[1])
        return is_new

    def _add(self, node: LineageNode) -> bool:
        if len(self._nodes) >= NODES_MAX:
            self._truncated = True
            return False
        self._nodes[node.id] = node
        return True


def known_parents(
    store: Store, session: Session, key: int, version: ModelVersion
) -> list[dict[str, str | None]]:
    """Return what a version was derived from: what was said, and which version that is.

    What the caller may not see is left out.
    """
    walk = _Walk(store, session, (key, version))
    walk.up(1)
    return [
        {"reference": node.name, "digest": node.digest}
        for node in walk.graph().nodes[1:]
        if node.kind in ("version", "deleted", "unknown")
    ]
