"""Sources: a Prometheus server is asked for metrics, and what it says is kept and watched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lockgate.bootstrap import acting, open_store
from lockgate.errors import InvalidInput, SourceNotFound
from lockgate.registry import Registry
from lockgate.registry.desk import store_of
from lockgate.sdk.client import Client
from lockgate.services.sources import read_sources
from lockgate.settings import Settings
from prometheus_server import PrometheusServer
from registries import AnyRegistry, a_server, embedded

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
QUERY = 'model_auc{version="$version"}'


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


def opened(folder: Path, clock: Hand, hosts: str = "127.0.0.1") -> Registry:
    """A registry on the folder's database."""
    chosen = Settings(database=f"sqlite:///{folder}/lockgate.db", prometheus_hosts=hosts)
    return Registry(open_store(chosen.database, chosen, clock), acting(chosen, "ana"))


@pytest.fixture
def clock() -> Hand:
    """The clock of the test."""
    return Hand()


@pytest.fixture
def churn(tmp_path: Path, clock: Hand) -> Iterator[Registry]:
    """A registry with churn 2 in production since an hour, after 1."""
    with opened(tmp_path, clock) as registry:
        for version in ("1", "2"):
            registry.register_model("churn", version)
            registry.promote("churn", version)
            registry.promote("churn", version)
        yield registry


def total(registry: Registry, version: str = "2") -> int:
    """How many values there are."""
    return sum(each.n for each in registry.list_observations("churn", version, "auc").points)


def test_what_is_due_is_read_once(churn: Registry, clock: Hand) -> None:
    """A value a step of each series, up to a step ago, of the version that serves; none twice."""
    with PrometheusServer(lambda version, _: f"0.{version}", series=2) as prometheus:
        made = churn.set_source("churn", "auc", prometheus.url, QUERY, step_s=60)
        assert read_sources(store_of(churn)) == 0
        clock.pass_by(10)
        assert read_sources(store_of(churn)) == 18
        assert read_sources(store_of(churn)) == 0
        clock.pass_by(1)
        assert read_sources(store_of(churn)) == 2
    assert [each["query"] for each in prometheus.asked] == ['model_auc{version="2"}'] * 2
    assert prometheus.asked[0]["step"] == "60"
    assert (total(churn, "1"), total(churn)) == (0, 20)
    series = churn.list_observations("churn", "2", "auc")
    assert {each.mean for each in series.points} == {0.2}
    (after,) = churn.list_sources("churn")
    assert (after.read_until, after.error) == (NOON + timedelta(minutes=10), "")
    assert made.stage == "Production"


def test_what_fails_by_prometheus_is_rolled_back(churn: Registry, clock: Hand) -> None:
    """Looking at the monitors reads the sources first."""
    churn.set_monitor("churn", "auc", "auc", bound=0.8, min_samples=5, action="rollback")
    with PrometheusServer(lambda version, at: f"0.{version}{int(at) % 7}") as prometheus:
        churn.set_source("churn", "auc", prometheus.url, QUERY)
        clock.pass_by(17)
        assert [each.state for each in churn.evaluate_monitors()] == ["alarm"]
    assert churn.resolve("churn@production").label == "1"


def test_what_is_no_number_is_left_out(churn: Registry, clock: Hand) -> None:
    """NaN and infinity, as Prometheus writes them, and moments without a value."""
    said = ["NaN", "+Inf", "-Inf", "1e300", None, "0.5"]
    with PrometheusServer(lambda _, at: said[int(at) // 60 % 6]) as prometheus:
        churn.set_source("churn", "auc", prometheus.url, QUERY)
        clock.pass_by(13)
        assert read_sources(store_of(churn)) == 2


def test_a_server_that_fails_is_told_and_caught_up_with(churn: Registry, clock: Hand) -> None:
    """Its error stays with the source until it answers; an hour at most is read at once."""
    with PrometheusServer(lambda *_: "0.5") as prometheus:
        churn.set_source("churn", "auc", prometheus.url, QUERY)
        prometheus.broken = True
        clock.pass_by(30)
        assert read_sources(store_of(churn)) == 0
        (ill,) = churn.list_sources("churn")
        assert ill.error == "503: unavailable: the server is starting"
        prometheus.broken = False
        clock.pass_by(60)
        assert read_sources(store_of(churn)) == 59
        churn.set_source("churn", "auc", prometheus.url, "no promql")
        clock.pass_by(5)
        read_sources(store_of(churn))
        (wrong,) = churn.list_sources("churn")
        assert wrong.error.startswith("400: bad_data: 1:1: parse error")
    churn.set_source("churn", "auc", prometheus.url, QUERY)
    clock.pass_by(5)
    read_sources(store_of(churn))
    (gone,) = churn.list_sources("churn")
    assert gone.error.startswith("no answer: ")


def test_a_server_of_this_network_is_not_reached_unasked(tmp_path: Path, clock: Hand) -> None:
    """Only public addresses, and those that the setting names; the error says which it is."""
    with opened(tmp_path, clock, hosts="") as registry, PrometheusServer(str) as prometheus:
        registry.register_model("churn", "2")
        for _ in range(2):
            registry.promote("churn", "2")
        registry.set_source("churn", "auc", prometheus.url, QUERY)
        clock.pass_by(5)
        assert read_sources(store_of(registry)) == 0
        (refused,) = registry.list_sources("churn")
    assert "LOCKGATE_PROMETHEUS_HOSTS" in refused.error
    assert prometheus.asked == []


def test_a_name_stays_within_its_string(churn: Registry, clock: Hand) -> None:
    """Quotes and backslashes of a label are no PromQL."""
    label = "a\"b'c"
    churn.register_model("churn", label)
    for _ in range(2):
        churn.promote("churn", label)
    with PrometheusServer(lambda version, _: "1" if version == label else "0") as prometheus:
        churn.set_source("churn", "auc", prometheus.url, QUERY)
        clock.pass_by(3)
        assert read_sources(store_of(churn)) == 2
    assert churn.list_observations("churn", label, "auc").points[0].mean == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "prometheus:9090"},
        {"url": "file:///etc/passwd"},
        {"url": "http://ana:secret@prometheus"},
        {"url": "http://prometheus/?query=1"},
        {"query": "  "},
        {"step_s": 1},
        {"stage": "Nowhere"},
    ],
)
def test_what_is_no_source_is_refused(churn: Registry, wrong: dict[str, object]) -> None:
    """With what would be right."""
    given = {"url": "http://prometheus:9090", "query": QUERY, **wrong}
    with pytest.raises(InvalidInput):
        churn.set_source("churn", "auc", **given)  # type: ignore[arg-type]


def everything(registry: AnyRegistry) -> list[object]:
    """What every verb of sources answers."""
    registry.register_model("churn", "1")
    made = registry.set_source("churn", "auc", "http://prometheus:9090", QUERY, step_s=30)
    again = registry.set_source("churn", "auc", "http://prometheus:9090", QUERY, step_s=30)
    assert again == made
    assert registry.list_sources("churn") == (made,)
    assert registry.remove_source("churn", "auc") == made
    with pytest.raises(SourceNotFound):
        registry.remove_source("churn", "auc")
    actions = [each.action for each in registry.audit()][-2:]
    return [made.url, made.query, made.step_s, made.stage, actions]


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
