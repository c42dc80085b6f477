"""``lockgate alias``: movable names for versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lockgate.cli import options
from lockgate.cli.output import Column, moment_text
from lockgate.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockgate.cli.output import Output
    from lockgate.domain.history import Alias

app = typer.Typer(
    help="Name versions with aliases that move.", rich_markup_mode=None, no_args_is_help=True
)

Name = Annotated[
    str,
    typer.Argument(
        metavar="ALIAS",
        autocompletion=options.complete_alias,
        help="Such as champion.",
        show_default=False,
    ),
]


@app.command("set")
def set_(
    ctx: typer.Context,
    reference: options.Reference,
    alias: Name,
    version: options.Label = None,
    protected: Annotated[
        bool | None,
        typer.Option(
            "--protected/--unprotected", help="Whether it takes a permission of its own to move."
        ),
    ] = None,
) -> None:
    """Make an alias name a version, whatever it named before."""
    session = Session.of(ctx)
    name, label = session.version_named(reference, version)
    made = session.registry.set_alias(name, alias, label, protected=protected)
    session.output.done(made, f"{made.model}@{made.alias} is {made.version} now.")


@app.command()
def delete(ctx: typer.Context, name: options.Model, alias: Name) -> None:
    """Take an alias away."""
    session = Session.of(ctx)
    full_name = session.model_named(name)
    session.registry.delete_alias(full_name, alias)
    session.output.done({"deleted": f"{full_name}@{alias}"}, f"{full_name}@{alias} is gone.")


@app.command("list")
def list_(ctx: typer.Context, name: options.Model) -> None:
    """List a model's aliases."""
    session = Session.of(ctx)
    aliases = session.registry.list_aliases(session.model_named(name))
    session.output.show(aliases, lambda: _draw(session.output, aliases))


def _draw(output: Output, aliases: Sequence[Alias]) -> None:
    columns = [
        Column("Alias"),
        Column("Version"),
        Column("Protected"),
        Column("Set (UTC)", whole=True),
        Column("By"),
    ]
    rows = [
        (
            each.alias,
            each.version,
            "yes" if each.protected else "",
            moment_text(each.set_at),
            each.set_by,
        )
        for each in aliases
    ]
    output.table(columns, rows)
