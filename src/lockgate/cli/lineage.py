"""``lockgate lineage``: what a version came from, and what came from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lockgate.cli import options
from lockgate.cli.documents import write_text
from lockgate.cli.output import printable
from lockgate.cli.session import Session
from lockgate.domain.lineage import DEPTH_DEFAULT, DEPTH_MAX

if TYPE_CHECKING:
    from lockgate.domain.lineage import Direction


def lineage(
    ctx: typer.Context,
    reference: options.Reference,
    upstream: Annotated[
        bool, typer.Option("--upstream", help="Only what the version came from.")
    ] = False,
    downstream: Annotated[
        bool, typer.Option("--downstream", help="Only what came from the version.")
    ] = False,
    depth: Annotated[
        int, typer.Option("--depth", min=1, max=DEPTH_MAX, help="How many steps to follow.")
    ] = DEPTH_DEFAULT,
    svg: Annotated[
        str | None,
        typer.Option("--svg", metavar="FILE", help="Draw it there as an image; - to print it."),
    ] = None,
) -> None:
    """Draw what a version came from, and what came from it: runs, data, code, versions."""
    from lockgate.domain import lineage_drawings

    session = Session.of(ctx)
    found = session.look_up(reference)
    direction: Direction = "both"
    if upstream != downstream:
        direction = "upstream" if upstream else "downstream"
    graph = session.registry.lineage(found.reference, direction=direction, depth=depth)
    if svg is not None and svg != "-":
        write_text(svg, lineage_drawings.svg(graph))

    def draw() -> None:
        if svg == "-":
            session.output.write(lineage_drawings.svg(graph))
        elif svg is not None:
            session.output.remark(f"Drawn to {svg}")
        else:
            session.output.write(printable(lineage_drawings.text(graph), keep="\n"))

    session.output.show(graph, draw)
