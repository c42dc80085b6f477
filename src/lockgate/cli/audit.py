"""``lockgate audit``: the log of every change, and whether it is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lockgate.cli import options
from lockgate.cli.documents import open_lines, read_text, write_lines, write_text
from lockgate.cli.output import Cell, Column, counted, moment_text, pairs_text
from lockgate.cli.session import Session
from lockgate.domain.permissions import NEEDED_FOR
from lockgate.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lockgate.cli.output import Output
    from lockgate.domain.audit import AuditEvent
    from lockgate.domain.verification import Verdict

app = typer.Typer(help="Read the log, and verify it.", rich_markup_mode=None, no_args_is_help=True)

IDENTIFIER_CHARS_MIN = 32

OutputFile = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write there, not to standard output."),
]


@app.command()
def log(
    ctx: typer.Context,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="Only events of this model.")
    ] = None,
    version: Annotated[
        str | None,
        options.version_option("--version", "Only of this version."),
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="ACTOR", help="Only what this actor did.")
    ] = None,
    action: Annotated[
        str | None, typer.Option("--action", metavar="ACTION", help="Such as transition.")
    ] = None,
    forced: Annotated[
        bool, typer.Option("--forced", help="Only passages for which a gate was forced open.")
    ] = False,
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
            forced=True if forced else None,
            since=since,
            until=until,
            newest_first=not oldest_first,
            **page,
        )

    events = session.pages(fetch, limit, all_)
    session.output.show(events.as_page(), lambda: _draw(session.output, events))
    events.remark_on_rest(session.output)
    from difflib import get_close_matches

    if action is not None and not events and action not in NEEDED_FOR:
        near = get_close_matches(action, NEEDED_FOR, n=1)
        meant = f"; did you mean {near[0]}?" if near else "."
        session.output.remark(f"There is no action '{action}'{meant}")


@app.command()
def verify(
    ctx: typer.Context,
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="EXPORT", help="An exported log, instead of the registry."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="KEY", help="The public key, or a file that it is in."),
    ] = None,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(
            "--checkpoint", metavar="FILE", help="One that was kept elsewhere; may be repeated."
        ),
    ] = None,
) -> None:
    """Recompute the log, compare it with the tables; name the first bad event (exit code 6).

    With --file and --key nothing else is needed: no database, no server.
    """
    session = Session.of(ctx)
    notes = [read_text(each) for each in checkpoint or ()]
    verifier = None if key is None else _verifier(key)
    if file is None:
        verdict = session.registry.verify_audit(
            project=session.project, checkpoints=notes, verifier_key=verifier
        )
        what = f"The log of project {session.named_project}"
    else:
        verdict = _verify_file(file, verifier, notes)
        what = f"The log in {file}"
    verdict.require_ok()
    session.output.done(
        {"ok": True, "size": verdict.size, "root": verdict.root},
        f"{what} is whole: {counted(verdict.size, 'event')}, root {verdict.root}",
    )


@app.command()
def checkpoint(ctx: typer.Context, output: OutputFile = None) -> None:
    """Sign what the log is now; keep what is printed somewhere else."""
    session = Session.of(ctx)
    made = session.registry.checkpoint(project=session.project)
    if output is not None:
        write_text(output, made.note)
        session.output.done(made, f"{counted(made.size, 'event')} signed, in {output}.")
    else:
        session.output.show(made, lambda: session.output.write(made.note))
    session.output.remark(f"verify with --key {made.verifier_key}")


@app.command()
def checkpoints(ctx: typer.Context) -> None:
    """List the checkpoints that were made, newest first."""
    session = Session.of(ctx)
    found = session.registry.list_checkpoints(project=session.project)
    columns = [
        Column("Events", right=True),
        Column("Signed (UTC)", whole=True),
        Column("By"),
        Column("Root", whole=True),
        Column("Key"),
    ]
    session.output.show(
        found,
        lambda: session.output.table(
            columns,
            [
                (
                    str(each.size),
                    moment_text(each.at),
                    each.made_by,
                    each.note.split("\n")[2],
                    each.verifier_key,
                )
                for each in found
            ],
        ),
    )


@app.command()
def export(ctx: typer.Context, output: OutputFile = None) -> None:
    """Write the whole log, signed, for an auditor to verify offline."""
    session = Session.of(ctx)
    lines = session.registry.export_audit(project=session.project)
    if output is None:
        for line in lines:
            session.output.write(line)
        return
    count = write_lines(output, lines) - 1
    session.output.done(
        {"file": output, "size": count}, f"{counted(count, 'event')} exported to {output}."
    )


@app.command()
def keygen(
    ctx: typer.Context,
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE", help="[LOCKGATE_AUDIT_KEY, else audit.key among your settings]"
        ),
    ] = None,
) -> None:
    """Make the key that checkpoints are signed with; print its public half."""
    from pathlib import Path

    from lockgate.bootstrap import audit_key_path
    from lockgate.domain.checkpoints import checkpoint_origin
    from lockgate.keys import new_key, write_key

    session = Session.of(ctx)
    path = audit_key_path(session.settings) if file is None else Path(file)
    key = new_key()
    write_key(key, path)
    verifier = str(key.verifier(checkpoint_origin(key.fingerprint, session.named_project)))
    session.output.done({"file": str(path), "verifier_key": verifier}, verifier)
    session.output.remark(
        f"The private half is in {path}: whoever has it can sign any log. The line above is for "
        "auditors."
    )


def _verify_file(file: str, verifier: str | None, notes: Sequence[str]) -> Verdict:
    from lockgate.auditor import verify_export

    if verifier is None:
        raise InvalidInput(
            detail="--file needs --key: an export is believed because of who signed it", field="key"
        )
    with open_lines(file) as lines:
        return verify_export(lines, verifier, notes)


def _verifier(key: str) -> str:
    """Return the public key that is written, or that a file holds."""
    return key if "+" in key else read_text(key).strip()


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
            Cell(detail_text(event), "bold red" if event.detail.get("forced") else ""),
            "" if event.cause is None else f"#{event.cause}",
        )
        for event in events
    ]
    output.table(columns, rows, "No event fits.")


def detail_text(event: AuditEvent) -> str:
    """Return what of an event's detail a person looks for; ``--json`` has all of it."""
    detail = event.detail
    text = _what(detail)
    if detail.get("forced"):
        text = f"FORCED {text}, reason: {detail.get('reason')}"
    if event.action == "transition_refused":
        text += f": {_unmet(detail)}"
    comment = detail.get("comment")
    return f"{text} “{comment}”" if comment else text


def _what(detail: Mapping[str, Any]) -> str:
    source, target = detail.get("from"), detail.get("to")
    if isinstance(source, str) and isinstance(target, str):
        return f"{detail.get('verb', '')} {source} → {target}".lstrip()
    if "request" in detail:
        return f"to {target} {detail.get('status', '')}".rstrip()
    if "check" in detail:
        return f"{detail['check']} {detail.get('status')}"
    if "person" in detail:
        return " ".join([detail["person"], *detail.get("roles", ())])
    if "alias" in detail:
        return f"@{detail['alias']}"
    if "arms" in detail:
        return pairs_text({arm["name"]: arm["weight"] for arm in detail["arms"]})
    if "metrics" in detail and len(detail) == 1:
        return pairs_text(detail["metrics"])
    if "stage" in detail:
        return str(detail["stage"])
    return " ".join(
        key if isinstance(value, (dict, list)) else f"{key}={value}"
        for key, value in detail.items()
        if value not in (None, "", {}, []) and not _is_identifier(value)
    )


def _is_identifier(value: Any) -> bool:
    """Say whether a value is a uid or a digest, which say nothing to a person."""
    return isinstance(value, str) and len(value) >= IDENTIFIER_CHARS_MIN and value.isalnum()


def _unmet(detail: Mapping[str, Any]) -> str:
    """Return what a refused passage lacked, in the sentences of its report."""
    rows = (detail.get("report") or {}).get("rows", ())
    return "; ".join(
        row["sentence"]
        for row in rows
        if row["verdict"] != "passed" and row.get("mode") == "enforce"
    )
