"""Time travel: what stood where at a moment, and that moments have an order whatever clocks say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from lockgate.bootstrap import open_store
from lockgate.domain.access import Actor
from lockgate.errors import AliasNotFound, ModelNotFound, StageEmpty, VersionNotFound
from lockgate.registry import Registry
from lockgate.settings import Settings

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock at noon."""
    return Clock()


@pytest.fixture
def registry(database_url: str, clock: Clock) -> Iterator[Any]:
    """A registry that goes by the test's clock."""
    with Registry(open_store(database_url, Settings(), clock), Actor("ana")) as opened:
        yield opened


def at(hours: float) -> datetime:
    """The moment so many hours after noon."""
    return NOON + hours * HOUR


def live(registry: Any, clock: Clock) -> None:
    """Hour by hour: register 1, serve it, register and serve 2, roll back, name champions."""
    clock.now = at(1)
    registry.register_model("churn", "1")
    clock.now = at(2)
    registry.promote("churn", "1")
    registry.promote("churn", "1")
    registry.set_alias("churn", "champion", "1")
    clock.now = at(3)
    registry.register_model("churn", "2")
    registry.promote("churn", "2")
    clock.now = at(4)
    registry.promote("churn", "2")
    registry.set_alias("churn", "champion", "2")
    clock.now = at(5)
    registry.rollback("churn")
    registry.delete_alias("churn", "champion")


@pytest.mark.parametrize(
    ("hours", "production", "staging", "champion", "latest"),
    [
        (1.5, None, None, None, "1"),
        (2.5, "1", None, "1", "1"),
        (3.5, "1", "2", "1", "2"),
        (4.5, "2", "1", "2", "2"),
        (5.5, "1", "2", None, "2"),
    ],
)
def test_every_hour(
    registry: Any,
    clock: Clock,
    hours: float,
    production: str | None,
    staging: str | None,
    champion: str | None,
    latest: str,
) -> None:
    """At every moment the record says what stood in each stage and under each alias then."""
    live(registry, clock)
    clock.now = at(9)
    for reference, expected in (
        ("churn@production", production),
        ("churn@staging", staging),
        ("churn@champion", champion),
        ("churn@latest", latest),
    ):
        if expected is None:
            with pytest.raises((StageEmpty, AliasNotFound)):
                registry.resolve(reference, at=at(hours))
        else:
            assert expected == registry.resolve(reference, at=at(hours)).label
    if production is not None:
        then = registry.production("churn", at=at(hours))
        assert (production, "Production") == (then.label, then.stage)
        assert then.aliases == (("champion",) if champion == production else ())


def test_before_the_beginning(registry: Any, clock: Clock) -> None:
    """Before a model or a version was registered there is none, and the error says which."""
    live(registry, clock)
    with pytest.raises(ModelNotFound):
        registry.resolve("churn", at=at(0.5))
    with pytest.raises(VersionNotFound):
        registry.resolve("churn:2", at=at(2.5))


def test_an_instant_belongs_to_what_begins_there(registry: Any, clock: Clock) -> None:
    """Intervals include their beginning and not their end: never two, never none."""
    live(registry, clock)
    stays = [stay for stay in registry.history("churn") if stay.place == "Production"]
    assert [stay.version for stay in stays] == ["1", "2", "1"]
    for before, after in pairwise(stays):
        assert before.until == after.since
        assert registry.production("churn", at=after.since).label == after.version
        instant = after.since - timedelta(microseconds=1)
        assert registry.production("churn", at=instant).label == before.version
    assert stays[-1].until is None


def test_a_clock_that_goes_back(registry: Any, clock: Clock) -> None:
    """When the clock is set back, what happens next is still later on the record."""
    live(registry, clock)
    clock.now = at(-24)
    before = registry.production("churn")
    registry.promote("churn", "2")
    after = registry.production("churn")
    assert before.label == "1"
    assert after.label == "2"
    assert after.stage_since > before.stage_since
    assert registry.production("churn", at=after.stage_since).label == "2"
    times = [event.at for event in registry.audit(model="churn")]
    assert times == sorted(times)
    assert registry.verify_audit().ok


def test_deleted_and_restored(registry: Any, clock: Clock) -> None:
    """What was deleted is still found at the moments when it was there, and only then."""
    live(registry, clock)
    clock.now = at(6)
    registry.delete_model("churn", force=True)
    clock.now = at(7)
    registry.restore_model("churn")
    clock.now = at(8)
    assert registry.production("churn", at=at(5.5)).label == "1"
    with pytest.raises((ModelNotFound, StageEmpty)):
        registry.production("churn", at=at(6.5))
    assert registry.production("churn", at=at(7.5)).label == "1"
    assert registry.production("churn").label == "1"


def test_a_name_that_was_taken_anew(registry: Any, clock: Clock) -> None:
    """A name given to another model means, in the past, the model that had it then."""
    live(registry, clock)
    clock.now = at(6)
    registry.delete_model("churn", force=True)
    clock.now = at(7)
    uid = registry.register_model("churn", "9").uid
    assert registry.resolve("churn", at=at(7.5)).uid == uid
    assert registry.resolve("churn@latest", at=at(5.5)).label == "2"
