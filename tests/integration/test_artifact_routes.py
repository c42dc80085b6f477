"""The routes of files: ranges, attachments, and bodies that are not what they should be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from lockgate.artifacts.store import blob_digest
from lockgate.sdk.client import Client
from lockgate.wire import frames
from registries import Server, a_server, embedded

TYPE = {"Content-Type": frames.MEDIA_TYPE}
TEXT = b"0123456789" * 100


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server with one version of two files."""
    with a_server() as made:
        yield made


@pytest.fixture(scope="module")
def url(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the version."""
    folder = tmp_path_factory.mktemp("routes")
    out = folder / "out"
    (out / "sub").mkdir(parents=True)
    (out / "sub" / "ta ble.csv").write_bytes(TEXT)
    (out / "empty.txt").write_bytes(b"")
    with server.serving(embedded()), Client(server.url, cache=folder / "cache") as client:
        client.push(out, "churn", "1")
        yield f"{server.url}/api/v1/projects/default/models/churn/versions/1"


def get(url: str, **headers: str) -> httpx.Response:
    return httpx.get(url, headers=headers, trust_env=False)


def test_a_file_is_an_attachment(url: str) -> None:
    """A browser saves a file under its own name and never shows what it holds."""
    answer = get(f"{url}/files/sub/ta%20ble.csv")
    assert (answer.status_code, answer.content) == (200, TEXT)
    headers = answer.headers
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''ta%20ble.csv"
    assert headers["x-content-type-options"] == "nosniff"
    assert get(f"{url}/files/empty.txt").content == b""


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0), ("bytes=5-14", 5, 14), ("bytes=990-", 990, 999),
        ("bytes=-3", 997, 999), ("bytes=995-5000", 995, 999),
    ],
)  # fmt: skip
def test_ranges(url: str, header: str, first: int, last: int) -> None:
    """A part of a file is a 206 that says which part."""
    answer = get(f"{url}/files/sub/ta%20ble.csv", range=header)
    assert (answer.status_code, answer.content) == (206, TEXT[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/1000"


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=7-3", "bytes=-0"])
def test_ranges_outside(url: str, header: str) -> None:
    """A range that holds no byte is a 416 that tells the size."""
    answer = get(f"{url}/files/sub/ta%20ble.csv", range=header)
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */1000")


@pytest.mark.parametrize("header", ["bytes=1-2,4-5", "lines=1-2", "bytes=-", "nonsense"])
def test_ranges_that_are_none(url: str, header: str) -> None:
    """A header that is no single range of bytes is answered with the whole file."""
    assert get(f"{url}/files/sub/ta%20ble.csv", range=header).status_code == 200


@pytest.mark.parametrize("path", ["../../etc/passwd", "..%2f..%2fetc", "sub", "", "sub//x", "%00"])
def test_paths_are_keys(url: str, path: str) -> None:
    """A path that is no file of the version opens nothing."""
    raw = httpx.URL(url).raw_path + b"/files/" + path.encode()
    with httpx.Client(trust_env=False) as client:
        answer = client.get(httpx.URL(url).copy_with(raw_path=raw))
    assert answer.status_code in (400, 404)


@pytest.mark.parametrize(
    "body",
    [b"x", b"\0" * 36 + b"x" * 10, b"\0" * 32 + b"\xff\xff\xff\xff", b"\1" * 32 + b"\0\0\0\1x"],
)
def test_bodies_that_are_no_blobs(url: str, body: bytes) -> None:
    """A body that breaks off, or whose blob is another, is refused and keeps nothing."""
    base = url.partition("/projects")[0]
    answer = httpx.post(f"{base}/artifacts/blobs", content=body, headers=TYPE, trust_env=False)
    assert answer.status_code in (400, 422)


def test_a_body_of_another_type(url: str) -> None:
    """Blobs and manifests say what they are; a body too large is refused before it is read."""
    base = url.partition("/projects")[0]
    for path in ("blobs", "manifests"):
        answer = httpx.post(f"{base}/artifacts/{path}", content=b"{}", trust_env=False)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    large = httpx.post(
        f"{base}/artifacts/blobs", content=b"x" * (17 * 2**20), headers=TYPE, trust_env=False
    )
    assert (large.status_code, large.json()["code"]) == (413, "limit_exceeded")


def test_chunks_belong_to_versions(server: Server, url: str, tmp_path: Path) -> None:
    """A chunk that is in the store but not in the version is not handed out by it."""
    other = b"of another project"
    with Client(server.url) as client:
        client.put_blobs([(blob_digest(other), other)])
        assert client.missing([blob_digest(other)]) == set()
    for path in ("blobs", "urls"):
        body = {"digests": [blob_digest(other)]}
        answer = httpx.post(f"{url}/{path}", json=body, trust_env=False)
        assert (answer.status_code, answer.json()["code"]) == (404, "blob_not_found")


def test_a_push_sent_twice(server: Server, url: str, tmp_path: Path) -> None:
    """A seal that is repeated under its key makes one version, and says so."""
    path = f"{url.partition('/versions')[0]}/seals"
    digest = get(f"{url}/manifest").headers["etag"].strip('"')
    headers = {"Idempotency-Key": "once"}
    answers = [
        httpx.post(path, json={"manifest": digest}, headers=headers, trust_env=False)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotency-replayed"] == "true"
