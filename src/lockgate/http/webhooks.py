"""Routes of webhooks: who is told of what, and what became of each telling."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from lockgate.http.calls import CallOf
from lockgate.http.representations import represent_nothing
from lockgate.http.routing import router
from lockgate.wire.answers import (
    DeliveryAnswer,
    DeliveryPage,
    WebhookAnswer,
    WebhookSecretAnswer,
)
from lockgate.wire.bodies import NewSecret, NewWebhook, Resumption, Trial, WebhookChange
from lockgate.wire.queries import DeliveryWords

routes = router("webhooks")
OF_PROJECT = "/projects/{project}/webhooks"
ONE = "/webhooks/{webhook}"


@routes.post(OF_PROJECT, status_code=201, response_model=WebhookSecretAnswer)
async def create_webhook(call: CallOf, project: str, body: NewWebhook) -> Response:
    """Tell an address of a project's events from now on; the secret is shown this once."""
    return await call.write(
        lambda registry: registry.create_webhook(project=project, **body.given()), status=201
    )


@routes.get(OF_PROJECT, response_model=list[WebhookAnswer])  # type: ignore[valid-type]
async def list_webhooks(call: CallOf, project: str) -> Response:
    """List a project's webhooks, oldest first."""
    return await call.read(lambda registry: registry.list_webhooks(project=project))


@routes.get(ONE, response_model=WebhookAnswer)
async def get_webhook(call: CallOf, webhook: str) -> Response:
    """Return a webhook."""
    return await call.read(lambda registry: registry.get_webhook(webhook))


@routes.patch(ONE, response_model=WebhookAnswer)
async def update_webhook(call: CallOf, webhook: str, body: WebhookChange) -> Response:
    """Change a webhook; what is left out stays."""
    return await call.write(lambda registry: registry.update_webhook(webhook, **body.given()))


@routes.delete(ONE, status_code=204)
async def delete_webhook(call: CallOf, webhook: str) -> Response:
    """Delete a webhook with its deliveries."""
    return await call.write(
        lambda registry: registry.delete_webhook(webhook), represent_nothing, status=204
    )


@routes.post(ONE + "/pause", response_model=WebhookAnswer)
async def pause_webhook(call: CallOf, webhook: str) -> Response:
    """Tell it nothing until it is resumed."""
    return await call.write(lambda registry: registry.pause_webhook(webhook))


@routes.post(ONE + "/resume", response_model=WebhookAnswer)
async def resume_webhook(call: CallOf, webhook: str, body: Resumption) -> Response:
    """Go on where it was paused or disabled, or from now on."""
    return await call.write(lambda registry: registry.resume_webhook(webhook, skip=body.skip))


@routes.post(ONE + "/secret", response_model=WebhookSecretAnswer)
async def rotate_webhook_secret(call: CallOf, webhook: str, body: NewSecret) -> Response:
    """Sign with a new secret, shown this once; for a day the old one signs as well."""
    return await call.write(
        lambda registry: registry.rotate_webhook_secret(webhook, secret=body.secret)
    )


@routes.post(ONE + "/test", response_model=DeliveryAnswer)
async def test_webhook(
    call: CallOf,
    webhook: str,
    body: Trial | None = None,  # noqa: PT028  # no test of ours
) -> Response:
    """Send it a trial now, and return what came back."""
    action = None if body is None else body.action
    return await call.write(lambda registry: registry.test_webhook(webhook, action=action))


@routes.get(ONE + "/deliveries", response_model=DeliveryPage)
async def list_deliveries(
    call: CallOf, webhook: str, words: Annotated[DeliveryWords, Query()]
) -> Response:
    """List what it was told and is still to be told, newest first."""
    return await call.read(lambda registry: registry.list_deliveries(webhook, **dict(words)))


@routes.get("/deliveries/{delivery}", response_model=DeliveryAnswer)
async def get_delivery(call: CallOf, delivery: str) -> Response:
    """Return a delivery: what is sent, and what came back."""
    return await call.read(lambda registry: registry.get_delivery(delivery))


@routes.post("/deliveries/{delivery}/redeliver", response_model=DeliveryAnswer)
async def redeliver(call: CallOf, delivery: str) -> Response:
    """Send a delivery once more, under the same id."""
    return await call.write(lambda registry: registry.redeliver(delivery))
