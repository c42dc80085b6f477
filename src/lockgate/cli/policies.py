"""``lockgate policy``: what must hold before a version may enter a stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lockgate.cli import gates, options
from lockgate.cli.documents import read_document
from lockgate.cli.output import Column, counted, moment_text
from lockgate.cli.session import Session
from lockgate.errors import PolicyNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockgate.domain.attachments import AttachedPolicy

app = typer.Typer(
    help="Attach promotion policies to stages, and try them.",
    rich_markup_mode=None,
    no_args_is_help=True,
)

File = Annotated[
    str,
    typer.Argument(
        metavar="FILE", help="TOML or JSON; - reads standard input.", show_default=False
    ),
]
Stage = Annotated[
    str,
    options.stage_option("--stage", "The stage it guards.", show_default=False),
]
OfModel = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="A model; the whole project if none is named."),
]


@app.command()
def attach(
    ctx: typer.Context,
    file: File,
    stage: Stage,
    model: OfModel = None,
) -> None:
    """Let a policy guard a stage, in place of the one attached there."""
    session = Session.of(ctx)
    made = session.registry.attach_policy(
        stage, read_document(file), model=_model(session, model), project=session.project
    )
    asks = counted(len(made.policy.requirements), "requirement")
    session.output.done(made, f"{_place(made)} asks for {asks} before {made.stage}.")


@app.command()
def detach(ctx: typer.Context, stage: Stage, model: OfModel = None) -> None:
    """Take the policy off a stage."""
    session = Session.of(ctx)
    name = _model(session, model)
    session.registry.detach_policy(stage, model=name, project=session.project)
    place = f"Model {name}" if name else f"Project {session.named_project}"
    session.output.done(
        {"detached": stage, "model": name}, f"{place} has no policy of its own before {stage}."
    )


@app.command("list")
def list_(ctx: typer.Context, model: OfModel = None) -> None:
    """List what guards which stage: of a project, or of a model with all that applies to it."""
    session = Session.of(ctx)
    found = session.registry.list_policies(model=_model(session, model), project=session.project)
    none = (
        f"No policy guards a stage of every model of project {session.named_project}; "
        "--model NAME shows what guards a model's."
        if model is None
        else f"No policy guards a stage of {model}."
    )
    session.output.show(found, lambda: _draw_list(session, found, none))


@app.command()
def show(ctx: typer.Context, stage: Stage, model: OfModel = None) -> None:
    """Say in sentences what is asked before a stage; --json has the documents."""
    session = Session.of(ctx)
    name = _model(session, model)
    found = [
        each
        for each in session.registry.list_policies(model=name, project=session.project)
        if each.stage.casefold() == _canonical(session, name, stage).casefold()
    ]
    if not found:
        scope = f"model '{name}'" if name else f"project '{session.named_project}'"
        raise PolicyNotFound(scope=scope, stage=stage)

    def draw() -> None:
        for each in found:
            session.output.line(f"{_place(each)}, before {each.stage} ({each.policy.mode}):")
            for sentence in each.policy.describe():
                session.output.line(f"  {sentence}")

    session.output.show(found, draw)


@app.command()
def check(
    ctx: typer.Context,
    file: File,
    reference: options.Reference,
    version: options.Label = None,
    to: Annotated[
        str | None,
        options.stage_option("--to", "The stage; production unless told."),
    ] = None,
    form: gates.AsForm = gates.Form.table,
    output: gates.OutputFile = None,
) -> None:
    """Try a policy on a version without attaching it; exit with 0 if it holds, 1 if not."""
    session = Session.of(ctx)
    name, label = session.version_named(reference, version)
    report = session.registry.check_promotion_policy(name, label, read_document(file), to)
    gates.tell(session, report, f"{name}:{report.version}", form, output)


@app.command()
def validate(ctx: typer.Context, file: File) -> None:
    """Check a policy's document and report every fault; nothing is stored."""
    from lockgate.domain.policies import PromotionPolicy

    output = Session.of(ctx).output
    policy = PromotionPolicy.from_document(read_document(file))

    def draw() -> None:
        output.line(
            f"{file} is a valid policy ({policy.mode}): "
            f"{counted(len(policy.requirements), 'requirement')}"
        )
        for sentence in policy.describe():
            output.line(f"  {sentence}")

    output.show({"valid": True, **policy.to_document()}, draw)


def _model(session: Session, model: str | None) -> str | None:
    return None if model is None else session.model_named(model)


def _canonical(session: Session, name: str | None, stage: str) -> str:
    """Return a stage's own name where it is known which lifecycle it is of."""
    if name is None:
        return stage
    model = session.registry.get_model(name)
    lifecycle = session.registry.get_lifecycle(model.lifecycle, model.lifecycle_revision)
    return lifecycle.stage(stage).name


def _place(attached: AttachedPolicy) -> str:
    if attached.scope == "project":
        return f"Project {attached.project}"
    of = "The lifecycle of model" if attached.scope == "lifecycle" else "Model"
    return f"{of} {attached.project}/{attached.model}"


def _draw_list(session: Session, found: Sequence[AttachedPolicy], none: str) -> None:
    columns = [
        Column("Stage"),
        Column("Of"),
        Column("Mode"),
        Column("Asks"),
        Column("Set (UTC)", whole=True),
        Column("By"),
    ]
    rows = [
        (
            session.stage_cell(each.stage),
            each.scope,
            each.policy.mode,
            "; ".join(each.policy.describe()),
            moment_text(each.set_at),
            each.set_by or "",
        )
        for each in found
    ]
    session.output.table(columns, rows, none)
