"""Every event reaches its webhook, in order for each model, however often the teller is killed."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

from crasher import Crasher
from lockgate.sdk.client import Client
from lockgate.services.deliverer import Deliverer
from lockgate.services.posting import find_poster
from receiver import Received, Receiver
from registries import embedded, serving

KILLS = 50
"""For each database, so 100 in all."""


def seqs(received: list[Received]) -> list[int]:
    """The numbers of the events that came, in the order of coming."""
    return [each.json["data"]["seq"] for each in received]


def firsts(received: list[Received], model: str | None) -> list[int]:
    """The numbers of a model's events in the order in which each came first."""
    found = [each.json["data"] for each in received]
    return list(dict.fromkeys(each["seq"] for each in found if each["model"] == model))


def test_every_event_arrives_whenever_the_teller_is_killed(database_url: str) -> None:
    """Killed at random between commit and delivery: none is lost, each model's are in order."""
    with Receiver() as receiver:
        with embedded(database_url, webhook_hosts="127.0.0.1") as registry:
            begun = registry.create_webhook(receiver.url).webhook.seq
            crasher = Crasher(database_url)
            for seed in range(KILLS):
                crasher.crash(seed)
            crasher.end()
            told_before = len(receiver.received)
            head = registry.read_events().position
            deliverer = Deliverer(registry._store, find_poster(registry._store))
            deliverer.start()
            try:
                wanted = set(range(begun + 1, head + 1))
                receiver.until(lambda received: wanted <= set(seqs(received)))
            finally:
                deliverer.stop()
        assert told_before > 0
        assert wanted == set(seqs(receiver.received))
        models = {each.json["data"]["model"] for each in receiver.received}
        assert len(models) > 2
        for model in models:
            order = firsts(receiver.received, model)
            assert order == sorted(order)


def test_a_server_that_was_killed_tells_when_it_is_back(tmp_path: Path) -> None:
    """Killed while a webhook waits for its answer: the next server sends it again, same id."""
    held = threading.Event()
    database = f"sqlite:///{tmp_path}/lockgate.db"
    hosts = {"LOCKGATE_WEBHOOK_HOSTS": "127.0.0.1"}

    def answer(_received: Received) -> int:
        held.wait(60)
        return 200

    with Receiver(answer) as receiver:
        first = serving(database, **hosts)
        with Client(first.url, actor="ana") as client:
            client.create_webhook(receiver.url, actions=["register_version"])
            client.register_model("churn", "1")
            receiver.asked.wait(30)
            first.end(signal.SIGKILL)
        held.set()
        second = serving(database, **hosts)
        try:
            (one, again) = receiver.wait(2)[:2]
        finally:
            second.end(signal.SIGTERM)
    assert one.headers["webhook-id"] == again.headers["webhook-id"]
    assert one.body == again.body
