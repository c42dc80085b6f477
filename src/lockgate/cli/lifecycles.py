"""``lockgate lifecycle``: the stages, the edges between them, and documents of one's own."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lockgate.cli.documents import is_json, read_text
from lockgate.cli.output import Cell, Column, colour_style
from lockgate.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockgate.cli.output import Output
    from lockgate.domain.lifecycles import Lifecycle

app = typer.Typer(
    help="Look at lifecycles, and apply your own.", rich_markup_mode=None, no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The lifecycle.", show_default=False)]
File = Annotated[
    str,
    typer.Argument(
        metavar="FILE", help="TOML or JSON; - reads standard input.", show_default=False
    ),
]
Revision = Annotated[
    int | None, typer.Option("--revision", metavar="N", help="The newest unless told.")
]


class Form(StrEnum):
    """How a lifecycle can be drawn."""

    text = "text"
    mermaid = "mermaid"
    dot = "dot"
    svg = "svg"


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List every revision of every lifecycle."""
    session = Session.of(ctx)
    found = session.registry.list_lifecycles()
    session.output.show(found, lambda: _draw_list(session.output, found))


@app.command()
def show(
    ctx: typer.Context,
    name: Name,
    revision: Revision = None,
    document: Annotated[
        bool, typer.Option("--document", help="As a JSON document, to change and apply.")
    ] = False,
) -> None:
    """Show a lifecycle's stages, and what leads where."""
    from lockgate.domain.lifecycle_documents import lifecycle_document

    session = Session.of(ctx)
    found = session.registry.get_lifecycle(name, revision)
    if document:
        session.output.as_json = True
        session.output.show(lifecycle_document(found), _nothing)
        return
    session.output.show(found, lambda: _draw_one(session.output, found))


@app.command()
def apply(ctx: typer.Context, file: File) -> None:
    """Store a document as the next revision of its name; models stay where they are pinned."""
    session = Session.of(ctx)
    made = session.registry.apply_lifecycle(_read(file))
    session.output.done(made, f"Lifecycle {made.name} is at revision {made.revision}.")


@app.command()
def validate(ctx: typer.Context, file: File) -> None:
    """Check a document and report every fault; nothing is stored."""
    from lockgate.domain.lifecycle_documents import parse_lifecycle

    found = parse_lifecycle(_read(file))
    Session.of(ctx).output.done(
        {"valid": True, "name": found.name},
        f"{file} is a valid lifecycle: {found.name}, {len(found.stages)} stages, "
        f"{len(found.edges)} edges.",
    )


@app.command()
def draw(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE",
            help="The lifecycle, or a document that ends in .toml or .json.",
            show_default=False,
        ),
    ],
    revision: Revision = None,
    form: Annotated[
        Form, typer.Option("--format", help="What to draw it as.", show_choices=True)
    ] = Form.text,
) -> None:
    """Draw a lifecycle as boxes and arrows."""
    from lockgate.domain import diagrams
    from lockgate.domain.lifecycle_documents import parse_lifecycle

    session = Session.of(ctx)
    if name.endswith((".toml", ".json")):
        found = parse_lifecycle(_read(name))
    else:
        found = session.registry.get_lifecycle(name, revision)
    drawing = {
        Form.text: diagrams.text,
        Form.mermaid: diagrams.mermaid,
        Form.dot: diagrams.dot,
        Form.svg: diagrams.svg,
    }[form](found)
    session.output.show(
        {"name": found.name, "revision": found.revision, "format": form.value, "drawing": drawing},
        lambda: session.output.write(drawing),
    )


def _nothing() -> None:
    """Draw nothing: what was asked for is JSON."""


def _read(file: str) -> dict[str, Any]:
    """Return the document in a file. Raises `InvalidInput`, `InvalidLifecycle`."""
    from lockgate.domain.lifecycle_documents import read_document

    text = read_text(file)
    return read_document(text, form="json" if is_json(file, text) else "toml")


def _draw_list(output: Output, lifecycles: Sequence[Lifecycle]) -> None:
    columns = [
        Column("Lifecycle", whole=True),
        Column("Revision", right=True),
        Column("Stages"),
        Column("Description"),
    ]
    rows = [
        (
            each.name,
            str(each.revision),
            ", ".join(stage.name for stage in each.stages),
            each.description,
        )
        for each in lifecycles
    ]
    output.table(columns, rows)


def _draw_one(output: Output, lifecycle: Lifecycle) -> None:
    begins = f"{lifecycle.initial}{' unless chosen' if lifecycle.initial_choice else ''}"
    output.card(
        [
            ("lifecycle", f"{lifecycle.name} revision {lifecycle.revision}"),
            ("description", lifecycle.description),
            ("versions begin in", begins),
            ("version scheme", lifecycle.version_scheme),
            ("latest by", lifecycle.latest_by),
            ("same stage again", lifecycle.same_stage),
            ("model twice", lifecycle.on_duplicate_model),
            ("version twice", lifecycle.on_duplicate_version),
        ]
    )
    output.line("")
    columns = [
        Column("Stage"),
        Column("Also"),
        Column("Holds"),
        Column("Who stood there"),
        Column("Leads to"),
        Column("Gate"),
    ]
    rows = [
        (
            Cell(stage.name, colour_style(stage.colour)),
            " ".join(stage.aliases),
            "one" if stage.exclusive else "many",
            stage.incumbent if stage.exclusive else "",
            ", ".join(f"{target} ({verb})" for verb, target in lifecycle.next_steps(stage.name)),
            "policy" if stage.name in lifecycle.policies else "",
        )
        for stage in lifecycle.stages
    ]
    output.table(columns, rows)
