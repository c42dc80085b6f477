"""Bundles on real databases: which events are in them, and against which checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

from lockgate.domain.checkpoints import parse_checkpoint, parse_note
from lockgate.registry import Registry
from registries import embedded


def told(registry: Registry, reference: str) -> tuple[int, list[tuple[int, str]]]:
    """The size of the checkpoint, and number and action of every event of a bundle."""
    document = json.loads(registry.bundle_head(reference).index)
    checkpoint = parse_checkpoint(parse_note(document["log"]["checkpoint"]).text)
    events = [json.loads(event["body"]) for event in document["log"]["events"]]
    return checkpoint.size, [(event["seq"], event["action"]) for event in events]


def test_events_and_checkpoints(database_url: str, tmp_path: Path) -> None:
    """The version's own events, and the earliest checkpoint that covers them."""
    source = tmp_path / "model.txt"
    source.write_text("weights")
    with embedded(database_url, artifacts=str(tmp_path / "files")) as registry:
        registry.push(source, "churn", "1")
        registry.register_model("other", "1")
        first = told(registry, "churn:1")
        assert first == (5, [(3, "register_version")])
        registry.register_model("other", "2")
        registry.checkpoint()
        assert told(registry, "churn:1") == first
        registry.promote("churn", "1")
        size, events = told(registry, "churn:1")
        assert size == 7
        assert events == [(3, "register_version"), (7, "transition")]


def test_a_model_of_the_same_name_before(database_url: str, tmp_path: Path) -> None:
    """Is another model: its events are not in the bundle."""
    source = tmp_path / "model.txt"
    source.write_text("weights")
    with embedded(database_url, artifacts=str(tmp_path / "files")) as registry:
        registry.push(source, "churn", "1")
        registry.delete_model("churn")
        registry.push(source, "churn", "1")
        assert [action for _, action in told(registry, "churn:1")[1]] == ["register_version"]
