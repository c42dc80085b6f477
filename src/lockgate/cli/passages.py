"""``lockgate promote``, ``demote``, ``archive``, ``rollback``, ``transition``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from lockgate.cli import options
from lockgate.cli.session import Session
from lockgate.errors import TransitionNotAllowed

if TYPE_CHECKING:
    from lockgate.domain.outcomes import Promoted

# As in `domain.lifecycles`, whose import would cost every start of the command line.
PROMOTE, DEMOTE, ARCHIVE, TRANSITION = "promote", "demote", "archive", "transition"

To = Annotated[
    str | None,
    options.stage_option("--to", "The stage; the nearest in that direction if none."),
]

Force = Annotated[
    bool,
    typer.Option("--force", help="Past a closed gate, with the permission for it and a reason."),
]
Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why the gate is forced; on record.")
]


def promote(
    ctx: typer.Context,
    reference: options.Reference,
    version: options.Label = None,
    to: To = None,
    comment: options.Comment = "",
    expect: options.Expect = None,
    force: Force = False,
    reason: Reason = "",
) -> None:
    """Take a version to the next stage, or to a later one."""
    _pass(ctx, reference, version, PROMOTE, to, comment, expect, force, reason)


def demote(
    ctx: typer.Context,
    reference: options.Reference,
    version: options.Label = None,
    to: To = None,
    comment: options.Comment = "",
    expect: options.Expect = None,
) -> None:
    """Take a version to the stage before, or to an earlier one."""
    _pass(ctx, reference, version, DEMOTE, to, comment, expect)


def archive(
    ctx: typer.Context,
    reference: options.Reference,
    version: options.Label = None,
    comment: options.Comment = "",
    expect: options.Expect = None,
) -> None:
    """Take a version to the lifecycle's archive."""
    _pass(ctx, reference, version, ARCHIVE, None, comment, expect)


def transition(
    ctx: typer.Context,
    reference: options.Reference,
    version: options.Label = None,
    to: Annotated[
        str,
        options.stage_option("--to", "The stage.", show_default=False),
    ] = ...,  # type: ignore[assignment]  # Typer's sign for an option that must be given
    comment: options.Comment = "",
    expect: options.Expect = None,
    force: Force = False,
    reason: Reason = "",
    archive_others: Annotated[
        bool, typer.Option("--archive-others", help="Archive the versions that stand there.")
    ] = False,
) -> None:
    """Take a version to a stage, by whichever verb leads there."""
    _pass(ctx, reference, version, TRANSITION, to, comment, expect, force, reason, archive_others)


def rollback(
    ctx: typer.Context,
    name: options.Model,
    stage: Annotated[
        str | None,
        options.stage_option("--stage", "The stage; production unless told."),
    ] = None,
    to_version: Annotated[
        str | None,
        options.version_option("--to-version", "An earlier one, not the last."),
    ] = None,
    comment: options.Comment = "",
) -> None:
    """Bring back the version that stood in production before."""
    session = Session.of(ctx)
    full_name = session.model_named(name)
    with _next_steps_told(full_name):
        done = session.registry.rollback_stage(
            full_name, stage=stage, to_version=to_version, comment=comment
        )
    _tell(session, done)


def _pass(
    ctx: typer.Context,
    reference: str,
    version: str | None,
    verb: str,
    to: str | None,
    comment: str,
    expect: str | None,
    force: bool = False,
    reason: str = "",
    archive_others: bool = False,
) -> None:
    session = Session.of(ctx)
    name, label = session.version_named(reference, version)
    with _next_steps_told(name):
        done = session.registry.transition(
            name,
            label,
            to,
            verb=verb,
            comment=comment,
            expected_stage=expect,
            force=force,
            reason=reason,
            archive_others=archive_others,
        )
    _tell(session, done)


def _tell(session: Session, done: Promoted) -> None:
    """Say in one line what happened, and who made room."""
    version = done.version
    if done.transition is None:
        sentence = (
            f"{version.model} {version.label} already stands in {version.stage}; nothing changed."
        )
    else:
        sentence = f"{version.model} {version.label} is in {version.stage}"
        if done.transition.forced:
            sentence += ", past a closed gate"
        name = f"{version.project}/{version.model}"
        for label in () if session.output.as_json else done.displaced:
            retreat = session.registry.get_version(name, label).stage
            sentence += f"; {label} stepped back to {retreat}"
        sentence += "."
    session.output.done(done, sentence)


@contextmanager
def _next_steps_told(name: str) -> Iterator[None]:
    """Add to a refusal the commands that would not be refused."""
    try:
        yield
    except TransitionNotAllowed as error:
        model = name.removeprefix("default/")
        label = error.fields.get("version", "VERSION")
        for step in error.fields.get("allowed") or ():
            verb, stage = step["verb"], step["stage"]
            if verb == "rollback":
                error.add_note(f"lockgate rollback {model} --to-version {label}")
            elif verb == ARCHIVE:
                error.add_note(f"lockgate archive {model}:{label}")
            elif verb in (PROMOTE, DEMOTE, TRANSITION):
                error.add_note(f"lockgate {verb} {model}:{label} --to {stage}")
        raise
