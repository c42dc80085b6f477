"""Options and arguments that several commands share, and those that every command has."""

from __future__ import annotations

from copy import copy
from typing import Annotated, Any

import typer

from lockgate.cli.session import PAGE_ITEMS, Session

_NAMING = ("name", "reference", "model")
"""What the argument or option is called by which commands are told of a model."""


def complete_model(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer models. This and those below are for TAB, and load what they need when it is hit."""
    from lockgate.cli import completion

    return completion.models(Session.of(ctx), incomplete)


def complete_reference(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer models, and versions, aliases and stages of the one that is written."""
    from lockgate.cli import completion

    return completion.references(Session.of(ctx), incomplete)


def complete_version(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer versions of the model that stands before."""
    from lockgate.cli import completion

    model = _model_before(ctx)
    return completion.versions(Session.of(ctx), model, incomplete) if model else []


def complete_alias(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer aliases of the model that stands before."""
    from lockgate.cli import completion

    model = _model_before(ctx)
    return completion.aliases(Session.of(ctx), model, incomplete) if model else []


def complete_stage(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer stages of the model that stands before, or of all lifecycles."""
    from lockgate.cli import completion

    return completion.stages(Session.of(ctx), _model_before(ctx), incomplete)


def complete_metric(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer metrics of the model that stands before."""
    from lockgate.cli import completion

    model = _model_before(ctx)
    return completion.metrics(Session.of(ctx), model, incomplete) if model else []


def complete_project(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer projects."""
    from lockgate.cli import completion

    return completion.projects(Session.of(ctx), incomplete)


def _model_before(ctx: typer.Context) -> str | None:
    """Return the model, or the reference to a version of it, that a command was given already."""
    if given := next((ctx.params[each] for each in _NAMING if ctx.params.get(each)), None):
        return str(given)
    # Behind an option that has no value yet, nothing has been sorted into arguments.
    arguments = [each for each in ctx.command.params if each.param_type_name == "argument"]
    named = bool(arguments) and arguments[0].name in _NAMING
    return ctx.args[0] if named and ctx.args else None


def stage_option(flag: str, told: str, *, show_default: bool = True) -> Any:
    """Return an option that takes a stage, offered at TAB."""
    return typer.Option(
        flag,
        metavar="STAGE",
        autocompletion=complete_stage,
        help=told,
        show_default=show_default,
    )


def version_option(flag: str, told: str) -> Any:
    """Return an option that takes a version of the model that stands before, offered at TAB."""
    return typer.Option(flag, metavar="VERSION", autocompletion=complete_version, help=told)


def project_option(flag: str, told: str) -> Any:
    """Return an option that takes a project, offered at TAB."""
    return typer.Option(flag, metavar="PROJECT", autocompletion=complete_project, help=told)


def metric_argument(told: str) -> Any:
    """Return an argument that takes a metric of the model that stands before, offered at TAB."""
    return typer.Argument(
        metavar="METRIC", autocompletion=complete_metric, help=told, show_default=False
    )


Model = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="The model: churn, or project/churn.",
        autocompletion=complete_model,
        show_default=False,
    ),
]
Reference = Annotated[
    str,
    typer.Argument(
        metavar="REF",
        help="The version: churn:1.0.0, churn@champion, churn@production; or churn followed "
        "by VERSION.",
        autocompletion=complete_reference,
        show_default=False,
    ),
]
Label = Annotated[
    str | None,
    typer.Argument(
        metavar="VERSION",
        autocompletion=complete_version,
        help="The version, if REF is a bare name.",
    ),
]
Limit = Annotated[
    int, typer.Option("--limit", min=1, max=100_000, metavar="N", help="How many to show.")
]
LIMIT = PAGE_ITEMS
All = Annotated[bool, typer.Option("--all", help="Show all there are.")]
Comment = Annotated[
    str, typer.Option("--comment", "-m", metavar="TEXT", help="Why; kept on record.")
]
Expect = Annotated[
    str | None,
    stage_option("--expect", "Refuse unless the version stands in this stage now."),
]
Force = Annotated[bool, typer.Option("--force", help="Delete even what is in use.")]
WhyForce = Annotated[
    str,
    typer.Option("--reason", metavar="TEXT", help="Why what others use goes all the same."),
]
At = Annotated[
    str | None,
    typer.Option(
        "--at", metavar="TIME", help="At a moment in the past, such as 2026-10-01T12:00Z."
    ),
]
Description = Annotated[str | None, typer.Option("--description", metavar="TEXT")]
Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="KEY=VALUE", help="A tag; may be repeated."),
]
Untag = Annotated[
    list[str] | None,
    typer.Option("--untag", metavar="KEY", help="A tag to take away; may be repeated."),
]
Metrics = Annotated[
    list[str] | None,
    typer.Option("--metric", metavar="KEY=NUMBER", help="As in auc=0.91; may be repeated."),
]
Params = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="KEY=VALUE", help="As in lr=0.1; may be repeated."),
]
Metadata = Annotated[str | None, typer.Option("--metadata", metavar="JSON", help="A JSON object.")]
Revision = Annotated[
    int | None,
    typer.Option(
        "--if-revision", metavar="N", help="Refuse if it has changed since this revision."
    ),
]


def _json(ctx: typer.Context, value: bool) -> bool:
    if value:
        Session.of(ctx).output.as_json = True
    return value


def _no_color(ctx: typer.Context, value: bool) -> bool:
    if value:
        Session.of(ctx).output.colour = False
    return value


def _url(ctx: typer.Context, value: str | None) -> str | None:
    if value is not None:
        Session.of(ctx).url = value
    return value


def _actor(ctx: typer.Context, value: str | None) -> str | None:
    if value is not None:
        Session.of(ctx).actor = value
    return value


def _project(ctx: typer.Context, value: str | None) -> str | None:
    if value is not None:
        Session.of(ctx).project = value
    return value


def everywhere(
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="URL",
            callback=_url,
            expose_value=False,
            help="The registry: sqlite:///PATH, postgresql://…, http(s)://… "
            "[LOCKGATE_URL, else sqlite:///lockgate.db]",
        ),
    ] = None,
    project: Annotated[
        str | None,
        typer.Option(
            "--project",
            metavar="NAME",
            autocompletion=complete_project,
            callback=_project,
            expose_value=False,
            help="The project of names written without one [LOCKGATE_PROJECT, else default]",
        ),
    ] = None,
    actor: Annotated[
        str | None,
        typer.Option(
            "--actor",
            metavar="NAME",
            callback=_actor,
            expose_value=False,
            help="Who acts [LOCKGATE_ACTOR, else the user of the system]",
        ),
    ] = None,
    json: Annotated[
        bool,
        typer.Option("--json", callback=_json, expose_value=False, help="Write JSON."),
    ] = False,
    no_color: Annotated[
        bool,
        typer.Option(
            "--no-color",
            callback=_no_color,
            expose_value=False,
            help="Write without colours [NO_COLOR].",
        ),
    ] = False,
) -> None:
    """Hold the options that every command takes, in the form that Typer reads."""


def add_everywhere(root: Any) -> None:
    """Give every command below ``root`` the shared options, so that they may stand anywhere.

    They are listed in the help of ``root``; every other command's help names them in one line.
    """
    template = typer.Typer(rich_markup_mode=None, add_completion=False)
    template.command()(everywhere)
    shared = typer.main.get_command(template).params
    root.params[:0] = shared
    _add_below(root, shared)


def _add_below(group: Any, shared: list[Any]) -> None:
    for command in group.commands.values():
        command.params += [_hidden(each) for each in shared]
        command.epilog = (
            "Also: --json, --url, --project, --actor, --no-color (see lockgate --help)."
        )
        if hasattr(command, "commands"):
            _add_below(command, shared)


def _hidden(option: Any) -> Any:
    hidden = copy(option)
    hidden.hidden = True
    return hidden
