"""``lockgate resolve``, ``latest``, ``history``, ``compare``, ``search``, ``summary``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lockgate.cli import options
from lockgate.cli.models import draw_models
from lockgate.cli.output import Cell, Column, counted, moment_text, number_text
from lockgate.cli.session import Session
from lockgate.cli.versions import draw_versions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockgate.domain.comparison import Comparison, MetricDiff
    from lockgate.domain.history import Occupancy
    from lockgate.domain.summary import Summary
    from lockgate.domain.versions import ModelVersion

SUMMARY_COLUMNS = 40
# What the other columns of a history take, and how short and long its bars may be.
HISTORY_TEXT_COLUMNS, BAR_COLUMNS_MIN, BAR_COLUMNS_MAX = 60, 12, 48


def resolve(ctx: typer.Context, reference: options.Reference, at: options.At = None) -> None:
    """Print which version a reference means, now or at a moment in the past."""
    session = Session.of(ctx)
    _print_reference(session, session.registry.resolve(reference, at=at))


def latest(
    ctx: typer.Context,
    name: options.Model,
    stage: Annotated[
        str | None,
        options.stage_option("--stage", "The latest that stands here."),
    ] = None,
    at: options.At = None,
) -> None:
    """Print the latest version of a model, of all or of those in a stage."""
    session = Session.of(ctx)
    _print_reference(session, session.registry.get_latest(session.model_named(name), stage, at=at))


def history(ctx: typer.Context, name: options.Model) -> None:
    """Draw who stood where, stages and aliases, from when to when."""
    session = Session.of(ctx)
    stays = session.registry.history(session.model_named(name))
    session.output.show(stays, lambda: _draw_history(session, stays))


def compare_(
    ctx: typer.Context,
    first: Annotated[
        str, typer.Argument(metavar="REF", help="The version to compare with.", show_default=False)
    ],
    second: Annotated[
        str, typer.Argument(metavar="REF", help="The version that is new.", show_default=False)
    ],
    third: Annotated[
        str | None,
        typer.Argument(
            metavar="VERSION",
            autocompletion=options.complete_version,
            help="As in: compare churn 1.0.0 1.1.0.",
        ),
    ] = None,
) -> None:
    """Compare two versions: metrics with their change, params and tags that differ."""
    from lockgate.domain.comparison import compare

    session = Session.of(ctx)
    if third is None:
        a, b = session.look_up(first), session.look_up(second)
    else:
        a, b = session.look_up(first, second), session.look_up(first, third)
    found = compare(a, b)
    session.output.show(found, lambda: _draw_comparison(session, found))


def search(
    ctx: typer.Context,
    filter: Annotated[  # noqa: A002  # the argument's name is its public word
        str,
        typer.Argument(
            metavar="FILTER",
            help="As in: metrics.accuracy > 0.9 and tags.team = 'risk' and stage = 'Production'.",
            show_default=False,
        ),
    ],
    models: Annotated[
        bool, typer.Option("--models", help="Find models; else versions are found.")
    ] = False,
    order_by: Annotated[
        str | None,
        typer.Option("--order-by", metavar="KEYS", help="As in: metrics.accuracy DESC, name."),
    ] = None,
    limit: options.Limit = options.LIMIT,
    all_: options.All = False,
) -> None:
    """Find versions (or models) by what is known of them."""
    session = Session.of(ctx)
    ask: Any = session.registry.search_models if models else session.registry.search

    def fetch(**page: Any) -> Any:
        return ask(filter, order_by=order_by, project=session.project, **page)

    found = session.pages(fetch, limit, all_)

    def draw() -> None:
        if models:
            draw_models(session.output, found)
        else:
            draw_versions(session, found)

    session.output.show(found.as_page(), draw)
    found.remark_on_rest(session.output)


def summary(
    ctx: typer.Context,
    model: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Count the versions of this model alone."),
    ] = None,
) -> None:
    """Count models, versions and stages, over all projects unless --project names one."""
    session = Session.of(ctx)
    counts = session.registry.summary(project=session.project, model=model)
    session.output.show(counts, lambda: _draw_summary(session, counts))


def _print_reference(session: Session, version: ModelVersion) -> None:
    def draw() -> None:
        session.output.line(version.reference)
        if session.output.on_terminal:
            since = moment_text(version.stage_since)
            session.output.remark(f"{version.stage} since {since} UTC")

    session.output.show(version, draw)


def _draw_history(session: Session, stays: Sequence[Occupancy]) -> None:
    from lockgate.cli.timelines import bars, duration_text, in_order_of_places

    now = datetime.now(UTC)
    ordered = in_order_of_places(stays)
    room = session.output.columns - HISTORY_TEXT_COLUMNS
    drawn = bars(ordered, min(max(room, BAR_COLUMNS_MIN), BAR_COLUMNS_MAX))
    columns = [
        Column("Where", whole=True),
        Column("Version", whole=True),
        Column("", whole=True),
        Column("Since (UTC)", whole=True),
        Column("For", whole=True),
        Column("By"),
    ]
    rows: list[list[Cell | str]] = []
    for stay, bar in zip(ordered, drawn, strict=True):
        stage = session.stage_cell(stay.place) if stay.kind == "stage" else Cell(f"@{stay.place}")
        rows.append(
            [
                stage,
                stay.version,
                Cell(bar, stage.style),
                moment_text(stay.since),
                duration_text(stay.since, stay.until, now),
                stay.by,
            ]
        )
    session.output.table(columns, rows, "Nothing fits.")


def _draw_comparison(session: Session, found: Comparison) -> None:
    output = session.output
    same_model = (found.a.project, found.a.model) == (found.b.project, found.b.model)
    names = [each.label if same_model else each.reference for each in (found.a, found.b)]
    head = [Column(name, right=True, named=True) for name in names]
    if not (found.metric_diffs or found.param_diffs or found.tag_diffs):
        output.line("There is nothing to compare: no metrics, and params and tags are the same.")
        return
    if found.metric_diffs:
        columns = [
            Column("Metric"),
            *head,
            Column("Delta", right=True),
            Column("Change", right=True),
            Column(""),
        ]
        rows = [_metric_row(name, diff) for name, diff in found.metric_diffs.items()]
        output.table(columns, rows)
    for kind, differences in (("Param", found.param_diffs), ("Tag", found.tag_diffs)):
        if differences:
            output.line("")
            output.table(
                [Column(kind), *head],
                [(key, _side(diff.a), _side(diff.b)) for key, diff in differences.items()],
            )


def _metric_row(name: str, diff: MetricDiff) -> list[Cell | str]:
    # Up and down have no colour of good and bad: a loss is better when it falls.
    style, sign = "", ""
    if diff.delta is not None and diff.delta != 0:
        style, sign = ("cyan", "▲ ") if diff.delta > 0 else ("yellow", "▼ ")
    change = "–" if diff.percent_change is None else f"{diff.percent_change:+.2f} %"
    delta = "–" if diff.delta is None else f"{sign}{number_text(abs(diff.delta))}"
    return [
        name,
        number_text(diff.a),
        number_text(diff.b),
        Cell(delta, style),
        Cell(change, style),
        Cell(diff.reason or "", "bright_black"),
    ]


def _side(value: Any) -> str:
    return "–" if value is None else str(value)


def _draw_summary(session: Session, counts: Summary) -> None:
    output = session.output
    place = "in all projects" if counts.project is None else f"in project {counts.project}"
    models, versions = counts.total_models, counts.total_versions
    if counts.model is not None:
        output.line(f"{counted(versions, 'version')} of {counts.project}/{counts.model}")
    else:
        output.line(f"{counted(models, 'model')}, {counted(versions, 'version')} {place}")
    if not counts.by_stage:
        return
    highest = max(counts.by_stage.values())
    rows: list[list[Cell | str]] = []
    for stage, count in counts.by_stage.items():
        cell = session.stage_cell(stage)
        bar = "█" * max(1, round(SUMMARY_COLUMNS * count / highest)) if count else ""
        rows.append([cell, str(count), Cell(bar, cell.style)])
    output.line("")
    output.table([Column("Stage"), Column("Versions", right=True), Column("")], rows)
