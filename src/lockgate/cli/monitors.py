"""``lockgate monitor``: rules over what versions do in use."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from lockgate.cli import options
from lockgate.cli.observations import Measure, Metric, chart, histogram
from lockgate.cli.output import Cell, Column
from lockgate.cli.session import Session
from lockgate.cli.sources import source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockgate.cli.output import Output
    from lockgate.domain.monitors import Monitor

app = typer.Typer(
    help="Watch what versions do in use, and roll back what fails.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
Name = Annotated[
    str, typer.Argument(metavar="MONITOR", help="The monitor's name.", show_default=False)
]
_STYLES = {"ok": "green", "alarm": "red"}


class Against(StrEnum):
    """What a metric is held against."""

    bound = "bound"
    metrics = "metrics"
    incumbent = "incumbent"
    reference = "reference"


class Better(StrEnum):
    """Which way is better."""

    more = "higher"
    less = "lower"


class Action(StrEnum):
    """What an alarm does."""

    alert = "alert"
    rollback = "rollback"


@app.command()
def add(
    ctx: typer.Context,
    name: options.Model,
    monitor: Name,
    metric: Metric,
    bound: Annotated[
        float, typer.Option("--bound", metavar="NUMBER", help="What it is held to, or may miss.")
    ] = 0.0,
    measure: Annotated[
        Measure,
        typer.Option("--measure", help="The mean, or how far histograms drift: psi or ks."),
    ] = Measure.mean,
    against: Annotated[
        Against | None,
        typer.Option(
            "--against",
            help="An absolute bound, its own metric, or the last version; a histogram: its "
            "reference, or the last version's.",
            show_default=False,
        ),
    ] = None,
    better: Annotated[
        Better | None, typer.Option("--better", help="Higher unless told.", show_default=False)
    ] = None,
    stage: Annotated[
        str | None,
        options.stage_option("--stage", "The serving one unless told."),
    ] = None,
    window_s: Annotated[int, typer.Option("--window-s", metavar="N")] = 300,
    windows: Annotated[
        int, typer.Option("--windows", metavar="N", help="So many bad in a row are an alarm.")
    ] = 3,
    recovery: Annotated[
        int, typer.Option("--recovery", metavar="N", help="So many good in a row end it.")
    ] = 3,
    min_samples: Annotated[
        int, typer.Option("--min-samples", metavar="N", help="A window with fewer is none.")
    ] = 30,
    action: Annotated[Action, typer.Option("--action", help="What an alarm does.")] = Action.alert,
    cooldown_s: Annotated[
        int, typer.Option("--cooldown-s", metavar="N", help="At most one rollback in this time.")
    ] = 86_400,
) -> None:
    """Watch a metric of whatever stands in a stage; replaces the rule of that name."""
    session = Session.of(ctx)
    done = session.registry.set_monitor(
        session.model_named(name),
        monitor,
        metric,
        bound=bound,
        measure=measure.value,
        against=None if against is None else against.value,
        direction=None if better is None else better.value,
        stage=stage,
        window_s=window_s,
        windows=windows,
        recovery=recovery,
        min_samples=min_samples,
        action=action.value,
        cooldown_s=cooldown_s,
    )
    told = f"'{done.name}' watches {done.project}/{done.model}@{done.rule.stage}."
    session.output.done(done, told if done.unjudged is None else f"{told}\n{_unjudged(done)}")


@app.command("list")
def list_(ctx: typer.Context, name: options.Model) -> None:
    """List the monitors of a model and how they stand."""
    session = Session.of(ctx)
    found = session.registry.list_monitors(session.model_named(name))
    session.output.show(found, lambda: _draw_all(session.output, found))


@app.command()
def remove(ctx: typer.Context, name: options.Model, monitor: Name) -> None:
    """Watch no more by this rule."""
    session = Session.of(ctx)
    gone = session.registry.remove_monitor(session.model_named(name), monitor)
    session.output.done(gone, f"'{gone.name}' watches {gone.project}/{gone.model} no more.")


@app.command()
def evaluate(ctx: typer.Context) -> None:
    """Look at every monitor now, as the server does by itself; list what has changed."""
    session = Session.of(ctx)
    found = session.registry.evaluate_monitors()
    session.output.show(found, lambda: _draw(session.output, found))


app.command()(histogram)
app.command()(chart)
app.add_typer(source, name="source")


def _draw_all(output: Output, found: Sequence[Monitor]) -> None:
    _draw(output, found)
    for each in found:
        if each.unjudged is not None:
            output.line(_unjudged(each), "yellow")


def _unjudged(monitor: Monitor) -> str:
    return f"'{monitor.name}' judges nothing yet: {monitor.unjudged}"


def _draw(output: Output, found: Sequence[Monitor]) -> None:
    columns = [
        *(Column("Model"), Column("Monitor"), Column("Metric"), Column("Stage")),
        *(Column("Version"), Column("State"), Column("Then")),
    ]
    rows = [
        (
            f"{each.project}/{each.model}",
            each.name,
            _watched(each),
            each.rule.stage,
            each.version or "",
            Cell(each.state, _STYLES[each.state])
            if each.unjudged is None
            else Cell("unjudged", "yellow"),
            each.rule.action,
        )
        for each in found
    ]
    output.table(columns, rows)


def _watched(monitor: Monitor) -> str:
    rule = monitor.rule
    return rule.metric if rule.measure == "mean" else f"{rule.measure} of {rule.metric}"
