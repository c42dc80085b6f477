"""Diagrams: a lifecycle as text, Mermaid, Graphviz and SVG."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest

from lockgate.domain import diagrams
from lockgate.domain.lifecycle_documents import parse_lifecycle
from lockgate.domain.lifecycles import Lifecycle
from lockgate.domain.presets import PRESET_DOCUMENTS, preset

PRESETS = sorted(PRESET_DOCUMENTS)


def lifecycle(stages: int) -> Lifecycle:
    """A lifecycle of so many stages, each leading to every other."""
    names = [f"S{index}" for index in range(stages)]
    return parse_lifecycle(
        {
            "name": "full",
            "stages": [{"name": name} for name in names],
            "initial": "S0",
            "edges": [{"from": a, "to": b} for a in names for b in names if a != b],
        }
    )


def ways_in(drawing: str) -> set[tuple[str, str]]:
    """Follow every line of a drawing, from the box it leaves to the box it enters."""
    rows = drawing.splitlines()
    width = max(len(row) for row in rows)
    rows = [row.ljust(width) for row in rows]
    boxes: list[str] = []
    for index, row in enumerate(rows):
        begins = row.startswith("╭")
        boxes.append(rows[index + 1].split("│")[1].strip() if begins else boxes[-1])
    found = set()
    for index, row in enumerate(rows):
        if "│──" not in row:
            continue
        lane = next(at for at in range(row.index("│──") + 3, width) if row[at] in "╮╯┤")
        for step in (-1, 1):
            # From here a line goes this way only if the joint has an arm that way.
            if row[lane] == ("╮" if step < 0 else "╯"):
                continue
            at = index + step
            while rows[at][lane] in "│┼┤" and not ("◀" in rows[at] and rows[at][lane] == "┤"):
                at += step
            if "◀" in rows[at] and rows[at][lane] in "╮╯┤":
                found.add((boxes[index], boxes[at]))
    return found


def test_the_text_is_drawn_as_the_docstring_shows() -> None:
    """Two stages and the ways between them, stroke by stroke."""
    drawn = diagrams.text(
        parse_lifecycle(
            {
                "name": "two",
                "stages": [{"name": "Dev"}, {"name": "Live", "exclusive": True}],
                "initial": "Dev",
                "edges": [{"from": "Dev", "to": "Live"}, {"from": "Live", "to": "Dev"}],
            }
        )
    )
    assert drawn == (
        "╭─────────╮\n"
        "│ Dev     │◀─────────────╮\n"
        "│ initial │──promote──╮  │\n"
        "╰─────────╯           │  │\n"
        "╭─────────╮           │  │\n"
        "│ Live    │◀──────────╯  │\n"
        "│ one     │──demote──────╯\n"
        "╰─────────╯\n"
    )


@pytest.mark.parametrize("name", PRESETS)
def test_following_the_lines_gives_the_edges(name: str) -> None:
    """Whoever follows a line from box to box finds the lifecycle's edges and no others."""
    found = preset(name)
    expected = {(e.source, e.target) for e in found.edges if e.source != e.target}
    assert ways_in(diagrams.text(found)) == expected


def test_a_stage_that_leads_to_itself_is_marked() -> None:
    """A loop is a sign in the box: ``open`` lets every stage be entered again."""
    assert diagrams.text(preset("open")).count("↺") == 4
    assert diagrams.text(preset("standard")).count("↺") == 0


def test_a_lifecycle_with_as_many_stages_as_there_may_be_is_drawn() -> None:
    """32 stages, each leading to every other: one lane a stage keeps it under 150 columns."""
    drawn = diagrams.text(lifecycle(32))
    assert max(len(row) for row in drawn.splitlines()) < 150
    assert drawn.count("◀") == 32


def test_a_single_stage_is_a_box() -> None:
    """Nothing leads anywhere, and nothing is drawn but the box."""
    assert diagrams.text(lifecycle(1)).splitlines()[1:3] == ["│ S0      │", "│ initial │"]


@pytest.mark.parametrize("name", PRESETS)
def test_mermaid_and_dot_have_every_edge(name: str) -> None:
    """Each edge is one arrow, loops included, and one more arrow points at the beginning."""
    found = preset(name)
    keys = {stage.name: f"s{i}" for i, stage in enumerate(found.stages, start=1)}
    expected = {(keys[e.source], keys[e.target]) for e in found.edges}
    mermaid = re.findall(r"^    (s\d+) --> (s\d+) : ", diagrams.mermaid(found), re.MULTILINE)
    dot = re.findall(r"^  (s\d+) -> (s\d+) \[", diagrams.dot(found), re.MULTILINE)
    assert set(mermaid) == set(dot) == expected
    assert len(mermaid) == len(dot) == len(expected)
    assert f"[*] --> {keys[found.initial]}" in diagrams.mermaid(found)


@pytest.mark.parametrize("name", PRESETS)
def test_svg_is_well_formed_and_complete(name: str) -> None:
    """It parses as XML, and has a label for each stage and an arc for each edge."""
    found = preset(name)
    root = ElementTree.fromstring(diagrams.svg(found))  # noqa: S314  # we drew it ourselves
    space = "{http://www.w3.org/2000/svg}"
    words = [text.text for text in root.iter(f"{space}text")]
    arcs = [path for path in root.iter(f"{space}path") if path.get("marker-end")]
    assert [stage.name for stage in found.stages if stage.name not in words] == []
    assert len(arcs) == len([e for e in found.edges if e.source != e.target])


def test_bound_verbs_are_named_on_their_way() -> None:
    """A way that only rollback may take says so; one that any verb may take tells its direction."""
    drawn = diagrams.mermaid(preset("standard"))
    assert "s4 --> s3 : rollback" in drawn
    assert "s3 --> s4 : archive" in drawn
