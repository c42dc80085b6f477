"""``lockgate observe``, ``monitor histogram`` and ``monitor chart``: what versions do in use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from lockgate.cli import options
from lockgate.cli.charts import chart_lines
from lockgate.cli.output import Column, counted, moment_text, number_text
from lockgate.cli.session import Session
from lockgate.cli.values import metrics_of
from lockgate.errors import InvalidInput

if TYPE_CHECKING:
    from lockgate.cli.output import Output

Metric = Annotated[
    str,
    options.metric_argument("Such as auc."),
]
When = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="When it was so; now unless told.")
]
WIDTH = 60
"""As many points as a chart usually has."""


class Measure(StrEnum):
    """What of a metric is looked at."""

    mean = "mean"
    psi = "psi"
    ks = "ks"


def observe(
    ctx: typer.Context,
    reference: options.Reference,
    metrics: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY=NUMBER...", help="As in auc=0.87 latency_p99_ms=41.", show_default=False
        ),
    ],
    at: When = None,
) -> None:
    """Report metrics of a version in use."""
    session = Session.of(ctx)
    name, label = session.version_named(reference, None)
    kept = session.registry.report_observations(name, label, metrics_of(metrics), at=at)
    told = counted(kept.count, "value")
    session.output.done(kept, f"{told} of {kept.project}/{kept.model}:{kept.version} taken in.")


def histogram(
    ctx: typer.Context,
    reference: options.Reference,
    metric: Metric,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="JSON or TOML with edges, and counts: below the first edge, from each edge to "
            "the next, from the last on; - is standard input.",
            show_default=False,
        ),
    ],
    as_reference: Annotated[
        bool, typer.Option("--reference", help="What later ones are held against.")
    ] = False,
    at: When = None,
) -> None:
    """Report how the values of a metric are spread."""
    from lockgate.cli.documents import read_document

    session = Session.of(ctx)
    name, label = session.version_named(reference, None)
    document = read_document(file)
    if set(document) != {"edges", "counts"}:
        raise InvalidInput(
            detail=f"A histogram has edges and counts, and nothing else; {file} has "
            f"{', '.join(document) or 'nothing'}",
            field="file",
        )
    kept = session.registry.report_histogram(
        name, label, metric, document["edges"], document["counts"], at=at, reference=as_reference
    )
    what = f"The reference of '{kept.metric}'" if kept.reference else f"'{kept.metric}'"
    told = counted(kept.n, "value")
    session.output.done(
        kept, f"{what} of {kept.project}/{kept.model}:{kept.version} taken in, {told}."
    )


def chart(
    ctx: typer.Context,
    reference: options.Reference,
    metric: Metric,
    measure: Annotated[
        Measure,
        typer.Option("--measure", help="The mean, or how far histograms lie from their reference."),
    ] = Measure.mean,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="All that is kept unless told."),
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME")] = None,
    points: Annotated[
        int, typer.Option("--points", min=1, max=2_000, metavar="N", help="So many steps.")
    ] = WIDTH,
    as_table: Annotated[bool, typer.Option("--table", help="Figures, a step a line.")] = False,
) -> None:
    """Draw a metric of a version over time."""
    session = Session.of(ctx)
    name, label = session.version_named(reference, None)
    span = {"since": since, "until": until}
    found: list[tuple[datetime, int, float]]
    if measure is Measure.mean:
        series = session.registry.list_observations(name, label, metric, points=points, **span)
        step_s, found = series.step_s, [(each.at, each.n, each.mean) for each in series.points]
        session.output.show(
            series, lambda: _draw(session.output, measure.value, step_s, found, as_table)
        )
        return
    drift = session.registry.list_drift(name, label, metric, points=points, **span)
    step_s = drift.step_s
    found = [(each.at, each.n, getattr(each, measure.value)) for each in drift.points]
    session.output.show(
        drift, lambda: _draw(session.output, measure.value, step_s, found, as_table)
    )


def _draw(
    output: Output,
    measure: str,
    step_s: int,
    found: Sequence[tuple[datetime, int, float]],
    as_table: bool,
) -> None:
    if not found:
        output.remark("Nothing was reported in that time.")
        return
    if as_table:
        output.table(
            [Column("From (UTC)"), Column("Values", right=True), Column(measure, right=True)],
            [(moment_text(at), str(n), number_text(value)) for at, n, value in found],
        )
        return
    lines = chart_lines([(at, value) for at, _, value in found], step_s, output.columns)
    output.line("\n".join(lines))
    total = counted(sum(n for _, n, _ in found), "value")
    output.remark(f"{measure} of {total}, in steps of {_duration(step_s)} (UTC)")


def _duration(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
