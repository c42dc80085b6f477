"""Signed checkpoints and exports, through the registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate_world import KEY, World
from lockgate.auditor import verify_export
from lockgate.bootstrap import connect
from lockgate.domain.access import Actor
from lockgate.errors import ChainBroken, Corrupt, InvalidSetting, ProjectNotFound
from lockgate.keys import SigningKey, read_key
from lockgate.registry import Registry
from lockgate.services.checkpointing import verifier_of
from lockgate.settings import Settings


@pytest.fixture
def world() -> Iterator[World]:
    """A log of a few events."""
    made = World()
    made.registry.register_model("m")
    made.registry.promote("m", "1")
    yield made
    made.close()


def test_checkpoint_says_what_the_log_is(world: World) -> None:
    """A checkpoint names the log, its size and root; the key that goes with it is public."""
    made = world.registry.checkpoint()
    origin, size, root = made.note.splitlines()[:3]
    assert origin == f"lockgate/{KEY.fingerprint}/default"
    assert (int(size), made.size, made.made_by) == (4, 4, "ana")
    assert len(root) == 44
    assert made.verifier_key == str(verifier_of("default", KEY))


def test_checkpoints_are_kept(world: World) -> None:
    """What was signed is listed, newest first, and adds nothing to the log."""
    first = world.registry.checkpoint()
    world.registry.promote("m", "1")
    second = world.registry.checkpoint()
    assert world.registry.list_checkpoints() == (second, first)
    assert second.size == first.size + 1


def test_log_agrees_with_its_checkpoints_for_ever(world: World) -> None:
    """Every earlier checkpoint verifies against the log as it grows."""
    notes = []
    for _ in range(4):
        notes.append(world.registry.checkpoint().note)
        world.registry.log_metrics("m", "1", {"auc": len(notes)})
    assert world.registry.verify_audit(checkpoints=notes).ok


def test_checkpoint_by_another_key_is_no_evidence(world: World) -> None:
    """A note that this installation's key did not sign is refused, unless its key is trusted."""
    other = SigningKey(bytes(range(32)))
    theirs = Registry(world.store, Actor.named("eve"), signer=lambda: other).checkpoint()
    with pytest.raises(Corrupt, match="trusted is"):
        world.registry.verify_audit(checkpoints=[theirs.note])
    assert world.registry.verify_audit(
        checkpoints=[theirs.note], verifier_key=theirs.verifier_key
    ).ok


def test_log_without_events_can_be_signed(world: World) -> None:
    """Each project has a log and checkpoints of its own; one that there is not has none."""
    world.registry.create_project("empty")
    made = world.registry.checkpoint(project="empty")
    assert made.size == len(world.registry.audit(project="empty").items)
    assert world.registry.list_checkpoints() == ()
    with pytest.raises(ProjectNotFound):
        world.registry.checkpoint(project="nowhere")


def test_export_holds_the_log_as_it_was(world: World) -> None:
    """An export ends where its header was signed, whatever is appended meanwhile."""
    lines = world.registry.export_audit()
    header = next(lines)
    world.registry.promote("m", "1")
    rest = list(lines)
    assert json.loads(header)["size"] == len(rest) == 4
    assert verify_export([header, *rest], str(verifier_of("default", KEY))).ok


def test_export_of_a_log_that_was_cut_off_ends_with_an_error(world: World) -> None:
    """Events that are gone from under the head are named, and the export does not go on."""
    with world.store.database.driver.reading() as connection:
        connection.execute("DROP TRIGGER audit_events_no_delete")
        connection.execute("DELETE FROM audit_events WHERE seq > 2")
    with pytest.raises(ChainBroken, match="Event 3 is missing"):
        list(world.registry.export_audit())


def test_key_is_made_at_the_first_checkpoint(tmp_path: Path) -> None:
    """Where the settings name a file that is not there, a key is made and used from then on."""
    settings = Settings(audit_key=str(tmp_path / "audit.key"))
    with connect("memory://", actor="ana", settings=settings) as registry:
        made = registry.checkpoint()
        assert made.verifier_key == str(verifier_of("default", read_key(tmp_path / "audit.key")))
        assert registry.checkpoint().verifier_key == made.verifier_key


def test_registry_without_a_key_says_so(world: World) -> None:
    """A registry that was opened without a key cannot sign, and everything else works."""
    bare = Registry(world.store, Actor.named("ana"))
    with pytest.raises(InvalidSetting, match="LOCKGATE_AUDIT_KEY"):
        bare.checkpoint()
    assert bare.verify_audit().ok
