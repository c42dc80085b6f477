"""Deliveries: what a webhook is still to be told, one message after the other.

    plan      the log beyond the webhook's position → pending deliveries, and the position moves on,
              in one transaction: a crash loses neither
    prepare   the oldest that is due and whose model has nothing older waiting
    settle    what came back → delivered, or later, or never

A crash between sending and settling sends again: at least once, under the same id.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lockgate.domain.audit import AuditEvent
from lockgate.domain.mlflow_messages import is_of_prompt, is_prompt
from lockgate.domain.moments import to_text
from lockgate.domain.pages import Page
from lockgate.domain.permissions import MANAGE_WEBHOOKS
from lockgate.domain.webhook_forms import (
    Message,
    headers_of,
    is_wanted,
    messages_of,
    ping_of,
    trial_of,
)
from lockgate.domain.webhooks import (
    DELIVERY_STATUSES,
    Attempt,
    Delivery,
    Webhook,
)
from lockgate.domain.webhooks import settle as settle_attempt
from lockgate.errors import DeliveryNotFound, InvalidInput
from lockgate.services.paging import page_of
from lockgate.services.posting import find_poster
from lockgate.services.webhooks import load_webhook
from lockgate.storage import deliveries as rows
from lockgate.storage import guard, log
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage import webhooks as webhook_rows
from lockgate.storage.database import Session
from lockgate.storage.deliveries import StoredDelivery
from lockgate.storage.leases import beat_lease
from lockgate.storage.store import Caller, Store
from lockgate.storage.webhooks import StoredWebhook

PLANNED_AT_ONCE = 100
PENDING_MAX = 2_000
"""What more a webhook is to be told waits in the log itself."""
SYSTEM = "lockgate"
LEASE = "webhooks"


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A request that is ready to be sent."""

    delivery: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def list_behind(store: Store) -> list[str]:
    """Return the webhooks that may be told something now and have events to be planned."""
    return store.read(lambda session: webhook_rows.list_behind(session, session.settle_time(0)))


def list_ready(store: Store) -> list[str]:
    """Return the webhooks that may be tried now and have something due."""
    return store.read(lambda session: webhook_rows.list_ready(session, session.settle_time(0)))


def plan(store: Store, uids: Sequence[str]) -> int:
    """Look through more of the log for webhooks; return how many deliveries came of it.

    One transaction for all of them: writers wait for it as for each other.
    """

    def use_case(session: Session) -> int:
        session.settle_time(0)
        planned = 0
        for uid in uids:
            if planned < PLANNED_AT_ONCE:
                planned += _plan(session, uid)
        return planned

    return store.database.write(use_case)


def _plan(session: Session, uid: str) -> int:
    stored = webhook_rows.find_webhook(session, uid, lock=True)
    if stored is None or stored.webhook.status != "active":
        return 0
    webhook = stored.webhook
    if rows.count_pending(session, stored.key) >= PENDING_MAX:
        return 0
    events = log.list_events(
        session,
        stored.project_id,
        webhook.project,
        after=webhook.seq,
        count=PLANNED_AT_ONCE,
        newest_first=False,
    )
    planned = [
        (part, _delivery(session, webhook, event.seq, event.model, message))
        for event in events
        for part, message in enumerate(
            messages_of(webhook.form, event, _known(session, webhook, event))
        )
        if is_wanted(webhook.form, webhook.interest, event, message)
    ]
    rows.add_deliveries(session, stored.key, stored.project_id, planned)
    if events:
        moved = replace(webhook, seq=events[-1].seq)
        webhook_rows.update_webhook(session, stored.key, moved)
    return len(planned)


def prepare(store: Store, uid: str) -> Outgoing | None:
    """Return what a webhook is to be told next, or None when nothing is due."""

    def use_case(session: Session) -> Outgoing | None:
        now_us = session.settle_time(0)
        stored = webhook_rows.find_webhook(session, uid)
        if stored is None or not stored.webhook.may_be_told(session.now):
            return None
        found = rows.find_next(session, uid, now_us)
        if found is None:
            return None
        message = _message(session, stored.webhook, found)
        return _outgoing(session, stored, found.delivery.uid, message)

    return store.snapshot(use_case)


def settle(store: Store, tried: Sequence[tuple[str, Attempt]], holder: str, retry_s: float) -> bool:
    """Write what came of attempts, by delivery; return False when the lease is another's by now.

    A webhook that nothing has reached for ``retry_s`` is disabled, which is on record. One
    transaction for all of them: writers wait for it as for each other.
    """

    def use_case(session: Session) -> bool:
        session.settle_time(0)
        if not beat_lease(session, LEASE, holder):
            return False
        # In one order everywhere, so that no two transactions wait for each other.
        for uid, attempt in sorted(tried, key=lambda each: each[0]):
            _settle(session, uid, attempt, retry_s)
        return True

    return store.database.write(use_case)


def _settle(session: Session, uid: str, attempt: Attempt, retry_s: float) -> None:
    found = rows.find_delivery(session, uid)
    if found is None:
        return  # the webhook was deleted meanwhile
    webhook = webhook_rows.find_webhook(session, found.delivery.webhook, lock=True)
    again = rows.find_delivery(session, uid, lock=True)
    if webhook is None or again is None or again.delivery.status != "pending":
        return
    settled = settle_attempt(
        webhook.webhook,
        again.delivery,
        attempt,
        session.now,
        retry_s,
        random.random(),  # noqa: S311  # it spreads retries and guards nothing
    )
    rows.update_delivery(session, again.key, settled.delivery, session.now_us)
    if settled.webhook != webhook.webhook:
        paused = webhook.webhook.status != "active"
        after = replace(settled.webhook, status="paused") if paused else settled.webhook
        webhook_rows.update_webhook(session, webhook.key, after)
        if after.status == "disabled":
            detail = {"webhook": after.uid, "name": after.name, "reason": after.reason}
            guard.vouch(session, MANAGE_WEBHOOKS, webhook.project_id)
            log.record(session, webhook.project_id, SYSTEM, "disable_webhook", detail=detail)


def forget(store: Store, days: int) -> int:
    """Delete what was settled more than ``days`` ago; return how much that was."""

    def use_case(session: Session) -> int:
        before_us = session.settle_time(0) - days * 86_400_000_000
        return rows.forget_deliveries(session, before_us)

    return store.database.write(use_case)


# --- for people ------------------------------------------------------------------------------


def list_deliveries(
    store: Store, who: Caller, uid: str, status: str | None, limit: int, cursor: str | None
) -> Page[Delivery]:
    """Return a page of a webhook's deliveries, newest first."""
    if status is not None and status not in DELIVERY_STATUSES:
        raise InvalidInput(
            detail=f"The status of a delivery is {', '.join(DELIVERY_STATUSES)}, "
            f"got {status!r:.60}",
            field="status",
        )

    def fetch(before: int, count: int) -> list[tuple[int, Delivery]]:
        def use_case(session: Session) -> list[tuple[int, Delivery]]:
            stored = load_webhook(session, uid)
            found = rows.list_deliveries(session, stored.key, status, before, count)
            return [(each.key, _shown(session, stored.webhook, each)) for each in found]

        return store.snapshot(use_case, who)

    page = page_of(
        store,
        f"deliveries {uid} {status}",
        limit,
        cursor,
        first=2**62,
        fetch=fetch,
        position=lambda each: each[0],
    )
    return page.map(lambda each: each[1])


def get_delivery(store: Store, who: Caller, uid: str) -> Delivery:
    """Return a delivery with what was sent and what came back. Raises `DeliveryNotFound`."""

    def use_case(session: Session) -> Delivery:
        found, stored = _load(session, uid)
        return _shown(session, stored.webhook, found)

    return store.snapshot(use_case, who)


def redeliver(store: Store, who: Caller, uid: str) -> Delivery:
    """Send a delivery once more, whatever became of it, under the same id."""

    def use_case(session: Session) -> Delivery:
        session.settle_time(0)
        _, stored = _load(session, uid)
        webhook_rows.find_webhook(session, stored.webhook.uid, lock=True)
        found, _ = _load(session, uid)
        if found.delivery.seq == 0:
            raise InvalidInput(
                detail="A trial is not sent again; try the webhook once more", field="delivery"
            )
        again = replace(found.delivery, status="pending", due_at=session.now)
        rows.update_delivery(session, found.key, again, session.now_us)
        detail = {"webhook": stored.webhook.uid, "delivery": uid, "event": again.seq}
        log.record(session, stored.project_id, who.name, "redeliver", detail=detail)
        return _shown(session, stored.webhook, found._replace(delivery=again))

    return store.write(who, use_case)


def test_webhook(store: Store, who: Caller, uid: str, action: str | None) -> Delivery:
    """Send a webhook a trial now, and return what came back; see `trial_of` for ``action``."""

    def prepared(session: Session) -> tuple[StoredWebhook, Delivery, Outgoing]:
        session.settle_time(0)
        stored = load_webhook(session, uid)
        webhook = stored.webhook
        trial = trial_of(webhook.form, webhook.actions, action)
        message = ping_of(webhook.form, webhook.project, to_text(session.now), trial)
        delivery = _delivery(session, stored.webhook, 0, None, message)
        return stored, delivery, _outgoing(session, stored, delivery.uid, message)

    stored, delivery, outgoing = store.snapshot(prepared, who)
    attempt = find_poster(store)(outgoing.url, outgoing.headers, outgoing.body)
    tried = replace(
        delivery,
        status="delivered" if attempt.ok else "failed",
        attempts=(attempt,),
        attempt_count=1,
    )

    def kept(session: Session) -> Delivery:
        session.settle_time(0)
        if webhook_rows.find_webhook(session, uid, lock=True) is not None:
            rows.add_deliveries(session, stored.key, stored.project_id, [(0, tried)])
            found = rows.find_delivery(session, tried.uid)
            assert found is not None  # noqa: S101  # it was just added
            rows.update_delivery(session, found.key, tried, session.now_us)
        return replace(tried, body=outgoing.body.decode())

    return store.write(who, kept)


def _load(session: Session, uid: str) -> tuple[StoredDelivery, StoredWebhook]:
    found = rows.find_delivery(session, uid)
    if found is None or not session.sees(found.delivery.project):
        raise DeliveryNotFound(delivery=uid)
    return found, load_webhook(session, found.delivery.webhook)


def _delivery(
    session: Session, webhook: Webhook, seq: int, model: str | None, message: Message
) -> Delivery:
    return Delivery(
        uid=f"msg_{uuid.uuid4().hex}",
        webhook=webhook.uid,
        project=webhook.project,
        seq=seq,
        model=model,
        action=message.name,
        status="pending",
        created_at=session.now,
        due_at=session.now,
        attempt_count=0,
        url=webhook.url,
    )


def _outgoing(session: Session, stored: StoredWebhook, uid: str, message: Message) -> Outgoing:
    secrets = webhook_rows.load_secrets(session, stored.key, session.now_us)
    body = message.body
    headers = headers_of(stored.webhook.form, secrets, uid, session.now_us // 1_000_000, body)
    return Outgoing(delivery=uid, url=stored.webhook.url, headers=headers, body=body)


def _shown(session: Session, webhook: Webhook, found: StoredDelivery) -> Delivery:
    message = _message(session, webhook, found)
    return replace(found.delivery, body=message.body.decode())


def _message(session: Session, webhook: Webhook, found: StoredDelivery) -> Message:
    """Return what is sent, made from the log again: the log never changes."""
    delivery = found.delivery
    if delivery.seq == 0:
        at = to_text(delivery.created_at)
        return ping_of(webhook.form, webhook.project, at, delivery.action)
    event = log.list_events(
        session,
        found.project_id,
        webhook.project,
        after=delivery.seq - 1,
        count=1,
        newest_first=False,
    )[0]
    # A model may have become a prompt, or have ceased to be one, since it was planned.
    known = _known(session, webhook, event) | {"prompt": is_of_prompt(delivery.action)}
    return messages_of(webhook.form, event, known)[found.part]


def _known(session: Session, webhook: Webhook, event: AuditEvent) -> dict[str, Any]:
    """Return what the registry knows now of what an event is about, beyond the event."""
    if webhook.form != "mlflow" or event.model is None:
        return {}
    stored = model_rows.find_model(session, event.project, event.model)
    if stored is None:
        return {}
    model = stored.model
    known: dict[str, Any] = {"prompt": is_prompt(model.tags)}
    if event.version is None:
        return known | {"tags": model.tags, "description": model.description}
    found = version_rows.find_key(session, stored, event.version)
    if found is None:
        return known
    version = version_rows.load_version_by_id(session, found[0], event.model)
    return known | {
        "number": str(version.seq),
        "tags": version.tags,
        "description": version.description,
        "source": version.artifact_uri,
        "dataset": version.sources.dataset,
        "parents": version.sources.parents,
        "run_id": version.run_id,
    }
