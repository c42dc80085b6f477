"""``lockgate deploy``: what runs where, who uses a version, and manifests that serve one."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lockgate.cli import options
from lockgate.cli.documents import write_text
from lockgate.cli.output import Column, moment_text
from lockgate.cli.session import Session
from lockgate.errors import ArtifactNotFound

if TYPE_CHECKING:
    from lockgate.domain.deployments import Deployment

app = typer.Typer(
    help="What runs where, and manifests that serve a version.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


class Target(StrEnum):
    """What manifests are for."""

    kserve = "kserve"
    kubernetes = "kubernetes"
    compose = "compose"
    vllm = "vllm"
    bentoml = "bentoml"
    seldon = "seldon"


class Fetch(StrEnum):
    """How the files come."""

    pull = "pull"
    huggingface = "huggingface"


class Status(StrEnum):
    """How a deployment is."""

    deploying = "deploying"
    running = "running"
    failed = "failed"


Uid = Annotated[
    str, typer.Argument(metavar="DEPLOYMENT", help="Its uid, as `deploy list` shows it.")
]
Server = Annotated[
    str | None,
    typer.Option(
        "--server", metavar="URL", help="The registry as the cluster sees it. [--url, if it is one]"
    ),
]
Fetcher = Annotated[
    str,
    typer.Option("--fetcher", metavar="IMAGE", help="An image that has lockgate, to pull with."),
]
FETCHER = "lockgate:latest"
OutputFile = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write there, not to standard output."),
]


@app.command()
def report(
    ctx: typer.Context,
    reference: options.Reference,
    environment: Annotated[
        str, typer.Option("--environment", "-e", metavar="NAME", help="Such as production-eu.")
    ],
    target: Annotated[
        str, typer.Option("--target", metavar="NAME", help="Which place of the environment.")
    ] = "",
    status: Annotated[Status, typer.Option("--status")] = Status.running,
    link: Annotated[
        str | None, typer.Option("--link", metavar="URL", help="Where it can be reached.")
    ] = None,
    heartbeat_s: Annotated[
        int | None,
        typer.Option(
            "--heartbeat-s",
            metavar="N",
            help="It gives a sign of life that often, or is lost.",
        ),
    ] = None,
) -> None:
    """Put on record that a version runs somewhere; another that ran there has ended."""
    session = Session.of(ctx)
    name, label = session.version_named(reference, None)
    made = session.registry.report_deployment(
        name,
        label,
        environment,
        target=target,
        status=status.value,
        url=link,
        heartbeat_s=heartbeat_s,
    )
    session.output.done(
        made, f"{made.project}/{made.model}:{made.version} is {made.status} in {made.place}."
    )


@app.command("list")
def list_(
    ctx: typer.Context,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="Only of this model.")
    ] = None,
    environment: Annotated[
        str | None, typer.Option("--environment", "-e", metavar="NAME", help="Only there.")
    ] = None,
    ended: Annotated[bool, typer.Option("--ended", help="Those that have ended, too.")] = False,
    limit: options.Limit = options.LIMIT,
    all_: options.All = False,
) -> None:
    """List what runs where, the latest first."""
    session = Session.of(ctx)

    def fetch(**page: Any) -> Any:
        return session.registry.list_deployments(
            model=None if model is None else session.model_named(model),
            environment=environment,
            project=session.project,
            include_ended=ended,
            **page,
        )

    found = session.pages(fetch, limit, all_)
    session.output.show(found.as_page(), lambda: _draw(session, found))
    found.remark_on_rest(session.output)


@app.command()
def heartbeat(ctx: typer.Context, deployment: Uid) -> None:
    """Give a sign of life of a deployment."""
    session = Session.of(ctx)
    found = session.registry.heartbeat_deployment(deployment)
    session.output.done(found, f"{found.place} was seen at {moment_text(found.seen_at)} UTC.")


@app.command()
def end(ctx: typer.Context, deployment: Uid) -> None:
    """Put on record that a deployment is over."""
    session = Session.of(ctx)
    found = session.registry.end_deployment(deployment)
    session.output.done(found, f"{found.model}:{found.version} runs in {found.place} no more.")


@app.command()
def users(ctx: typer.Context, reference: options.Reference, version: options.Label = None) -> None:
    """List who uses a version: deployments, who pulled it lately, nodes that cache it."""
    session = Session.of(ctx)
    found = session.registry.used_by(*session.version_named(reference, version))
    columns = [
        Column("Kind"),
        Column("Who or where"),
        Column("Last seen (UTC)", whole=True),
        Column("Link"),
    ]
    rows = [(each.kind, each.name, moment_text(each.last_at), each.url or "") for each in found]
    session.output.show(found, lambda: session.output.table(columns, rows))


@app.command()
def render(
    ctx: typer.Context,
    reference: options.Reference,
    target: Annotated[Target, typer.Option("--target", help="What the manifests are for.")],
    server: Server = None,
    image: Annotated[
        str, typer.Option("--image", metavar="IMAGE", help="What serves the model.")
    ] = "",
    fetcher: Fetcher = FETCHER,
    fetch: Annotated[Fetch, typer.Option("--fetch", help="How the files come.")] = Fetch.pull,
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="What it is called. [the model's name]")
    ] = "",
    namespace: Annotated[str, typer.Option("--namespace", "-n", metavar="NAME")] = "",
    replicas: Annotated[int, typer.Option("--replicas", metavar="N")] = 1,
    model_format: Annotated[
        str, typer.Option("--format", metavar="WORD", help="KServe's word for the files.")
    ] = "sklearn",
    output: OutputFile = None,
) -> None:
    """Write manifests that serve a version, pinned to the digest it has now."""
    from lockgate.domain import rendering
    from lockgate.domain.yaml_text import yaml_text

    session = Session.of(ctx)
    version = session.look_up(reference)
    if version.digest is None:
        raise ArtifactNotFound(reference=version.reference)
    documents = rendering.render(
        target.value,
        rendering.Serving(
            project=version.project,
            model=version.model,
            version=version.label,
            digest=version.digest,
            server=_server(session, server),
            image=image,
            fetcher=fetcher,
            fetch=fetch.value,
            name=name,
            namespace=namespace,
            replicas=replicas,
            model_format=model_format,
        ),
    )
    _tell(session, documents, yaml_text(documents), output)


@app.command("storage-container")
def storage_container(
    ctx: typer.Context,
    server: Server = None,
    image: Annotated[
        str, typer.Option("--image", metavar="IMAGE", help="Made of examples/kserve.")
    ] = "lockgate-kserve:latest",
    output: OutputFile = None,
) -> None:
    """Write what teaches KServe the lockgate:// addresses: a ClusterStorageContainer."""
    from lockgate.domain.rendering import storage_container as rendered
    from lockgate.domain.yaml_text import yaml_text

    session = Session.of(ctx)
    documents = [rendered(image, _server(session, server))]
    _tell(session, documents, yaml_text(documents), output)


def _server(session: Session, server: str | None) -> str:
    url = server or session.url or session.settings.url
    return url if server or url.startswith(("http://", "https://")) else ""


def _tell(session: Session, documents: list[dict[str, Any]], text: str, output: str | None) -> None:
    if output is None:
        session.output.show(documents, lambda: session.output.write(text))
        return
    write_text(output, text)
    session.output.done({"file": output, "documents": len(documents)}, f"Written to {output}.")


def _draw(session: Session, found: list[Deployment]) -> None:
    columns = [
        Column("Deployment", whole=True),
        Column("Version"),
        Column("Where"),
        Column("Status"),
        Column("Since (UTC)", whole=True),
        Column("Seen (UTC)", whole=True),
        Column("By"),
        Column("Link"),
    ]
    rows = [
        (
            each.uid,
            f"{each.model}:{each.version}",
            each.place,
            each.status,
            moment_text(each.reported_at),
            moment_text(each.seen_at),
            each.reported_by,
            each.url or "",
        )
        for each in found
    ]
    session.output.table(columns, rows)
