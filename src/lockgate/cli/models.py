"""``lockgate model``: names that versions are registered under."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lockgate.cli import options
from lockgate.cli.output import Column, counted, moment_text, pairs_text
from lockgate.cli.session import Session
from lockgate.cli.values import merged, tags_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockgate.cli.output import Output
    from lockgate.domain.models import RegisteredModel

app = typer.Typer(help="Make, list and change models.", rich_markup_mode=None, no_args_is_help=True)

Owner = Annotated[str | None, typer.Option("--owner", metavar="NAME", help="Who answers for it.")]
Lifecycle = Annotated[
    str | None,
    typer.Option("--lifecycle", metavar="NAME", help="The lifecycle its versions follow."),
]
LifecycleRevision = Annotated[
    int | None,
    typer.Option(
        "--lifecycle-revision", metavar="N", help="A revision of it other than the newest."
    ),
]


@app.command()
def create(
    ctx: typer.Context,
    name: options.Model,
    owner: Owner = None,
    description: options.Description = None,
    tag: options.Tags = None,
    lifecycle: Lifecycle = None,
    lifecycle_revision: LifecycleRevision = None,
) -> None:
    """Make a model. Registering a first version does so too."""
    session = Session.of(ctx)
    model = session.registry.create_model(
        session.model_named(name),
        owner=owner,
        description=description or "",
        tags=tags_of(tag or ()),
        lifecycle=lifecycle,
        lifecycle_revision=lifecycle_revision,
    )
    session.output.done(
        model,
        f"Model {model.full_name} is there, on lifecycle {model.lifecycle} "
        f"revision {model.lifecycle_revision}.",
    )


@app.command("list")
def list_(
    ctx: typer.Context,
    filter: Annotated[  # noqa: A002  # the option's name is its public word
        str, typer.Option("--filter", metavar="FILTER", help="As in tags.team = 'risk'.")
    ] = "",
    order_by: Annotated[
        str | None, typer.Option("--order-by", metavar="KEYS", help="As in created_at DESC.")
    ] = None,
    limit: options.Limit = options.LIMIT,
    all_: options.All = False,
) -> None:
    """List models, of all projects unless --project names one."""
    session = Session.of(ctx)

    def fetch(**page: Any) -> Any:
        return session.registry.list_models(
            project=session.project, filter=filter or None, order_by=order_by, **page
        )

    models = session.pages(fetch, limit, all_)
    session.output.show(models.as_page(), lambda: draw_models(session.output, models))
    models.remark_on_rest(session.output)


@app.command()
def show(ctx: typer.Context, name: options.Model) -> None:
    """Show all that is known of a model."""
    session = Session.of(ctx)
    model = session.registry.get_model(session.model_named(name))
    session.output.show(model, lambda: _draw_model(session.output, model))


@app.command()
def update(
    ctx: typer.Context,
    name: options.Model,
    rename: Annotated[str | None, typer.Option("--rename", metavar="NAME")] = None,
    owner: Owner = None,
    description: options.Description = None,
    tag: options.Tags = None,
    untag: options.Untag = None,
    lifecycle: Lifecycle = None,
    lifecycle_revision: LifecycleRevision = None,
    if_revision: options.Revision = None,
) -> None:
    """Change a model: what is not named stays as it is."""
    session = Session.of(ctx)
    changes = {
        "new_name": rename,
        "owner": owner,
        "description": description,
        "tags": merged(tags_of(tag or ()), untag or ()) or None,
        "lifecycle": lifecycle,
        "lifecycle_revision": lifecycle_revision,
    }
    model = session.registry.update_model(
        session.model_named(name),
        revision=if_revision,
        **{key: value for key, value in changes.items() if value is not None},
    )
    session.output.done(model, f"Model {model.full_name} is at revision {model.revision}.")


@app.command()
def delete(
    ctx: typer.Context,
    name: options.Model,
    force: options.Force = False,
    reason: options.WhyForce = "",
) -> None:
    """Delete a model; `model restore` brings it back, its events stay."""
    session = Session.of(ctx)
    full_name = session.model_named(name)
    session.registry.delete_model(full_name, force=force, reason=reason)
    session.output.done(
        {"deleted": full_name}, f"Model {full_name} is deleted; `lockgate model restore` undoes it."
    )


@app.command()
def restore(ctx: typer.Context, name: options.Model) -> None:
    """Bring a deleted model back as it was."""
    session = Session.of(ctx)
    model = session.registry.restore_model(session.model_named(name))
    session.output.done(
        model,
        f"Model {model.full_name} is back, with {counted(model.version_count, 'version')}.",
    )


def draw_models(output: Output, models: Sequence[RegisteredModel]) -> None:
    """Write a table of models."""
    columns = [
        Column("Project"),
        Column("Model"),
        Column("Latest"),
        Column("Versions", right=True),
        Column("Lifecycle"),
        Column("Aliases"),
        Column("Owner"),
        Column("Tags"),
    ]
    rows = [
        (
            model.project,
            model.name,
            model.latest_version or "",
            str(model.version_count),
            model.lifecycle,
            pairs_text(model.aliases),
            model.owner,
            pairs_text(model.tags),
        )
        for model in models
    ]
    output.table(columns, rows, "No model; `lockgate push PATH NAME` makes one.")


def _draw_model(output: Output, model: RegisteredModel) -> None:
    output.card(
        [
            ("model", model.full_name),
            ("description", model.description),
            ("owner", model.owner),
            ("tags", pairs_text(model.tags)),
            ("lifecycle", f"{model.lifecycle} revision {model.lifecycle_revision}"),
            ("versions", str(model.version_count)),
            ("latest", model.latest_version),
            ("aliases", pairs_text(model.aliases)),
            ("created", f"{moment_text(model.created_at)} UTC by {model.created_by}"),
            ("updated", f"{moment_text(model.updated_at)} UTC"),
            ("revision", str(model.revision)),
        ]
    )
