"""The log, and writes that happen once, are the same in this process and over HTTP."""

from __future__ import annotations

import pytest

from lockgate.auditor import verify_export
from lockgate.errors import InvalidInput, ProjectNotFound
from registries import AnyRegistry


def test_every_change_has_one_event(on_every_database: AnyRegistry) -> None:
    """Each changed thing has an event; a displaced incumbent's has its cause."""
    for label in ["1", "2"]:
        on_every_database.register_model("churn", label)
        on_every_database.promote("churn", label)
        on_every_database.promote("churn", label)
    events = on_every_database.audit(model="churn")
    assert [(event.detail.get("verb", event.action), event.version) for event in events] == [
        ("create_model", None),
        ("register_version", "1"),
        ("promote", "1"),
        ("promote", "1"),
        ("register_version", "2"),
        ("promote", "2"),
        ("promote", "2"),
        ("demote", "1"),
    ]
    assert [event.seq for event in events] == list(range(2, 10))
    assert events[-1].cause == events[-2].seq
    assert {event.actor for event in events} == {"ana"}


def test_the_log_is_filtered_and_paged(registry: AnyRegistry) -> None:
    """Events are asked for by model, version, actor, action and time, forwards or backwards."""
    registry.register_model("churn", "1")
    registry.acting_as("bob").promote("churn", "1")
    bobs = registry.audit(actor="bob")
    assert [event.action for event in bobs] == ["transition"]
    assert [e.action for e in registry.audit(action="register_version")] == ["register_version"]
    assert len(registry.audit(since=bobs[0].at)) == 1
    assert len(registry.audit(until=bobs[0].at)) == 3
    newest = registry.audit(newest_first=True, limit=2)
    assert [event.seq for event in newest] == [4, 3]
    older = registry.audit(newest_first=True, limit=2, cursor=newest.next_cursor)
    assert [event.seq for event in older] == [2, 1]
    assert [e.seq for e in registry.audit(model="churn", version="1")] == [3, 4]
    with pytest.raises(InvalidInput):
        registry.audit(since="soon")
    with pytest.raises(ProjectNotFound):
        registry.audit(project="nowhere")


def test_the_log_is_verified_as_it_grows(registry: AnyRegistry) -> None:
    """Each question takes in what was appended since the last one, and says the same root."""
    registry.register_model("churn", "1")
    first = registry.verified_audit()
    assert (first.ok, first.seq, first.size, first.detail) == (True, 3, 3, "")
    registry.promote("churn", "1")
    second = registry.verified_audit()
    assert (second.seq, second.root) == (4, registry.verify_audit().root)
    with pytest.raises(ProjectNotFound):
        registry.verified_audit(project="nowhere")


def test_the_log_verifies(on_every_database: AnyRegistry) -> None:
    """An untouched log verifies, all of it, and says its root."""
    on_every_database.register_model("churn", "1")
    on_every_database.delete_model("churn")
    verdict = on_every_database.verify_audit()
    assert (verdict.ok, verdict.size, len(verdict.root)) == (True, 4, 64)


def test_the_actor_is_on_record(registry: AnyRegistry) -> None:
    """Whoever acts is on record, in any script; the name of an actor is checked."""
    other = registry.acting_as("Zoë 张 100%")
    assert other.actor == "Zoë 张 100%"
    assert other.register_model("churn", "1").created_by == "Zoë 张 100%"
    assert registry.actor == "ana"
    with pytest.raises(InvalidInput):
        registry.acting_as("a\nb")


def test_an_export_is_verified_offline(registry: AnyRegistry) -> None:
    """An exported log verifies with the public key alone, whatever its texts contain."""
    registry.register_model("churn", "1", description="one\u2028line\u0085toUnicode\n, two to us")
    registry.transition("churn", "1", "Staging", comment="first\u2028second")
    note = registry.checkpoint()
    lines = list(registry.export_audit())
    verdict = verify_export(lines, note.verifier_key, [note.note])
    assert (verdict.ok, verdict.size) == (True, len(lines) - 1)
