"""Drawings of lineage: a tree for the terminal, and an SVG image in layers.

    default/churn:3 [Production]
    ├─ came from
    │  ├─ dataset s3://data/2026
    │  └─ default/base:1 [Staging]
    │     └─ run 7f3c
    └─ led to
       └─ default/churn-eu:1 [None]

In the image time runs from left to right: a column for each distance from the version.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator

from lockgate.domain.lineage import LineageGraph, LineageNode

_BOX_WIDTH, _BOX_HEIGHT, _ACROSS, _DOWN = 210, 44, 70, 18
_MARGIN = 20
_TEXT_CHARS_MAX = 30
_PAINTS = {"run": "#7c3aed", "dataset": "#0891b2", "code": "#64748b", "unknown": "#9ca3af"}
_OWN, _VERSION = "#16a34a", "#f59e0b"


def text(graph: LineageGraph) -> str:
    """Return a tree for a terminal, with a line's end after every line.

    What has several parents is drawn under each, and followed further only once.
    """
    known = {node.id: node for node in graph.nodes}
    lines = [label(known[graph.root])]
    halves = [
        ("came from", list(_branch(graph.root, graph.sources_of, known, {graph.root}))),
        ("led to", list(_branch(graph.root, graph.targets_of, known, {graph.root}))),
    ]
    halves = [(title, below) for title, below in halves if below]
    for index, (title, below) in enumerate(halves):
        is_last = index == len(halves) - 1
        lines.append(f"{'└' if is_last else '├'}─ {title}")
        lines += [f"{' ' if is_last else '│'}  {line}" for line in below]
    if not halves:
        lines.append("└─ nothing is known of where it came from, or of what it led to")
    if graph.truncated:
        lines.append("There is more than is shown.")
    return "\n".join(lines) + "\n"


def label(node: LineageNode) -> str:
    """Return a node in a few words."""
    if node.kind == "version":
        return f"{node.name} [{node.stage}]"
    if node.kind in ("deleted", "unknown"):
        return f"{node.name} ({node.kind})"
    return f"{node.kind} {node.name}" + (
        f"  {node.url}" if node.url not in (None, node.name) else ""
    )


def _branch(
    top: str,
    next_of: Callable[[str], tuple[str, ...]],
    known: dict[str, LineageNode],
    drawn: set[str],
) -> Iterator[str]:
    # Not by recursion: a chain may be as long as the graph allows.
    stack = [("", each, is_last) for each, is_last in _reversed(next_of(top))]
    while stack:
        indent, each, is_last = stack.pop()
        below = next_of(each)
        again = " (see above)" if each in drawn and below else ""
        yield f"{indent}{'└' if is_last else '├'}─ {label(known[each])}{again}"
        if each not in drawn:
            drawn.add(each)
            deeper = f"{indent}{' ' if is_last else '│'}  "
            stack += [(deeper, one, last) for one, last in _reversed(below)]


def _reversed(ids: tuple[str, ...]) -> list[tuple[str, bool]]:
    """Return ids from last to first, each with whether it is the last."""
    return [(each, index == len(ids) - 1) for index, each in enumerate(ids)][::-1]


def svg(graph: LineageGraph) -> str:
    """Return an SVG image, with links to the pages of runs."""
    columns = _columns(graph)
    tallest = max(len(column) for column in columns)
    width = 2 * _MARGIN + len(columns) * (_BOX_WIDTH + _ACROSS) - _ACROSS
    height = 2 * _MARGIN + tallest * (_BOX_HEIGHT + _DOWN) - _DOWN
    places: dict[str, tuple[int, int]] = {}
    for index, column in enumerate(columns):
        x = _MARGIN + index * (_BOX_WIDTH + _ACROSS)
        top = (height - len(column) * (_BOX_HEIGHT + _DOWN) + _DOWN) // 2
        for row, node in enumerate(column):
            places[node.id] = (x, top + row * (_BOX_HEIGHT + _DOWN))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">',
        f"<title>{_escaped(f'Lineage of {graph.root}')}</title>",
        "<style>text{font:12px system-ui,sans-serif;fill:#111827}.kind{font-size:10px;"
        "fill:#4b5563}path{fill:none;stroke:#6b7280;stroke-width:1.4}</style>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" style="fill:#6b7280;'
        'stroke:none"/></marker></defs>',
        f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff"/>',
    ]
    parts += [_arrow(places[edge.source], places[edge.target]) for edge in graph.edges]
    parts += [_box(node, places[node.id], node.id == graph.root) for node in graph.nodes]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _columns(graph: LineageGraph) -> list[list[LineageNode]]:
    """Return the nodes by distance, each near the middle of what it is joined to."""
    distances = sorted({node.distance for node in graph.nodes})
    columns = [[n for n in graph.nodes if n.distance == distance] for distance in distances]
    joined: dict[str, list[str]] = {node.id: [] for node in graph.nodes}
    for edge in graph.edges:
        joined[edge.source].append(edge.target)
        joined[edge.target].append(edge.source)
    middle = distances.index(0)
    for index in [*range(middle - 1, -1, -1), *range(middle + 1, len(columns))]:
        beside = columns[index + 1 if index < middle else index - 1]
        rows = {node.id: row for row, node in enumerate(beside)}
        columns[index].sort(key=lambda node: _mean([rows[i] for i in joined[node.id] if i in rows]))
    return columns


def _mean(rows: list[int]) -> float:
    return sum(rows) / len(rows) if rows else 0.0


def _arrow(source: tuple[int, int], target: tuple[int, int]) -> str:
    x1, y1 = source[0] + _BOX_WIDTH, source[1] + _BOX_HEIGHT // 2
    x2, y2 = target[0], target[1] + _BOX_HEIGHT // 2
    bend = _ACROSS // 2
    return (
        f'<path d="M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}" '
        'marker-end="url(#arrow)"/>'
    )


def _box(node: LineageNode, place: tuple[int, int], is_root: bool) -> str:
    x, y = place
    paint = _OWN if is_root else _PAINTS.get(node.kind, _VERSION)
    kind = f"version · {node.stage}" if node.kind == "version" else node.kind
    shown = node.name
    if len(shown) > _TEXT_CHARS_MAX:
        shown = "…" + shown[-_TEXT_CHARS_MAX + 1 :]
    drawn = (
        f"<g><title>{_escaped(node.name)}</title>"
        f'<rect x="{x}" y="{y}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="8" '
        f'fill="#f9fafb" stroke="{paint}" stroke-width="{3 if is_root else 1.5}"/>'
        f'<text x="{x + 10}" y="{y + 17}" class="kind">{_escaped(kind)}</text>'
        f'<text x="{x + 10}" y="{y + 34}">{_escaped(shown)}</text></g>'
    )
    return drawn if node.url is None else f'<a href="{_escaped(node.url)}">{drawn}</a>'


def _escaped(text: str) -> str:
    """Return text for an attribute or an element, without what XML does not hold."""
    return html.escape("".join(c if c.isprintable() else "\ufffd" for c in text))
