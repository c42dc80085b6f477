"""Remote write: what a Prometheus sends, byte by byte, becomes observations of versions."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cramjam import snappy

from access_world import STRANGER, Access
from lockgate.dialects import dialects_named
from lockgate.dialects.prometheus.messages import PLAIN_BYTES_MAX
from lockgate.http.app import build_app
from lockgate.registry import Registry
from lockgate.settings import Settings
from registries import Server, embedded, running
from remote_writes import HEADERS, Series, literally, request_of, varint

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
PATH = "/api/v1/prometheus/write"
STALE = struct.unpack("<d", bytes.fromhex("0200000000 00f07f".replace(" ", "")))[0]
"""The NaN that marks a series that has ended."""


def labelled(metric: str, version: str = "1", **more: str) -> dict[str, str]:
    """What a series is labelled with."""
    return {
        "__name__": metric,
        "instance": "10.0.0.1:9100",
        "lockgate_model": "churn",
        "lockgate_version": version,
        **more,
    }


# --- the server ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that takes remote write."""
    settings = Settings(database="memory://", failed_login_delay_s_max=0.0)
    app = build_app(embedded(), settings, dialects=dialects_named("prometheus"))
    with running(app) as url:
        yield Server(app, url)


@pytest.fixture
def registry(server: Server) -> Iterator[Registry]:
    """The registry behind it, with churn 1 and 2."""
    with server.serving(embedded()) as behind:
        for version in ("1", "2"):
            behind.register_model("churn", version)
        yield behind


@pytest.fixture
def http(server: Server, registry: Registry) -> Iterator[httpx.Client]:
    """A client without headers of its own."""
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        yield client


def values(registry: Registry, metric: str, version: str = "1") -> list[float]:
    """The means of each minute."""
    return [each.mean for each in registry.list_observations("churn", version, metric).points]


def sent(http: httpx.Client, series: list[Series]) -> httpx.Response:
    """What is answered to series."""
    return http.post(PATH, content=bytes(snappy.compress_raw(request_of(series))), headers=HEADERS)


def test_samples_become_observations(http: httpx.Client, registry: Registry) -> None:
    """Of the version that labels name, under a name of choice; others are passed over."""
    later = NOON + timedelta(minutes=1)
    answer = sent(
        http,
        [
            (labelled("model_auc"), [(0.9, NOON), (0.8, later)]),
            (labelled("model_auc", "2"), [(0.7, NOON), (STALE, later)]),
            (labelled("seconds", quantile="0.99", lockgate_metric="p99"), [(0.25, NOON)]),
            (labelled("other", lockgate_project="default"), [(-1.5, NOON)]),
            ({"__name__": "up", "instance": "a"}, [(1.0, NOON)]),
        ],
    )
    assert (answer.status_code, answer.content) == (204, b"")
    assert values(registry, "model_auc") == [0.9, 0.8]
    assert values(registry, "model_auc", "2") == [0.7]
    assert values(registry, "p99") == [0.25]
    assert values(registry, "other") == [-1.5]


def test_series_of_several_pods_count_each(http: httpx.Client, registry: Registry) -> None:
    """Also at one and the same moment."""
    series: list[Series] = [(labelled("auc", pod=str(pod)), [(pod / 10, NOON)]) for pod in range(5)]
    assert sent(http, series).status_code == 204
    (point,) = registry.list_observations("churn", "1", "auc").points
    assert (point.n, point.mean, point.low, point.high) == (5, pytest.approx(0.2), 0, 0.4)


def test_what_is_sent_again_counts_once(http: httpx.Client, registry: Registry) -> None:
    """As Prometheus does when an answer is lost; and Snappy without compression is Snappy."""
    plain = request_of([(labelled("auc"), [(0.9, NOON)])])
    for _ in range(3):
        answer = http.post(PATH, content=literally(plain), headers=HEADERS)
        assert answer.status_code == 204
    assert registry.list_observations("churn", "1", "auc").points[0].n == 1


def test_what_cannot_be_taken_in_is_told_and_the_rest_is(
    http: httpx.Client, registry: Registry
) -> None:
    """With a status for which Prometheus does not send it again."""
    answer = sent(
        http,
        [
            (labelled("auc", "9"), [(0.9, NOON)]),
            (labelled("auc", lockgate_model="fraud"), [(0.9, NOON)]),
            (labelled("auc"), [(0.9, NOON)]),
            (labelled("auc", "2"), [(0.9, datetime(2099, 1, 1, tzinfo=UTC))]),
        ],
    )
    assert answer.status_code == 400
    assert [line.partition(": ")[0] for line in answer.text.splitlines()] == [
        "default/churn:9",
        "default/fraud:1",
        "default/churn:2",
    ]
    assert values(registry, "auc") == [0.9]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"no snappy", {}, 400),
        (literally(b"no protocol buffer"), {}, 400),
        (literally(request_of([(labelled("auc"), [(1, NOON)])])[:-3]), {}, 400),
        (varint(PLAIN_BYTES_MAX + 1) + b"\x00a", {}, 413),
        (varint(2**32 - 1) + b"\x00a", {}, 413),
        (literally(b""), {"Content-Type": "application/json"}, 415),
        (literally(b""), {"Content-Encoding": "gzip"}, 415),
        (literally(b""), {"Content-Encoding": "identity"}, 415),
        (
            literally(b""),
            {"Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request"},
            415,
        ),
        (
            literally(b""),
            {"Content-Type": "application/x-protobuf;proto=prometheus.WriteRequest"},
            204,
        ),
        (b"\x00" * 5_000_000, {}, 413),
    ],
)
def test_what_is_no_remote_write_is_refused(
    http: httpx.Client, body: bytes, headers: dict[str, str], status: int
) -> None:
    """Neither broken, nor large before or after it is decompressed, nor of another version."""
    assert http.post(PATH, content=body, headers=HEADERS | headers).status_code == status


def test_other_paths_take_no_encoded_bodies(http: httpx.Client) -> None:
    """The exception is of one path."""
    answer = http.post("/api/v1/projects", content=b"{}", headers=HEADERS)
    assert answer.status_code == 415


def test_it_needs_the_permission_to_report(server: Server, tmp_path: Path) -> None:
    """By a token, in each project: nobody is asked who they are, strangers find nothing."""
    access = Access(artifacts=str(tmp_path / "files"))
    access.furnish(tmp_path, files=True)
    series: list[Series] = [(labelled("auc", lockgate_project="risk"), [(0.9, NOON)])]
    body = literally(request_of(series))
    with server.serving(access.registry), httpx.Client(base_url=server.url) as http:
        assert http.post(PATH, content=body, headers=HEADERS).status_code == 401
        for person, status in ((STRANGER, 400), ("viewer", 403), ("contributor", 204)):
            headers = HEADERS | access.headers(person)
            answer = http.post(PATH, content=body, headers=headers)
            assert (person, answer.status_code) == (person, status), answer.text
        assert len(access.registry.list_observations("risk/churn", "1", "auc").points) == 1
