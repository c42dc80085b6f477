"""The auditor's side: an export, a public key, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lockgate.auditor import verified_checkpoint, verify_export
from lockgate.domain.audit import NO_PREVIOUS, AuditEvent, canonical, leaf_hash
from lockgate.domain.checkpoints import Checkpoint, checkpoint_origin, sign_checkpoint
from lockgate.domain.exports import ExportHeader
from lockgate.domain.merkle import Frontier
from lockgate.errors import Corrupt, InvalidInput
from lockgate.keys import SigningKey

OURS, THEIRS = SigningKey(bytes(32)), SigningKey(bytes(range(32)))
START = datetime(2026, 10, 1, tzinfo=UTC)


def bodies(count: int, project: str = "default") -> list[str]:
    """Return the canonical JSON of a chain of events."""
    made: list[str] = []
    previous = NO_PREVIOUS
    for seq in range(1, count + 1):
        event = AuditEvent(
            project=project,
            seq=seq,
            at=START + timedelta(minutes=seq),
            actor="ana",
            action="create_model",
            model=f"m{seq}",
            detail={},
            prev=previous,
        )
        body = canonical(event)
        previous = leaf_hash(body).hex()
        made.append(body.decode())
    return made


def note(events: list[str], key: SigningKey = OURS, project: str = "default") -> str:
    """Return a checkpoint over events, signed by ``key``."""
    frontier = Frontier()
    for body in events:
        frontier.append(leaf_hash(body.encode()))
    verifier = key.verifier(checkpoint_origin(key.fingerprint, project))
    return sign_checkpoint(
        Checkpoint(verifier.name, len(events), frontier.root()), verifier, key.sign
    )


def export(events: list[str], signed: str) -> list[str]:
    """Return the lines of an export."""
    header = ExportHeader(project="default", size=len(events), checkpoint=signed)
    return [header.line() + "\n", *(body + "\n" for body in events)]


def public(key: SigningKey, project: str = "default") -> str:
    """Return the line that auditors are given."""
    return str(key.verifier(checkpoint_origin(key.fingerprint, project)))


def test_whole_log_verifies() -> None:
    """A log that nobody touched is good, and its root is told."""
    events = bodies(5)
    verdict = verify_export(export(events, note(events)), public(OURS), [note(events[:3])])
    assert (verdict.ok, verdict.size, len(verdict.root)) == (True, 5, 64)


def test_log_signed_by_somebody_else_is_refused() -> None:
    """An export that another key signed is no evidence, whatever it says."""
    events = bodies(2)
    with pytest.raises(Corrupt, match="trusted is"):
        verify_export(export(events, note(events, THEIRS)), public(OURS))


def test_earlier_checkpoint_that_does_not_fit_is_found() -> None:
    """A log that was rewritten and signed anew does not agree with what was signed before."""
    first, second = bodies(3), bodies(4)
    rewritten = [body.replace("ana", "eve") for body in bodies(3)]
    verdict = verify_export(export(second, note(second)), public(OURS), [note(rewritten)])
    assert (verdict.fault, verdict.seq) == ("checkpoint_mismatch", 3)
    verdict = verify_export(export(first, note(first)), public(OURS), [note(second)])
    assert (verdict.fault, verdict.seq) == ("truncated", 4)


def test_checkpoint_of_another_log_is_refused() -> None:
    """A checkpoint of another project's log says nothing of this one."""
    events = bodies(2)
    other = note(bodies(2, "other"), project="other")
    with pytest.raises(Corrupt):
        verify_export(export(events, note(events)), public(OURS), [other])


def test_header_must_agree_with_its_checkpoint() -> None:
    """A header that counts other events than were signed is refused."""
    events = bodies(3)
    with pytest.raises(InvalidInput, match="The header says 2 events"):
        verify_export(export(events[:2], note(events)), public(OURS))


@pytest.mark.parametrize("lines", [[], ["\n"], ["{}\n"], ["x"]])
def test_what_is_no_export_is_refused(lines: list[str]) -> None:
    """An empty file, or any other, is refused with what would be right."""
    with pytest.raises(InvalidInput, match="lockgate audit export"):
        verify_export(lines, public(OURS))


def test_note_changed_by_a_character_is_refused() -> None:
    """The signature covers every character of the checkpoint."""
    signed = note(bodies(3))
    assert verified_checkpoint(signed, public(OURS)).size == 3
    with pytest.raises(Corrupt, match="does not verify"):
        verified_checkpoint(signed.replace("\n3\n", "\n2\n"), public(OURS))
