"""``lockgate request``, ``inbox``, ``approve``, ``reject``, ``withdraw``: people at a gate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lockgate.cli import options
from lockgate.cli.output import Column, moment_text
from lockgate.cli.session import Session
from lockgate.errors import InvalidInput, RequestNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockgate.domain.approvals import PromotionRequest
    from lockgate.domain.outcomes import Asked

_UID = re.compile(r"[0-9a-f]{32}")

Wanted = Annotated[
    str,
    typer.Argument(
        metavar="REQUEST|REF",
        help="The request, or the version it is about: churn:1.1.0.",
        show_default=False,
    ),
]
To = Annotated[
    str | None,
    options.stage_option("--to", "Which request, if a version has several open."),
]


def request(
    ctx: typer.Context,
    reference: options.Reference,
    version: options.Label = None,
    to: Annotated[
        str,
        options.stage_option("--to", "The stage.", show_default=False),
    ] = ...,  # type: ignore[assignment]  # Typer's sign for an option that must be given
    auto: Annotated[
        bool, typer.Option("--auto", help="Promote by itself when the last requirement is met.")
    ] = False,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="TIME", help="Nobody decides after that.")
    ] = None,
    comment: options.Comment = "",
) -> None:
    """Ask that a version be let into a stage."""
    session = Session.of(ctx)
    name, label = session.version_named(reference, version)
    asked = session.registry.request_promotion(
        name, label, to, comment=comment, auto_promote=auto, expires_at=expires
    )
    _tell(session, asked, f"Asked as {asked.request.uid}.")


def inbox(
    ctx: typer.Context,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="Only about this model.")
    ] = None,
    status: Annotated[
        str,
        typer.Option(
            "--status",
            metavar="STATUS",
            help="open, completed, rejected, withdrawn, expired, or all.",
        ),
    ] = "open",
    mine: Annotated[
        bool, typer.Option("--mine", help="Only what you may approve and have not decided.")
    ] = False,
    limit: options.Limit = options.LIMIT,
    all_: options.All = False,
) -> None:
    """List the requests that wait for a decision, newest first."""
    if mine and (model is not None or status != "open"):
        raise typer.BadParameter("give --mine alone, or --model and --status")
    session = Session.of(ctx)

    def fetch(**page: Any) -> Any:
        if mine:
            return session.registry.inbox(project=session.project, mine=True, **page)
        return session.registry.list_requests(
            model=None if model is None else session.model_named(model),
            project=session.project,
            status=None if status == "all" else status,
            **page,
        )

    found = session.pages(fetch, limit, all_)
    session.output.show(found.as_page(), lambda: _draw(session, found))
    found.remark_on_rest(session.output)


def approve(
    ctx: typer.Context,
    wanted: Wanted,
    version: options.Label = None,
    to: To = None,
    comment: options.Comment = "",
) -> None:
    """Approve what a request asks for, as it is now."""
    session = Session.of(ctx)
    uid = _found(session, wanted, version, to)
    _tell(session, session.registry.approve(uid, comment=comment), "Approved.")


def reject(
    ctx: typer.Context,
    wanted: Wanted,
    version: options.Label = None,
    to: To = None,
    comment: options.Comment = "",
) -> None:
    """Reject what a request asks for."""
    session = Session.of(ctx)
    uid = _found(session, wanted, version, to)
    _tell(session, session.registry.reject(uid, comment=comment), "Rejected.")


def withdraw(
    ctx: typer.Context,
    wanted: Wanted,
    version: options.Label = None,
    to: To = None,
    comment: options.Comment = "",
) -> None:
    """Take a request back."""
    session = Session.of(ctx)
    uid = _found(session, wanted, version, to)
    done = session.registry.withdraw(uid, comment=comment)
    session.output.done(done, f"Withdrawn: {done.model} {done.version} to {done.to_stage}.")


def _found(session: Session, wanted: str, version: str | None, to: str | None) -> str:
    """Return the uid of the open request that is meant."""
    if version is None and _UID.fullmatch(wanted):
        return wanted
    name, label = session.version_named(wanted, version)
    label = session.registry.get_version(name, label).label
    stage = None if to is None else _stage(session, name, to)

    def fetch(**page: Any) -> Any:
        return session.registry.list_requests(model=name, status="open", **page)

    found: list[PromotionRequest] = [
        each
        for each in session.pages(fetch, 0, True)
        if each.version == label and stage in (None, each.to_stage)
    ]
    if not found:
        raise RequestNotFound(request=f"{name}:{label}" + (f" to {stage}" if stage else ""))
    if len(found) > 1:
        stages = ", ".join(each.to_stage for each in found)
        raise InvalidInput(
            detail=f"{name}:{label} has several open requests: to {stages}; say which with --to",
            field="to",
        )
    return found[0].uid


def _stage(session: Session, name: str, to: str) -> str:
    model = session.registry.get_model(name)
    lifecycle = session.registry.get_lifecycle(model.lifecycle, model.lifecycle_revision)
    return lifecycle.stage(to).name


def _tell(session: Session, asked: Asked, done: str) -> None:
    """Say what was done, and what is still missing to get through."""
    from lockgate.cli import reports

    request = asked.request
    what = f"{request.model} {request.version}"

    def draw() -> None:
        output = session.output
        if request.status == "completed":
            output.line(f"{done} {what} is in {request.to_stage}.")
        elif request.status == "rejected":
            output.line(f"{done} The request to let {what} into {request.to_stage} is closed.")
        elif asked.report.allowed:
            output.line(f"{done} The gate to {request.to_stage} is open for {what}.")
        else:
            output.line(f"{done} {what} waits at the gate to {request.to_stage}.")
            output.write(reports.missing(asked.report))

    session.output.show(asked, draw)


def _draw(session: Session, found: Sequence[PromotionRequest]) -> None:
    columns = [
        Column("Version"),
        Column("To"),
        Column("By"),
        Column("Asked (UTC)", whole=True),
        Column("Status"),
        Column("Auto"),
        Column("Comment"),
        Column("Request", whole=True),
    ]
    rows = [
        (
            f"{each.project}/{each.model}:{each.version}",
            session.stage_cell(each.to_stage),
            each.requested_by,
            moment_text(each.created_at),
            each.status,
            "yes" if each.auto_promote else "",
            each.comment,
            each.uid,
        )
        for each in found
    ]
    session.output.table(columns, rows, "No request.")
