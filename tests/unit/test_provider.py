"""Versions as an origin: pinned by digest, fetched by chunk, withdrawn with the version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lockgate.coordination.cache import ModelCache
from lockgate.coordination.memory import MemoryBackend
from lockgate.coordination.providers import SourceFile
from lockgate.domain.claims import ModelKey
from lockgate.errors import (
    ArtifactNotFound,
    DigestMismatch,
    InvalidReference,
    ModelNotFound,
    ServerUnreachable,
    VersionNotFound,
)
from lockgate.provider import VersionProvider
from lockgate.registry import Registry
from lockgate.sdk.client import Client
from registries import AnyRegistry, a_server, embedded

# Larger than what is fetched at once, so that a read goes over several requests.
WEIGHTS = bytes(range(251)) * 36_000
FILES = {"config.json": b"{}", "weights/model.bin": WEIGHTS, "empty.txt": b""}


@pytest.fixture(params=["in this process", "on a server"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyRegistry]:
    """A registry of each kind, with churn 1.0.0 in Staging."""
    folder = tmp_path / "pushed"
    for path, data in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    if request.param == "in this process":
        with embedded(cache=str(tmp_path / "own")) as opened:
            yield filled(opened, folder)
        return
    with a_server() as server, Client(server.url, cache=tmp_path / "own") as client:
        yield filled(client, folder)


def filled(registry: AnyRegistry, folder: Path) -> AnyRegistry:
    registry.push(folder, "churn", "1.0.0")
    registry.transition("churn", "1.0.0", "Staging")
    return registry


def provider_of(registry: AnyRegistry, project: str = "default") -> VersionProvider:
    return VersionProvider(lambda: registry, project)


def closed() -> Registry:
    raise AssertionError("the registry was asked")


def test_any_reference_is_pinned_to_the_digest(registry):
    """Label, stage, project and scheme all lead to the same key, which names the bytes."""
    provider = provider_of(registry)
    digest = registry.resolve("churn@staging").digest
    expected = ModelKey("lockgate", "default/churn", digest)
    for reference in (
        "churn@staging",
        "churn:1.0.0",
        "churn",
        "default/churn@latest",
        "lockgate://churn@staging",
        f"churn@{digest}",
    ):
        assert provider.resolve(reference, ignore_weights=False) == expected
    light = provider.resolve("churn@staging", ignore_weights=True)
    assert light == ModelKey("lockgate", "default/churn", f"{digest}+without-weights")


def test_digest_is_resolved_without_asking():
    """A reference that is pinned already needs no registry."""
    digest = "sha256:" + "0" * 64
    key = VersionProvider(closed, "risk").resolve(f"churn@{digest}", ignore_weights=False)
    assert key == ModelKey("lockgate", "risk/churn", digest)


def test_files_are_those_of_the_manifest(registry):
    """Every file comes with its size and SHA-256; without weights, the weights are left out."""
    provider = provider_of(registry)
    key = provider.resolve("churn", ignore_weights=False)
    manifest = registry.manifest("churn:1.0.0")
    assert list(provider.list_files(key)) == [
        SourceFile(file.path, file.size, file.sha256, file.sha256) for file in manifest.files
    ]
    light = provider.resolve("churn", ignore_weights=True)
    assert [file.path for file in provider.list_files(light)] == ["config.json", "empty.txt"]


@pytest.mark.parametrize("offset", [0, 1, 8_500_000, len(WEIGHTS) - 1, len(WEIGHTS)])
def test_reading_begins_anywhere(registry, offset):
    """The bytes from an offset on, whichever chunk it lies in."""
    provider = provider_of(registry)
    key = provider.resolve("churn", ignore_weights=False)
    file = next(f for f in provider.list_files(key) if f.path == "weights/model.bin")
    assert b"".join(provider.read(key, file, offset)) == WEIGHTS[offset:]


def test_cache_brings_a_version(registry, tmp_path):
    """A cache with this provider returns a folder with exactly the files that were pushed."""
    with ModelCache(
        tmp_path / "cache", MemoryBackend(), providers=[provider_of(registry)]
    ) as cache:
        path = cache.ensure("churn@staging")
        found = {
            file.relative_to(path).as_posix(): file.read_bytes()
            for file in path.rglob("*")
            if file.is_file()
        }
    assert found == FILES


def test_what_is_not_there_is_said(registry):
    """Unknown models, versions and digests, and versions without files, each say what is wrong."""
    provider = provider_of(registry)
    registry.register_model("bare", "1", "s3://elsewhere/x")
    for reference, error in (
        ("nobody@staging", ModelNotFound),
        ("churn:9", VersionNotFound),
        ("bare:1", ArtifactNotFound),
        ("churn@", InvalidReference),
    ):
        with pytest.raises(error):
            provider.resolve(reference, ignore_weights=False)
    with pytest.raises(VersionNotFound):
        provider.list_files(ModelKey("lockgate", "default/churn", "sha256:" + "0" * 64))


def test_withdrawn_with_the_last_version(registry, tmp_path):
    """Bytes are withdrawn once every version that has them is archived or deleted."""
    provider = provider_of(registry)
    key = provider.resolve("churn", ignore_weights=False)
    light = provider.resolve("churn", ignore_weights=True)
    registry.push(tmp_path / "pushed", "churn", "1.0.1")
    registry.archive("churn", "1.0.0")
    assert [provider.is_withdrawn(each) for each in (key, light)] == [False, False]
    registry.delete_version("churn", "1.0.1")
    assert [provider.is_withdrawn(each) for each in (key, light)] == [True, True]
    registry.restore_version("churn", "1.0.1")
    assert not provider.is_withdrawn(key)
    registry.delete_model("churn", force=True)
    assert provider.is_withdrawn(key)


def test_other_origins_are_not_judged():
    """Whether a model of another provider is withdrawn is not ours to say."""
    assert not VersionProvider(closed).is_withdrawn(ModelKey("hf", "org/name", "1"))


class Liar:
    """A registry whose chunks are cut short or missing."""

    def __init__(self, registry: Registry, chunks: list[bytes]) -> None:
        self._registry, self._chunks = registry, chunks

    def __getattr__(self, name: str):
        return getattr(self._registry, name)

    def chunks(self, _version):
        return lambda _digests: self._chunks


@pytest.mark.parametrize(("chunks", "error"), [([b"{]"], DigestMismatch), ([], ServerUnreachable)])
def test_chunks_are_verified(tmp_path, chunks, error):
    """A chunk that is not its digest, or does not come, is an error and no bytes."""
    (tmp_path / "config.json").write_bytes(b"{}")
    with embedded(cache=str(tmp_path / "own")) as registry:
        registry.push(tmp_path / "config.json", "churn")
        provider = VersionProvider(lambda: Liar(registry, chunks))
        key = provider.resolve("churn", ignore_weights=False)
        [file] = provider.list_files(key)
        with pytest.raises(error):
            list(provider.read(key, file, 0))
