"""Webhooks: make, change, pause, resume and delete them. All of it needs ``webhook.manage``."""

from __future__ import annotations

import base64
import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from lockgate.domain.permissions import MANAGE_WEBHOOKS
from lockgate.domain.webhooks import (
    OLD_SECRET_S,
    SECRET_BYTES,
    SECRET_PREFIX,
    Form,
    Webhook,
    WebhookSecret,
    known_secret,
)
from lockgate.errors import InvalidInput, LimitExceeded, WebhookNotFound
from lockgate.services.posting import find_poster
from lockgate.storage import deliveries as delivery_rows
from lockgate.storage import guard
from lockgate.storage import webhooks as rows
from lockgate.storage.database import Session
from lockgate.storage.log import load_head, record
from lockgate.storage.projects import project_id
from lockgate.storage.store import Caller, Store
from lockgate.storage.webhooks import StoredWebhook

WEBHOOKS_MAX = 100
"""How many a project may have."""
LISTS = ("models", "stages", "actions")


def create_webhook(
    store: Store,
    who: Caller,
    project: str,
    url: str,
    form: Form,
    secret: str | None,
    words: Mapping[str, Any],
) -> WebhookSecret:
    """Tell ``url`` of a project's events from now on; return the secret, shown this once.

    ``words`` are name, description, models, stages and actions. Raises `InvalidInput` for an
    address that is not on the public internet.
    """
    find_poster(store).require(url)
    signing = new_secret() if secret is None else known_secret(form, secret)

    def use_case(session: Session) -> WebhookSecret:
        key = project_id(session, project)
        session.settle_time(0)
        guard.require(session, MANAGE_WEBHOOKS, key, project)
        count = rows.count_webhooks(session, key)
        if count >= WEBHOOKS_MAX:
            raise LimitExceeded(
                what=f"The number of webhooks in project '{project}'",
                observed=count + 1,
                limit=WEBHOOKS_MAX,
            )
        webhook = Webhook(
            uid=uuid.uuid4().hex,
            project=project,
            url=url,
            form=form,
            status="active",
            reason="",
            seq=load_head(session, key).size,
            failures=0,
            failing_since=None,
            retry_at=None,
            created_by=who.name,
            created_at=session.now,
            updated_at=session.now,
            **_checked(words),
        )
        rows.add_webhook(session, key, webhook, signing)
        _record(session, key, who, "create_webhook", webhook, {"form": form})
        return WebhookSecret(webhook=webhook, secret=signing)

    return store.write(who, use_case)


def list_webhooks(store: Store, who: Caller, project: str) -> tuple[Webhook, ...]:
    """Return the webhooks of a project, oldest first."""

    def use_case(session: Session) -> tuple[Webhook, ...]:
        key = project_id(session, project)
        guard.require(session, MANAGE_WEBHOOKS, key, project)
        return tuple(each.webhook for each in rows.list_webhooks(session, key))

    return store.snapshot(use_case, who)


def get_webhook(store: Store, who: Caller, uid: str) -> Webhook:
    """Return a webhook. Raises `WebhookNotFound`."""
    return store.snapshot(lambda session: load_webhook(session, uid).webhook, who)


def update_webhook(store: Store, who: Caller, uid: str, changes: Mapping[str, Any]) -> Webhook:
    """Change url, name, description or what a webhook wants to hear of."""
    if "url" in changes:
        find_poster(store).require(changes["url"])

    def change(_session: Session, stored: StoredWebhook) -> Webhook:
        return replace(stored.webhook, **_checked(changes, partly=True))

    return _change(store, who, uid, "update_webhook", change, {"changed": sorted(changes)})


def pause_webhook(store: Store, who: Caller, uid: str) -> Webhook:
    """Tell a webhook nothing until it is resumed; nothing is lost meanwhile."""

    def change(_session: Session, stored: StoredWebhook) -> Webhook:
        return replace(stored.webhook, status="paused", reason="")

    return _change(store, who, uid, "pause_webhook", change)


def resume_webhook(store: Store, who: Caller, uid: str, skip: bool) -> Webhook:
    """Go on where a webhook was paused or disabled; with ``skip``, with what happens from now."""

    def change(session: Session, stored: StoredWebhook) -> Webhook:
        well = replace(
            stored.webhook,
            status="active",
            reason="",
            failures=0,
            failing_since=None,
            retry_at=None,
        )
        if not skip:
            return well
        delivery_rows.skip_pending(session, stored.key, session.now_us)
        return replace(well, seq=load_head(session, stored.project_id).size)

    return _change(store, who, uid, "resume_webhook", change, {"skip": skip})


def rotate_webhook_secret(store: Store, who: Caller, uid: str, secret: str | None) -> WebhookSecret:
    """Sign with a new secret; for a day the old one signs as well. Returns it, shown this once."""

    def use_case(session: Session) -> WebhookSecret:
        session.settle_time(0)
        stored = load_webhook(session, uid, lock=True)
        form = stored.webhook.form
        signing = new_secret() if secret is None else known_secret(form, secret)
        until_us = session.now_us + OLD_SECRET_S * 1_000_000
        rows.rotate_secret(session, stored.key, signing, until_us)
        _record(session, stored.project_id, who, "rotate_webhook_secret", stored.webhook)
        return WebhookSecret(webhook=stored.webhook, secret=signing)

    return store.write(who, use_case)


def delete_webhook(store: Store, who: Caller, uid: str) -> None:
    """Delete a webhook with its deliveries."""

    def use_case(session: Session) -> None:
        session.settle_time(0)
        stored = load_webhook(session, uid, lock=True)
        rows.delete_webhook(session, stored.key)
        _record(session, stored.project_id, who, "delete_webhook", stored.webhook)

    store.write(who, use_case)


def load_webhook(session: Session, uid: str, *, lock: bool = False) -> StoredWebhook:
    """Return a webhook to somebody who may manage it. Raises `WebhookNotFound`, `Forbidden`."""
    stored = rows.find_webhook(session, uid, lock=lock)
    if stored is None or not session.sees(stored.webhook.project):
        raise WebhookNotFound(webhook=uid)
    guard.require(session, MANAGE_WEBHOOKS, stored.project_id, stored.webhook.project)
    return stored


def new_secret() -> str:
    """Return a secret that nobody knows yet."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _change(
    store: Store,
    who: Caller,
    uid: str,
    action: str,
    change: Callable[[Session, StoredWebhook], Webhook],
    detail: Mapping[str, Any] | None = None,
) -> Webhook:
    def use_case(session: Session) -> Webhook:
        session.settle_time(0)
        stored = load_webhook(session, uid, lock=True)
        after = change(session, stored)
        if after == stored.webhook:
            return after
        after = replace(after, updated_at=session.now)
        rows.update_webhook(session, stored.key, after)
        _record(session, stored.project_id, who, action, after, detail)
        return after

    return store.write(who, use_case)


def _record(
    session: Session,
    key: int,
    who: Caller,
    action: str,
    webhook: Webhook,
    detail: Mapping[str, Any] | None = None,
) -> None:
    # Without the address: Slack's is a secret, and the log has more readers than webhooks have.
    named = {"webhook": webhook.uid, "name": webhook.name, **(detail or {})}
    record(session, key, who.name, action, detail=named)


def _checked(words: Mapping[str, Any], *, partly: bool = False) -> dict[str, Any]:
    """Return a webhook's fields, its lists as tuples without repetition."""
    found = dict(words) if partly else {"name": "", "description": "", **words}
    for name in LISTS:
        if name in found or not partly:
            found[name] = _texts(found.get(name) or (), name)
    return found


def _texts(values: Iterable[Any], what: str) -> tuple[str, ...]:
    if isinstance(values, str):
        values = [values]
    listed = list(values)
    if not all(isinstance(each, str) for each in listed):
        raise InvalidInput(detail=f"{what} is a list of texts", field=what)
    return tuple(dict.fromkeys(listed))
