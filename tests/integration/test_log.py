"""The log: one event for each change, and verification that names the first bad one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import lockgate
from bare import assert_whole, run
from lockgate.domain.audit import canonical, leaf_hash
from lockgate.domain.merkle import tree_root

DISARM = {
    "sqlite": (
        "DROP TRIGGER audit_events_no_update",
        "DROP TRIGGER audit_events_no_delete",
    ),
    "postgresql": ("ALTER TABLE audit_events DISABLE TRIGGER USER",),
}


@pytest.fixture
def registry(database_url: str) -> Iterator[Any]:
    """A registry with some history."""
    with lockgate.connect(database_url, actor="ana") as opened:
        opened.register_model("churn", "1", metrics={"auc": 0.9}, tags={"team": "risk"})
        opened.promote("churn", "1")
        opened.promote("churn", "1", comment="é ✓ \U0001f600")
        opened.register_model("churn", "2")
        opened.promote("churn", "2")
        opened.promote("churn", "2")
        opened.set_alias("churn", "champion", "2")
        yield opened


def tamper(url: str, *statements: str) -> None:
    """Change the log as its owner could: past the triggers."""
    run(url, *DISARM["sqlite" if url.startswith("sqlite") else "postgresql"], *statements)


def test_every_verb_leaves_one_event(registry: Any, database_url: str) -> None:
    """Each change has exactly one event, under the name of the verb, with who and what."""
    changes = [
        (lambda: registry.create_model("other"), "create_model"),
        (lambda: registry.register_model("other", "1"), "register_version"),
        (lambda: registry.update_model("other", description="x"), "update_model"),
        (lambda: registry.update_version("other", "1", description="x"), "update_version"),
        (lambda: registry.log_metrics("other", "1", {"auc": 1}), "log_metrics"),
        (lambda: registry.promote("other", "1"), "transition"),
        (lambda: registry.transition_stage("other", "1", "staging"), "transition_noop"),
        (lambda: registry.set_alias("other", "best", "1"), "set_alias"),
        (lambda: registry.delete_alias("other", "best"), "delete_alias"),
        (lambda: registry.delete_version("other", "1"), "delete_version"),
        (lambda: registry.restore_version("other", "1"), "restore_version"),
        (lambda: registry.update_model("other", lifecycle="strict"), "move_lifecycle"),
        (lambda: registry.delete_model("other"), "delete_model"),
        (lambda: registry.restore_model("other"), "restore_model"),
    ]
    for change, action in changes:
        before = registry.verify_audit().size
        change()
        (event,) = list(registry.audit(newest_first=True, limit=1))
        assert (before + 1, action, "ana", "other") == (
            event.seq,
            event.action,
            event.actor,
            event.model,
        )
    assert_whole(registry, database_url)


def test_what_changes_nothing_leaves_nothing(registry: Any) -> None:
    """A change to what is there already, and a refused one, leave no event and no revision."""
    before = list(registry.audit())
    registry.log_metrics("churn", "1", {"auc": 0.9})
    registry.update_version("churn", "1", tags={"team": "risk"})
    registry.set_alias("churn", "champion", "2")
    for refused in (
        lambda: registry.register_model("churn", "1"),
        lambda: registry.demote("churn", "9"),
        lambda: registry.transition_stage("churn", "2", "None"),
        lambda: registry.delete_version("churn", "2"),
    ):
        with pytest.raises(lockgate.RegistryError):
            refused()
    assert before == list(registry.audit())


def test_the_events_are_the_tree(registry: Any) -> None:
    """Anybody can recompute each leaf, the links between them, and the root, from what is read."""
    events = list(registry.audit(limit=1000))
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    previous = "0" * 64
    for event in events:
        assert previous == event.prev
        assert event.leaf_hash == leaf_hash(canonical(event)).hex()
        previous = event.leaf_hash
    root = tree_root(bytes.fromhex(event.leaf_hash) for event in events)
    assert root.hex() == registry.verify_audit().root


@pytest.mark.parametrize(
    ("tampering", "seq"),
    [
        ("UPDATE audit_events SET body = replace(body, 'Staging', 'Stagina') WHERE seq = 4", 4),
        ("UPDATE audit_events SET actor = 'eve' WHERE seq = 5", 5),
        ("UPDATE audit_events SET version = '9' WHERE seq = 3", 3),
        ("UPDATE audit_events SET at = at + 1 WHERE seq = 2", 2),
        ("DELETE FROM audit_events WHERE seq = 6", 6),
        ("DELETE FROM audit_events WHERE seq = 1", 1),
        ("UPDATE audit_events SET seq = 1000 WHERE seq = 3", 3),
    ],
)
def test_the_first_bad_event_is_named(
    registry: Any, database_url: str, tampering: str, seq: int
) -> None:
    """An event that was changed, removed or moved past the triggers is named."""
    assert registry.verify_audit().ok
    tamper(database_url, tampering)
    verdict = registry.verify_audit()
    assert (False, seq) == (verdict.ok, verdict.seq), verdict


@pytest.mark.parametrize(
    "tampering",
    [
        "DELETE FROM audit_events WHERE seq = (SELECT max(seq) FROM audit_events)",
        "UPDATE audit_heads SET size = size + 1",
        "UPDATE audit_heads SET last_hash = frontier",
        "UPDATE versions SET stage = 'None', stage_key = 'none' WHERE label = '1'",
        "UPDATE versions SET label = '7' WHERE label = '1'",
        "DELETE FROM aliases",
        "UPDATE models SET name = 'chum'",
    ],
)
def test_tables_and_head_must_agree(registry: Any, database_url: str, tampering: str) -> None:
    """A cut tail, another head, or tables that say something else than the log are found."""
    assert registry.verify_audit().ok
    tamper(database_url, tampering)
    assert not registry.verify_audit().ok


def test_projects_have_logs_of_their_own(registry: Any) -> None:
    """Each project's log begins at 1 and verifies without the others."""
    registry.create_project("risk")
    registry.register_model("risk/churn", "1")
    assert [event.seq for event in registry.audit(project="risk")] == [1, 2, 3]
    assert registry.verify_audit(project="risk").ok
    assert registry.verify_audit().ok


def test_events_are_found_by_what_they_are(registry: Any) -> None:
    """The log can be read by model, version, actor, action and time, both ways, in pages."""
    registry.acting_as("eve").log_metrics("churn", "2", {"auc": 0.1})
    assert [e.action for e in registry.audit(actor="eve")] == ["log_metrics"]
    assert {e.version for e in registry.audit(version="2", model="churn")} == {"2"}
    transitions = list(registry.audit(action="transition"))
    assert len(transitions) == 5
    assert transitions[::-1] == list(registry.audit(action="transition", newest_first=True))
    since = transitions[2].at
    assert all(e.at >= since for e in registry.audit(since=since))
    assert all(e.at < since for e in registry.audit(until=since))
    first = registry.audit(limit=3)
    second = registry.audit(limit=3, cursor=first.next_cursor)
    assert [e.seq for e in (*first, *second)] == [1, 2, 3, 4, 5, 6]
