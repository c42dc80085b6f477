"""``lockgate split``: which keys get which version of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lockgate.cli import options
from lockgate.cli.output import Column, moment_text
from lockgate.cli.session import Session
from lockgate.cli.values import weights_of

if TYPE_CHECKING:
    from lockgate.cli.output import Output
    from lockgate.domain.splits import Split

app = typer.Typer(
    help="Share the keys of a model out among its versions.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@app.command("set")
def set_(
    ctx: typer.Context,
    name: options.Model,
    arms: Annotated[
        list[str],
        typer.Argument(
            metavar="ARM=WEIGHT...",
            help="A stage, an alias or a version, as in production=90 challenger=10.",
            show_default=False,
        ),
    ],
) -> None:
    """Share the keys out by weight; only the keys that must move do."""
    session = Session.of(ctx)
    split = session.registry.set_split(session.model_named(name), weights_of(arms))
    session.output.done(
        split, f"{split.project}/{split.model}: {_shares(split)}; {split.moved:.4%} of keys moved."
    )


@app.command()
def show(ctx: typer.Context, name: options.Model) -> None:
    """Show how the keys of a model are shared out."""
    session = Session.of(ctx)
    split = session.registry.get_split(session.model_named(name))
    session.output.show(split, lambda: _draw(session.output, split))


@app.command()
def remove(ctx: typer.Context, name: options.Model) -> None:
    """Take a model's split away."""
    session = Session.of(ctx)
    split = session.registry.remove_split(session.model_named(name))
    session.output.done(split, f"{split.project}/{split.model} has no split any more.")


@app.command()
def assign(
    ctx: typer.Context,
    name: options.Model,
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="Such as a user's id.", show_default=False)
    ],
) -> None:
    """Say which version a key gets: always of the same arm."""
    session = Session.of(ctx)
    found = session.registry.assign(session.model_named(name), key)
    session.output.done(found, f"{found.reference} ({found.arm})")


def _shares(split: Split) -> str:
    total = sum(each.weight for each in split.arms)
    return ", ".join(f"{each.name} {each.weight / total:.4g}" for each in split.arms)


def _draw(output: Output, split: Split) -> None:
    output.card(
        [
            ("Model", f"{split.project}/{split.model}"),
            ("Revision", str(split.revision)),
            ("Set", f"{moment_text(split.set_at)} by {split.set_by}"),
        ]
    )
    columns = [Column("Arm"), Column("Kind"), Column("Weight")]
    output.table(columns, [(each.name, each.kind, str(each.weight)) for each in split.arms])
