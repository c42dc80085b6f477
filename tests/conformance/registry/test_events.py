"""Events and webhooks are the same in this process and over HTTP."""

from __future__ import annotations

import threading
from itertools import islice

import pytest

from lockgate.domain.audit import AuditEvent
from lockgate.errors import (
    DeliveryNotFound,
    Forbidden,
    InvalidInput,
    ProjectNotFound,
    WebhookNotFound,
)
from registries import AnyRegistry

URL = "https://hooks.example/in"


def told(registry: AnyRegistry, **words: str) -> list[tuple[str, str | None]]:
    """What there is of the log so far."""
    found = registry.events(after=0, follow=False, **words)
    return [(event.action, event.version) for event in found]


def test_the_whole_log_is_told_in_order(registry: AnyRegistry) -> None:
    """Each event as the log has it, from any number on."""
    registry.register_model("churn", "1")
    registry.promote("churn", "1")
    events = list(registry.events(after=0, follow=False))
    assert events == list(registry.audit())
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert list(registry.events(after=str(events[1].seq), follow=False)) == events[2:]
    assert list(registry.events(follow=False)) == []


def test_events_are_filtered(registry: AnyRegistry) -> None:
    """By model, stage and action; a project by its name."""
    registry.register_model("churn", "1")
    registry.register_model("fraud", "1")
    registry.promote("churn", "1")
    assert told(registry, model="churn") == [
        ("create_model", None),
        ("register_version", "1"),
        ("transition", "1"),
    ]
    assert told(registry, stage="staging") == [("transition", "1")]
    assert told(registry, action="create_model") == [("create_model", None)] * 2
    registry.create_project("lab")
    assert told(registry, project="lab") == [("create_project", None)]
    assert told(registry, model="lab/churn") == []
    with pytest.raises(ProjectNotFound):
        registry.events(project="nowhere")
    with pytest.raises(InvalidInput, match="number of an event"):
        registry.events(after="-1")


def test_a_stretch_tells_where_to_go_on(registry: AnyRegistry) -> None:
    """Who asks now and then gets all, and the end of the log when nothing is new."""
    here = registry.read_events()
    registry.register_model("churn", "1")
    stretch = registry.read_events(after=here.position, action="register_version")
    assert [event.version for event in stretch.events] == ["1"]
    assert stretch.position == here.position + 2
    again = registry.read_events(after=stretch.position)
    assert (again.events, again.position) == ((), stretch.position)


def test_who_follows_hears_what_happens_next(registry: AnyRegistry) -> None:
    """From the call on, whenever the first item is taken."""
    stream = registry.events(model="churn", action="register_version")
    registry.register_model("churn", "1")
    assert next(stream).version == "1"
    heard: list[AuditEvent] = []
    listening = threading.Thread(target=lambda: heard.extend(islice(stream, 2)))
    listening.start()
    registry.register_model("churn", "2")
    registry.register_model("fraud", "1")
    registry.register_model("churn", "3")
    listening.join(30)
    assert [event.version for event in heard] == ["2", "3"]


def test_a_webhook_is_made_changed_and_deleted(registry: AnyRegistry) -> None:
    """Its secret is shown once, and every change is on record without the address."""
    made = registry.create_webhook(
        URL, name="ops", models=["churn", "churn"], stages=["Production"]
    )
    webhook = made.webhook
    assert made.secret.startswith("whsec_")
    assert (webhook.url, webhook.form, webhook.status) == (URL, "standard", "active")
    assert (webhook.models, webhook.stages, webhook.actions) == (("churn",), ("Production",), ())
    assert registry.list_webhooks() == (webhook,)
    assert registry.get_webhook(webhook.uid) == webhook
    changed = registry.update_webhook(
        webhook.uid, models=[], actions=["transition"], name="on call"
    )
    assert (changed.models, changed.actions, changed.name) == ((), ("transition",), "on call")
    assert registry.pause_webhook(webhook.uid).status == "paused"
    resumed = registry.resume_webhook(webhook.uid, skip=True)
    assert (resumed.status, resumed.seq) == ("active", registry.read_events().position - 1)
    assert registry.rotate_webhook_secret(webhook.uid).secret != made.secret
    assert list(registry.list_deliveries(webhook.uid)) == []
    registry.delete_webhook(webhook.uid)
    assert registry.list_webhooks() == ()
    actions = [event.action for event in registry.audit() if "webhook" in event.action]
    assert actions == [
        "create_webhook",
        "update_webhook",
        "pause_webhook",
        "resume_webhook",
        "rotate_webhook_secret",
        "delete_webhook",
    ]
    assert "hooks.example" not in repr(list(registry.audit()))


def test_what_is_no_webhook_is_refused(registry: AnyRegistry) -> None:
    """Addresses within this network, unknown forms, unknown uids."""
    for url in ("http://127.0.0.1/", "http://localhost:8000/", "http://[::1]/", "http://10.0.0.1/"):
        with pytest.raises(InvalidInput, match="public internet"):
            registry.create_webhook(url)
    with pytest.raises(InvalidInput):
        registry.create_webhook("ftp://example.com/")
    with pytest.raises(InvalidInput):
        registry.create_webhook(URL, secret="short")  # that is what is wrong with it
    with pytest.raises(WebhookNotFound):
        registry.get_webhook("nothing")
    with pytest.raises(DeliveryNotFound):
        registry.get_delivery("nothing")
    made = registry.create_webhook(URL).webhook
    with pytest.raises(InvalidInput):
        registry.list_deliveries(made.uid, status="lost")


def test_webhooks_are_for_maintainers(registry: AnyRegistry) -> None:
    """Once a project has members; addresses and deliveries are not for everybody."""
    made = registry.create_webhook(URL).webhook
    registry.set_member("ana", ["admin"])
    registry.set_member("bob", ["contributor"])
    bob = registry.acting_as("bob")
    for refused in (
        lambda: bob.create_webhook(URL),
        lambda: bob.list_webhooks(),
        lambda: bob.get_webhook(made.uid),
        lambda: bob.delete_webhook(made.uid),
        lambda: bob.list_deliveries(made.uid),
    ):
        with pytest.raises(Forbidden) as caught:
            refused()
        assert caught.value.fields["permission"] == "webhook.manage"
    assert registry.get_webhook(made.uid) == made
