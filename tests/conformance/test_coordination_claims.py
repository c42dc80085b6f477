"""Claims, heartbeats and take-overs, on every coordination backend."""

# ruff: noqa: F811 - fixtures are imported, then asked for by the same name

from __future__ import annotations

import random
import sys
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

from lockgate.coordination.backend import RegistryBackend
from lockgate.coordination.memory import MemoryBackend
from lockgate.domain.claims import (
    AlreadyExists,
    Claimed,
    ModelKey,
    ModelRecord,
    ModelStatus,
    Progress,
)
from lockgate.errors import ClaimLost


def test_claim_asked_again_by_its_holder_is_the_same_claim(backend):
    """A caller whose reply was lost asks again and owns what it owned."""
    asked = [backend.try_claim_for_download(KEY, holder="me", lease_s=5) for _ in range(2)]
    assert asked == [Claimed(KEY, "me", 1, 5.0)] * 2
    assert backend.try_claim_for_download(KEY, holder="you") == AlreadyExists(DOWNLOADING)


def test_heartbeats_count_and_carry_progress(backend):
    """Each sign of life moves the counter; progress stays until the next is told."""
    claim = require_claim(backend)
    backend.heartbeat(claim, Progress(10, 2**52))
    backend.heartbeat(claim)
    record = require_record(backend)
    assert (record.heartbeat, record.progress) == (2, Progress(10, 2**52))
    backend.heartbeat(claim, Progress(11))
    assert require_record(backend).progress == Progress(11)


def test_finish_and_fail_end_a_claim(backend):
    """A finished download is there, a failed one says why."""
    claim = require_claim(backend)
    backend.finish(claim)
    backend.finish(claim)  # the reply may have been lost
    record = require_record(backend)
    assert (record.status, record.message, record.holder) == (DOWNLOADED, "", claim.holder)
    other = require_claim(backend, ModelKey("hf", "other"))
    backend.fail(other, "no route to host")
    backend.fail(other, "no route to host")
    record = require_record(backend, other.key)
    assert (record.status, record.message) == (ERROR, "no route to host")


def silenced(backend: RegistryBackend, claim: Claimed) -> None:
    assert backend.try_take_over(require_record(backend)) is not None


@pytest.mark.parametrize(
    "loss",
    [
        silenced,
        lambda backend, _: backend.delete_model(KEY),
        lambda backend, _: (backend.delete_model(KEY), backend.try_claim_for_download(KEY)),
        lambda backend, _: backend.set_status(KEY, DOWNLOADED),
        lambda backend, _: backend.set_status(KEY, ERROR),
    ],
    ids=["taken over", "deleted", "deleted and claimed", "set downloaded", "set error"],
)
def test_late_writes_of_a_lost_claim_are_refused(backend, loss):
    """Whoever lost the claim learns it from every call and changes nothing."""
    claim = require_claim(backend)
    loss(backend, claim)
    before = backend.get_model_record(KEY)
    for late in (
        lambda: backend.heartbeat(claim, Progress(1)),
        lambda: backend.finish(claim),
        lambda: backend.fail(claim, "late"),
    ):
        with pytest.raises(ClaimLost) as caught:
            late()
        assert caught.value.fields["key"] == "hf://org/model@main"
    assert backend.get_model_record(KEY) == before


def test_ended_claim_takes_no_more_heartbeats(backend):
    """A beat that comes after the end does not bring the download back."""
    claim = require_claim(backend)
    backend.finish(claim)
    with pytest.raises(ClaimLost, match="it has ended as DOWNLOADED"):
        backend.heartbeat(claim)
    with pytest.raises(ClaimLost, match="it has ended as DOWNLOADED"):
        backend.fail(claim, "late")
    assert backend.get_status(KEY) is DOWNLOADED


@pytest.mark.parametrize("status", ModelStatus)
def test_take_over_of_what_is_as_seen(backend, status):
    """A record that stands as seen changes its owner: new holder, higher fence, counter at zero."""
    backend.set_status(KEY, status)
    seen = require_record(backend)
    backend.touch_model(KEY)  # a mere use is no change
    claim = backend.try_take_over(seen, holder="heir", lease_s=7)
    assert claim == Claimed(KEY, "heir", seen.fence + 1, 7.0)
    assert backend.try_take_over(seen, holder="heir", lease_s=7) == claim
    assert backend.try_take_over(seen) is None
    record = require_record(backend)
    assert (record.status, record.heartbeat, record.progress, record.created_at) == (
        DOWNLOADING,
        0,
        None,
        seen.created_at,
    )
    backend.finish(claim)
    assert backend.get_status(KEY) is DOWNLOADED


@pytest.mark.parametrize(
    "change",
    [
        lambda backend, claim: backend.heartbeat(claim),
        lambda backend, claim: backend.finish(claim),
        lambda backend, claim: backend.fail(claim, ""),
        lambda backend, _: backend.delete_model(KEY),
        lambda backend, _: (backend.delete_model(KEY), backend.try_claim_for_download(KEY)),
        lambda backend, _: backend.set_status(KEY, DOWNLOADING),
    ],
    ids=["beat", "finished", "failed", "deleted", "claimed anew", "set"],
)
def test_no_take_over_of_what_has_changed(backend, change):
    """A sign of life, an end or a new beginning spoils the take-over, and a delete as seen."""
    claim = require_claim(backend)
    seen = require_record(backend)
    change(backend, claim)
    before = backend.get_model_record(KEY)
    assert backend.try_take_over(seen) is None
    assert backend.get_model_record(KEY) == before
    assert backend.try_delete(seen) is (before is None)
    assert backend.get_model_record(KEY) == before


def test_delete_as_seen(backend):
    """What still stands as seen is forgotten; what is gone already counts as gone."""
    backend.set_status(KEY, DOWNLOADED)
    seen = require_record(backend)
    backend.touch_model(KEY)
    assert [backend.try_delete(seen) for _ in range(2)] == [True, True]
    assert backend.get_status(KEY) is None


def test_random_histories_agree_with_memory(backend):
    """Any sequence of calls gives the results and records that the memory backend gives."""
    model, chance = MemoryBackend(), random.Random(6)
    keys = [ModelKey("hf", f"m{number}") for number in range(3)]
    held: list[Claimed] = [Claimed(key, "stranger", 1, 30.0) for key in keys]
    for step in range(250):
        key = chance.choice(keys)
        verb = chance.choice(
            ["claim", "retry", "set", "touch", "beat", "finish", "fail", "take", "forget", "delete"]
        )
        claim, status = chance.choice(held), chance.choice(list(ModelStatus))
        outcomes = []
        for side in (model, backend):
            seen = side.get_model_record(key)
            outcomes.append(apply_verb(side, verb, key, claim, status, seen, f"holder-{step}"))
        assert outcomes[0] == outcomes[1], f"step {step}: {verb} {key}"
        if isinstance(outcomes[0], Claimed):
            held.append(outcomes[0])
        assert [comparable(r) for r in model.get_models_by_last_used()] == [
            comparable(r) for r in backend.get_models_by_last_used()
        ], f"step {step}: {verb} {key}"
        assert model.get_status_counts() == backend.get_status_counts()


def apply_verb(backend, verb, key, claim, status, seen, holder):
    try:
        match verb:
            case "claim":
                return backend.try_claim_for_download(key, holder=holder)
            case "retry":
                return backend.try_reset_error_for_retry(key, holder=holder)
            case "set":
                return backend.set_status(key, status, holder)
            case "touch":
                return backend.touch_model(key)
            case "beat":
                return backend.heartbeat(claim, Progress(len(holder), None))
            case "finish":
                return backend.finish(claim)
            case "fail":
                return backend.fail(claim, holder)
            case "take":
                return seen and backend.try_take_over(seen, holder=holder)
            case "forget":
                return seen and backend.try_delete(seen)
            case "delete":
                return backend.delete_model(key) if len(holder) % 2 else None
    except ClaimLost as error:
        return str(error)


def comparable(record: ModelRecord) -> dict[str, object]:
    times = ("created_at", "last_used_at")
    return {name: value for name, value in fields_of(record).items() if name not in times}
