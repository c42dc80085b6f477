"""``lockgate monitor source``: where metrics are read from."""

from __future__ import annotations

from typing import Annotated

import typer

from lockgate.cli import options
from lockgate.cli.observations import Metric
from lockgate.cli.output import Column, moment_text
from lockgate.cli.session import Session

source = typer.Typer(
    help="Read metrics from a Prometheus server.", rich_markup_mode=None, no_args_is_help=True
)


@source.command()
def add(
    ctx: typer.Context,
    name: options.Model,
    metric: Metric,
    prometheus: Annotated[
        str,
        typer.Option("--prometheus", metavar="URL", help="Such as http://prometheus:9090."),
    ],
    query: Annotated[
        str,
        typer.Option(
            "--query", metavar="PROMQL", help="$version, $model and $project are filled in."
        ),
    ],
    stage: Annotated[
        str | None,
        options.stage_option("--stage", "The serving one unless told."),
    ] = None,
    step_s: Annotated[
        int, typer.Option("--step-s", metavar="N", help="A value every so many seconds.")
    ] = 60,
) -> None:
    """Read a metric of whatever stands in a stage; replaces the source of that metric."""
    session = Session.of(ctx)
    made = session.registry.set_source(
        session.model_named(name), metric, prometheus, query, stage=stage, step_s=step_s
    )
    session.output.done(
        made,
        f"'{made.metric}' of {made.project}/{made.model}@{made.stage} is read from {made.url}.",
    )


@source.command("list")
def list_(ctx: typer.Context, name: options.Model) -> None:
    """List where metrics of a model are read from, and how that went."""
    session = Session.of(ctx)
    found = session.registry.list_sources(session.model_named(name))
    columns = [
        *(Column("Metric"), Column("Stage"), Column("URL"), Column("Query")),
        *(Column("Read until (UTC)"), Column("Error")),
    ]
    rows = [
        (each.metric, each.stage, each.url, each.query, moment_text(each.read_until), each.error)
        for each in found
    ]
    session.output.show(found, lambda: session.output.table(columns, rows))


@source.command()
def remove(ctx: typer.Context, name: options.Model, metric: Metric) -> None:
    """Read a metric no more."""
    session = Session.of(ctx)
    gone = session.registry.remove_source(session.model_named(name), metric)
    session.output.done(gone, f"'{gone.metric}' of {gone.project}/{gone.model} is read no more.")
