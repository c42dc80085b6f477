"""What every coordination backend does, one call at a time."""

# ruff: noqa: F811 - fixtures are imported, then asked for by the same name

from __future__ import annotations

import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from coordination_places import (  # noqa: F401 - the fixtures are asked for by name
    DOWNLOADED,
    DOWNLOADING,
    ERROR,
    KEY,
    api_server,
    backend,
    fields_of,
    lockgate_server,
    postgres,
    require_claim,
    require_record,
    valkey,
)

from lockgate.domain.claims import (
    AlreadyExists,
    Claimed,
    ModelKey,
    ModelRecord,
    ModelStatus,
)
from lockgate.errors import InvalidInput

# --- the table -------------------------------------------------------------------------------


def test_absent_model_has_no_status_and_no_record(backend):
    """Nothing is known of a model that nobody asked for."""
    assert (backend.get_status(KEY), backend.get_model_record(KEY)) == (None, None)


def test_connect_may_be_called_again(backend):
    """Connecting twice changes nothing."""
    require_claim(backend)
    backend.connect()
    assert backend.get_status(KEY) is DOWNLOADING


def test_claim_of_an_absent_model_wins(backend):
    """The first claim makes the record and owns the download."""
    claim = backend.try_claim_for_download(KEY, lease_s=12.5)
    record = require_record(backend)
    assert claim == Claimed(KEY, record.holder, 1, 12.5)
    assert (record.status, record.message, record.lease_s, record.heartbeat, record.progress) == (
        DOWNLOADING,
        "Starting download...",
        12.5,
        0,
        None,
    )
    assert str(uuid.UUID(record.holder)) == record.holder
    assert (record.model_name, record.provider) == ("org/model", "hf")


@pytest.mark.parametrize("status", ModelStatus)
def test_claim_of_a_known_model_reports_its_status(backend, status):
    """Only an absent model can be claimed; the others' status is told and stays."""
    backend.set_status(KEY, status, "as it was")
    before = require_record(backend)
    assert backend.try_claim_for_download(KEY) == AlreadyExists(status)
    assert require_record(backend) == before


@pytest.mark.parametrize("status", [None, DOWNLOADING, DOWNLOADED])
def test_retry_needs_an_error(backend, status):
    """What has not failed cannot be retried."""
    if status is not None:
        backend.set_status(KEY, status, "as it was")
    before = backend.get_model_record(KEY)
    assert backend.try_reset_error_for_retry(KEY) is False
    assert backend.get_model_record(KEY) == before


def test_retry_of_an_error_wins_once(backend):
    """The first to retry a failure owns it; the second finds it downloading."""
    backend.set_status(KEY, ERROR, "disk full")
    before = require_record(backend)
    assert [backend.try_reset_error_for_retry(KEY) for _ in range(2)] == [True, False]
    record = require_record(backend)
    assert (record.status, record.message) == (DOWNLOADING, "Retrying download...")
    assert (record.created_at, record.fence) == (before.created_at, before.fence + 1)
    assert record.holder != before.holder


@pytest.mark.parametrize("before", [None, *ModelStatus])
@pytest.mark.parametrize("after", ModelStatus)
def test_set_status_makes_it_so_and_keeps_created_at(backend, before, after):
    """Any status can be set from any, and a record is never made twice."""
    if before is not None:
        backend.set_status(KEY, before)
    created_at = None if before is None else require_record(backend).created_at
    backend.set_status(KEY, after, "a word")
    record = require_record(backend)
    assert (record.key, record.status, record.message) == (KEY, after, "a word")
    assert record.created_at == (created_at or record.created_at)


def test_touch_and_delete_of_an_unknown_model_do_nothing(backend):
    """Neither makes a record, neither fails."""
    backend.touch_model(KEY)
    backend.delete_model(KEY)
    assert backend.get_models_by_last_used() == []


@pytest.mark.parametrize("status", ModelStatus)
def test_delete_forgets(backend, status):
    """A deleted model is absent and can be claimed again."""
    backend.set_status(KEY, status)
    backend.delete_model(KEY)
    assert backend.get_status(KEY) is None
    assert isinstance(backend.try_claim_for_download(KEY), Claimed)


def test_touch_changes_the_last_use_only(backend):
    """A touch is no sign of life and no change of state."""
    backend.set_status(KEY, DOWNLOADED, "here")
    before = require_record(backend)
    backend.touch_model(KEY)
    after = require_record(backend)
    assert after.last_used_at > before.last_used_at
    assert before == ModelRecord(**{**fields_of(after), "last_used_at": before.last_used_at})


# --- names, listings -------------------------------------------------------------------------


def test_equal_names_never_meet(backend):
    """Provider, model, revision and node tell models apart."""
    keys = [
        KEY,
        ModelKey("s3", "org/model", "main"),
        ModelKey("hf", "org/model", "v2"),
        ModelKey("hf", "org/Model", "main"),
        ModelKey("hf", "org/model", "main", node="a"),
        ModelKey("hf", "org/model@main"),
        ModelKey("hf", "org-model", "main"),
    ]
    assert all(isinstance(backend.try_claim_for_download(key), Claimed) for key in keys)
    assert [record.key for record in backend.get_models_by_last_used()] == keys


def test_odd_names_survive(backend):
    """Whatever a key may hold comes back as it was."""
    keys = [
        ModelKey("https", "x" * 1024, "r" * 512),
        ModelKey("file", "/a b/ä/模型/'\"\\;--", "🚀"),
        ModelKey("hf", "%s {} $1 :name", "*"),
    ]
    for key in keys:
        backend.set_status(key, ERROR, 'it\'s "so" \\ 模型 🚀')
    records = [require_record(backend, key) for key in keys]
    assert [record.key for record in records] == keys
    assert {record.message for record in records} == {'it\'s "so" \\ 模型 🚀'}


def test_messages_are_bounded_and_clean(backend):
    """A long or unprintable message is stored as far as every store can hold it."""
    backend.set_status(KEY, ERROR, "a\x00b\n" + "c" * 5000)
    assert require_record(backend).message == "a b " + "c" * 996


def test_order_of_last_use_is_exact(backend):
    """Least recently used first, whatever the kind of use."""
    keys = [ModelKey("hf", f"m{number}") for number in range(8)]
    for key in keys:
        backend.set_status(key, DOWNLOADED)
    backend.touch_model(keys[3])
    backend.set_status(keys[0], ERROR)
    backend.try_reset_error_for_retry(keys[0])
    backend.touch_model(keys[3])
    backend.touch_model(keys[5])
    expected = [keys[number] for number in (1, 2, 4, 6, 7, 0, 3, 5)]
    records = backend.get_models_by_last_used()
    assert [record.key for record in records] == expected
    times = [record.last_used_at for record in records]
    assert times == sorted(set(times))


@pytest.mark.parametrize(("limit", "expected"), [(0, 0), (1, 1), (3, 3), (9, 4), (None, 4)])
def test_limit_bounds_the_listing(backend, limit, expected):
    """At most ``limit`` records come, the least recently used ones."""
    keys = [ModelKey("hf", f"m{number}") for number in range(4)]
    for key in keys:
        backend.set_status(key, DOWNLOADED)
    assert [r.key for r in backend.get_models_by_last_used(limit)] == keys[:expected]


def test_bad_arguments_are_refused(backend):
    """A negative limit and a lease beyond the limits say what would be right."""
    with pytest.raises(InvalidInput, match="limit is -1, not zero or more"):
        backend.get_models_by_last_used(-1)
    for lease_s in (0, -1, 3601, float("nan")):
        with pytest.raises(InvalidInput, match=r"lease_s is .*, not 0\.1 to 3600"):
            backend.try_claim_for_download(KEY, lease_s=lease_s)
    assert backend.get_status(KEY) is None


def test_counts_are_exact(backend):
    """Every status is counted, zeros too, through every kind of change."""
    assert backend.get_status_counts() == {DOWNLOADING: 0, DOWNLOADED: 0, ERROR: 0}
    keys = [ModelKey("hf", f"m{number}") for number in range(6)]
    claims = [require_claim(backend, key) for key in keys]
    backend.finish(claims[0])
    backend.finish(claims[1])
    backend.fail(claims[2], "no")
    backend.delete_model(keys[3])
    backend.set_status(keys[1], ERROR)
    backend.try_reset_error_for_retry(keys[2])
    assert backend.get_status_counts() == {DOWNLOADING: 3, DOWNLOADED: 1, ERROR: 1}


def test_times_are_the_stores(backend):
    """Records are stamped within the store's own time."""
    before = backend.now()
    require_claim(backend)
    record = require_record(backend)
    assert before.tzinfo is UTC
    assert before <= record.created_at <= record.last_used_at <= backend.now()
    assert abs(before - datetime.now(UTC)) < timedelta(hours=1)
