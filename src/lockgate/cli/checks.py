"""``lockgate check``: what machines report on a version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lockgate.cli import options
from lockgate.cli.output import Cell, Column, moment_text
from lockgate.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockgate.cli.output import Output
    from lockgate.domain.checks import CheckResult

app = typer.Typer(
    help="Report the results of automated checks.", rich_markup_mode=None, no_args_is_help=True
)

_STYLES = {"passed": "green", "failed": "red", "running": "yellow"}


@app.command()
def report(
    ctx: typer.Context,
    reference: options.Reference,
    check: Annotated[
        str,
        typer.Argument(metavar="CHECK", help="Such as integration-tests.", show_default=False),
    ],
    status: Annotated[
        str,
        typer.Argument(metavar="STATUS", help="passed, failed or running.", show_default=False),
    ],
    link: Annotated[
        str | None, typer.Option("--link", metavar="URL", help="Where the run can be looked at.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="TIME", help="It does not count after that.")
    ] = None,
) -> None:
    """Report a check's result; the last one counts, for the files as they are now."""
    session = Session.of(ctx)
    name, label = session.version_named(reference, None)
    done = session.registry.report_check(name, label, check, status, url=link, expires_at=expires)
    session.output.done(done, f"Check {done.name} of {name}:{label} is {done.status}.")


@app.command("list")
def list_(ctx: typer.Context, reference: options.Reference, version: options.Label = None) -> None:
    """List every result that was reported on a version, oldest first."""
    session = Session.of(ctx)
    found = session.registry.list_checks(*session.version_named(reference, version))
    session.output.show(found, lambda: _draw(session.output, found))


def _draw(output: Output, found: Sequence[CheckResult]) -> None:
    columns = [
        Column("Check"),
        Column("Status"),
        Column("Reported (UTC)", whole=True),
        Column("By"),
        Column("Expires (UTC)", whole=True),
        Column("Page"),
    ]
    rows = [
        (
            each.name,
            Cell(each.status, _STYLES[each.status]),
            moment_text(each.at),
            each.reported_by,
            moment_text(each.expires_at),
            each.url or "",
        )
        for each in found
    ]
    output.table(columns, rows, "No check was reported.")
