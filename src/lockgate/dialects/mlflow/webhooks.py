"""MLflow's calls on webhooks: those of a project that speak MLflow's form.

A webhook that was made with our own client and speaks another form is not seen here. MLflow tells
a webhook nothing of what happened while it was disabled: so one that is activated goes on from now.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from lockgate.dialects.mlflow.namespace import Namespace
from lockgate.dialects.mlflow.problems import RESOURCE_DOES_NOT_EXIST, MlflowProblem, invalid
from lockgate.dialects.mlflow.requests import Given, at_most, optional, require, text
from lockgate.dialects.mlflow.shapes import millis
from lockgate.domain.mlflow_messages import EVENTS
from lockgate.domain.webhooks import Webhook
from lockgate.errors import WebhookNotFound

ID = "webhook_id"
PAGE_ITEMS, PAGE_ITEMS_MAX = 100, 1_000
ACTIVE, DISABLED = "ACTIVE", "DISABLED"
_NAME = re.compile(r"(?=.{1,63}\Z)[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?", re.IGNORECASE | re.ASCII)
Answer = dict[str, Any]


def create(namespace: Namespace, given: Given) -> Answer:
    """Tell an address of what happens from now on."""
    name, url = _name(require(given, "name")), _url(require(given, "url"))
    status = optional(given, "status", _status, ACTIVE)
    made = namespace.registry.create_webhook(
        url,
        name=name,
        description=optional(given, "description", text, ""),
        form="mlflow",
        actions=_events("events", given.get("events")),
        secret=optional(given, "secret", text, ""),
        project=namespace.project,
    ).webhook
    if status == DISABLED:
        made = namespace.registry.pause_webhook(made.uid)
    return {"webhook": _shown(made)}


def list_(namespace: Namespace, given: Given) -> Answer:
    """Return a page of webhooks, newest first."""
    most = optional(given, "max_results", _page_items, PAGE_ITEMS)
    after = _position(optional(given, "page_token", text, ""))
    found = sorted(
        (_place(webhook), webhook)
        for webhook in namespace.registry.list_webhooks(project=namespace.project)
        if webhook.form == "mlflow"
    )
    left = [each for each in reversed(found) if after is None or each[0] < after]
    answer: Answer = {"webhooks": [_shown(webhook) for _, webhook in left[:most]]}
    return answer | {"next_page_token": _token(left[most - 1][0])} if len(left) > most else answer


def get(namespace: Namespace, given: Given) -> Answer:
    """Return a webhook, never its secret."""
    return {"webhook": _shown(_load(namespace, given))}


def update(namespace: Namespace, given: Given) -> Answer:
    """Change what is given."""
    found = _load(namespace, given)
    registry = namespace.registry
    changes: dict[str, Any] = {
        "name": optional(given, "name", lambda name, value: _name(text(name, value))) or None,
        "url": optional(given, "url", lambda name, value: _url(text(name, value))),
        "description": optional(given, "description", text),
        "actions": _events("events", given["events"]) if given.get("events") else None,
    }
    secret = optional(given, "secret", text)
    status = optional(given, "status", _status)
    if any(value is not None for value in changes.values()):
        found = registry.update_webhook(found.uid, **changes)
    if secret is not None:
        found = registry.rotate_webhook_secret(found.uid, secret=secret).webhook
    if status == ACTIVE and found.status != "active":
        found = registry.resume_webhook(found.uid, skip=True)
    elif status == DISABLED and found.status == "active":
        found = registry.pause_webhook(found.uid)
    return {"webhook": _shown(found)}


def delete(namespace: Namespace, given: Given) -> Answer:
    """Tell an address nothing any more."""
    namespace.registry.delete_webhook(_load(namespace, given).uid)
    return {}


def test(namespace: Namespace, given: Given) -> Answer:
    """Send a trial now, of an event that is given or of the first that was asked for."""
    found = _load(namespace, given)
    event = given.get("event")
    action = None if event is None else _event("event", event)
    (attempt,) = namespace.registry.test_webhook(found.uid, action=action).attempts
    result: Answer = {"success": attempt.ok}
    if attempt.status is None:
        result["error_message"] = f"Failed to test webhook: {attempt.error}"
    else:
        result |= {"response_status": attempt.status, "response_body": attempt.answer}
    return {"result": result}


def _load(namespace: Namespace, given: Given) -> Webhook:
    uid = text(ID, given[ID])
    try:
        found = namespace.registry.get_webhook(uid)
    except WebhookNotFound:
        found = None
    if found is None or found.form != "mlflow" or found.project != namespace.project:
        raise MlflowProblem(RESOURCE_DOES_NOT_EXIST, f"Webhook with ID {uid} not found.")
    return found


def _shown(webhook: Webhook) -> Answer:
    shown = {
        ID: webhook.uid,
        "name": webhook.name,
        "url": webhook.url,
        "events": [_parted(name) for name in webhook.actions or EVENTS],
        "status": ACTIVE if webhook.status == "active" else DISABLED,
        "creation_timestamp": millis(webhook.created_at),
        "last_updated_timestamp": millis(webhook.updated_at),
    }
    return shown | {"description": webhook.description} if webhook.description else shown


def _parted(name: str) -> dict[str, str]:
    entity, action = name.upper().split(".")
    return {"entity": entity, "action": action}


def _name(name: str) -> str:
    if name and not _NAME.fullmatch(name):
        raise invalid(
            f"Webhook name {name!r} is invalid. It must start and end with a letter or digit, "
            "be less than 63 characters long, and contain only letters, digits, dots (.), "
            "underscores (_), and hyphens (-)."
        )
    return name


def _url(url: str) -> str:
    """Return an address, or refuse what is none in MLflow's words; ours refuse the rest."""
    if not url.strip():
        raise invalid("Webhook URL cannot be empty or just whitespace")
    try:
        scheme = urlsplit(url.strip()).scheme
    except ValueError as error:
        raise invalid(f"Invalid webhook URL {url!r:.200}: {error}") from None
    if scheme.lower() not in ("http", "https"):
        raise invalid(f"Invalid webhook URL scheme: {scheme!r:.40}. It is http or https.")
    return url


def _page_items(name: str, value: Any) -> int:
    try:
        return int(at_most(PAGE_ITEMS_MAX)(name, value))
    except MlflowProblem:
        raise invalid(f"{name} must be between 1 and {PAGE_ITEMS_MAX}.") from None


def _status(name: str, value: Any) -> str:
    if value not in (ACTIVE, DISABLED):
        raise invalid(f"Parameter '{name}' is {ACTIVE} or {DISABLED}, got {value!r:.60}.")
    return str(value)


def _events(name: str, value: Any) -> Sequence[str]:
    if not isinstance(value, list) or not value:
        raise invalid(f"Webhook {name} must be a non-empty list of events.")
    return [_event(name, each) for each in value]


def _event(name: str, value: Any) -> str:
    """Return an event as our webhooks keep it: entity and action, parted by a dot."""
    given = value if isinstance(value, Mapping) else {}
    words = str(given.get("entity", "")), str(given.get("action", ""))
    found = ".".join(words).lower()
    if found not in EVENTS:
        raise invalid(
            f"Parameter '{name}' names an event that there is not: {found!r:.100}. "
            f"Webhooks here are told of {', '.join(EVENTS)}."
        )
    return found


Place = tuple[int, str]


def _place(webhook: Webhook) -> Place:
    return millis(webhook.created_at), webhook.uid


def _token(place: Place) -> str:
    return base64.urlsafe_b64encode(f"{place[0]} {place[1]}".encode()).decode()


def _position(token: str) -> Place | None:
    if not token:
        return None
    try:
        moment, uid = base64.urlsafe_b64decode(token).decode().split(" ")
        return int(moment), uid
    except ValueError as error:
        raise invalid(f"Invalid page token, could not base64-decode: {error}") from None
