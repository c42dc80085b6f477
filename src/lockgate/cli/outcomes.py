"""``lockgate outcomes``: what came of the arms of a split."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lockgate.cli import options
from lockgate.cli.output import Cell, Column
from lockgate.cli.session import Session

if TYPE_CHECKING:
    from lockgate.cli.output import Output
    from lockgate.domain.trials import OutcomeComparison

app = typer.Typer(
    help="Report and compare what came of the arms of a split.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
Metric = Annotated[
    str,
    options.metric_argument("Such as conversion."),
]
_STYLES = {"better": "green", "worse": "red"}


class Better(StrEnum):
    """Which way is better."""

    more = "higher"
    less = "lower"


@app.command()
def report(
    ctx: typer.Context,
    name: options.Model,
    metric: Metric,
    arm: Annotated[
        str | None, typer.Option("--arm", metavar="ARM", help="Of what it means now.")
    ] = None,
    version: Annotated[
        str | None,
        options.version_option("--of", "Of this version, not an arm."),
    ] = None,
    successes: Annotated[int | None, typer.Option("--successes", metavar="N")] = None,
    trials: Annotated[int | None, typer.Option("--trials", metavar="N")] = None,
    values: Annotated[
        list[float] | None,
        typer.Option("--value", metavar="NUMBER", help="In place of trials; may be repeated."),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option("--batch", metavar="ID", help="Count a batch of this name only once."),
    ] = None,
) -> None:
    """Count successes of trials, or values, on an arm or on a version."""
    session = Session.of(ctx)
    given: dict[str, Any] = {
        "arm": arm,
        "version": version,
        "metric": metric,
        "successes": successes,
        "trials": trials,
        "values": values or None,
    }
    outcome = {key: value for key, value in given.items() if value is not None}
    found = session.registry.report_outcomes(session.model_named(name), [outcome], batch=batch)
    said = "; ".join(
        f"'{each.metric}' of version {each.version}: {each.tally.mean:.6g} of {each.tally.n}"
        for each in found
    )
    session.output.done(found, f"{said}.")


@app.command()
def compare(
    ctx: typer.Context,
    name: options.Model,
    metric: Metric,
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar="ARM", help="The first arm unless told.")
    ] = None,
    better: Annotated[Better, typer.Option("--better", help="Which way.")] = Better.more,
    alpha: Annotated[
        float, typer.Option("--alpha", metavar="P", help="How probable a wrong verdict may be.")
    ] = 0.05,
) -> None:
    """Compare the arms of a split, as often as you like: looking often spoils nothing."""
    session = Session.of(ctx)
    found = session.registry.compare_outcomes(
        session.model_named(name),
        metric,
        baseline=baseline,
        direction=better.value,
        alpha=alpha,
    )
    session.output.show(found, lambda: _draw(session.output, found))


def _draw(output: Output, found: OutcomeComparison) -> None:
    columns = [
        *(Column("Arm"), Column("Version"), Column("N"), Column("Mean"), Column("Difference")),
        *(Column("Between"), Column("p"), Column("Verdict")),
    ]
    rows = [
        (
            each.arm,
            each.version,
            str(each.n),
            _figure(each.mean),
            _figure(each.difference),
            "" if each.low is None else f"{_figure(each.low)} … {_figure(each.high)}",
            _figure(each.p_value),
            Cell(each.verdict, _STYLES.get(each.verdict, "")),
        )
        for each in found.arms
    ]
    output.table(columns, rows)
    output.line(f"Winner: {found.winner or 'none yet'}")


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
