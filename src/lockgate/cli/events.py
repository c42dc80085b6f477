"""``lockgate watch``: what happens, as it happens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from lockgate.cli import options
from lockgate.cli.audit import detail_text
from lockgate.cli.output import moment_text, printable
from lockgate.cli.session import Session

if TYPE_CHECKING:
    from lockgate.domain.audit import AuditEvent


def watch(
    ctx: typer.Context,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="Only events of this model.")
    ] = None,
    stage: Annotated[
        str | None,
        options.stage_option("--stage", "Only what is about this stage."),
    ] = None,
    action: Annotated[
        str | None, typer.Option("--action", metavar="ACTION", help="Such as transition.")
    ] = None,
    after: Annotated[
        int | None,
        typer.Option(
            "--after",
            metavar="N",
            min=0,
            help="Begin after this event; 0 is the beginning. [what happens from now on]",
        ),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="End where the log ends, instead of waiting.")
    ] = False,
) -> None:
    """Show the events of a project as they happen; with --json, one JSON object a line.

    The number of the last event that you dealt with is where --after goes on.
    """
    session = Session.of(ctx)
    found = session.registry.events(
        after=after,
        project=session.project,
        model=None if model is None else session.model_named(model),
        stage=stage,
        action=action,
        follow=not once,
    )
    for event in found:
        if session.output.as_json:
            session.output.write(_json_line(event))
        else:
            session.output.line(printable(_line(event)))


def _line(event: AuditEvent) -> str:
    about = ":".join(part for part in (event.model, event.version) if part)
    words = (
        f"{event.seq:>6}",
        moment_text(event.at),
        event.actor,
        event.action,
        about,
        detail_text(event),
    )
    return "  ".join(word for word in words if word)


def _json_line(event: AuditEvent) -> str:
    from lockgate.wire.records import to_wire

    return json.dumps(to_wire(event), ensure_ascii=False, separators=(",", ":")) + "\n"
