"""Forms: what a webhook is sent, and how that is signed.

    standard   Standard Webhooks: {"type", "timestamp", "data": the event}; webhook-signature
    slack      an incoming webhook of Slack's: {"text"}; its address is the secret
    mlflow     what MLflow sends: {"entity", "action", "timestamp", "data"}; X-MLflow-Signature
    openlineage  a RunEvent or DatasetEvent of OpenLineage's; signed as the standard form is

An event may be several messages of MLflow's (two tags set at once) or none; a part is one of them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lockgate.domain.audit import AuditEvent, canonical_json, event_document
from lockgate.domain.events import Interest
from lockgate.domain.mlflow_messages import EVENTS, Named, example_event, mlflow_events
from lockgate.domain.moments import to_text
from lockgate.domain.openlineage import lineage_event, trial
from lockgate.domain.webhooks import Form, secret_bytes
from lockgate.errors import InvalidInput

PING = "ping"
_JSON = {"content-type": "application/json"}


@dataclass(frozen=True, kw_only=True)
class Message:
    """What a form makes of an event: its name, and the value of its body."""

    name: str
    value: Mapping[str, Any]

    @property
    def body(self) -> bytes:
        """The bytes that are sent and signed."""
        return canonical_json(self.value)


def messages_of(form: Form, event: AuditEvent, known: Mapping[str, Any]) -> Sequence[Message]:
    """Return what a form makes of an event; the same event has the same messages every time.

    ``known`` is what the registry knows of the model or version beyond the event, for the forms
    that show it; see `mlflow_events`.
    """
    if form == "mlflow":
        at = to_text(event.at)
        return [_mlflow_message(named, at) for named in mlflow_events(event, known)]
    if form == "slack":
        return [Message(name=event.action, value={"text": slack_text(event)})]
    if form == "openlineage":
        told = lineage_event(event, known)
        return [] if told is None else [Message(name=event.action, value=told)]
    value = {"type": event.action, "timestamp": to_text(event.at), "data": event_document(event)}
    return [Message(name=event.action, value=value)]


def is_wanted(form: Form, interest: Interest, event: AuditEvent, message: Message) -> bool:
    """Say whether a webhook wants to be told; the actions of MLflow's form are MLflow's words."""
    if form != "mlflow":
        return interest.wants(event)
    if interest.actions and message.name not in interest.actions:
        return False
    return Interest(models=interest.models, stages=interest.stages).wants(event)


def ping_of(form: Form, project: str, at: str, action: str = PING) -> Message:
    """Return the message that tries whether a webhook is reached.

    MLflow's form tells an example of ``action``, one of its own events.
    """
    if form == "slack":
        return Message(name=PING, value={"text": f"Lockgate reaches you from project {project}."})
    if form == "mlflow":
        return _mlflow_message(example_event(EVENTS[0] if action == PING else action), at)
    if form == "openlineage":
        return Message(name=PING, value=trial(project, at))
    return Message(name=PING, value={"type": PING, "timestamp": at, "data": {"project": project}})


def trial_of(form: Form, actions: Sequence[str], action: str | None) -> str:
    """Return what a trial tells: ``action``, or else the first that the webhook asks for.

    Raises `InvalidInput` for what is no event of that form.
    """
    if form != "mlflow":
        if action is not None:
            raise InvalidInput(
                detail="Only a webhook of MLflow's form is tried with an action", field="action"
            )
        return PING
    chosen = action or next((each for each in actions if each in EVENTS), EVENTS[0])
    if chosen not in EVENTS:
        raise InvalidInput(
            detail=f"An event of MLflow's is one of {', '.join(EVENTS)}, got {chosen!r:.60}",
            field="action",
        )
    return chosen


def headers_of(
    form: Form, secrets: Sequence[str], uid: str, timestamp_s: int, body: bytes
) -> dict[str, str]:
    """Return the headers of a request; ``secrets`` are the newest first."""
    if form == "slack":
        return dict(_JSON)
    signed = f"{uid}.{timestamp_s}.".encode() + body
    if form == "mlflow":
        headers = {
            **_JSON,
            "X-MLflow-Delivery-Id": uid,
            "X-MLflow-Timestamp": str(timestamp_s),
        }
        if secrets[0]:
            headers["X-MLflow-Signature"] = f"v1,{_mac(secrets[0].encode(), signed)}"
        return headers
    return {
        **_JSON,
        "webhook-id": uid,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(
            f"v1,{_mac(secret_bytes(secret), signed)}" for secret in secrets
        ),
    }


def _mac(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


# --- Slack -----------------------------------------------------------------------------------


def slack_text(event: AuditEvent) -> str:
    """Return an event as a line for people, in Slack's markup."""
    about = event.model or event.project
    if event.version is not None:
        about = f"{about}:{event.version}"
    detail = event.detail
    source, target = detail.get("from"), detail.get("to")
    if isinstance(source, str) and isinstance(target, str):
        said = f"{detail.get('verb', event.action)} {source} → {target}"
    elif "alias" in detail:
        said = f"{_words(event.action)} @{detail['alias']}"
    else:
        said = _words(event.action)
    text = f"*{_plain(about)}* {_plain(said)} by {_plain(event.actor)}"
    comment = detail.get("comment")
    return f"{text}: {_plain(comment)}" if isinstance(comment, str) and comment else text


def _words(action: str) -> str:
    return action.replace("_", " ")


def _plain(text: str) -> str:
    """Return text in which Slack reads no link and no mention."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")[:1_000]


# --- MLflow ----------------------------------------------------------------------------------


def _mlflow_message(named: Named, at: str) -> Message:
    name, data = named
    entity, action = name.split(".")
    value = {"entity": entity, "action": action, "timestamp": at, "data": data}
    return Message(name=name, value=value)
