"""With a bucket, large chunks go straight between client and bucket; without, nothing changes."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from access_world import STRANGER, Access
from lockgate.artifacts.store import blob_digest
from lockgate.bootstrap import acting, open_store
from lockgate.errors import BlobNotFound, DigestMismatch
from lockgate.registry import Registry
from lockgate.sdk.client import Client
from lockgate.settings import Settings
from registries import Server, a_server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that every test puts its own registry behind."""
    with a_server() as made:
        yield made


@pytest.fixture
def registry(s3_url: str, tmp_path: Path) -> Registry:
    """A registry whose files lie in a bucket."""
    base, _, query = s3_url.partition("?")
    settings = Settings(
        database=f"sqlite:///{tmp_path}/lockgate.db",
        artifacts=f"{base}/{uuid.uuid4().hex}?{query}",
        cache=str(tmp_path / "cache"),
    )
    return Registry(open_store(settings.database, settings), acting(settings, "ana"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder with large chunks and small ones."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "large.bin").write_bytes(random.Random(1).randbytes(6_000_000))
    (folder / "small.txt").write_text("small")
    return folder


class Counting:
    """A registry that counts what passes through the server."""

    def __init__(self, registry: Registry) -> None:
        self.bytes_put = 0
        self._put = registry.depot.blobs.put_many
        registry.depot.blobs.put_many = self._count  # type: ignore[method-assign]

    def _count(self, blobs: object) -> None:
        assert isinstance(blobs, list)
        self.bytes_put += sum(len(data) for _, data in blobs)
        self._put(blobs)


def test_large_chunks_pass_the_server_by(
    server: Server, registry: Registry, out: Path, tmp_path: Path
) -> None:
    """What is pushed straight to the bucket is verified and sealed, and pulled back the same."""
    counting = Counting(registry)
    with server.serving(registry), Client(server.url, cache=tmp_path / "client") as client:
        made = client.push(out, "churn", "1")
        assert counting.bytes_put < 3_000_000
        urls = client.download_urls("churn:1", list(client.manifest("churn:1").chunk_sizes))
        assert all(url and url.startswith("http") for url in urls)
        client.pull("churn:1", tmp_path / "back")
        assert client.verify_artifacts("churn:1").ok
        assert made.digest == client.manifest("churn:1").digest
    for name in ("large.bin", "small.txt"):
        assert (tmp_path / "back" / name).read_bytes() == (out / name).read_bytes()


def test_a_bucket_out_of_reach(
    server: Server, registry: Registry, out: Path, tmp_path: Path
) -> None:
    """A client that cannot reach the bucket sends and fetches everything through the server."""

    def nowhere(_digest: str, _expires_s: int, _sender: str = "") -> str:
        return "http://127.0.0.1:1/bucket/blob"

    blobs = registry.depot.blobs
    blobs.find_upload_url = blobs.find_download_url = nowhere  # type: ignore[method-assign]
    with server.serving(registry), Client(server.url, cache=tmp_path / "client") as client:
        client.push(out, "churn", "1")
        client.pull("churn:1", tmp_path / "back")
    assert (tmp_path / "back" / "large.bin").read_bytes() == (out / "large.bin").read_bytes()


def test_something_else_at_the_url(server: Server, registry: Registry) -> None:
    """Bytes that are not those of the digest are not admitted, whoever sent them."""
    digest = "blake3:" + "a" * 64
    with server.serving(registry), Client(server.url) as client:
        (url,) = client.upload_urls([digest])
        assert url is not None
        httpx.put(url, content=b"something else", trust_env=False).raise_for_status()
        with pytest.raises(DigestMismatch):
            client.admit_blobs([digest])
        assert client.missing([digest]) == {digest}


def test_what_another_sent_is_not_to_be_had(server: Server, s3_url: str) -> None:
    """Who knows the digest of what is on its way in the bucket cannot have it admitted.

    Neither before it is admitted to whoever sent it nor after, and not by a URL of their own.
    """
    base, _, query = s3_url.partition("?")
    access = Access(artifacts=f"{base}/{uuid.uuid4().hex}?{query}")
    data = random.Random(2).randbytes(1_000)
    digest = blob_digest(data)
    with (
        server.serving(access.registry),
        Client(server.url, token=access.tokens["contributor"]) as ours,
        Client(server.url, token=access.tokens[STRANGER]) as eves,
    ):
        (url,), (other,) = ours.upload_urls([digest]), eves.upload_urls([digest])
        assert url is not None
        assert other is not None
        assert url.partition("?")[0] != other.partition("?")[0]
        httpx.put(url, content=data, trust_env=False).raise_for_status()
        with pytest.raises(BlobNotFound):
            eves.admit_blobs([digest])
        assert (ours.missing([digest]), eves.missing([digest])) == ({digest}, {digest})
        # What is no such blob in a place of their own harms nobody's.
        httpx.put(other, content=b"something else", trust_env=False).raise_for_status()
        with pytest.raises(DigestMismatch):
            eves.admit_blobs([digest])
        ours.admit_blobs([digest])
        assert (ours.missing([digest]), eves.missing([digest])) == (set(), {digest})
        with pytest.raises(BlobNotFound):
            eves.admit_blobs([digest])
        assert eves.missing([digest]) == {digest}
