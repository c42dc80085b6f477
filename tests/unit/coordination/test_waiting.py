"""What a waiter does next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lockgate.coordination.cache import LOOK_SPREAD, CacheLimits
from lockgate.coordination.keeper import BEATS_A_LEASE
from lockgate.coordination.waiting import Step, Watch, plan_step
from lockgate.domain.claims import ModelKey, ModelRecord, ModelStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DOWNLOADING, DOWNLOADED, ERROR = ModelStatus
RECORD = ModelRecord(ModelKey("hf", "m"), DOWNLOADING, NOW, NOW, holder="a", lease_s=10)


def step_after(*looks: tuple[float, ModelRecord | None], look_s_max: float = 4) -> Step:
    watch = Watch(look_s_max=look_s_max)
    for now_s, record in looks:
        watch.observe(record, now_s)
    return plan_step(looks[-1][1], watch, attempts_max=2, reclaims_max=1)


def test_absent_model_is_claimed():
    """Nobody has begun: begin."""
    assert step_after((0, None)) is Step.CLAIM


def test_owner_with_a_pulse_is_waited_for():
    """A counter that moves is a sign of life, however long it takes."""
    looks = [(4.0 * n, replace(RECORD, heartbeat=n // 2)) for n in range(20)]
    assert step_after(*looks) is Step.WAIT


def test_silent_owner_is_replaced_after_a_lease():
    """A counter that stands still for a lease, watched closely, means that nobody is there."""
    assert step_after(*((3.0 * n, RECORD) for n in range(4))) is Step.WAIT
    assert step_after(*((3.0 * n, RECORD) for n in range(5))) is Step.TAKE_OVER


def test_use_is_no_pulse():
    """That others touch a record says nothing of its owner."""
    looks = [(3.0 * n, replace(RECORD, last_used_at=NOW.replace(second=n))) for n in range(5)]
    assert step_after(*looks) is Step.TAKE_OVER


def test_time_that_was_not_watched_is_no_silence():
    """A waiter that was frozen or cut off does not blame the owner for it."""
    assert step_after((0, RECORD), (1000, RECORD)) is Step.WAIT
    assert step_after((0, RECORD), (1000, RECORD), (2000, RECORD)) is Step.WAIT


@pytest.mark.parametrize("lease_s", [0.1, 1.0, 5.0, 30.0, 3600.0])
@pytest.mark.parametrize("phase", [0.0, 0.3, 0.7, 0.999])
@pytest.mark.parametrize("spread", [1 - LOOK_SPREAD, 1, 1 + LOOK_SPREAD])
def test_silent_owner_is_replaced_within_a_lease_and_a_heartbeat(lease_s, phase, spread):
    """However a waiter's looks fall, it takes over no sooner than a lease, no later than that."""
    limits = CacheLimits(lease_s=lease_s)
    record = replace(RECORD, lease_s=lease_s)
    watch = Watch(look_s_max=2 * limits.pause_s)
    pause_s = limits.pause_s * spread
    now_s = (phase - 1) * pause_s  # the owner beats for the last time at 0, then dies
    step = Step.WAIT
    while step is Step.WAIT:
        watch.observe(record if now_s >= 0 else replace(record, heartbeat=-1), now_s)
        step = plan_step(record, watch, attempts_max=2, reclaims_max=1)
        died_s_ago, now_s = now_s, now_s + pause_s
    assert step is Step.TAKE_OVER
    assert lease_s <= died_s_ago <= lease_s + lease_s / BEATS_A_LEASE


def test_new_owner_is_given_time():
    """A new owner's silence begins anew."""
    looks = [(3.0 * n, RECORD) for n in range(5)]
    assert step_after(*looks, (15, replace(RECORD, holder="b", fence=2))) is Step.WAIT


def test_failure_found_is_tried_again():
    """A failure from before is no reason not to try."""
    assert step_after((0, replace(RECORD, status=ERROR))) is Step.TAKE_OVER


def test_failures_watched_are_counted():
    """After as many failures as attempts are allowed, a waiter gives up."""
    looks = [(0, RECORD), (1, replace(RECORD, status=ERROR))]
    again = [
        (2, replace(RECORD, fence=2)),
        (3, replace(RECORD, fence=2, status=ERROR)),
    ]
    assert step_after(*looks) is Step.TAKE_OVER
    assert step_after(*looks, *again) is Step.GIVE_UP_FAILED


def test_lost_files_need_two_looks():
    """DOWNLOADED without files may be a disk that is slow to tell."""
    record = replace(RECORD, status=DOWNLOADED)
    assert step_after((0, record)) is Step.WAIT
    assert step_after((0, record), (1, record)) is Step.TAKE_OVER


@pytest.mark.parametrize(("reclaims", "step"), [(0, Step.TAKE_OVER), (1, Step.GIVE_UP_LOST)])
def test_lost_files_are_reclaimed_a_limited_number_of_times(reclaims, step):
    """Files that are lost again and again are a fault to be told."""
    watch = Watch(look_s_max=4, reclaims=reclaims)
    record = replace(RECORD, status=DOWNLOADED)
    watch.observe(record, 0)
    watch.observe(record, 1)
    assert plan_step(record, watch, attempts_max=2, reclaims_max=1) is step
