"""``lockgate audit``: the log of every change, and whether it is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lockgate.cli import options
from lockgate.cli.output import Column, counted, moment_text
from lockgate.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockgate.cli.output import Output
    from lockgate.domain.audit import AuditEvent

app = typer.Typer(help="Read the log, and verify it.", rich_markup_mode=None, no_args_is_help=True)


@app.command()
def log(
    ctx: typer.Context,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="Only events of this model.")
    ] = None,
    version: Annotated[
        str | None, typer.Option("--version", metavar="VERSION", help="Only of this version.")
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="ACTOR", help="Only what this actor did.")
    ] = None,
    action: Annotated[
        str | None, typer.Option("--action", metavar="ACTION", help="Such as transition.")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME")] = None,
    oldest_first: Annotated[
        bool, typer.Option("--oldest-first", help="In the order of the log.")
    ] = False,
    limit: options.Limit = options.LIMIT,
    all_: options.All = False,
) -> None:
    """List events of a project, newest first."""
    session = Session.of(ctx)

    def fetch(**page: Any) -> Any:
        return session.registry.audit(
            project=session.project,
            model=None if model is None else session.model_named(model),
            version=version,
            actor=by,
            action=action,
            since=since,
            until=until,
            newest_first=not oldest_first,
            **page,
        )

    events = session.pages(fetch, limit, all_)
    session.output.show(events.as_page(), lambda: _draw(session.output, events))
    events.remark_on_rest(session.output)


@app.command()
def verify(ctx: typer.Context) -> None:
    """Recompute the log, compare it with the tables; name the first bad event (exit code 6)."""
    session = Session.of(ctx)
    verdict = session.registry.verify_audit(project=session.project)
    verdict.require_ok()
    session.output.done(
        {"ok": True, "size": verdict.size, "root": verdict.root},
        f"The log of project {session.named_project} is whole: "
        f"{counted(verdict.size, 'event')}, "
        f"root {verdict.root}",
    )


def _draw(output: Output, events: Sequence[AuditEvent]) -> None:
    columns = [
        Column("No.", right=True),
        Column("When (UTC)", whole=True),
        Column("By"),
        Column("Action"),
        Column("On"),
        Column("Detail"),
        Column("Cause", right=True),
    ]
    rows = [
        (
            str(event.seq),
            moment_text(event.at),
            event.actor,
            event.action,
            ":".join(part for part in (event.model, event.version) if part),
            _detail_text(event),
            "" if event.cause is None else f"#{event.cause}",
        )
        for event in events
    ]
    output.table(columns, rows)


def _detail_text(event: AuditEvent) -> str:
    """Return what of an event's detail a person looks for; ``--json`` has all of it."""
    detail = event.detail
    source, target = detail.get("from"), detail.get("to")
    if isinstance(source, str) and isinstance(target, str):
        text = f"{detail.get('verb', '')} {source} → {target}".lstrip()
    elif "alias" in detail:
        text = f"@{detail['alias']}"
    elif "stage" in detail:
        text = str(detail["stage"])
    else:
        text = " ".join(key for key, value in detail.items() if value not in (None, "", {}, []))
    comment = detail.get("comment")
    return f"{text} “{comment}”" if comment else text
