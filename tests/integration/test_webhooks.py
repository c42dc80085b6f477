"""Webhooks are told in order, again after a failure, and never at anybody else's expense."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lockgate.domain.webhook_forms import headers_of
from lockgate.registry import Registry
from lockgate.services import deliveries
from lockgate.services.deliverer import Deliverer, DeliveryRules
from lockgate.services.posting import Poster, find_poster
from receiver import Received, Receiver
from registries import embedded

QUICK = DeliveryRules(poll_s=0.02)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry that may reach this machine."""
    with embedded(f"sqlite:///{tmp_path}/lockgate.db", webhook_hosts="127.0.0.1") as made:
        yield made


@contextmanager
def delivering(registry: Registry, rules: DeliveryRules = QUICK) -> Iterator[Deliverer]:
    """Deliver for as long as the ``with`` lasts."""
    working = Deliverer(registry._store, find_poster(registry._store), rules)
    working.start()
    try:
        yield working
    finally:
        working.stop()


def actions(received: list[Received]) -> list[str]:
    """What was told."""
    return [each.json["type"] for each in received]


def make_due(registry: Registry) -> None:
    """Let what waits for another attempt be due now."""
    with registry._store.database.driver.writing() as connection:
        connection.execute("UPDATE webhook_deliveries SET due_at = 0 WHERE status = 'pending'")
        connection.execute("UPDATE webhooks SET retry_at = NULL")


def test_an_event_is_sent_signed_and_on_record(registry: Registry) -> None:
    """The receiver can verify it, and the delivery log has request and answer."""
    with Receiver() as receiver, delivering(registry):
        made = registry.create_webhook(receiver.url, actions=["register_version"])
        registry.register_model("churn", "1", metrics={"auc": 0.9})
        (received,) = receiver.wait(1)
        until(lambda: registry.list_deliveries(made.webhook.uid)[0].status == "delivered")
    (delivery,) = registry.list_deliveries(made.webhook.uid)
    timestamp = int(received.headers["webhook-timestamp"])
    expected = headers_of("standard", [made.secret], delivery.uid, timestamp, received.body)
    assert {name: received.headers[name] for name in expected} == expected
    assert received.json["data"]["detail"]["metrics"] == {"auc": 0.9}
    assert delivery.body == received.body.decode()
    (attempt,) = delivery.attempts
    assert (attempt.status, attempt.answer) == (200, "thank you")
    assert registry.get_delivery(delivery.uid) == delivery


def until(holds: object, timeout_s: float = 30) -> None:
    """Wait until something holds."""
    assert callable(holds)
    deadline_s = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_a_failure_holds_up_its_model_and_no_other(registry: Registry) -> None:
    """Another model's events arrive; this one's come in their order once it is well again."""
    ill = threading.Event()
    ill.set()

    def answer(received: Received) -> int:
        return 500 if ill.is_set() and received.json["data"]["model"] == "churn" else 200

    with Receiver(answer) as receiver:
        made = registry.create_webhook(receiver.url, models=["churn", "fraud"])
        registry.register_model("churn", "1")
        registry.register_model("churn", "2")
        registry.register_model("fraud", "1")
        with delivering(registry):
            receiver.wait(1)
            until(lambda: registry.get_webhook(made.webhook.uid).failures == 1)
            make_due(registry)
            receiver.until(lambda found: sum(is_of(each, "fraud") for each in found) >= 1)
            ill.clear()
            make_due(registry)
            until(lambda: not list(registry.list_deliveries(made.webhook.uid, status="pending")))
    taken = [each for each in receiver.received if is_of(each, "churn")]
    firsts = list(dict.fromkeys(each.json["data"]["seq"] for each in taken))
    assert firsts == sorted(firsts)
    versions = [each.json["data"]["version"] for each in taken]
    assert versions[-2:] == ["1", "2"]
    assert registry.get_webhook(made.webhook.uid).failures == 0


def is_of(received: Received, model: str) -> bool:
    """Say whether what was received is about a model."""
    return bool(received.json["data"]["model"] == model)


def test_a_slow_receiver_slows_nobody(registry: Registry) -> None:
    """Promotions and other webhooks go on while a receiver keeps its answer back."""
    held = threading.Event()

    def answer(_received: Received) -> int:
        held.wait(30)
        return 200

    with Receiver(answer) as slow, Receiver() as quick, delivering(registry):
        registry.create_webhook(slow.url)
        registry.create_webhook(quick.url, actions=["transition"])
        for number in range(20):
            registry.register_model("churn", str(number))
            registry.promote("churn", str(number))
        quick.wait(20)
        assert slow.received == []
        held.set()
        slow.wait(20)
    assert actions(quick.received) == ["transition"] * 20


def test_a_dead_receiver_is_asked_less_and_less_and_then_disabled(registry: Registry) -> None:
    """What is pending waits; resumed, it is told from where it stopped."""
    with Receiver(lambda _received: 503) as receiver:
        made = registry.create_webhook(receiver.url, actions=["create_model"])
        registry.create_model("churn")
        with delivering(registry, DeliveryRules(poll_s=0.02, retry_s=1e-6)):
            until(lambda: registry.get_webhook(made.webhook.uid).failures == 1)
            make_due(registry)
            until(lambda: registry.get_webhook(made.webhook.uid).status == "disabled")
        registry.create_model("fraud")
        disabled = [event for event in registry.audit() if event.action == "disable_webhook"]
        assert [event.detail["webhook"] for event in disabled] == [made.webhook.uid]
        receiver.answer = lambda _received: 200
        before = len(receiver.received)
        registry.resume_webhook(made.webhook.uid)
        make_due(registry)
        with delivering(registry):
            receiver.wait(before + 2)
    models = [each.json["data"]["model"] for each in receiver.received[before:]]
    assert models == ["churn", "fraud"]


def test_what_happens_while_it_is_paused_is_told_afterwards(registry: Registry) -> None:
    """Or left out, if that is asked for."""
    with Receiver() as receiver:
        patient = registry.create_webhook(receiver.url, actions=["create_model"]).webhook
        hasty = registry.create_webhook(receiver.url, actions=["create_model"], name="x").webhook
        for webhook in (patient, hasty):
            registry.pause_webhook(webhook.uid)
        with delivering(registry):
            registry.create_model("churn")
            registry.resume_webhook(hasty.uid, skip=True)
            registry.create_model("fraud")
            receiver.wait(1)
            registry.resume_webhook(patient.uid)
            receiver.wait(3)
            until(lambda: registry.get_webhook(patient.uid).seq == registry.read_events().position)
    told = {
        webhook.uid: [each.model for each in registry.list_deliveries(webhook.uid)]
        for webhook in (patient, hasty)
    }
    assert told == {patient.uid: ["fraud", "churn"], hasty.uid: ["fraud"]}


def test_a_delivery_is_sent_again_when_asked(registry: Registry) -> None:
    """Under the same id, and with the same body."""
    with Receiver() as receiver, delivering(registry):
        made = registry.create_webhook(receiver.url, actions=["create_model"])
        registry.create_model("churn")
        receiver.wait(1)
        until(lambda: registry.list_deliveries(made.webhook.uid)[0].status == "delivered")
        (delivery,) = registry.list_deliveries(made.webhook.uid)
        assert registry.redeliver(delivery.uid).status == "pending"
        first, second = receiver.wait(2)
        until(lambda: registry.get_delivery(delivery.uid).attempt_count == 2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == delivery.uid
    assert first.body == second.body


def test_two_servers_do_not_deliver_twice(registry: Registry) -> None:
    """One of them has the lease; when it stops, the other goes on."""
    with Receiver() as receiver, delivering(registry) as one, delivering(registry):
        registry.create_webhook(receiver.url, actions=["create_model"])
        for number in range(10):
            registry.create_model(f"a{number}")
        receiver.wait(10)
        one.stop()
        for number in range(10):
            registry.create_model(f"b{number}")
        receiver.wait(20)
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 20
    assert len(receiver.received) == 20


def test_a_trial_tells_at_once_what_came_back(registry: Registry) -> None:
    """Whether or not anything is delivered otherwise."""
    with Receiver() as receiver:
        made = registry.create_webhook(receiver.url).webhook
        good = registry.test_webhook(made.uid)
        assert (good.status, good.attempts[0].status) == ("delivered", 200)
        assert receiver.received[0].json["type"] == "ping"
    bad = registry.test_webhook(made.uid)
    assert (bad.status, bad.attempts[0].status) == ("failed", None)
    assert "refused" in bad.attempts[0].error
    assert [each.status for each in registry.list_deliveries(made.uid)] == ["failed", "delivered"]


def test_a_rotated_secret_signs_beside_the_new_one(registry: Registry) -> None:
    """For a day, so that receivers can be changed one after the other."""
    with Receiver() as receiver:
        first = registry.create_webhook(receiver.url)
        second = registry.rotate_webhook_secret(first.webhook.uid)
        registry.test_webhook(first.webhook.uid)
        (received,) = receiver.received
    signatures = received.headers["webhook-signature"].split(" ")
    uid, moment = received.headers["webhook-id"], int(received.headers["webhook-timestamp"])
    expected = [
        headers_of("standard", [secret], uid, moment, received.body)["webhook-signature"]
        for secret in (second.secret, first.secret)
    ]
    assert signatures == expected


def test_mlflow_is_told_what_the_registry_knows(registry: Registry) -> None:
    """Tags and description of a version are in its form, though not in the event."""
    with Receiver() as receiver, delivering(registry):
        registry.create_webhook(
            receiver.url, form="mlflow", secret="s", actions=["model_version.created"]
        )
        registry.register_model("churn", "1", tags={"team": "x"}, description="d", run_id="r")
        (received,) = receiver.wait(1)
    data = received.json["data"]
    assert (data["name"], data["version"], data["tags"]) == ("churn", "1", {"team": "x"})
    assert (data["description"], data["run_id"], data["source"]) == ("d", "r", "")
    assert received.headers["x-mlflow-signature"].startswith("v1,")


def test_a_receiver_that_rests_costs_writers_nothing(registry: Registry) -> None:
    """What it is to be told stays in the log until it may be tried again; then all arrives."""
    with Receiver(lambda _received: 500) as receiver, delivering(registry):
        made = registry.create_webhook(receiver.url, actions=["create_model"]).webhook
        registry.create_model("m0")
        until(lambda: registry.get_webhook(made.uid).failures == 1)
        for number in range(1, 6):
            registry.create_model(f"m{number}")
        assert deliveries.list_behind(registry._store) == []
        assert len(registry.list_deliveries(made.uid)) == 1
        receiver.answer = lambda _received: 200
        make_due(registry)
        until(lambda: len(registry.list_deliveries(made.uid, status="delivered")) == 6)


def test_what_is_over_is_forgotten(registry: Registry) -> None:
    """After its days; what is pending stays."""
    with Receiver() as receiver:
        made = registry.create_webhook(receiver.url, actions=["create_model"]).webhook
        registry.test_webhook(made.uid)
        registry.create_model("churn")
        deliveries.plan(registry._store, [made.uid])
        assert deliveries.forget(registry._store, 1) == 0
        assert deliveries.forget(registry._store, -1) == 1
    assert [each.status for each in registry.list_deliveries(made.uid)] == ["pending"]


def test_a_name_that_leads_into_this_network_is_not_reached() -> None:
    """It is judged by where it leads, at the moment of sending; a redirect is not followed."""
    with Receiver() as receiver:
        port = receiver.url.rpartition(":")[2]
        attempt = Poster()(f"http://localhost:{port}", {}, b"{}")
        assert (attempt.status, receiver.received) == (None, [])
        assert "not on the public internet; LOCKGATE_WEBHOOK_HOSTS names" in attempt.error
        receiver.answer = lambda _received: 302
        receiver.headers = {"location": receiver.url}
        assert Poster("127.0.0.1")(receiver.url, {}, b"{}").status == 302
        assert len(receiver.received) == 1


def test_little_of_an_answer_is_kept(registry: Registry) -> None:
    """Whatever a receiver says, and without what could fool a terminal."""
    with Receiver() as receiver:
        receiver.says = b"\x1b[2J" + b"x" * 100_000
        made = registry.create_webhook(receiver.url).webhook
        (attempt,) = registry.test_webhook(made.uid).attempts
    assert len(attempt.answer) == 1_000
    assert attempt.answer.startswith("\ufffd[2Jxx")
