"""``lockgate webhook``: who is told of events, and what became of each telling."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lockgate.cli import options
from lockgate.cli.output import Column, counted, moment_text
from lockgate.cli.session import Session

if TYPE_CHECKING:
    from lockgate.domain.webhooks import Delivery, Webhook

app = typer.Typer(
    help="Tell other programs what happens.", rich_markup_mode=None, no_args_is_help=True
)


class Form(StrEnum):
    """What is sent."""

    standard = "standard"
    slack = "slack"
    mlflow = "mlflow"
    openlineage = "openlineage"


class Status(StrEnum):
    """What became of a delivery."""

    pending = "pending"
    delivered = "delivered"
    failed = "failed"
    skipped = "skipped"


Uid = Annotated[str, typer.Argument(metavar="WEBHOOK", help="Its uid, as `webhook list` shows it.")]
DeliveryUid = Annotated[
    str, typer.Argument(metavar="DELIVERY", help="Its id, as `webhook deliveries` shows it.")
]
Address = Annotated[
    str, typer.Argument(metavar="ADDRESS", help="https://…, where it is told.", show_default=False)
]
Name = Annotated[str | None, typer.Option("--name", metavar="TEXT")]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", metavar="NAME", help="Only of this model; may be repeated."),
]
Stages = Annotated[
    list[str] | None,
    options.stage_option("--stage", "Only about this stage; may be repeated."),
]
Actions = Annotated[
    list[str] | None,
    typer.Option("--action", metavar="ACTION", help="Such as transition; may be repeated."),
]


@app.command()
def add(
    ctx: typer.Context,
    address: Address,
    name: Name = None,
    description: options.Description = None,
    form: Annotated[Form, typer.Option("--form", help="What is sent.")] = Form.standard,
    model: Models = None,
    stage: Stages = None,
    action: Actions = None,
) -> None:
    """Tell an address of a project's events from now on; prints the secret, this once."""
    session = Session.of(ctx)
    made = session.registry.create_webhook(
        address,
        name=name or "",
        description=description or "",
        form=form.value,
        models=model or (),
        stages=stage or (),
        actions=action or (),
        project=session.project,
    )
    sentence = f"Webhook {made.webhook.uid} is told of {_interest(made.webhook)}."
    if made.webhook.form != "slack":
        sentence += f"\nSecret: {made.secret}"
    session.output.done(made, sentence)
    if made.webhook.form != "slack":
        session.output.remark("It is not shown again; `webhook rotate` makes another.")


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List a project's webhooks."""
    session = Session.of(ctx)
    found = session.registry.list_webhooks(project=session.project)
    columns = [
        Column("Webhook", whole=True),
        Column("Name"),
        Column("Form"),
        Column("Status"),
        Column("Address"),
        Column("Told of"),
        Column("Log at", right=True),
    ]
    rows = [
        (
            each.uid,
            each.name,
            each.form,
            each.status,
            each.url,
            _interest(each),
            str(each.seq),
        )
        for each in found
    ]
    session.output.show(found, lambda: session.output.table(columns, rows))


@app.command()
def show(ctx: typer.Context, webhook: Uid) -> None:
    """Show a webhook."""
    session = Session.of(ctx)
    found = session.registry.get_webhook(webhook)
    session.output.show(found, lambda: session.output.card(_card(found)))


@app.command()
def edit(
    ctx: typer.Context,
    webhook: Uid,
    address: Annotated[str | None, typer.Option("--address", metavar="ADDRESS")] = None,
    name: Name = None,
    description: options.Description = None,
    model: Models = None,
    stage: Stages = None,
    action: Actions = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="Tell it of all models, stages and actions.")
    ] = False,
) -> None:
    """Change a webhook; what is not named stays."""
    session = Session.of(ctx)
    none: list[str] | None = [] if everything else None
    found = session.registry.update_webhook(
        webhook,
        url=address,
        name=name,
        description=description,
        models=model or none,
        stages=stage or none,
        actions=action or none,
    )
    session.output.done(found, f"Webhook {found.uid} is told of {_interest(found)}.")


@app.command()
def pause(ctx: typer.Context, webhook: Uid) -> None:
    """Tell it nothing until it is resumed; nothing is lost meanwhile."""
    session = Session.of(ctx)
    found = session.registry.pause_webhook(webhook)
    session.output.done(found, f"Webhook {found.uid} is paused at event {found.seq}.")


@app.command()
def resume(
    ctx: typer.Context,
    webhook: Uid,
    skip: Annotated[
        bool, typer.Option("--skip", help="Leave out what has happened meanwhile.")
    ] = False,
) -> None:
    """Go on where it was paused or disabled."""
    session = Session.of(ctx)
    found = session.registry.resume_webhook(webhook, skip=skip)
    session.output.done(found, f"Webhook {found.uid} goes on after event {found.seq}.")


@app.command()
def rotate(ctx: typer.Context, webhook: Uid) -> None:
    """Sign with a new secret, printed this once; for a day the old one signs as well."""
    session = Session.of(ctx)
    made = session.registry.rotate_webhook_secret(webhook)
    session.output.done(made, f"Secret: {made.secret}")


@app.command()
def remove(ctx: typer.Context, webhook: Uid) -> None:
    """Delete a webhook with its deliveries."""
    session = Session.of(ctx)
    session.registry.delete_webhook(webhook)
    session.output.done({"deleted": webhook}, f"Webhook {webhook} is deleted.")


@app.command("test")
def test_(ctx: typer.Context, webhook: Uid) -> None:
    """Send it a trial; ends with 1 unless it was taken."""
    session = Session.of(ctx)
    found = session.registry.test_webhook(webhook)
    session.output.done(found, f"{found.status}: {_outcome(found)}")
    if found.status != "delivered":
        raise typer.Exit(1)


@app.command()
def deliveries(
    ctx: typer.Context,
    webhook: Uid,
    status: Annotated[Status | None, typer.Option("--status", help="Only these.")] = None,
    limit: options.Limit = options.LIMIT,
    all_: options.All = False,
) -> None:
    """List what it was told and is still to be told, newest first."""
    session = Session.of(ctx)

    def fetch(**page: Any) -> Any:
        chosen = None if status is None else status.value
        return session.registry.list_deliveries(webhook, status=chosen, **page)

    found = session.pages(fetch, limit, all_)
    columns = [
        Column("Delivery", whole=True),
        Column("Event", right=True),
        Column("Action"),
        Column("Model"),
        Column("Status"),
        Column("Tries", right=True),
        Column("Last answer"),
        Column("Next (UTC)", whole=True),
    ]
    rows = [
        (
            each.uid,
            str(each.seq or ""),
            each.action,
            each.model or "",
            each.status,
            str(each.attempt_count),
            _outcome(each),
            moment_text(each.due_at) if each.status == "pending" else "",
        )
        for each in found
    ]
    session.output.show(found.as_page(), lambda: session.output.table(columns, rows))
    found.remark_on_rest(session.output)


@app.command()
def delivery(ctx: typer.Context, delivery: DeliveryUid) -> None:
    """Show a delivery: what is sent, and what came back."""
    session = Session.of(ctx)
    found = session.registry.get_delivery(delivery)

    def draw() -> None:
        session.output.card(
            [
                ("Delivery", found.uid),
                ("Webhook", found.webhook),
                ("Address", found.url),
                ("Status", found.status),
                ("Tries", str(found.attempt_count)),
                ("Body", found.body),
            ]
        )
        for each in found.attempts:
            answer = each.error or f"{each.status} {each.answer}".rstrip()
            session.output.line(f"{moment_text(each.at)}  {each.took_ms} ms  {answer}")

    session.output.show(found, draw)


@app.command()
def redeliver(ctx: typer.Context, delivery: DeliveryUid) -> None:
    """Send a delivery once more, under the same id."""
    session = Session.of(ctx)
    found = session.registry.redeliver(delivery)
    session.output.done(found, f"Delivery {found.uid} is pending.")


def _interest(webhook: Webhook) -> str:
    parts = [
        f"{what} {', '.join(words)}"
        for what, words in (
            ("models", webhook.models),
            ("stages", webhook.stages),
            ("actions", webhook.actions),
        )
        if words
    ]
    return "; ".join(parts) or "everything"


def _card(webhook: Webhook) -> list[tuple[str, str | None]]:
    since = webhook.failing_since
    times = counted(webhook.failures, "time")
    failing = None if since is None else f"{times} since {moment_text(since)}"
    return [
        ("Webhook", webhook.uid),
        ("Name", webhook.name),
        ("Description", webhook.description),
        ("Project", webhook.project),
        ("Address", webhook.url),
        ("Form", webhook.form),
        ("Told of", _interest(webhook)),
        ("Status", webhook.status),
        ("Reason", webhook.reason),
        ("Log at", str(webhook.seq)),
        ("Failing", failing),
        ("Created", f"{moment_text(webhook.created_at)} by {webhook.created_by}"),
    ]


def _outcome(delivery: Delivery) -> str:
    if not delivery.attempts:
        return ""
    last = delivery.attempts[-1]
    return last.error or str(last.status)
