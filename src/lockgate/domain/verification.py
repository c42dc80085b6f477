"""Verification of the log: every event is what was appended, in its place, and none is missing.

    stored row ──▶ seq follows ──▶ body = leaf hash ──▶ prev = hash before ──▶ columns = body
               ──▶ fold into state ──▶ append to tree ──▶ root = checkpoint's root, head's root

The verdict names the first bad event. An event that was replaced together with its leaf hash is
found by the link in its successor; the last event, or a tail replaced as a whole, by the head or
by a checkpoint kept elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from lockgate.domain.audit import LEAF_PREFIX, NO_PREVIOUS
from lockgate.domain.checkpoints import Checkpoint
from lockgate.domain.merkle import Frontier
from lockgate.domain.moments import to_micros
from lockgate.domain.replay import Event, State
from lockgate.errors import ChainBroken

_COLUMN_NAMES = ("at", "actor", "action", "model", "version")
_read_json = json.JSONDecoder().raw_decode

FaultKind = Literal[
    "body_changed",
    "column_changed",
    "link_broken",
    "missing",
    "duplicate",
    "inserted",
    "reordered",
    "foreign",
    "unreadable",
    "incoherent",
    "truncated",
    "beyond_head",
    "head_mismatch",
    "checkpoint_mismatch",
    "state_mismatch",
]


Columns = tuple[int, str, str, str | None, str | None]
"""Copies of parts of the body: at (microseconds), actor, action, model, version."""


class StoredEvent(NamedTuple):
    """One event as it is stored: its body, its leaf hash (32 bytes), and what lies beside it.

    ``columns`` is None where nothing lies beside it, as in an exported file.
    """

    seq: int
    body: bytes
    leaf_hash: bytes
    columns: Columns | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What verifying found.

    ``size`` events are good, from 1 on; ``root`` (hexadecimal) and ``state`` are over all of
    them when ``ok``. Else ``seq`` is the first event known to be bad, ``suspect_from`` the first
    that may be (they differ when a whole tail was rewritten), ``fault`` its kind, ``detail`` a
    sentence.
    """

    ok: bool
    size: int
    root: str = ""
    state: State | None = None
    seq: int | None = None
    suspect_from: int | None = None
    fault: FaultKind | None = None
    detail: str = ""

    def require_ok(self) -> None:
        """Raise `ChainBroken` with what was found, unless all is well."""
        if not self.ok:
            raise ChainBroken(detail=self.detail, seq=self.seq, fault=self.fault)


@dataclass(frozen=True, kw_only=True)
class Verified:
    """How far a log was verified, event by event, since this process first looked at it.

    Events 1 to ``seq`` of ``size`` are good; ``root`` (hexadecimal) is over them. When ``ok`` is
    False, ``fault`` and ``detail`` say what the next one shows, as in a `Verdict`.
    """

    project: str
    ok: bool
    seq: int
    size: int
    root: str
    fault: FaultKind | None = None
    detail: str = ""


class _FoundError(Exception):
    """Carries the verdict from the check that failed to `verify_events`."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


class LogVerifier:
    """Verifies a log one event after the other, in constant memory beside the folded state.

    With ``fold`` False nothing is folded, and an event that makes no sense is not noticed.
    """

    def __init__(
        self,
        project: str | None = None,
        checkpoints: Iterable[Checkpoint] = (),
        *,
        fold: bool = True,
    ) -> None:
        self.project = project
        self.frontier = Frontier()
        self.state = State() if fold else None
        self._prev = NO_PREVIOUS
        self._before_prev = ""
        self._prev_seq = 0
        self._trusted_size = 0
        # The smallest is last, where it is popped. One over no events says nothing.
        signed = (each for each in checkpoints if each.size)
        self._checkpoints = sorted(signed, key=lambda each: each.size, reverse=True)
        self._next_checkpoint = -1
        self._arm()

    def feed(self, stored: StoredEvent) -> None:
        """Take in the next event of the log."""
        seq, body, leaf_hash, columns = stored
        if seq != self._prev_seq + 1:
            raise self._out_of_place(seq)
        if hashlib.sha256(LEAF_PREFIX + body).digest() != leaf_hash:
            raise self._bad("body_changed", seq, "its body does not match its leaf hash")
        try:
            event, end = _read_json(text := body.decode())
            if end != len(text):
                raise self._bad("unreadable", seq, "something follows the JSON of its body")
            if event["project"] != self.project:
                self._take_project(seq, event["project"])
            if event["seq"] != seq or event["prev"] != self._prev:
                raise self._misplaced(stored, event)
            if columns is not None:
                self._compare_columns(seq, columns, event)
        except (ValueError, RecursionError, KeyError, TypeError):
            raise self._bad("unreadable", seq, "its body is not the JSON of an event") from None
        try:
            if self.state is not None:
                self.state.apply(event)
        except (ChainBroken, KeyError, TypeError) as error:
            raise _FoundError(self._verdict("incoherent", seq, str(error))) from None
        self._before_prev = self._prev
        self._prev, self._prev_seq = leaf_hash.hex(), seq
        self.frontier.append(leaf_hash)
        if seq == self._next_checkpoint:
            self._compare_checkpoint()

    def take(self, events: Iterable[StoredEvent]) -> Verdict | None:
        """Take in what comes next; return the verdict on the first bad event, None for none."""
        try:
            for stored in events:
                self.feed(stored)
        except _FoundError as found:
            return found.verdict
        return None

    def finish(self, head: Frontier | None = None, last_hash: bytes | None = None) -> Verdict:
        """Return the verdict over all events, compared with the stored head."""
        size = self.frontier.size
        if self._checkpoints:
            signed = self._checkpoints[-1].size
            return self._verdict(
                "truncated",
                size + 1,
                f"Event {size + 1} is missing: a checkpoint was signed over {signed} events, "
                f"the log ends after {size}.",
            )
        if head is not None and head.size > size:
            return self._verdict(
                "truncated",
                size + 1,
                f"Event {size + 1} is missing: the log's head counts {head.size} events, "
                f"the log ends after {size}.",
            )
        if head is not None and head.size < size:
            return self._verdict(
                "beyond_head",
                head.size + 1,
                f"Event {head.size + 1} was not appended by the registry: the log's head counts "
                f"only {head.size} events.",
            )
        if head is not None and head != self.frontier:
            return self._rewritten_below(head)
        if last_hash is not None and last_hash.hex() != self._prev:
            return self._verdict(
                "head_mismatch",
                size + 1,
                f"Event {size + 1} would be chained to none: the head's last hash is not that of "
                f"event {size}.",
            )
        return Verdict(ok=True, size=size, root=self.frontier.root().hex(), state=self.state)

    def _rewritten_below(self, head: Frontier) -> Verdict:
        pairs = zip(head.ranges(), head.hashes, self.frontier.hashes, strict=True)
        begin = next((span[0] for span, old, new in pairs if old != new), 0)
        return self._verdict(
            "head_mismatch",
            head.size,
            f"Event {head.size} was rewritten, perhaps with others before it: the events do not "
            "make the root of the log's head.",
            suspect_from=max(begin, self._trusted_size) + 1,
        )

    def _compare_checkpoint(self) -> None:
        root = self.frontier.root()
        while self._checkpoints and self._checkpoints[-1].size == self.frontier.size:
            checkpoint = self._checkpoints.pop()
            if checkpoint.root != root:
                raise _FoundError(
                    self._verdict(
                        "checkpoint_mismatch",
                        checkpoint.size,
                        f"Event {checkpoint.size} is not the one that was signed: the first "
                        f"{checkpoint.size} events do not make the root of the checkpoint of "
                        f"{checkpoint.origin}; history was rewritten after event "
                        f"{self._trusted_size}.",
                        suspect_from=self._trusted_size + 1,
                    )
                )
        self._trusted_size = self.frontier.size
        self._arm()

    def _arm(self) -> None:
        """Look forward to the next checkpoint."""
        self._next_checkpoint = self._checkpoints[-1].size if self._checkpoints else -1

    def _take_project(self, seq: int, project: str) -> None:
        if self.project is not None:
            raise self._bad("foreign", seq, f"it belongs to the log of project '{project}'")
        self.project = project

    def _compare_columns(self, seq: int, columns: Columns, event: Event) -> None:
        told = (
            to_micros(datetime.fromisoformat(event["at"])),
            event["actor"],
            event["action"],
            event["model"],
            event["version"],
        )
        # Most logs are well: one comparison for all, and a closer look only at a difference.
        if columns == told:
            return
        for name, stored, original in zip(_COLUMN_NAMES, columns, told, strict=True):
            if stored != original:
                raise self._bad(
                    "column_changed",
                    seq,
                    f"its column '{name}' says {stored!r}, its body {original!r}",
                )

    def _misplaced(self, stored: StoredEvent, event: Event) -> _FoundError:
        """Return what is wrong with an event whose body is not of this place in the log."""
        seq = stored.seq
        if stored.leaf_hash.hex() == self._prev:
            return self._bad("duplicate", seq, "it is a copy of the event before")
        if event["prev"] == self._before_prev:
            # Two events were chained to the same one: the first of them pushed itself in.
            return self._bad("inserted", seq - 1, "the event after it was chained to that before")
        if event["seq"] != seq:
            return self._bad("reordered", seq, f"its body is that of event {event['seq']}")
        return self._bad("link_broken", seq, "it was chained to another event")

    def _out_of_place(self, seq: int) -> _FoundError:
        expected = self._prev_seq + 1
        if seq > expected:
            return _FoundError(
                self._verdict(
                    "missing",
                    expected,
                    f"Event {expected} is missing: {self._prev_seq} is followed by {seq}.",
                )
            )
        if seq == self._prev_seq:
            return self._bad("duplicate", seq, "it is there twice")
        return self._bad("reordered", seq, f"it comes after event {self._prev_seq}")

    def _bad(self, fault: FaultKind, seq: int, why: str) -> _FoundError:
        return _FoundError(self._verdict(fault, seq, f"Event {seq} is bad: {why}."))

    def _verdict(
        self, fault: FaultKind, seq: int, detail: str, suspect_from: int | None = None
    ) -> Verdict:
        suspect = seq if suspect_from is None else suspect_from
        return Verdict(
            ok=False, size=suspect - 1, seq=seq, suspect_from=suspect, fault=fault, detail=detail
        )


def verify_events(
    events: Iterable[StoredEvent],
    *,
    project: str | None = None,
    head: Frontier | None = None,
    last_hash: bytes | None = None,
    checkpoints: Sequence[Checkpoint] = (),
) -> Verdict:
    """Return whether ``events`` (ordered by ``seq``, from 1) are a whole, unchanged log.

    ``project`` is whose log it must be (by default the first event's), ``head`` the stored right
    edge of the tree and ``last_hash`` the leaf hash beside it, read in the same snapshot,
    ``checkpoints`` earlier ones whose signatures
    were verified already. Reads ``events`` once and stops at the first bad one.
    """
    verifier = LogVerifier(project, checkpoints)
    source = iter(events)
    try:
        for stored in source:
            verifier.feed(stored)
    except _FoundError as found:
        return _with_hindsight(found.verdict, stored, next(source, None), last_hash)
    return verifier.finish(head, last_hash)


def _with_hindsight(
    verdict: Verdict, current: StoredEvent, after: StoredEvent | None, last_hash: bytes | None
) -> Verdict:
    """Return the verdict in the light of what comes after the event that was found wanting.

    A broken link says that one of two events was replaced. If the event after them, or the head
    where there is none, vouches for the later one, or nothing denies it, it was the earlier one.
    """
    seq = current.seq
    if verdict.fault == "link_broken" and seq > 1:
        if after is not None:
            vouched = _prev_of(after) == current.leaf_hash.hex()
        else:
            vouched = last_hash in (None, current.leaf_hash)
        if not vouched:
            return verdict
        return Verdict(
            ok=False,
            size=seq - 2,
            seq=seq - 1,
            suspect_from=seq - 1,
            fault="link_broken",
            detail=f"Event {seq - 1} was replaced: event {seq} was chained to another one.",
        )
    if verdict.fault == "missing" and after is not None and after.seq == verdict.seq:
        return Verdict(
            ok=False,
            size=verdict.size,
            seq=verdict.seq,
            suspect_from=verdict.suspect_from,
            fault="reordered",
            detail=f"Event {after.seq} is out of order: it comes after event {seq}.",
        )
    return verdict


def _prev_of(stored: StoredEvent) -> Any:
    try:
        return json.loads(stored.body)["prev"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
