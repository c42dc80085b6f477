"""The auditor's side: verify an exported log with a public key and nothing else.

Needs no database, no server and no trust in whoever made the export.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockgate.domain.checkpoints import Checkpoint, open_checkpoint, parse_verifier_key
from lockgate.domain.exports import exported_events, read_header
from lockgate.domain.verification import Verdict, verify_events
from lockgate.errors import InvalidInput
from lockgate.keys import verifying


def verify_export(lines: Iterable[str], verifier_key: str, earlier: Sequence[str] = ()) -> Verdict:
    """Return whether an export is a whole, unchanged log, signed by ``verifier_key``.

    ``lines`` are those of the file; ``earlier`` are signed checkpoints that were kept elsewhere:
    a log that was truncated or rewritten since does not agree with them. Raises `Corrupt` when a
    signature does not verify, `InvalidInput` when the file is no export.
    """
    source = iter(lines)
    header = read_header(next(source, ""))
    checkpoints = [
        verified_checkpoint(note, verifier_key) for note in (header.checkpoint, *earlier)
    ]
    own = checkpoints[0]
    if own.size != header.size or not own.origin.endswith(f"/{header.project}"):
        raise InvalidInput(
            detail=f"The header says {header.size} events of {header.project}, its checkpoint "
            f"{own.size} of {own.origin}"
        )
    return verify_events(exported_events(source), project=header.project, checkpoints=checkpoints)


def verified_checkpoint(note: str, verifier_key: str) -> Checkpoint:
    """Return the checkpoint of a signed note. Raises `Corrupt` unless the key signed it."""
    key = parse_verifier_key(verifier_key)
    return open_checkpoint(note, key, verifying(key))
