"""Whoever changes the database by hand is found out: the first bad event is named."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from gate_world import KEY, World
from lockgate.auditor import verify_export
from lockgate.domain.audit import LEAF_PREFIX, canonical_json, leaf_hash
from lockgate.domain.merkle import Frontier
from lockgate.domain.verification import Verdict
from lockgate.errors import Corrupt, InvalidInput
from lockgate.services.checkpointing import verifier_of
from lockgate.storage.sqlite import sqlite3

COLUMNS = ("project_id", "seq", "at", "actor", "action", "model", "version", "body", "leaf_hash")
Events = list[dict[str, Any]]
UNLOCK = {
    "sqlite": [
        "DROP TRIGGER audit_events_no_update",
        "DROP TRIGGER audit_events_no_delete",
        "DROP TRIGGER audit_events_no_replace",
    ],
    "postgresql": ["ALTER TABLE audit_events DISABLE TRIGGER ALL"],
}


class Hand:
    """Somebody with the database's password, past Lockgate and its triggers."""

    def __init__(self, url: str) -> None:
        self.dialect = "sqlite" if url.startswith("sqlite") else "postgresql"
        if self.dialect == "sqlite":
            self._database: Any = sqlite3.connect(
                url.removeprefix("sqlite:///"), isolation_level=None
            )
        else:
            self._database = psycopg.connect(url, autocommit=True)
        for statement in UNLOCK[self.dialect]:
            self.run(statement)

    def run(self, statement: str, *values: Any) -> list[Any]:
        """Run a statement whose placeholders are question marks."""
        text = statement if self.dialect == "sqlite" else statement.replace("?", "%s")
        cursor = self._database.execute(text, values)
        return cursor.fetchall() if cursor.description else []

    def read(self) -> Events:
        """Return the log as it is stored."""
        rows = self.run(f"SELECT {', '.join(COLUMNS)} FROM audit_events ORDER BY seq")
        return [dict(zip(COLUMNS, row, strict=True)) for row in rows]

    def write(self, events: Events) -> None:
        """Put other events in the place of the log."""
        marks = ", ".join("?" * len(COLUMNS))
        self.run("BEGIN")
        self.run("DELETE FROM audit_events")
        for event in events:
            self.run(f"INSERT INTO audit_events VALUES ({marks})", *event.values())
        self.run("COMMIT")

    def head(self) -> Any:
        """Return what the head says."""
        return self.run("SELECT size, frontier, last_hash FROM audit_heads")[0]

    def set_head(self, size: int, frontier: bytes, last_hash: bytes) -> None:
        """Let the head say something else."""
        self.run(
            "UPDATE audit_heads SET size = ?, frontier = ?, last_hash = ?",
            size,
            frontier,
            last_hash,
        )

    def fit_head(self, events: Events) -> None:
        """Let the head fit the events, as somebody would who knows how it is made."""
        frontier = Frontier()
        for event in events:
            frontier.append(bytes(event["leaf_hash"]))
        self.set_head(len(events), frontier.to_bytes(), bytes(events[-1]["leaf_hash"]))

    @contextmanager
    def undone(self) -> Iterator[Events]:
        """Yield a copy of the log; when the block ends all is as it was."""
        events, head = self.read(), self.head()
        try:
            yield [dict(event) for event in events]
        finally:
            self.write(events)
            self.set_head(*head)

    def close(self) -> None:
        """Go away."""
        self._database.close()


@pytest.fixture
def scene(database_url: str) -> Iterator[tuple[World, Hand]]:
    """A log of a few events of different sorts, and a hand on its database."""
    world = World(database_url)
    registry = world.registry
    registry.create_model("m")
    for accuracy in (0.9, 0.95):
        world.clock.go(minutes=1)
        registry.register_model("m", metrics={"accuracy": accuracy})
    for label in ("1", "2"):
        registry.promote("m", label)
        registry.promote("m", label)
    registry.set_alias("m", "champion", "1")
    registry.log_metrics("m", "2", {"auc": 0.5})
    assert registry.verify_audit().ok
    hand = Hand(database_url)
    yield world, hand
    hand.close()
    world.close()


def rehash(event: dict[str, Any]) -> None:
    """Give an event the leaf hash that fits its body."""
    event["leaf_hash"] = leaf_hash(event["body"].encode())


def flip_body(events: Events, at: int) -> None:
    """Change who did it, in the body."""
    events[at]["body"] = events[at]["body"].replace('"actor":"', '"actor":"x')


def flip_hash(events: Events, at: int) -> None:
    """Change one bit of the leaf hash."""
    digest = bytes(events[at]["leaf_hash"])
    events[at]["leaf_hash"] = bytes([digest[0] ^ 1]) + digest[1:]


def replace_whole(events: Events, at: int) -> None:
    """Change the body, the column and the hash, so that the event by itself is well."""
    flip_body(events, at)
    events[at]["actor"] = "x" + events[at]["actor"]
    rehash(events[at])


def flip_column(events: Events, at: int) -> None:
    """Change what a filter would find, and leave the body."""
    events[at]["action"] = "nothing"


def flip_time(events: Events, at: int) -> None:
    """Change when it happened, beside the body."""
    events[at]["at"] += 1


def delete(events: Events, at: int) -> None:
    """Take an event out, and leave the gap."""
    del events[at]


def delete_and_close_ranks(events: Events, at: int) -> None:
    """Take an event out, and count the later ones anew."""
    del events[at]
    for place, event in enumerate(events, start=1):
        event["seq"] = place


def insert(events: Events, at: int) -> None:
    """Push an event in that looks like its neighbour, and count the later ones anew."""
    forged = dict(events[at])
    forged["body"] = forged["body"].replace('"actor":"', '"actor":"x')
    forged["actor"] = "x" + forged["actor"]
    rehash(forged)
    events.insert(at, forged)
    for place, event in enumerate(events, start=1):
        event["seq"] = place


def swap(events: Events, at: int) -> None:
    """Let two events change places; the last is swapped with the one before it."""
    here = min(at, len(events) - 2)
    events[here]["seq"], events[here + 1]["seq"] = events[here + 1]["seq"], events[here]["seq"]
    events[here], events[here + 1] = events[here + 1], events[here]


def truncate(events: Events, at: int) -> None:
    """Cut the log off, and leave its head."""
    del events[at:]


CRIMES: list[Callable[[Events, int], None]] = [
    flip_body,
    flip_hash,
    replace_whole,
    flip_column,
    flip_time,
    delete,
    delete_and_close_ranks,
    insert,
    swap,
    truncate,
]


@pytest.mark.parametrize("crime", CRIMES, ids=lambda crime: crime.__name__)
def test_first_bad_event_is_named(
    scene: tuple[World, Hand], crime: Callable[[Events, int], None]
) -> None:
    """Wherever the log is changed by hand, verifying names the first event that is bad."""
    world, hand = scene
    size = len(hand.read())
    every = 1 if hand.dialect == "sqlite" else 4
    for at in range(0, size, every):
        with hand.undone() as events:
            crime(events, at)
            hand.write(events)
            verdict = world.registry.verify_audit()
        first = min(at, size - 2) if crime is swap else at
        assert (verdict.ok, verdict.seq) == (False, first + 1), (at, verdict)
    assert world.registry.verify_audit().ok


def rewrite(events: Events, at: int, actor: str) -> None:
    """Change who did it, and make every later event follow from that, as an owner could."""
    for event in events[at:]:
        body = json.loads(event["body"])
        place = event["seq"] - 2
        body["prev"] = bytes(events[place]["leaf_hash"]).hex() if place >= 0 else body["prev"]
        if event is events[at]:
            body["actor"] = event["actor"] = actor
        event["body"] = canonical_json(body).decode()
        rehash(event)


def test_owner_of_the_database_is_found_by_a_checkpoint_kept_elsewhere(
    scene: tuple[World, Hand],
) -> None:
    """A log cut off with its head, or rewritten with it, disagrees with an earlier checkpoint."""
    world, hand = scene
    registry = world.registry
    kept = registry.checkpoint()
    for at in range(1, kept.size):
        with hand.undone() as events:
            del events[at:]
            hand.write(events)
            hand.fit_head(events)
            cut = registry.verify_audit(checkpoints=[kept.note])
        assert (cut.fault, cut.seq, cut.size) == ("truncated", at + 1, at)
        with hand.undone() as events:
            rewrite(events, at, "mallory")
            hand.write(events)
            hand.fit_head(events)
            alone = registry.verify_audit()
            rewritten = registry.verify_audit(checkpoints=[kept.note])
        assert alone.ok, "without a checkpoint kept elsewhere an owner can rewrite everything"
        assert (rewritten.fault, rewritten.seq) == ("checkpoint_mismatch", kept.size)


def test_rewritten_head_alone_is_found(scene: tuple[World, Hand]) -> None:
    """A head that says something else than the events do is a fault, whatever it says."""
    world, hand = scene
    size, frontier, last_hash = hand.head()
    events = hand.read()
    shorter = Frontier()
    for event in events[:-1]:
        shorter.append(bytes(event["leaf_hash"]))
    heads = [
        (size - 1, shorter.to_bytes(), bytes(events[-2]["leaf_hash"])),
        (size, bytes(frontier), bytes(32)),
        (size, bytes(frontier)[:-1] + b"?", bytes(last_hash)),
    ]
    for head in heads:
        with hand.undone():
            hand.set_head(*head)
            assert not world.registry.verify_audit().ok, head


TABLE_CRIMES = [
    ("UPDATE versions SET stage = 'None' WHERE label = '2'", "version 'm:2' stands in None"),
    ("UPDATE versions SET label = '7' WHERE label = '1'", "version 'm:1' stands in nothing"),
    ("UPDATE versions SET deleted_at = 1 WHERE label = '1'", "version 'm:1' stands in nothing"),
    ("UPDATE aliases SET ended_at = 1", "alias 'm@champion' names nothing"),
    ("UPDATE aliases SET version_id = version_id + 1", "alias 'm@champion' names 2"),
    ("UPDATE models SET name = 'n'", "model 'm' is missing"),
    ("UPDATE models SET deleted_at = 1", "model 'm' is missing"),
]


@pytest.mark.parametrize(
    ("statement", "told"), TABLE_CRIMES, ids=[each for each, _ in TABLE_CRIMES]
)
def test_tables_changed_behind_the_log(
    scene: tuple[World, Hand], statement: str, told: str
) -> None:
    """A row that was changed by hand disagrees with the log, and the verdict says where."""
    world, hand = scene
    hand.run(statement)
    verdict = world.registry.verify_audit()
    assert (verdict.ok, verdict.fault) == (False, "state_mismatch")
    assert told in verdict.detail


# --- exported files -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exported() -> Iterator[tuple[list[str], str]]:
    """The lines of an export, and the key that verifies it."""
    world = World()
    registry = world.registry
    registry.register_model("m", description="one\u2028line")
    for _ in range(2):
        registry.promote("m", "1")
    registry.set_alias("m", "champion", "1")
    yield list(registry.export_audit()), str(verifier_of("default", KEY))
    world.close()


def judged(lines: list[str], key: str, earlier: tuple[str, ...] = ()) -> Verdict | str:
    """Return the verdict over an export, or what it was refused for."""
    try:
        return verify_export(lines, key, earlier)
    except (Corrupt, InvalidInput) as error:
        return str(error)


def test_export_verifies(exported: tuple[list[str], str]) -> None:
    """An export as it was made is good, to its last event."""
    lines, key = exported
    verdict = verify_export(lines, key)
    assert (verdict.ok, verdict.size) == (True, len(lines) - 1)


def test_every_changed_line_of_an_export_is_found(exported: tuple[list[str], str]) -> None:
    """A character changed anywhere in an event's line, and it is named or the file refused."""
    lines, key = exported
    for at in range(1, len(lines)):
        begin = lines[at].index('"prev":')
        link = range(begin, begin + 75)
        for place in range(0, len(lines[at]) - 1, 7):
            other = "0" if lines[at][place] != "0" else "1"
            changed = lines[at][:place] + other + lines[at][place + 1 :]
            verdict = judged([*lines[:at], changed, *lines[at + 1 :]], key)
            assert isinstance(verdict, Verdict)
            # A last event with another link looks like one that was chained to a lost neighbour.
            named = (at, at - 1) if at == len(lines) - 1 and place in link else (at,)
            assert not verdict.ok
            assert verdict.seq in named, (changed, verdict)


def test_lines_taken_out_put_in_or_moved_are_found(exported: tuple[list[str], str]) -> None:
    """A deletion, a copy, a swap and a cut are named at the first line that is not in its place."""
    lines, key = exported
    for at in range(1, len(lines)):
        others = {
            "delete": lines[:at] + lines[at + 1 :],
            "cut": lines[:at],
            "copy": [*lines[: at + 1], *lines[at:]],
        }
        if at + 1 < len(lines):
            others["swap"] = [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]
        for crime, changed in others.items():
            verdict = judged(changed, key)
            assert isinstance(verdict, Verdict)
            first = at + 1 if crime == "copy" else at
            assert (verdict.ok, verdict.seq) == (False, first), (crime, at, verdict)


def test_header_of_an_export_is_signed(exported: tuple[list[str], str]) -> None:
    """Another size, another project, a signature changed: the file is refused."""
    lines, key = exported
    header = json.loads(lines[0])
    note, size = header["checkpoint"], header["size"]
    others = [
        {**header, "size": header["size"] - 1},
        {**header, "project": "other"},
        {**header, "checkpoint": note.replace(f"\n{size}\n", "\n4\n")},
        {**header, "checkpoint": note[:-6] + "AAAA=\n"},
        {**header, "lockgate_audit_export": 2},
        {**header, "size": "many"},
        {"size": 5},
        [],
    ]
    for other in others:
        assert isinstance(judged([json.dumps(other), *lines[1:]], key), str), other
    for text in ("", "not json", '{"size": 1e999, "lockgate_audit_export": 1, "project": ""}'):
        assert isinstance(judged([text, *lines[1:]], key), str), text


def test_export_cut_short_and_signed_again_disagrees_with_an_earlier_checkpoint() -> None:
    """Whoever holds the key can sign a shorter log, but not make an earlier checkpoint fit it."""
    world = World()
    registry = world.registry
    registry.register_model("m")
    short = list(registry.export_audit())
    registry.promote("m", "1")
    kept = registry.checkpoint()
    assert verify_export(short, kept.verifier_key).ok
    verdict = verify_export(short, kept.verifier_key, [kept.note])
    assert (verdict.fault, verdict.seq) == ("truncated", len(short))
    world.close()


def test_leaves_are_hashed_as_the_standard_says(exported: tuple[list[str], str]) -> None:
    """The root of a checkpoint is that of RFC 6962 over the lines of the file."""
    lines, _ = exported
    frontier = Frontier()
    for line in lines[1:]:
        frontier.append(hashlib.sha256(LEAF_PREFIX + line.rstrip("\n").encode()).digest())
    note = json.loads(lines[0])["checkpoint"]
    assert note.split("\n")[2] == base64.b64encode(frontier.root()).decode()
