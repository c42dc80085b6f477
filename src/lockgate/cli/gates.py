"""``lockgate gate``: what stands between a version and a stage."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from lockgate.cli import options
from lockgate.cli.exits import REFUSED
from lockgate.cli.session import Session

if TYPE_CHECKING:
    from lockgate.domain.gates import GateReport


class Form(StrEnum):
    """How a report can be written."""

    table = "table"
    json = "json"
    github = "github"
    junit = "junit"


To = Annotated[
    str | None,
    options.stage_option("--to", "The stage; the next one unless told."),
]
AsForm = Annotated[
    Form,
    typer.Option(
        "--format",
        show_choices=True,
        help="github: annotations, and a job summary where GITHUB_STEP_SUMMARY is set.",
    ),
]
OutputFile = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write the report there instead."),
]


def gate(
    ctx: typer.Context,
    reference: options.Reference,
    version: options.Label = None,
    to: To = None,
    form: AsForm = Form.table,
    output: OutputFile = None,
) -> None:
    """Say what a promotion would meet; exit with 0 if the gate is open, 1 if it is closed."""
    session = Session.of(ctx)
    name, label = session.version_named(reference, version)
    report = session.registry.explain(name, label, to)
    tell(session, report, f"{name}:{report.version}", form, output)


def tell(
    session: Session, report: GateReport, reference: str, form: Form, output: str | None
) -> None:
    """Write a report in its form, and end the command with its verdict."""
    from lockgate.cli import documents, reports

    if session.output.as_json:
        form = Form.json
    if form is Form.table and output is None:
        _draw(session, report, reference)
    else:
        text = _written(report, reference, form)
        if output is None:
            session.output.write(text)
        else:
            documents.write_text(output, text)
            session.output.remark(reports.headline(report, reference))
    # Not a setting of ours: the runner of a workflow says where its summary is read from.
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if form is Form.github and summary:
        documents.append_text(summary, reports.markdown(report, reference))
    raise typer.Exit(0 if report.allowed else REFUSED)


def _written(report: GateReport, reference: str, form: Form) -> str:
    from lockgate.cli import reports
    from lockgate.cli.output import json_text

    if form is Form.json:
        return json_text(report) + "\n"
    if form is Form.github:
        return reports.github(report, reference)
    if form is Form.junit:
        return reports.junit(report, reference)
    return reports.text(report, reference)


def _draw(session: Session, report: GateReport, reference: str) -> None:
    from lockgate.cli import reports

    output = session.output
    output.line(reports.headline(report, reference), "green" if report.allowed else "red")
    if report.rows:
        output.line("")
        output.table(reports.COLUMNS, reports.table_rows(report))
    output.write(reports.missing(report))
