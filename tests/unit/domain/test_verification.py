"""Whatever is done to a stored log by hand, verifying names the first bad event."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.domain.audit import NO_PREVIOUS, AuditEvent, canonical, canonical_json, leaf_hash
from lockgate.domain.checkpoints import Checkpoint
from lockgate.domain.merkle import Frontier, tree_root
from lockgate.domain.moments import to_micros
from lockgate.domain.verification import StoredEvent, Verdict, verify_events
from lockgate.errors import ChainBroken

START = datetime(2026, 1, 1, tzinfo=UTC)
SIZE = 20


def story(size: int) -> list[tuple[str, str | None, dict[str, Any]]]:
    """Return actions that follow from each other: versions registered and moved up."""
    actions: list[tuple[str, str | None, dict[str, Any]]] = [("create_model", None, {})]
    for index in range(1, size):
        label = str((index + 1) // 2)
        if index % 2:
            actions.append(("register_version", label, {"stage": "None"}))
        else:
            actions.append(("transition", label, {"from": "None", "to": "Staging"}))
    return actions


def make_log(
    size: int = SIZE, first: int = 1, after: tuple[StoredEvent, ...] = ()
) -> list[StoredEvent]:
    """Return a log of ``size`` events, as the registry would have stored it."""
    stored = list(after)
    for seq, (action, version, detail) in enumerate(story(size), 1):
        if seq < first:
            continue
        prev = stored[-1].leaf_hash.hex() if stored else NO_PREVIOUS
        event = AuditEvent(
            project="default",
            seq=seq,
            at=START + timedelta(seconds=seq),
            actor="ana" if not after else "mallory",
            action=action,
            model="churn",
            version=version,
            detail=detail,
            prev=prev,
        )
        stored.append(store(canonical(event), seq))
    return stored


def store(body: bytes, seq: int, leaf: bytes | None = None) -> StoredEvent:
    """Return the row that the registry would have written for ``body``."""
    event = json.loads(body)
    at_us = to_micros(datetime.fromisoformat(event["at"]))
    columns = (at_us, event["actor"], event["action"], event["model"], event["version"])
    return StoredEvent(seq, body, leaf or leaf_hash(body), columns)


def edited(stored: StoredEvent, **changes: Any) -> StoredEvent:
    """Return the event rewritten, with a leaf hash and columns that fit."""
    body = canonical_json({**json.loads(stored.body), **changes})
    return store(body, changes.get("seq", stored.seq))


def head_of(log: list[StoredEvent]) -> Frontier:
    """Return the head that the registry has for ``log``."""
    frontier = Frontier()
    for stored in log:
        frontier.append(stored.leaf_hash)
    return frontier


def checkpoint_of(log: list[StoredEvent], size: int) -> Checkpoint:
    """Return what was signed when ``log`` had ``size`` events."""
    return Checkpoint("o", size, tree_root(stored.leaf_hash for stored in log[:size]))


LOG = make_log()
HEAD = head_of(LOG)
LAST = LOG[-1].leaf_hash


def found(log: list[StoredEvent], **options: Any) -> tuple[str | None, int | None]:
    """Return the fault and the event that verifying a tampered log names."""
    verdict = verify_events(log, **{"head": HEAD, "last_hash": LAST, **options})
    assert not verdict.ok
    assert verdict.detail
    return verdict.fault, verdict.seq


@pytest.mark.parametrize("size", [0, 1, 2, 3, 20])
def test_good_log(size: int) -> None:
    """An untouched log verifies, with its root and the state it tells of."""
    log = make_log(size) if size else []
    last = log[-1].leaf_hash if log else bytes(32)
    verdict = verify_events(
        log,
        head=head_of(log),
        last_hash=last,
        checkpoints=[checkpoint_of(log, k) for k in range(size + 1)],
    )
    assert (verdict.ok, verdict.size) == (True, size)
    assert verdict.root == tree_root(stored.leaf_hash for stored in log).hex()
    verdict.require_ok()


def test_state_is_folded() -> None:
    """The verdict on a good log carries the state at its end."""
    verdict = verify_events(LOG, head=HEAD)
    assert verdict.state is not None
    assert verdict.state.models["churn"].standing("None") == ["10"]


@settings(max_examples=300, deadline=None)
@given(st.integers(0, SIZE - 1), st.integers(0, 10_000), st.integers(1, 255))
def test_flipped_byte(index: int, position: int, change: int) -> None:
    """A byte flipped in any body is found at that event."""
    body = bytearray(LOG[index].body)
    body[position % len(body)] ^= change
    log = [*LOG[:index], LOG[index]._replace(body=bytes(body)), *LOG[index + 1 :]]
    assert found(log) == ("body_changed", index + 1)


@pytest.mark.parametrize("index", range(SIZE))
def test_rewritten_event_with_its_hash(index: int) -> None:
    """An event rewritten together with its leaf hash is found by its successor or the head."""
    log = [*LOG[:index], edited(LOG[index], actor="mallory"), *LOG[index + 1 :]]
    last = index == SIZE - 1
    assert found(log) == ("head_mismatch" if last else "link_broken", index + 1)


@pytest.mark.parametrize("index", range(SIZE))
def test_rewritten_link_with_its_hash(index: int) -> None:
    """An event whose own link was rewritten is told from one whose predecessor was replaced."""
    log = [*LOG[:index], edited(LOG[index], prev="f" * 64), *LOG[index + 1 :]]
    assert found(log) == ("link_broken", index + 1)


@pytest.mark.parametrize("index", range(SIZE))
def test_leaf_hash_changed(index: int) -> None:
    """A leaf hash changed beside an untouched body is found at that event."""
    log = [*LOG[:index], LOG[index]._replace(leaf_hash=b"x" * 32), *LOG[index + 1 :]]
    assert found(log) == ("body_changed", index + 1)


@pytest.mark.parametrize(
    ("column", "value"), [(0, 1), (1, "mallory"), (2, "other"), (3, "other"), (4, None)]
)
def test_column_changed(column: int, value: Any) -> None:
    """A column that no longer says what the body says is found, for lists filter by it."""
    columns = LOG[6].columns
    assert columns is not None
    changed: Any = (*columns[:column], value, *columns[column + 1 :])
    assert found([*LOG[:6], LOG[6]._replace(columns=changed), *LOG[7:]]) == ("column_changed", 7)


@pytest.mark.parametrize("index", range(SIZE - 1))
def test_deleted_event(index: int) -> None:
    """A deleted event is named as missing."""
    assert found([*LOG[:index], *LOG[index + 1 :]]) == ("missing", index + 1)


@pytest.mark.parametrize("index", range(SIZE - 1))
def test_deleted_event_with_the_rest_renumbered(index: int) -> None:
    """Renumbering the rest does not hide a deletion: bodies carry their number and link."""
    moved = [stored._replace(seq=stored.seq - 1) for stored in LOG[index + 1 :]]
    assert found([*LOG[:index], *moved]) == ("reordered", index + 1)
    forged = [edited(stored, seq=stored.seq - 1) for stored in LOG[index + 1 :]]
    fault, seq = found([*LOG[:index], *forged])
    assert fault == "link_broken"
    assert seq is not None
    assert index <= seq <= index + 1


@pytest.mark.parametrize("index", range(1, SIZE))
def test_inserted_event(index: int) -> None:
    """An event inserted between two others, well chained itself, is the one that is named."""
    extra = edited(
        LOG[index - 1],
        seq=index + 1,
        action="log_metrics",
        prev=LOG[index - 1].leaf_hash.hex(),
    )
    moved = [stored._replace(seq=stored.seq + 1) for stored in LOG[index:]]
    assert found([*LOG[:index], extra, *moved]) == ("inserted", index + 1)
    rehashed = [edited(stored, seq=stored.seq + 1) for stored in LOG[index:]]
    assert found([*LOG[:index], extra, *rehashed]) == ("inserted", index + 1)


@pytest.mark.parametrize("index", range(1, SIZE))
def test_event_there_twice(index: int) -> None:
    """An event that is there twice is named, whether or not its copy got a number of its own."""
    assert found([*LOG[:index], LOG[index - 1], *LOG[index:]]) == ("duplicate", index)
    copied = [stored._replace(seq=stored.seq + 1) for stored in LOG[index - 1 :]]
    assert found([*LOG[:index], *copied]) == ("duplicate", index + 1)


@pytest.mark.parametrize("index", range(SIZE - 1))
def test_swapped_events(index: int) -> None:
    """Two events in each other's place are found at the first of them."""
    one, two = LOG[index], LOG[index + 1]
    renumbered = [two._replace(seq=one.seq), one._replace(seq=two.seq)]
    assert found([*LOG[:index], *renumbered, *LOG[index + 2 :]]) == ("reordered", index + 1)
    assert found([*LOG[:index], two, one, *LOG[index + 2 :]]) == ("reordered", index + 1)


@pytest.mark.parametrize("kept", range(SIZE))
def test_truncated_tail(kept: int) -> None:
    """A cut tail is found against the head, and without a head against a checkpoint."""
    assert found(LOG[:kept]) == ("truncated", kept + 1)
    options = {"head": None, "last_hash": None, "checkpoints": [checkpoint_of(LOG, SIZE)]}
    assert found(LOG[:kept], **options) == ("truncated", kept + 1)
    rolled_back = {"head": head_of(LOG[:kept]), "last_hash": None}
    assert found(LOG[:kept], **{**options, **rolled_back}) == ("truncated", kept + 1)


def test_event_beyond_the_head() -> None:
    """An event that the head does not count was not appended by the registry."""
    assert found(LOG, head=head_of(LOG[:-1])) == ("beyond_head", SIZE)


def test_last_hash_of_the_head() -> None:
    """A head whose last hash was changed would break the next event, and is found before."""
    assert found(LOG, last_hash=b"x" * 32) == ("head_mismatch", SIZE + 1)


@pytest.mark.parametrize("start", [2, 7, 12, 19])
def test_rewritten_history_against_checkpoints(start: int) -> None:
    """A tail forged as a whole, head included, contradicts a checkpoint kept elsewhere."""
    forged = make_log(first=start, after=tuple(LOG[: start - 1]))
    assert verify_events(forged, head=head_of(forged)).ok
    signed = [checkpoint_of(LOG, size) for size in (5, 10, 15, 20)]
    verdict = verify_events(forged, head=head_of(forged), checkpoints=signed)
    first_bad = next(size for size in (5, 10, 15, 20) if size >= start)
    assert (verdict.fault, verdict.seq) == ("checkpoint_mismatch", first_bad)
    assert verdict.suspect_from == first_bad - 4
    assert verdict.suspect_from <= start <= first_bad


def test_log_of_another_project() -> None:
    """A log of another project is foreign, and so is one of its events among ours."""
    assert found(LOG, project="other") == ("foreign", 1)
    log = [*LOG[:4], edited(LOG[4], project="other"), *LOG[5:]]
    assert found(log) == ("foreign", 5)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff", b"{}", b"[" * 100_000, b'{"seq":' + b"9" * 5000 + b"}"],
)
def test_unreadable_body(body: bytes) -> None:
    """A body that is no event, however hashed, is unreadable and no crash."""
    log = [*LOG[:4], StoredEvent(5, body, leaf_hash(body)), *LOG[5:]]
    assert found(log) == ("unreadable", 5)


def test_body_with_something_behind_it() -> None:
    """Nothing may follow the JSON of an event."""
    body = LOG[4].body + b" "
    log = [*LOG[:4], StoredEvent(5, body, leaf_hash(body)), *LOG[5:]]
    assert found(log) == ("unreadable", 5)


def test_incoherent_event() -> None:
    """A forged event in a whole forged chain is found when it cannot follow."""
    log = [*LOG[:3]]
    event = {**json.loads(LOG[3].body), "action": "transition", "version": "9"}
    body = canonical_json({**event, "detail": {"from": "None", "to": "Production"}})
    log.append(store(body, 4))
    assert found(log, head=head_of(log), last_hash=None) == ("incoherent", 4)


def test_exported_events_have_no_columns() -> None:
    """An exported file verifies by bodies and hashes alone."""
    assert verify_events([stored._replace(columns=None) for stored in LOG], head=HEAD).ok


def test_require_ok_raises() -> None:
    """A bad verdict raises ChainBroken with the event and the fault."""
    verdict: Verdict = verify_events(LOG[:3], head=HEAD)
    with pytest.raises(ChainBroken, match="Event 4 is missing") as caught:
        verdict.require_ok()
    assert caught.value.fields["seq"] == 4
