"""Lineage as a tree and as an image."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from lockgate.domain import lineage_drawings
from lockgate.domain.lineage import LineageEdge, LineageGraph, LineageNode

SVG = "{http://www.w3.org/2000/svg}"


def graph(*edges: tuple[str, str], root: str, **distances: int) -> LineageGraph:
    """A graph of versions by their edges; who is not told how far stands beside the root."""
    names = list(dict.fromkeys([root, *(name for edge in edges for name in edge)]))
    nodes = [
        LineageNode(
            id=name, kind="version", name=name, distance=distances.get(name, 0), stage="None"
        )
        for name in names
    ]
    joined = tuple(LineageEdge(source=a, target=b) for a, b in edges)
    return LineageGraph(root=root, nodes=tuple(nodes), edges=joined)


DIAMOND = graph(
    ("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "e"), root="d", a=-2, b=-1, c=-1, e=1
)


def test_the_tree_follows_each_node_once() -> None:
    """What has two ways to it is drawn on both, and followed on one."""
    wide = graph(("x", "a"), *((e.source, e.target) for e in DIAMOND.edges), root="d")
    assert lineage_drawings.text(wide).splitlines() == [
        "d [None]",
        "├─ came from",
        "│  ├─ b [None]",
        "│  │  └─ a [None]",
        "│  │     └─ x [None]",
        "│  └─ c [None]",
        "│     └─ a [None] (see above)",
        "└─ led to",
        "   └─ e [None]",
    ]


def test_nothing_known_is_said() -> None:
    """A version alone is no empty drawing."""
    said = lineage_drawings.text(graph(root="d"))
    assert said.splitlines()[1] == (
        "└─ nothing is known of where it came from, or of what it led to"
    )


def test_a_long_chain_is_drawn() -> None:
    """As long as a graph may be."""
    edges = [(f"v{i}", f"v{i + 1}") for i in range(1_500)]
    assert len(lineage_drawings.text(graph(*edges, root="v0")).splitlines()) == 1_502


def test_the_image_holds_every_node_and_edge() -> None:
    """Well-formed, no two boxes in one place, time from left to right."""
    drawn = ElementTree.fromstring(lineage_drawings.svg(DIAMOND))  # noqa: S314  # our own
    boxes = {
        group.findtext(f"{SVG}title"): (
            int(group.find(f"{SVG}rect").attrib["x"]),  # type: ignore[union-attr]
            int(group.find(f"{SVG}rect").attrib["y"]),  # type: ignore[union-attr]
        )
        for group in drawn.findall(f"{SVG}g")
    }
    assert sorted(filter(None, boxes)) == ["a", "b", "c", "d", "e"]
    assert len(set(boxes.values())) == 5
    assert boxes["a"][0] < boxes["b"][0] == boxes["c"][0] < boxes["d"][0] < boxes["e"][0]
    assert len(drawn.findall(f"{SVG}path")) == 5


def test_the_image_trusts_no_name() -> None:
    """What is in a name is text, whatever it looks like."""
    nasty = '<script>&"\x00'
    node = LineageNode(id=nasty, kind="run", name=nasty, distance=0, url="https://x/?a&b")
    drawing = lineage_drawings.svg(LineageGraph(root=nasty, nodes=(node,), edges=()))
    assert "<script>" not in drawing
    link = ElementTree.fromstring(drawing).find(f"{SVG}a")  # noqa: S314  # our own
    assert link is not None
    assert link.attrib["href"] == "https://x/?a&b"
