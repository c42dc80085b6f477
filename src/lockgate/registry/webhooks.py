"""Webhooks: the verbs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lockgate.domain.pages import Page
from lockgate.domain.webhooks import Delivery, Form, Webhook, WebhookSecret
from lockgate.registry.desk import Desk
from lockgate.services import deliveries, webhooks


class WebhookVerbs(Desk):
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
        words = {
            "name": name,
            "description": description,
            "models": models,
            "stages": stages,
            "actions": actions,
        }
        return webhooks.create_webhook(
            self._store, self._who, project or self.project, url, form, secret, words
        )

    def list_webhooks(self, *, project: str | None = None) -> tuple[Webhook, ...]:
        """Return the webhooks of a project, oldest first."""
        return webhooks.list_webhooks(self._store, self._who, project or self.project)

    def get_webhook(self, webhook: str) -> Webhook:
        """Return a webhook by its uid. Raises `WebhookNotFound`."""
        return webhooks.get_webhook(self._store, self._who, webhook)

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
        changes: dict[str, Any] = {
            "url": url,
            "name": name,
            "description": description,
            "models": models,
            "stages": stages,
            "actions": actions,
        }
        chosen = {key: value for key, value in changes.items() if value is not None}
        return webhooks.update_webhook(self._store, self._who, webhook, chosen)

    def pause_webhook(self, webhook: str) -> Webhook:
        """Tell it nothing until it is resumed; what happens meanwhile is told then."""
        return webhooks.pause_webhook(self._store, self._who, webhook)

    def resume_webhook(self, webhook: str, *, skip: bool = False) -> Webhook:
        """Go on where it was paused or disabled; with ``skip``, with what happens from now."""
        return webhooks.resume_webhook(self._store, self._who, webhook, skip)

    def rotate_webhook_secret(self, webhook: str, *, secret: str | None = None) -> WebhookSecret:
        """Sign with a new secret, shown this once; for a day the old one signs as well."""
        return webhooks.rotate_webhook_secret(self._store, self._who, webhook, secret)

    def delete_webhook(self, webhook: str) -> None:
        """Delete a webhook with its deliveries."""
        webhooks.delete_webhook(self._store, self._who, webhook)

    def test_webhook(self, webhook: str, *, action: str | None = None) -> Delivery:
        """Send it a trial now, and return what came back.

        ``action`` is what MLflow's form tries: an event of its own, the first it asks for unless
        given.
        """
        return deliveries.test_webhook(self._store, self._who, webhook, action)

    def list_deliveries(
        self,
        webhook: str,
        *,
        status: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[Delivery]:
        """Return a page of a webhook's deliveries, newest first."""
        return deliveries.list_deliveries(self._store, self._who, webhook, status, limit, cursor)

    def get_delivery(self, delivery: str) -> Delivery:
        """Return a delivery: what is sent, and what came back. Raises `DeliveryNotFound`."""
        return deliveries.get_delivery(self._store, self._who, delivery)

    def redeliver(self, delivery: str) -> Delivery:
        """Send a delivery once more, whatever became of it, under the same id."""
        return deliveries.redeliver(self._store, self._who, delivery)
