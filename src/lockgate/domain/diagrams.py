"""Drawings of a lifecycle: boxes and arrows as text, Mermaid, Graphviz or SVG.

The text has a box for each stage, one below the other, and a lane for each stage that something
leads to. A way out runs to the right until the lane of its target, turns into it, and comes back
to the target's box as an arrow:

    ╭─────────╮
    │ Dev     │◀─────────────╮
    │ initial │──promote──╮  │
    ╰─────────╯           │  │
    ╭─────────╮           │  │
    │ Live    │◀──────────╯  │
    │ one     │──demote──────╯
    ╰─────────╯

``┼`` is a crossing, never a turn.
"""

from __future__ import annotations

import html

from lockgate.domain.lifecycles import TRANSITION, VERBS, Edge, Lifecycle, Stage

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_STROKES = {
    _UP | _DOWN: "│",
    _LEFT | _RIGHT: "─",
    _LEFT | _DOWN: "╮",
    _LEFT | _UP: "╯",
    _LEFT | _UP | _DOWN: "┤",
    _LEFT | _RIGHT | _UP | _DOWN: "┼",
    _LEFT: "─",
}
_LANE_COLUMNS = 3

_PAINTS = {"amber": "#f59e0b", "green": "#16a34a", "slate": "#64748b", "gray": "#9ca3af"}
_BOX_WIDTH, _BOX_HEIGHT, _GAP = 132, 46, 74


def text(lifecycle: Lifecycle) -> str:
    """Return a drawing for a terminal, with a line's end after every line."""
    return _TextDrawing(lifecycle).drawn()


def mermaid(lifecycle: Lifecycle) -> str:
    """Return a Mermaid state diagram, as Markdown pages show it."""
    keys = _keys(lifecycle)
    lines = ["stateDiagram-v2", "    direction LR"]
    lines += [f'    state "{stage.name}" as {keys[stage.name]}' for stage in lifecycle.stages]
    lines.append(f"    [*] --> {keys[lifecycle.initial]}")
    lines += [
        f"    {keys[edge.source]} --> {keys[edge.target]} : {_label(lifecycle, edge)}"
        for edge in lifecycle.edges
    ]
    return "\n".join(lines) + "\n"


def dot(lifecycle: Lifecycle) -> str:
    """Return a Graphviz digraph."""
    keys = _keys(lifecycle)
    lines = [
        f'digraph "{lifecycle.name}" {{',
        "  rankdir=LR;",
        '  node [shape=box, style="rounded,filled", fillcolor=white, fontname="sans-serif"];',
        '  edge [fontname="sans-serif", fontsize=10];',
        "  initial [shape=point];",
        f"  initial -> {keys[lifecycle.initial]};",
    ]
    lines += [
        f'  {keys[stage.name]} [label="{stage.name}", color="{_paint(stage)}"'
        f"{', penwidth=2' if stage.exclusive else ''}];"
        for stage in lifecycle.stages
    ]
    lines += [
        f'  {keys[edge.source]} -> {keys[edge.target]} [label="{_label(lifecycle, edge)}"];'
        for edge in lifecycle.edges
    ]
    return "\n".join(lines) + "\n}\n"


def svg(lifecycle: Lifecycle) -> str:
    """Return an SVG image: stages from left to right, ways forward above, ways back below."""
    count = len(lifecycle.stages)
    width = count * (_BOX_WIDTH + _GAP) - _GAP + 40
    reach = 40 + 26 * max(count - 1, 1)
    middle = reach + 10
    height = 2 * middle
    position = {stage.name: index for index, stage in enumerate(lifecycle.stages)}
    title = html.escape(f"Lifecycle {lifecycle.name}, revision {lifecycle.revision}")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">',
        f"<title>{title}</title>",
        "<style>text{font:13px system-ui,sans-serif;fill:#111827}.verb{font-size:11px;"
        "fill:#4b5563;paint-order:stroke;stroke:#ffffff;stroke-width:4px}path{fill:none;stroke:#6b7280;stroke-width:1.4}</style>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" style="fill:#6b7280;'
        'stroke:none"/></marker></defs>',
        f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff"/>',
    ]
    arcs = [
        _svg_arc((position[edge.source], position[edge.target]), middle, _label(lifecycle, edge))
        for edge in lifecycle.edges
        if edge.source != edge.target
    ]
    parts += [path for path, _ in arcs]
    parts += [label for _, label in arcs]
    for stage in lifecycle.stages:
        parts.append(_svg_box(stage, position[stage.name], middle, lifecycle.initial))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _svg_box(stage: Stage, position: int, middle: int, initial: str) -> str:
    x, y = 20 + position * (_BOX_WIDTH + _GAP), middle - _BOX_HEIGHT // 2
    words = " · ".join(_marks(stage, initial))
    return (
        f'<rect x="{x}" y="{y}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="8" '
        f'fill="#f9fafb" stroke="{_paint(stage)}" stroke-width="{3 if stage.exclusive else 1.5}"/>'
        f'<text x="{x + _BOX_WIDTH // 2}" y="{middle + (-2 if words else 5)}" '
        f'text-anchor="middle" font-weight="600">{html.escape(stage.name)}</text>'
        f'<text class="verb" x="{x + _BOX_WIDTH // 2}" y="{middle + 15}" '
        f'text-anchor="middle">{html.escape(words)}</text>'
    )


def _svg_arc(ends: tuple[int, int], middle: int, label: str) -> tuple[str, str]:
    source, target = ends
    forward = target > source
    side = -1 if forward else 1
    span = abs(target - source)
    # Ways out leave on one side of a box's middle and ways in arrive on the other, the long
    # ones nearest to it: so arcs lie inside one another and do not cross.
    shift = max(44 - 9 * span, 4)
    begin = 20 + source * (_BOX_WIDTH + _GAP) + _BOX_WIDTH // 2 + (shift if forward else -shift)
    end = 20 + target * (_BOX_WIDTH + _GAP) + _BOX_WIDTH // 2 - (shift if forward else -shift)
    edge = middle + side * _BOX_HEIGHT // 2
    peak = edge + side * (20 + 30 * span)
    height = edge + side * 0.75 * (20 + 30 * span) - 4
    return (
        f'<path d="M{begin} {edge}C{begin} {peak} {end} {peak} {end} {edge}" '
        f'marker-end="url(#arrow)"/>',
        f'<text class="verb" x="{(begin + end) / 2:g}" y="{height:g}" '
        f'text-anchor="middle">{html.escape(label)}</text>',
    )


class _TextDrawing:
    """Lays out rows and lanes, then draws strokes between them."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._ways = [edge for edge in lifecycle.edges if edge.source != edge.target]
        self._strokes: dict[tuple[int, int], int] = {}
        self._letters: dict[tuple[int, int], str] = {}

    def drawn(self) -> str:
        notes = {stage.name: " ".join(self._notes(stage)) for stage in self._lifecycle.stages}
        inside = max(len(word) for pair in notes.items() for word in pair) + 2
        arrivals, departures, rows = self._rows()
        labels = max((len(_label(self._lifecycle, way)) for way in self._ways), default=0)
        first_lane = inside + 2 + labels + 4
        lanes = {
            target: first_lane + index * _LANE_COLUMNS
            for index, target in enumerate(self._order_of_lanes(arrivals, departures))
        }
        for stage in self._lifecycle.stages:
            self._box(rows[stage.name], inside, stage.name, notes[stage.name])
        for target, lane in lanes.items():
            self._lane(lane, inside, arrivals[target], departures[target])
        for way, row in self._ends(departures):
            self._write(row, inside + 4, _label(self._lifecycle, way))
        return self._text(max(last for _, last in rows.values()))

    def _notes(self, stage: Stage) -> list[str]:
        """Say what a box cannot show by lines."""
        loops = self._lifecycle.edge(stage.name, stage.name) is not None
        return _marks(stage, self._lifecycle.initial) + (["↺"] if loops else [])

    def _rows(self) -> tuple[dict[str, int], dict[str, list[int]], dict[str, tuple[int, int]]]:
        """Return the row where each target is entered, the rows of the ways to it, and boxes.

        The first row inside a box is for what arrives; each way out has a row of its own.
        """
        arrivals: dict[str, int] = {}
        departures: dict[str, list[int]] = {}
        boxes: dict[str, tuple[int, int]] = {}
        top = 0
        for stage in self._lifecycle.stages:
            out = [way for way in self._ways if way.source == stage.name]
            if any(way.target == stage.name for way in self._ways):
                arrivals[stage.name] = top + 1
            for index, way in enumerate(out):
                departures.setdefault(way.target, []).append(top + 2 + index)
            bottom = top + max(len(out), 1) + 2
            boxes[stage.name] = (top, bottom)
            top = bottom + 1
        return arrivals, departures, boxes

    def _order_of_lanes(
        self, arrivals: dict[str, int], departures: dict[str, list[int]]
    ) -> list[str]:
        """Return the targets, those with the shortest way first: fewer lines cross."""

        def reach(target: str) -> int:
            rows = [arrivals[target], *departures[target]]
            return max(rows) - min(rows)

        return sorted(arrivals, key=reach)

    def _ends(self, departures: dict[str, list[int]]) -> list[tuple[Edge, int]]:
        rows = {target: iter(found) for target, found in departures.items()}
        order = [stage.name for stage in self._lifecycle.stages]
        ways = sorted(self._ways, key=lambda way: order.index(way.source))
        return [(way, next(rows[way.target])) for way in ways]

    def _box(self, rows: tuple[int, int], inside: int, name: str, note: str) -> None:
        top, bottom = rows
        self._write(top, 0, "╭" + "─" * inside + "╮")
        for row in range(top + 1, bottom):
            self._write(row, 0, "│" + " " * inside + "│")
        self._write(top + 1, 2, name)
        self._write(top + 2, 2, note)
        self._write(bottom, 0, "╰" + "─" * inside + "╯")

    def _lane(self, lane: int, inside: int, arrival: int, departures: list[int]) -> None:
        joints = [arrival, *departures]
        for row in joints:
            for column in range(inside + 2, lane):
                self._stroke(row, column, _LEFT | _RIGHT)
            self._stroke(row, lane, _LEFT)
        self._write(arrival, inside + 2, "◀")
        for row in range(min(joints), max(joints)):
            self._stroke(row, lane, _DOWN)
            self._stroke(row + 1, lane, _UP)

    def _stroke(self, row: int, column: int, ways: int) -> None:
        self._strokes[row, column] = self._strokes.get((row, column), 0) | ways

    def _write(self, row: int, column: int, word: str) -> None:
        for offset, letter in enumerate(word):
            self._letters[row, column + offset] = letter

    def _text(self, last_row: int) -> str:
        cells = {**{at: _STROKES[ways] for at, ways in self._strokes.items()}, **self._letters}
        last_column = max(column for _, column in cells)
        lines = (
            "".join(cells.get((row, column), " ") for column in range(last_column + 1)).rstrip()
            for row in range(last_row + 1)
        )
        return "\n".join(lines) + "\n"


def _label(lifecycle: Lifecycle, edge: Edge) -> str:
    """Return the verbs of a way; one that any verb may take is called by its direction."""
    if edge.source == edge.target:
        return TRANSITION
    if TRANSITION in edge.verbs:
        return lifecycle.natural_verb(edge.source, edge.target)
    return "/".join(verb for verb in VERBS if verb in edge.verbs)


def _marks(stage: Stage, initial: str) -> list[str]:
    marks = [("initial", stage.name == initial), ("one", stage.exclusive)]
    return [word for word, holds in marks if holds]


def _keys(lifecycle: Lifecycle) -> dict[str, str]:
    """Return an identifier for each stage that no syntax trips over."""
    return {stage.name: f"s{index}" for index, stage in enumerate(lifecycle.stages, start=1)}


def _paint(stage: Stage) -> str:
    return _PAINTS.get(stage.colour, stage.colour)
