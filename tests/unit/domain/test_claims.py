"""The changes of a cache record, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.domain import claims
from lockgate.domain.claims import Claimed, ModelKey, ModelRecord, ModelStatus, Progress
from lockgate.errors import ClaimLost, InvalidInput

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
LATER = NOW + timedelta(seconds=9)
KEY = ModelKey("hf", "org/model", "main")
DOWNLOADING, DOWNLOADED, ERROR = ModelStatus
HELD = Claimed(KEY, "me", 1, 30.0)


def record_of(status: ModelStatus) -> ModelRecord:
    return ModelRecord(KEY, status, NOW, NOW, message="before", holder="me", heartbeat=4)


def test_claim_makes_a_record():
    """An absent model becomes a download of the claimant's."""
    made = claims.claim(None, KEY, holder="me", lease_s=5.0, now=NOW)
    assert made == ModelRecord(KEY, DOWNLOADING, NOW, NOW, "Starting download...", "me", 1, 5.0)


@pytest.mark.parametrize("status", ModelStatus)
def test_claim_leaves_a_known_model_alone(status):
    """The very same record comes back, so that nothing is written."""
    record = record_of(status)
    assert claims.claim(record, KEY, holder="you", lease_s=5.0, now=LATER) is record


def test_retry_needs_an_error():
    """Only a failure becomes a download again; its owner, fence and counter are new."""
    for record in (None, record_of(DOWNLOADING), record_of(DOWNLOADED)):
        assert claims.retry(record, holder="you", lease_s=5.0, now=LATER) is record
    assert claims.retry(record_of(ERROR), holder="you", lease_s=5.0, now=LATER) == ModelRecord(
        KEY, DOWNLOADING, NOW, LATER, "Retrying download...", "you", 2, 5.0
    )


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (DOWNLOADING, "Taking over the download..."),
        (DOWNLOADED, "Taking over the download..."),
        (ERROR, "Retrying download..."),
    ],
)
def test_take_over_of_what_is_as_seen(status, message):
    """What stands as seen gets a new owner, even if it was used meanwhile."""
    seen = record_of(status)
    used = claims.touch(seen, now=LATER)
    taken = claims.take_over(used, seen, holder="you", lease_s=5.0, now=LATER)
    assert taken == ModelRecord(KEY, DOWNLOADING, NOW, LATER, message, "you", 2, 5.0)


@pytest.mark.parametrize(
    "change",
    [
        {"status": ERROR},
        {"holder": "other"},
        {"fence": 2},
        {"heartbeat": 5},
        {"created_at": LATER},
    ],
)
def test_take_over_and_delete_of_what_has_changed(change):
    """Anything but a mere use spoils both."""
    seen = record_of(DOWNLOADING)
    record = replace(seen, **change)
    assert claims.take_over(record, seen, holder="you", lease_s=5.0, now=LATER) is record
    assert claims.delete_as_seen(record, seen) is record


def test_absent_records_stay_absent():
    """Touching, retrying, taking over or deleting nothing leaves nothing."""
    seen = record_of(DOWNLOADING)
    assert claims.touch(None, now=NOW) is None
    assert claims.take_over(None, seen, holder="you", lease_s=5.0, now=NOW) is None
    assert claims.delete_as_seen(None, seen) is None


def test_delete_as_seen():
    """A record that was only used since is forgotten."""
    seen = record_of(DOWNLOADED)
    assert claims.delete_as_seen(claims.touch(seen, now=LATER), seen) is None


@pytest.mark.parametrize("status", ModelStatus)
def test_set_status_of_an_absent_model(status):
    """A record without an owner is made."""
    made = claims.set_status(None, KEY, status, message="why", now=NOW)
    assert made == ModelRecord(KEY, status, NOW, NOW, "why")


@pytest.mark.parametrize("before", ModelStatus)
@pytest.mark.parametrize("after", ModelStatus)
def test_set_status_of_a_known_model(before, after):
    """created_at stays; DOWNLOADING again is a sign of life, anything else ends the claim."""
    made = claims.set_status(record_of(before), KEY, after, message="why", now=LATER)
    alive = ModelRecord(KEY, after, NOW, LATER, "why", "me", 1, 30.0, 5)
    ended = ModelRecord(KEY, after, NOW, LATER, "why", "", 2, 30.0, 0)
    assert made == (alive if before is after is DOWNLOADING else ended)


def test_heartbeat_counts_and_keeps_progress():
    """The counter moves; progress stays until the next is told."""
    first = claims.heartbeat(record_of(DOWNLOADING), HELD, progress=Progress(5, 10), now=LATER)
    second = claims.heartbeat(first, HELD, progress=None, now=LATER)
    assert (second.heartbeat, second.progress, second.last_used_at) == (6, Progress(5, 10), LATER)


@pytest.mark.parametrize(
    ("end", "status", "message"),
    [
        (lambda record: claims.finish(record, HELD, now=LATER), DOWNLOADED, ""),
        (lambda record: claims.fail(record, HELD, message="no", now=LATER), ERROR, "no"),
    ],
)
def test_ends(end, status, message):
    """A claim ends once; the same end again is no change, another end is refused."""
    ended = end(record_of(DOWNLOADING))
    assert (ended.status, ended.message, ended.last_used_at) == (status, message, LATER)
    assert end(ended) is ended
    other = ERROR if status is DOWNLOADED else DOWNLOADED
    with pytest.raises(ClaimLost, match=f"it has ended as {other}"):
        end(replace(ended, status=other))


@pytest.mark.parametrize(
    ("record", "detail"),
    [
        (None, "the record was deleted"),
        (replace(record_of(DOWNLOADING), holder="you"), "you has it now, fence 1"),
        (replace(record_of(DOWNLOADING), holder=""), "somebody has it now, fence 1"),
        (replace(record_of(DOWNLOADING), fence=2), "me has it now, fence 2"),
    ],
)
def test_lost_claims_are_refused_everything(record, detail):
    """Whoever lost the claim is told who has it."""
    for act in (
        lambda: claims.heartbeat(record, HELD, progress=None, now=NOW),
        lambda: claims.finish(record, HELD, now=NOW),
        lambda: claims.fail(record, HELD, message="", now=NOW),
    ):
        with pytest.raises(ClaimLost) as caught:
            act()
        assert str(caught.value) == f"The claim on {KEY} is no longer held: {detail}"


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("", "m"), "provider '' is not a name"),
        (("HF", "m"), "provider 'HF' is not a name"),
        (("h f", "m"), "provider 'h f' is not a name"),
        (("hf", ""), "model has 0 characters, not 1 to 1024"),
        (("hf", "m" * 1025), "model has 1025 characters, not 1 to 1024"),
        (("hf", "a\x00b"), "has control characters"),
        (("hf", "m", "\ud800"), "has control characters or lone surrogates"),
        (("hf", "m", "r" * 513), "revision has 513 characters, not 0 to 512"),
        (("hf", "m", "", "n" * 254), "node has 254 characters, not 0 to 253"),
    ],
)
def test_bad_keys_are_refused(arguments, fault):
    """A key that is built is a key that every store can hold."""
    with pytest.raises(InvalidInput, match=fault):
        ModelKey(*arguments)


def test_bad_progress_is_refused():
    """Bytes are never below zero."""
    for arguments in ((-1,), (0, -1)):
        with pytest.raises(InvalidInput, match="zero or more"):
            Progress(*arguments)


def test_keys_name_themselves():
    """A key reads like a reference."""
    texts = [str(ModelKey("hf", "a/b")), str(KEY), str(replace(KEY, node="n1"))]
    assert texts == ["hf://a/b", "hf://org/model@main", "hf://org/model@main on n1"]


_TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=6)
_KEYS = st.builds(ModelKey, st.sampled_from(["a", "b"]), _TEXT.filter(bool), _TEXT, _TEXT)


@given(_KEYS, _KEYS)
def test_ids_tell_keys_apart(one, other):
    """Two keys have one id only if they are one key."""
    assert (one.id == other.id) == (one == other)


@given(st.text(max_size=1200))
def test_clean_messages_are_bounded_and_storable(message):
    """What is stored as a message has no control characters and is no longer than the limit."""
    cleaned = claims.clean_message(message)
    assert len(cleaned) <= claims.MESSAGE_CHARS_MAX
    assert claims.clean_message(cleaned) == cleaned
    assert "\x00" not in cleaned
