"""A push over HTTP: what the server hashed while it came is not read again before the seal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lockgate.artifacts.local import LocalStore
from lockgate.artifacts.passing import FILES, PassingHashes
from lockgate.artifacts.pushing import hash_tree
from lockgate.domain.manifests import build_manifest
from lockgate.errors import Corrupt, InvalidInput, RegistryError
from lockgate.sdk.client import Client
from lockgate.services.depot import Depot
from lockgate.wire.parts import read_part
from registries import Server, a_server, embedded


class Watched(LocalStore):
    """A local store that notes which blobs are read back."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.was_read: list[str] = []

    def read(self, digest: str) -> bytes:
        self.was_read.append(digest)
        return super().read(digest)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "store")


@pytest.fixture
def server() -> Iterator[Server]:
    with a_server() as made:
        yield made


@pytest.fixture
def client(server: Server, watched: Watched, tmp_path: Path) -> Iterator[Client]:
    """A client of a server whose store is watched, and which is patient on a busy machine."""
    registry = embedded(f"sqlite:///{tmp_path}/r.db")
    depot = Depot(lambda: watched)
    depot.passing = PassingHashes(patience_s=60)
    registry._store.depot = depot
    with server.serving(registry), Client(server.url, cache=tmp_path / "cache") as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One file of many chunks and some small ones, of which no format is known."""
    made = tmp_path / "out"
    made.mkdir()
    chance = np.random.default_rng(0)
    (made / "large.bin").write_bytes(chance.bytes(30 * 2**20))
    for number in range(5):
        (made / f"{number}.bin").write_bytes(chance.bytes(5_000))
    return made


def test_what_was_hashed_as_it_came_is_not_read_again(
    client: Client, watched: Watched, folder: Path
) -> None:
    """A large file's first chunk is read, to see what it is; nothing else is."""
    expected = hash_tree(folder)
    assert client.push(folder, "churn", "1").digest == expected.digest
    large = expected.find_file("large.bin")
    assert large is not None
    assert watched.was_read == [large.chunks[0].digest]
    assert len(expected.chunk_sizes) > 20


def test_a_server_that_knows_nothing_reads_again(
    client: Client, server: Server, watched: Watched, folder: Path
) -> None:
    """After a restart between the last chunk and the seal, all is read, and the seal holds."""
    manifest = hash_tree(folder)
    client._send(folder, None)
    server.app.state.registry.depot.passing = PassingHashes()
    assert client.seal("churn", manifest, "1").digest == manifest.digest
    assert set(watched.was_read) == set(manifest.chunk_sizes)


def test_a_client_that_says_what_is_not_so(client: Client, folder: Path) -> None:
    """Hashes in a manifest that are not those of the chunks are refused, whoever saw them come."""
    manifest = hash_tree(folder)
    client._send(folder, None)
    false = [replace(manifest.files[0], sha256="0" * 64), *manifest.files[1:]]
    with pytest.raises(Corrupt, match="nothing was sealed"):
        client.seal("churn", build_manifest(false), "1")
    assert client.seal("churn", manifest, "1").digest == manifest.digest


@pytest.mark.parametrize(
    "text", ["", "file", "f" * 32, f"{'f' * 32} 5 5", f"{'f' * 32} -1 5", f"{'F' * 32} 0 5"]
)
def test_parts_that_are_none(text: str) -> None:
    """A header that names no part is refused with what it should have been."""
    with pytest.raises(InvalidInput, match="A part is"):
        read_part(text)


def test_a_part_of_nothing(client: Client) -> None:
    """A part that is refused keeps no blob."""
    manifest_less = [("blake3:" + "0" * 64, b"not these")]
    with pytest.raises(RegistryError):
        client.put_blobs(manifest_less, FILES)
    assert client.missing(["blake3:" + "0" * 64]) == {"blake3:" + "0" * 64}
