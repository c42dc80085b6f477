"""``lockgate protect``: stages and aliases that are kept for some."""

from __future__ import annotations

from typing import Annotated

import typer

from lockgate.cli.output import Column
from lockgate.cli.session import Session

app = typer.Typer(
    help="Keep a stage or an alias for those with a role.",
    rich_markup_mode=None,
    no_args_is_help=True,
)

Kind = Annotated[
    str, typer.Argument(metavar="stage|alias", help="What is kept.", show_default=False)
]
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The stage, or the alias.", show_default=False)
]
Model = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="Of this model; else of the whole project."),
]


@app.command("set")
def set_(
    ctx: typer.Context,
    kind: Kind,
    name: Name,
    needs: Annotated[
        str,
        typer.Argument(
            metavar="NEEDS", help="A role, or a permission as gate.force.", show_default=False
        ),
    ],
    model: Model = None,
) -> None:
    """Keep a stage or an alias for those who have a role or a permission."""
    session = Session.of(ctx)
    done = session.registry.set_protection(kind, name, needs, model=model, project=session.project)
    session.output.done(done, f"The {done.kind} {done.name} needs {done.needs}.")


@app.command()
def remove(ctx: typer.Context, kind: Kind, name: Name, model: Model = None) -> None:
    """Take a protection off."""
    session = Session.of(ctx)
    session.registry.remove_protection(kind, name, model=model, project=session.project)
    session.output.done({"removed": name}, f"The {kind} {name} is not protected any more.")


@app.command("list")
def list_(ctx: typer.Context, model: Model = None) -> None:
    """List what is protected in a project, or of a model."""
    session = Session.of(ctx)
    found = session.registry.list_protections(model=model, project=session.project)

    def draw() -> None:
        columns = [Column(each) for each in ("Kind", "Name", "Needs", "Of", "Set by")]
        rows = [
            (each.kind, each.name, each.needs, each.model or "the project", each.set_by)
            for each in found
        ]
        session.output.table(columns, rows, "No stage or alias is kept for a role.")

    session.output.show(found, draw)
