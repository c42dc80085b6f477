"""MLflow's client makes, changes and tries webhooks; what they are sent is as MLflow sends it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from typing import Any, get_args

import httpx
import pytest

from lockgate.domain.mlflow_messages import EVENTS, example_event
from lockgate.registry import Registry
from lockgate.services.deliverer import Deliverer, DeliveryRules
from lockgate.services.posting import find_poster
from receiver import Received, Receiver
from registries import Server, embedded

URL = "https://1.1.1.1/hook"


@pytest.fixture
def registry(server: Server) -> Iterator[Registry]:
    """A registry that may reach this machine."""
    with server.serving(embedded(webhook_hosts="127.0.0.1")) as fresh:
        yield fresh


def told(registry: Registry, receiver: Receiver, count: int) -> list[Received]:
    """Deliver until so much has come."""
    working = Deliverer(registry._store, find_poster(registry._store), DeliveryRules(poll_s=0.02))
    working.start()
    try:
        return receiver.wait(count)
    finally:
        working.stop()


def test_a_webhook_is_made_shown_changed_and_deleted(client: Any, mlflow: Any) -> None:
    """Every call of the client does what it does with MLflow's own server."""
    made = client.create_webhook(
        "ops", URL, ["model_version.created", "prompt.created"], description="d", secret="s"
    )
    assert (made.name, made.url, made.description, str(made.status)) == ("ops", URL, "d", "ACTIVE")
    assert [str(each) for each in made.events] == ["model_version.created", "prompt.created"]
    assert made.secret is None
    shown = client.get_webhook(made.webhook_id)
    assert vars(shown) == vars(made)
    changed = client.update_webhook(
        made.webhook_id, name="new", events=["model_version_tag.set"], status="DISABLED"
    )
    assert (changed.name, changed.url, str(changed.status)) == ("new", URL, "DISABLED")
    assert [str(each) for each in changed.events] == ["model_version_tag.set"]
    again = client.update_webhook(made.webhook_id, status="ACTIVE", description="")
    assert (str(again.status), again.description, again.name) == ("ACTIVE", None, "new")
    client.delete_webhook(made.webhook_id)
    with pytest.raises(mlflow.MlflowException, match=f"ID {made.webhook_id} not found") as gone:
        client.get_webhook(made.webhook_id)
    assert gone.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_a_webhook_may_be_made_disabled(client: Any) -> None:
    """It is told nothing until it is activated."""
    made = client.create_webhook("ops", URL, ["model_version.created"], status="DISABLED")
    assert str(made.status) == "DISABLED"


def test_webhooks_are_listed_by_pages(client: Any, registry: Registry) -> None:
    """Newest first; those of other forms are not MLflow's."""
    registry.create_webhook(URL, name="native")
    for number in range(5):
        client.create_webhook(f"w{number}", URL, ["model_version.created"])
    everything = [each.name for each in client.list_webhooks()]
    assert sorted(everything) == ["w0", "w1", "w2", "w3", "w4"]
    pages, token = [], None
    while True:
        page = client.list_webhooks(max_results=2, page_token=token)
        pages.append([each.name for each in page])
        token = page.token
        if not token:
            break
    assert [everything[:2], everything[2:4], everything[4:]] == pages


def test_another_form_is_not_found(client: Any, registry: Registry, mlflow: Any) -> None:
    """MLflow has no words for it, so its client can neither see nor delete it."""
    made = registry.create_webhook(URL).webhook
    with pytest.raises(mlflow.MlflowException, match="not found"):
        client.delete_webhook(made.uid)
    assert [each.uid for each in registry.list_webhooks()] == [made.uid]


def test_what_is_wrong_is_said_in_mlflows_words(client: Any, mlflow: Any) -> None:
    """Names, addresses, events and tokens are checked."""
    for name, url, events, words in (
        ("-no", URL, ["prompt.created"], "Webhook name '-no' is invalid"),
        ("ops", "http://10.0.0.1/", ["prompt.created"], "10.0.0.1"),
        ("ops", "   ", ["prompt.created"], "Webhook URL cannot be empty or just whitespace"),
        ("ops", "ftp://1.1.1.1/", ["prompt.created"], "Invalid webhook URL scheme: 'ftp'"),
        ("ops", "hook", ["prompt.created"], "Invalid webhook URL scheme: ''"),
        ("ops", "http://[hook", ["prompt.created"], r"Invalid webhook URL 'http://\[hook'"),
        ("ops", URL, ["budget_policy.exceeded"], "an event that there is not"),
    ):
        with pytest.raises(mlflow.MlflowException, match=words) as refused:
            client.create_webhook(name, url, events)
        assert refused.value.error_code == "INVALID_PARAMETER_VALUE"
    with pytest.raises(mlflow.MlflowException, match="Invalid page token"):
        client.list_webhooks(page_token="x")
    with pytest.raises(mlflow.MlflowException, match="max_results must be between 1 and 1000"):
        client.list_webhooks(max_results=1_001)


def test_a_status_is_one_of_two(http: httpx.Client) -> None:
    """Anything else is refused before anything is made."""
    body = {"name": "a", "url": URL, "status": "PAUSED", "events": []}
    assert http.post("/webhooks", json=body).json()["message"].startswith("Parameter 'status'")
    assert http.get("/webhooks").json() == {"webhooks": []}


def test_a_trial_tells_the_event_asked_for(client: Any) -> None:
    """The first that the webhook wants, or the one that is given; the answer comes back."""
    with Receiver() as receiver:
        made = client.create_webhook("ops", receiver.url, ["model_version_tag.set"], secret="s")
        tried = client.test_webhook(made.webhook_id)
        assert (tried.success, tried.response_status, tried.response_body) == (
            True,
            200,
            "thank you",
        )
        client.test_webhook(made.webhook_id, "prompt_alias.deleted")
        receiver.answer = lambda _received: 500
        failed = client.test_webhook(made.webhook_id)
        assert (failed.success, failed.response_status) == (False, 500)
        assert [_named(each) for each in receiver.wait(3)] == [
            "model_version_tag.set",
            "prompt_alias.deleted",
            "model_version_tag.set",
        ]
    unreached = client.test_webhook(made.webhook_id)
    assert (unreached.success, unreached.response_status) == (False, None)
    assert unreached.error_message.startswith("Failed to test webhook: ")


def test_events_are_told_as_mlflow_tells_them(client: Any, mlflow: Any, registry: Registry) -> None:
    """The data have MLflow's fields, versions their numbers, and the signature is its own."""
    with Receiver() as receiver:
        client.create_webhook("ops", receiver.url, list(EVENTS), secret="s3cret")
        client.create_registered_model("churn", {"team": "risk"}, "about churn")
        client.create_model_version("churn", "s3://b/m", run_id="r", tags={"a": "1"})
        client.set_model_version_tag("churn", "1", "b", "2")
        client.set_registered_model_tag("churn", "untold", "of models")
        client.delete_model_version_tag("churn", "1", "b")
        client.set_registered_model_alias("churn", "champion", "1")
        client.delete_registered_model_alias("churn", "champion")
        registry.register_model("churn", "named")
        client.set_model_version_tag("churn", "2", "c", "3")
        came = told(registry, receiver, 8)
    assert [(_named(each), each.json["data"]) for each in came] == [
        (
            "registered_model.created",
            {
                "name": "churn",
                "tags": {"team": "risk", "untold": "of models"},
                "description": "about churn",
            },
        ),
        (
            "model_version.created",
            {
                "name": "churn",
                "version": "1",
                "source": "s3://b/m",
                "run_id": "r",
                "tags": {"a": "1"},
                "description": None,
            },
        ),
        (
            "model_version_tag.set",
            {"name": "churn", "version": "1", "key": "b", "value": "2"},
        ),
        ("model_version_tag.deleted", {"name": "churn", "version": "1", "key": "b"}),
        (
            "model_version_alias.created",
            {"name": "churn", "version": "1", "alias": "champion"},
        ),
        ("model_version_alias.deleted", {"name": "churn", "alias": "champion"}),
        (
            "model_version.created",
            {
                "name": "churn",
                "version": "2",
                "source": "",
                "run_id": None,
                "tags": {"c": "3"},
                "description": None,
            },
        ),
        (
            "model_version_tag.set",
            {"name": "churn", "version": "2", "key": "c", "value": "3"},
        ),
    ]
    for each in came:
        assert _signature(b"s3cret", each) == each.headers["x-mlflow-signature"]


def test_prompts_have_events_of_their_own(client: Any, registry: Registry) -> None:
    """What happens to a prompt is told as a prompt's, without the tags that make it one."""
    with Receiver() as receiver:
        client.create_webhook("ops", receiver.url, list(EVENTS))
        client.register_prompt("greet", "Hi {{name}}", commit_message="first")
        client.set_prompt_tag("greet", "tone", "warm")
        client.set_prompt_alias("greet", "champion", 1)
        came = told(registry, receiver, 5)
    assert "x-mlflow-signature" not in came[0].headers
    # MLflow's client tags a prompt on its own, too.
    assert list(dict.fromkeys(_named(each) for each in came)) == [
        "prompt.created",
        "prompt_version.created",
        "prompt_tag.set",
        "prompt_alias.created",
    ]
    assert came[1].json["data"] == {
        "name": "greet",
        "version": "1",
        "template": "Hi {{name}}",
        "tags": {},
        "description": "first",
    }


def test_our_events_and_their_fields_are_mlflows(mlflow: Any) -> None:
    """Every event that MLflow's client knows is there save that of budgets; so are trials."""
    from mlflow.entities.webhook import WebhookEvent, WebhookEventStr
    from mlflow.webhooks.types import get_example_payload_for_event

    assert set(get_args(WebhookEventStr)) - set(EVENTS) == {"budget_policy.exceeded"}
    for name in EVENTS:
        example = get_example_payload_for_event(WebhookEvent.from_str(name))
        assert example == example_event(name)[1]


def _named(received: Received) -> str:
    return f"{received.json['entity']}.{received.json['action']}"


def _signature(secret: bytes, received: Received) -> str:
    """Return the signature that MLflow makes of a request."""
    headers = received.headers
    signed = f"{headers['x-mlflow-delivery-id']}.{headers['x-mlflow-timestamp']}.".encode()
    mac = hmac.new(secret, signed + received.body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(mac).decode()}"
