"""``lockgate version``: what is registered, rises through stages, and is resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lockgate.cli import options
from lockgate.cli.output import Cell, Column, moment_text, number_text, pairs_text
from lockgate.cli.session import Session
from lockgate.cli.values import merged, metadata_of, metrics_of, params_of, tags_of
from lockgate.domain.references import parse_reference
from lockgate.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockgate.domain.history import Transition
    from lockgate.domain.versions import ModelVersion

METRICS_SHOWN = 3

app = typer.Typer(
    help="Register, list and change versions.", rich_markup_mode=None, no_args_is_help=True
)


@app.command()
def register(
    ctx: typer.Context,
    reference: Annotated[
        str,
        typer.Argument(
            metavar="NAME[:VERSION]",
            help="The model, and the version's label; without one the server counts.",
            show_default=False,
        ),
    ],
    version: options.Label = None,
    artifact_uri: Annotated[
        str | None,
        typer.Option("--artifact-uri", metavar="URI", help="Where its files are; never fetched."),
    ] = None,
    metric: options.Metrics = None,
    param: options.Params = None,
    tag: options.Tags = None,
    metadata: options.Metadata = None,
    run_id: Annotated[str | None, typer.Option("--run-id", metavar="ID")] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", metavar="TEXT")] = None,
    code: Annotated[
        str | None, typer.Option("--code", metavar="TEXT", help="Such as a commit.")
    ] = None,
    parent: Annotated[
        list[str] | None,
        typer.Option("--parent", metavar="REF", help="A version it comes from; may be repeated."),
    ] = None,
    description: options.Description = None,
    stage: Annotated[
        str | None,
        options.stage_option("--stage", "Where it begins, if the lifecycle lets."),
    ] = None,
    lifecycle: Annotated[
        str | None,
        typer.Option("--lifecycle", metavar="NAME", help="For a model that is new."),
    ] = None,
) -> None:
    """Register a version; a model of that name is made if there is none."""
    session = Session.of(ctx)
    name, label = new_version_named(session, reference, version)
    made = session.registry.register_model(
        name,
        label,
        artifact_uri,
        metrics=metrics_of(metric or ()),
        params=params_of(param or ()),
        tags=tags_of(tag or ()),
        metadata=metadata_of(metadata),
        run_id=run_id,
        dataset=dataset,
        code=code,
        parents=parent,
        description=description or "",
        stage=stage,
        lifecycle=lifecycle,
    )
    session.output.done(made, f"{made.model} {made.label} is registered, in {made.stage}.")


@app.command("list")
def list_(
    ctx: typer.Context,
    name: options.Model,
    stage: Annotated[
        str | None,
        options.stage_option("--stage", "Only those that stand here."),
    ] = None,
    limit: options.Limit = options.LIMIT,
    all_: options.All = False,
) -> None:
    """List a model's versions, newest first."""
    session = Session.of(ctx)
    full_name = session.model_named(name)

    def fetch(**page: Any) -> Any:
        return session.registry.list_versions(full_name, stage=stage, **page)

    versions = session.pages(fetch, limit, all_)
    session.output.show(versions.as_page(), lambda: draw_versions(session, versions))
    versions.remark_on_rest(session.output)


@app.command()
def show(ctx: typer.Context, reference: options.Reference, version: options.Label = None) -> None:
    """Show all that is known of a version; of a bare name, of the latest."""
    session = Session.of(ctx)
    found = session.look_up(reference, version)
    session.output.show(found, lambda: draw_version(session, found))


@app.command()
def update(
    ctx: typer.Context,
    reference: options.Reference,
    version: options.Label = None,
    description: options.Description = None,
    artifact_uri: Annotated[str | None, typer.Option("--artifact-uri", metavar="URI")] = None,
    tag: options.Tags = None,
    untag: options.Untag = None,
    param: options.Params = None,
    metadata: options.Metadata = None,
    if_revision: options.Revision = None,
) -> None:
    """Change a version: what is not named stays as it is."""
    session = Session.of(ctx)
    name, label = session.version_named(reference, version)
    changes = {
        "description": description,
        "artifact_uri": artifact_uri,
        "tags": merged(tags_of(tag or ()), untag or ()) or None,
        "params": params_of(param or ()) or None,
        "metadata": metadata_of(metadata) or None,
    }
    changed = session.registry.update_version(
        name,
        label,
        revision=if_revision,
        **{key: value for key, value in changes.items() if value is not None},
    )
    session.output.done(changed, _at_revision(changed))


@app.command("log-metrics")
def log_metrics(
    ctx: typer.Context,
    reference: options.Reference,
    version: options.Label = None,
    metric: options.Metrics = None,
    remove: Annotated[
        list[str] | None,
        typer.Option("--remove", metavar="KEY", help="A metric to take away; may be repeated."),
    ] = None,
    if_revision: options.Revision = None,
) -> None:
    """Add metrics to a version, or change them."""
    session = Session.of(ctx)
    name, label = session.version_named(reference, version)
    metrics = merged(metrics_of(metric or ()), remove or ())
    if not metrics:
        raise InvalidInput(detail="name at least one metric: --metric auc=0.91", field="metric")
    changed = session.registry.log_metrics(name, label, metrics, revision=if_revision)
    session.output.done(changed, _at_revision(changed))


@app.command()
def delete(
    ctx: typer.Context,
    reference: options.Reference,
    version: options.Label = None,
    force: options.Force = False,
    reason: options.WhyForce = "",
) -> None:
    """Delete a version; `version restore` brings it back."""
    session = Session.of(ctx)
    name, label = session.version_named(reference, version)
    session.registry.delete_version(name, label, force=force, reason=reason)
    session.output.done(
        {"deleted": f"{name}:{label}"},
        f"Version {name}:{label} is deleted; `lockgate version restore` undoes it.",
    )


@app.command()
def restore(
    ctx: typer.Context, reference: options.Reference, version: options.Label = None
) -> None:
    """Bring a deleted version back, in the initial stage."""
    session = Session.of(ctx)
    name, label = session.version_named(reference, version)
    back = session.registry.restore_version(name, label)
    session.output.done(back, f"{back.model} {back.label} is back, in {back.stage}.")


@app.command()
def transitions(
    ctx: typer.Context, reference: options.Reference, version: options.Label = None
) -> None:
    """List a version's passages from stage to stage, oldest first."""
    session = Session.of(ctx)
    name, label = session.version_named(reference, version)
    passages = session.registry.get_transitions(name, label)
    session.output.show(passages, lambda: _draw_transitions(session, passages))


def draw_versions(session: Session, versions: Sequence[ModelVersion]) -> None:
    """Write a table of versions, with the model's name where there are several."""
    several = len({(version.project, version.model) for version in versions}) > 1
    columns = [
        *([Column("Model")] if several else []),
        Column("Version", whole=True),
        Column("Stage", whole=True),
        Column("Aliases"),
        Column("Metrics"),
        Column("Created (UTC)", whole=True),
        Column("By"),
    ]
    rows: list[tuple[Cell | str, ...]] = [
        (
            *([f"{version.project}/{version.model}"] if several else []),
            version.label,
            session.stage_cell(version.stage),
            " ".join(version.aliases),
            _metrics_text(version),
            moment_text(version.created_at),
            version.created_by,
        )
        for version in versions
    ]
    session.output.table(columns, rows)


def draw_version(session: Session, version: ModelVersion) -> None:
    """Write all that is known of a version."""
    sources = version.sources
    approved = version.approved_by and (
        f"{version.approved_by}, {moment_text(version.approved_at)} UTC"
    )
    session.output.card(
        [
            ("version", version.reference),
            ("stage", session.stage_cell(version.stage)),
            ("since", f"{moment_text(version.stage_since)} UTC"),
            ("aliases", " ".join(version.aliases)),
            ("description", version.description),
            ("approved by", approved),
            ("artifact", version.artifact_uri),
            ("digest", version.digest),
            *((f"metric {key}", number_text(value)) for key, value in version.metrics.items()),
            *((f"param {key}", str(value)) for key, value in version.params.items()),
            ("tags", pairs_text(version.tags)),
            ("metadata", _json_text(version.metadata)),
            ("run", sources.run_id),
            ("dataset", sources.dataset),
            ("code", sources.code),
            ("parents", " ".join(sources.parents)),
            ("number", str(version.seq)),
            ("created", f"{moment_text(version.created_at)} UTC by {version.created_by}"),
            ("updated", f"{moment_text(version.updated_at)} UTC"),
            ("revision", str(version.revision)),
        ]
    )


def _draw_transitions(session: Session, passages: Sequence[Transition]) -> None:
    columns = [
        Column("When (UTC)", whole=True),
        Column("From"),
        Column("To"),
        Column("Verb"),
        Column("By"),
        Column("Because of"),
        Column("Comment"),
    ]
    rows = [
        (
            moment_text(each.at),
            session.stage_cell(each.from_stage),
            session.stage_cell(each.to_stage),
            each.verb,
            each.actor,
            each.cause or "",
            f"FORCED {each.comment}".rstrip() if each.forced else each.comment,
        )
        for each in passages
    ]
    session.output.table(columns, rows)


def new_version_named(
    session: Session, reference: str, version: str | None
) -> tuple[str, str | None]:
    """Return the model and the label of a version that is not there yet."""
    if version is not None:
        return session.model_named(reference), version
    parsed = parse_reference(reference, session.named_project)
    if parsed.kind != "label" and "@" in reference:
        raise InvalidInput(
            detail=f"a new version is named NAME:VERSION, not {reference!r}", field="version"
        )
    name = f"{parsed.project}/{parsed.model}"
    return name, parsed.selector if parsed.kind == "label" else None


def _metrics_text(version: ModelVersion) -> str:
    shown = dict(list(version.metrics.items())[:METRICS_SHOWN])
    more = len(version.metrics) - len(shown)
    return pairs_text(shown) + (f" +{more}" if more else "")


def _at_revision(version: ModelVersion) -> str:
    return f"{version.model} {version.label} is at revision {version.revision}."


def _json_text(value: dict[str, Any]) -> str:
    if not value:
        return ""
    import json

    return json.dumps(value, ensure_ascii=False)
