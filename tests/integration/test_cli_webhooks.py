"""Webhooks and events on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_runner import Terminal
from lockgate.services.deliverer import Deliverer, DeliveryRules
from lockgate.services.posting import find_poster
from receiver import Receiver
from registries import embedded


@pytest.fixture
def lockgate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    """A terminal whose registry may reach this machine."""
    terminal = Terminal(tmp_path, capsys, monkeypatch)
    monkeypatch.setenv("LOCKGATE_WEBHOOK_HOSTS", "127.0.0.1")
    return terminal


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody who is told."""
    with Receiver() as made:
        yield made


def deliver(lockgate: Terminal, receiver: Receiver, count: int) -> None:
    """Let a server tell what is to be told, until ``count`` came."""
    with embedded(lockgate.url, webhook_hosts="127.0.0.1") as registry:
        store = registry._store
        deliverer = Deliverer(store, find_poster(store), DeliveryRules(poll_s=0.02))
        deliverer.start()
        try:
            receiver.wait(count)
        finally:
            deliverer.stop()


def test_a_webhook_from_its_making_to_its_end(lockgate: Terminal, receiver: Receiver) -> None:
    """Made, tried, told, looked at, sent again, paused, resumed, changed, rotated, removed."""
    made = lockgate("webhook", "add", receiver.url, "--name", "ops", "--action", "create_model")
    assert (made.code, "Secret: whsec_" in made.out) == (0, True)
    assert "not shown again" in made.err
    (webhook,) = lockgate("webhook", "list", "--json").json
    uid = webhook["uid"]
    assert (webhook["url"], "secret" in webhook) == (receiver.url, False)
    assert lockgate.done("webhook", "test", uid) == "delivered: 200\n"
    lockgate.done("model", "create", "churn")
    deliver(lockgate, receiver, 2)
    listed = lockgate("webhook", "deliveries", uid, "--status", "delivered", "--json").json["items"]
    assert [each["action"] for each in listed] == ["create_model", "ping"]
    shown = lockgate.done("webhook", "delivery", listed[0]["uid"])
    assert "thank you" in shown
    assert '"type":"create_model"' in shown
    lockgate.done("webhook", "redeliver", listed[0]["uid"])
    assert "pending" in lockgate.done("webhook", "deliveries", uid)
    lockgate.done("webhook", "pause", uid)
    assert "paused" in lockgate.done("webhook", "show", uid)
    lockgate.done("webhook", "resume", uid, "--skip")
    edited = lockgate.done("webhook", "edit", uid, "--everything", "--model", "churn")
    assert edited == f"Webhook {uid} is told of models churn.\n"
    assert lockgate.done("webhook", "rotate", uid).startswith("Secret: whsec_")
    lockgate.done("webhook", "remove", uid)
    gone = lockgate("webhook", "show", uid)
    assert (gone.code, "lockgate webhook list" in gone.err) == (3, True)


def test_a_trial_that_is_not_taken_is_a_failure(lockgate: Terminal, receiver: Receiver) -> None:
    """For scripts: exit code 1, with what came back."""
    receiver.answer = lambda _received: 500
    lockgate("webhook", "add", receiver.url, "--form", "slack")
    uid = lockgate("webhook", "list", "--json").json[0]["uid"]
    ended = lockgate("webhook", "test", uid)
    assert (ended.code, ended.out) == (1, "failed: 500\n")


def test_watch_shows_what_happens(lockgate: Terminal) -> None:
    """A line an event, for people and as JSON; from any number on."""
    lockgate.done("version", "register", "churn:1")
    lockgate.done("promote", "churn:1", "--comment", "at last")
    lines = lockgate.done("watch", "--after", "0", "--once").splitlines()
    assert lines[-1].endswith("ana  transition  churn:1  promote None → Staging “at last”")
    told = lockgate.done("watch", "--after", "0", "--once", "--json", "--model", "churn")
    events = [json.loads(line) for line in told.splitlines()]
    assert [event["action"] for event in events] == [
        "create_model",
        "register_version",
        "transition",
    ]
    after = str(events[1]["seq"])
    assert len(lockgate.done("watch", "--after", after, "--once").splitlines()) == 1
    assert lockgate.done("watch", "--once") == ""
