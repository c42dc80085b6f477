"""What becomes of a delivery and its webhook, what is sent, and how that is signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lockgate.domain.audit import AuditEvent, event_document
from lockgate.domain.events import Interest
from lockgate.domain.webhook_forms import headers_of, is_wanted, messages_of, ping_of, slack_text
from lockgate.domain.webhooks import (
    PAUSE_MAX_S,
    Attempt,
    Delivery,
    Webhook,
    known_secret,
    pause_s,
    require_url,
    settle,
)
from lockgate.errors import InvalidInput

NOW = datetime(2026, 10, 1, tzinfo=UTC)
DAY_S = 86_400.0
WEBHOOK = Webhook(
    uid="w",
    project="default",
    name="ops",
    description="",
    url="https://hooks.example/in",
    form="standard",
    models=(),
    stages=(),
    actions=(),
    status="active",
    reason="",
    seq=3,
    failures=0,
    failing_since=None,
    retry_at=None,
    created_by="ana",
    created_at=NOW,
    updated_at=NOW,
)
DELIVERY = Delivery(
    uid="msg_1",
    webhook="w",
    project="default",
    seq=3,
    model="churn",
    action="transition",
    status="pending",
    created_at=NOW,
    due_at=NOW,
    attempt_count=0,
)
TAKEN = Attempt(at=NOW, took_ms=5, status=204)
REFUSED = Attempt(at=NOW, took_ms=5, status=500)


def event(action: str, version: str | None = "2", **detail: Any) -> AuditEvent:
    """An event of churn's."""
    return AuditEvent(
        project="default",
        seq=3,
        at=NOW,
        actor="ana",
        action=action,
        model="churn",
        version=version,
        detail=detail,
    )


def test_what_is_taken_is_delivered_and_the_webhook_is_well() -> None:
    """A success forgets every failure before it."""
    ill = replace(WEBHOOK, failures=3, failing_since=NOW, retry_at=NOW)
    settled = settle(ill, DELIVERY, TAKEN, NOW, DAY_S, 0.5)
    assert settled.delivery.status == "delivered"
    assert settled.delivery.attempts == (TAKEN,)
    assert settled.webhook == WEBHOOK


def test_what_is_refused_comes_again_later_and_later() -> None:
    """Each failure doubles the pause, for the delivery and for the whole webhook."""
    delivery, webhook, waits = DELIVERY, WEBHOOK, []
    for _ in range(4):
        settled = settle(webhook, delivery, REFUSED, NOW, DAY_S, 1.0)
        delivery, webhook = settled.delivery, settled.webhook
        assert webhook.retry_at == delivery.due_at
        waits.append((delivery.due_at - NOW).total_seconds())
    assert waits == [5, 10, 20, 40]
    assert (delivery.status, delivery.attempt_count, webhook.status) == ("pending", 4, "active")


def test_a_receiver_may_ask_for_more_time() -> None:
    """Retry-After is heeded, up to the longest pause."""
    asks = replace(REFUSED, status=429, wait_s=60.0)
    due = settle(WEBHOOK, DELIVERY, asks, NOW, DAY_S, 0.0).delivery.due_at
    assert due == NOW + timedelta(seconds=60)
    greedy = replace(asks, wait_s=1e6)
    due = settle(WEBHOOK, DELIVERY, greedy, NOW, DAY_S, 0.0).delivery.due_at
    assert due == NOW + timedelta(seconds=PAUSE_MAX_S)


def test_pauses_are_spread_and_bounded() -> None:
    """Between half of it and all of it, never above three hours."""
    assert (pause_s(1, 0.0), pause_s(1, 1.0)) == (2.5, 5.0)
    assert pause_s(10_000, 1.0) == PAUSE_MAX_S


def test_a_webhook_that_nothing_reaches_is_disabled() -> None:
    """After a long failure; what is pending stays pending, so that nothing is lost."""
    later = NOW + timedelta(seconds=DAY_S)
    ill = replace(WEBHOOK, failures=9, failing_since=NOW)
    settled = settle(ill, DELIVERY, REFUSED, later, DAY_S, 0.5)
    assert (settled.webhook.status, settled.delivery.status) == ("disabled", "pending")
    assert "since 2026-10-01 00:00" in settled.webhook.reason
    gone = settle(WEBHOOK, DELIVERY, replace(REFUSED, status=410), NOW, DAY_S, 0.5)
    assert (gone.webhook.status, gone.delivery.status) == ("disabled", "pending")


def test_one_delivery_that_is_never_taken_is_given_up() -> None:
    """While others arrive, so that it does not hold up its model for ever."""
    later = NOW + timedelta(seconds=DAY_S)
    tried = replace(DELIVERY, attempt_count=9)
    settled = settle(WEBHOOK, tried, REFUSED, later, DAY_S, 0.5)
    assert (settled.delivery.status, settled.webhook.status) == ("failed", "active")


def test_a_signature_is_that_of_standard_webhooks() -> None:
    """The example that the libraries of the standard are tested with."""
    headers = headers_of(
        "standard",
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert headers == {
        "content-type": "application/json",
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_mlflow_is_signed_as_mlflow_signs() -> None:
    """Over id, time and body with the secret as it is written; without one, not at all."""
    headers = headers_of("mlflow", ["s3cret"], "d", 12, b"{}")
    mac = hmac.new(b"s3cret", b"d.12.{}", hashlib.sha256).digest()
    assert headers["X-MLflow-Signature"] == "v1," + base64.b64encode(mac).decode()
    assert (headers["X-MLflow-Delivery-Id"], headers["X-MLflow-Timestamp"]) == ("d", "12")
    assert "X-MLflow-Signature" not in headers_of("mlflow", [""], "d", 12, b"{}")


def test_the_standard_form_is_the_event() -> None:
    """Its type is the action, its data the event as the log hashed it."""
    moved = event("transition", **{"from": "Staging", "to": "Production"})
    (message,) = messages_of("standard", moved, {})
    assert message.value == {
        "type": "transition",
        "timestamp": "2026-10-01T00:00:00.000000Z",
        "data": event_document(moved),
    }


def test_slack_reads_a_line_without_links_and_mentions() -> None:
    """What people wrote cannot be markup."""
    moved = event(
        "transition",
        **{"from": "Staging", "to": "Production", "verb": "promote", "comment": "<!channel> & co"},
    )
    assert slack_text(moved) == (
        "*churn:2* promote Staging → Production by ana: &lt;!channel&gt; &amp; co"
    )
    assert slack_text(event("delete_model", None)) == "*churn* delete model by ana"
    assert (
        slack_text(event("set_alias", alias="champion")) == "*churn:2* set alias @champion by ana"
    )


@pytest.mark.parametrize(
    ("told", "names"),
    [
        (event("create_model", None), ["registered_model.created"]),
        (event("register_version"), ["model_version.created"]),
        (event("set_alias", alias="a"), ["model_version_alias.created"]),
        (event("delete_alias", alias="a"), ["model_version_alias.deleted"]),
        (
            event("update_version", changes={"tags": [{"a": "1", "b": "2"}, {"b": "3", "c": "4"}]}),
            ["model_version_tag.set", "model_version_tag.set", "model_version_tag.deleted"],
        ),
        (event("update_version", changes={"description": ["", "x"]}), []),
        (event("transition"), []),
    ],
)
def test_mlflow_hears_what_mlflow_has_words_for(told: AuditEvent, names: list[str]) -> None:
    """An event is none, one or several of MLflow's."""
    messages = messages_of("mlflow", told, {"tags": {"t": "1"}, "description": "d"})
    assert [message.name for message in messages] == names
    for message in messages:
        entity, action = message.name.split(".")
        assert (message.value["entity"], message.value["action"]) == (entity, action)
        assert message.value["data"]["name"] == "churn"


def test_mlflow_is_filtered_by_its_own_words() -> None:
    """Its actions are entity and action; models and stages are ours."""
    told = event("set_alias", alias="a")
    (message,) = messages_of("mlflow", told, {})
    assert is_wanted("mlflow", Interest(actions=(message.name,)), told, message)
    assert not is_wanted("mlflow", Interest(actions=("set_alias",)), told, message)
    assert not is_wanted("mlflow", Interest(models=("other",)), told, message)
    assert is_wanted("standard", Interest(actions=("set_alias",)), told, message)


@pytest.mark.parametrize("form", ["standard", "slack", "mlflow", "openlineage"])
def test_a_trial_has_the_form_of_the_rest(form: Any) -> None:
    """So that a receiver which can read it can read everything."""
    body = ping_of(form, "default", "2026-10-01T00:00:00.000000Z").value
    expected = {
        "standard": {"type", "timestamp", "data"},
        "slack": {"text"},
        "mlflow": {"entity", "action", "timestamp", "data"},
        "openlineage": {"eventTime", "producer", "schemaURL", "dataset"},
    }
    assert set(body) == expected[form]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com",
        "https://",
        "https://ana:pw@example.com/",
        "https://example.com:0/",
        "https://exa mple.com/",
        "https://example.com/" + "x" * 2_000,
        "//example.com",
    ],
)
def test_an_address_is_checked(url: str) -> None:
    """Only http(s), a host, no credentials, not too long."""
    with pytest.raises(Exception, match=r"url"):
        require_url(url)


def test_a_secret_is_checked() -> None:
    """One that cannot sign is refused."""
    long_enough = "whsec_" + base64.b64encode(b"x" * 24).decode()
    assert known_secret("standard", long_enough) == long_enough
    for wrong in ("", "whsec_", "whsec_MTIz", "no prefix", "whsec_***"):
        with pytest.raises(InvalidInput):
            known_secret("standard", wrong)
    assert known_secret("mlflow", "anything") == "anything"
