"""Webhooks: the verbs, over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.domain.pages import Page
from lockgate.domain.webhooks import Delivery, Form, Webhook, WebhookSecret
from lockgate.sdk.calls import Calls, given, segment


class WebhookVerbs(Calls):
    """Who is told of a project's events, and what became of each telling."""

    def create_webhook(
        self,
        url: str,
        *,
        name: str = "",
        description: str = "",
        form: Form = "standard",
        models: Sequence[str] = (),
        stages: Sequence[str] = (),
        actions: Sequence[str] = (),
        secret: str | None = None,
        project: str | None = None,
    ) -> WebhookSecret:
        """Tell ``url`` of a project's events from now on; return the secret, shown this once.

        Empty lists want everything; models are named without their project.
        """
        body = given(
            url=url,
            name=name,
            description=description,
            form=form,
            models=list(models),
            stages=list(stages),
            actions=list(actions),
            secret=secret,
        )
        path = f"/projects/{segment(project or self.project)}/webhooks"
        return self._change(WebhookSecret, "POST", path, body)

    def list_webhooks(self, *, project: str | None = None) -> tuple[Webhook, ...]:
        """Return the webhooks of a project, oldest first."""
        return self._all(Webhook, f"/projects/{segment(project or self.project)}/webhooks")

    def get_webhook(self, webhook: str) -> Webhook:
        """Return a webhook by its uid. Raises `WebhookNotFound`."""
        return self._load(Webhook, _webhook(webhook))

    def update_webhook(
        self,
        webhook: str,
        *,
        url: str | None = None,
        name: str | None = None,
        description: str | None = None,
        models: Sequence[str] | None = None,
        stages: Sequence[str] | None = None,
        actions: Sequence[str] | None = None,
    ) -> Webhook:
        """Change what is given; an empty list wants everything."""
        body = given(
            url=url,
            name=name,
            description=description,
            models=None if models is None else list(models),
            stages=None if stages is None else list(stages),
            actions=None if actions is None else list(actions),
        )
        return self._change(Webhook, "PATCH", _webhook(webhook), body)

    def pause_webhook(self, webhook: str) -> Webhook:
        """Tell it nothing until it is resumed; what happens meanwhile is told then."""
        return self._change(Webhook, "POST", _webhook(webhook, "pause"))

    def resume_webhook(self, webhook: str, *, skip: bool = False) -> Webhook:
        """Go on where it was paused or disabled; with ``skip``, with what happens from now."""
        return self._change(Webhook, "POST", _webhook(webhook, "resume"), {"skip": skip})

    def rotate_webhook_secret(self, webhook: str, *, secret: str | None = None) -> WebhookSecret:
        """Sign with a new secret, shown this once; for a day the old one signs as well."""
        body = given(secret=secret)
        return self._change(WebhookSecret, "POST", _webhook(webhook, "secret"), body)

    def delete_webhook(self, webhook: str) -> None:
        """Delete a webhook with its deliveries."""
        self._write("DELETE", _webhook(webhook))

    def test_webhook(self, webhook: str, *, action: str | None = None) -> Delivery:
        """Send it a trial now, and return what came back.

        ``action`` is what MLflow's form tries: an event of its own, the first it asks for unless
        given.
        """
        return self._change(Delivery, "POST", _webhook(webhook, "test"), given(action=action))

    def list_deliveries(
        self,
        webhook: str,
        *,
        status: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[Delivery]:
        """Return a page of a webhook's deliveries, newest first."""
        path = _webhook(webhook, "deliveries")
        return self._page(Delivery, path, status=status, limit=limit, cursor=cursor)

    def get_delivery(self, delivery: str) -> Delivery:
        """Return a delivery: what is sent, and what came back. Raises `DeliveryNotFound`."""
        return self._load(Delivery, f"/deliveries/{segment(delivery, 'delivery')}")

    def redeliver(self, delivery: str) -> Delivery:
        """Send a delivery once more, whatever became of it, under the same id."""
        path = f"/deliveries/{segment(delivery, 'delivery')}/redeliver"
        return self._change(Delivery, "POST", path)


def _webhook(uid: str, *rest: str) -> str:
    return "/".join(("/webhooks", segment(uid, "webhook"), *rest))
