"""Monitoring: what versions do in use is kept and watched, and what fails is rolled back once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep

import pytest

from lockgate.bootstrap import acting, open_store
from lockgate.domain.observations import GRAINS_S
from lockgate.errors import InvalidInput, MonitorNotFound
from lockgate.registry import Registry
from lockgate.registry.desk import store_of
from lockgate.sdk.client import Client
from lockgate.services.observations import forget_observations
from lockgate.services.watcher import Watcher, WatchRules
from lockgate.settings import Settings
from registries import AnyRegistry, a_server, embedded

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)


class Hand:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        """What it shows."""
        return self.now

    def pass_by(self, minutes: int) -> None:
        """Move it."""
        self.now += timedelta(minutes=minutes)


def opened(folder: Path, clock: Hand) -> Registry:
    """A registry on the folder's database."""
    url = f"sqlite:///{folder}/lockgate.db"
    chosen = Settings(database=url)
    return Registry(open_store(url, chosen, clock), acting(chosen, "ana"))


@pytest.fixture
def clock() -> Hand:
    """The clock of the test."""
    return Hand()


@pytest.fixture
def churn(tmp_path: Path, clock: Hand) -> Iterator[Registry]:
    """A registry with churn 2 in production, after 1 an hour ago."""
    with opened(tmp_path, clock) as registry:
        for version in ("1", "2"):
            registry.register_model("churn", version, metrics={"auc": 0.9})
            registry.promote("churn", version)
        registry.promote("churn", "1")
        clock.pass_by(60)
        registry.promote("churn", "2")
        yield registry


def observe(churn: Registry, clock: Hand, version: str, mean: float, minutes: int) -> None:
    """Values around a mean, ten a minute, as the minutes pass by."""
    for _ in range(minutes):
        clock.pass_by(1)
        at = clock.now - timedelta(minutes=1)
        wobble = [mean + (index - 4.5) / 1_000 for index in range(10)]
        batch = [{"at": at + timedelta(seconds=5), "metrics": {"auc": each}} for each in wobble]
        churn.report_observations("churn", version, batch)


def in_production(churn: Registry) -> str:
    """Which version serves."""
    return churn.resolve("churn@production").label


def test_what_fails_is_rolled_back_with_its_evidence(churn: Registry, clock: Hand) -> None:
    """Within its windows, once, as an event and a passage that say why; then it rests."""
    churn.set_monitor("churn", "auc", "auc", bound=0.8, action="rollback", window_s=300)
    observe(churn, clock, "2", 0.85, 16)
    assert churn.evaluate_monitors() == ()
    observe(churn, clock, "2", 0.7, 20)
    (alarmed,) = churn.evaluate_monitors()
    assert (alarmed.state, alarmed.version) == ("alarm", "2")
    assert in_production(churn) == "1"
    (event,) = churn.audit(action="monitor_alarm")
    assert event.detail["limit"] == 0.8
    assert [round(each["mean"], 3) for each in event.detail["windows"]] == [0.7] * 3
    passage = churn.get_transitions("churn", "1")[-1]
    assert (passage.verb, passage.actor) == ("rollback", "ana")
    assert "Monitor 'auc'" in passage.comment
    assert churn.evaluate_monitors() == ()
    assert churn.verify_audit().ok


def test_it_does_not_flap(churn: Registry, clock: Hand) -> None:
    """Within the cooldown a second alarm is told and nothing else; after it, it acts again."""
    churn.set_monitor("churn", "auc", "auc", bound=0.8, action="rollback", cooldown_s=7_200)
    observe(churn, clock, "2", 0.7, 20)
    churn.evaluate_monitors()
    assert in_production(churn) == "1"
    churn.promote("churn", "2")
    observe(churn, clock, "2", 0.7, 20)
    (again,) = churn.evaluate_monitors()
    assert again.state == "alarm"
    assert in_production(churn) == "2"
    observe(churn, clock, "2", 0.9, 20)
    (well,) = churn.evaluate_monitors()
    assert well.state == "ok"
    assert [each.action for each in churn.audit()][-1] == "monitor_recovered"


def test_two_servers_at_once_roll_back_once(churn: Registry, clock: Hand, tmp_path: Path) -> None:
    """Both look at the same moment; one passage and one alarm are on record."""
    churn.set_monitor("churn", "auc", "auc", bound=0.8, action="rollback")
    observe(churn, clock, "2", 0.7, 20)
    with opened(tmp_path, clock) as other, ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(each.evaluate_monitors) for each in (churn, other)]:
            done.result()
    assert in_production(churn) == "1"
    assert len(list(churn.audit(action="monitor_alarm"))) == 1
    verbs = [each.verb for each in churn.get_transitions("churn", "1")]
    assert verbs.count("rollback") == 1


def test_a_server_looks_by_itself(churn: Registry, clock: Hand) -> None:
    """Its watcher rolls back what fails, without anybody asking."""
    churn.set_monitor("churn", "auc", "auc", bound=0.8, action="rollback")
    observe(churn, clock, "2", 0.7, 20)
    watcher = Watcher(store_of(churn), WatchRules(every_s=0.02))
    watcher.start()
    give_up_s = monotonic() + 20
    while in_production(churn) != "1" and monotonic() < give_up_s:
        sleep(0.02)
    watcher.stop()
    assert in_production(churn) == "1"


def test_against_itself_and_the_incumbent(churn: Registry, clock: Hand) -> None:
    """A version is held to its own metric, or to what the one before did in use."""
    churn.set_monitor("churn", "own", "auc", against="metrics", bound=0.05)
    churn.set_monitor("churn", "last", "auc", against="incumbent", bound=0.05)
    batch = [
        {"at": NOON + timedelta(minutes=50, seconds=each), "metrics": {"auc": 0.7 + each / 1e4}}
        for each in range(60)
    ]
    churn.report_observations("churn", "1", batch)
    observe(churn, clock, "2", 0.72, 20)
    assert [each.name for each in churn.evaluate_monitors()] == ["own"]
    assert in_production(churn) == "2"


def test_monitors_come_and_go(churn: Registry) -> None:
    """By name, audited."""
    made = churn.set_monitor("churn", "auc", "auc", bound=0.8)
    assert made.rule.stage == "Production"
    assert churn.list_monitors("churn") == (made,)
    assert churn.set_monitor("churn", "auc", "auc", bound=0.8) == made
    assert churn.remove_monitor("churn", "auc") == made
    with pytest.raises(MonitorNotFound):
        churn.remove_monitor("churn", "auc")
    actions = [event.action for event in churn.audit()][-2:]
    assert actions == ["set_monitor", "remove_monitor"]


def test_a_chart_reads_the_grain_that_fits(churn: Registry) -> None:
    """Minutes for an hour, hours for days; forgotten minutes leave their hours behind."""
    batch = [
        {"at": NOON - timedelta(minutes=each), "metrics": {"auc": 0.5 + each / 10_000}}
        for each in range(2_000)
    ]
    assert churn.report_observations("churn", "2", batch).count == 2_000
    fine = churn.list_observations(
        "churn", "2", "auc", since=NOON - timedelta(minutes=60), until=NOON, points=60
    )
    assert (fine.step_s, len(fine.points)) == (60, 60)
    assert {each.n for each in fine.points} == {1}
    coarse = churn.list_observations("churn", "2", "auc", points=30)
    assert coarse.step_s == 3_600 * 2
    assert sum(each.n for each in coarse.points) == 2_000
    assert coarse.points[0].high == pytest.approx(0.5 + 1_999 / 10_000)
    keep = dict.fromkeys(GRAINS_S, 1)
    assert forget_observations(store_of(churn), keep) > 0
    assert churn.list_observations("churn", "2", "nothing").points == ()
    kept = churn.list_observations("churn", "2", "auc", points=2_000)
    assert sum(each.n for each in kept.points) < 2_000


@pytest.mark.parametrize(
    "wrong",
    [{}, [], None, {"auc": "x"}, {"auc": float("nan")}, [{"auc": 1}], [{"metrics": {}}], "auc"],
)
def test_what_are_no_observations_is_refused(churn: Registry, wrong: object) -> None:
    """With what would be right; nor from the future."""
    with pytest.raises(InvalidInput):
        churn.report_observations("churn", "2", wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="an hour ahead"):
        churn.report_observations("churn", "2", {"auc": 1}, at=NOON + timedelta(hours=3))


def everything(registry: AnyRegistry) -> list[object]:
    """What every verb of monitoring answers."""
    registry.register_model("churn", "1")
    registry.promote("churn", "1")
    registry.promote("churn", "1")
    moment = NOON - timedelta(days=1)
    made = registry.set_monitor("churn", "auc", "auc", bound=0.5, action="rollback")
    return [
        registry.report_observations("churn", "1", {"auc": 0.87, "ms": 41}, at=moment),
        registry.report_observations("churn", 1, [{"at": moment, "metrics": {"auc": 0.89}}]),
        registry.list_observations("churn", "1", "auc", since=moment, points=5).points[0].mean,
        (made.rule, [each.name for each in registry.list_monitors("churn")]),
        registry.evaluate_monitors(),
        registry.remove_monitor("churn", "auc").rule,
    ]


def test_over_http_it_is_the_same() -> None:
    """Every verb answers what it answers in this process."""
    with (
        a_server() as server,
        server.serving(embedded()),
        embedded() as here,
        Client(server.url, actor="ana") as client,
    ):
        assert everything(client) == everything(here)


def test_on_postgresql_it_is_the_same(postgres_url: str) -> None:
    """Every verb answers what it answers on SQLite."""
    with embedded(postgres_url) as there, embedded() as here:
        assert everything(there) == everything(here)
