"""Models in a bucket, through a server that speaks S3."""

from __future__ import annotations

import uuid
from urllib.parse import parse_qs, urlsplit

import obstore
import pytest
from obstore.store import S3Store

from cache_origin import LIMITS, files_below
from lockgate.coordination.cache import ModelCache
from lockgate.coordination.memory import MemoryBackend
from lockgate.coordination.origins import default_providers
from lockgate.errors import ArtifactNotFound, Conflict, Forbidden

FILES = {"config.json": b"{}", "weights/a.safetensors": bytes(range(256)) * 40_000}


@pytest.fixture
def reference(s3_url, monkeypatch) -> str:
    """A model in a bucket of a server, which the environment names as a user's would."""
    parts = urlsplit(s3_url)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if "endpoint" in options:
        monkeypatch.setenv("AWS_ENDPOINT_URL", options["endpoint"])
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_REGION", options.get("region", "us-east-1"))
    prefix = f"{parts.path.strip('/')}/models/{uuid.uuid4().hex}".lstrip("/")
    store = S3Store(parts.netloc)
    for path, data in FILES.items():
        obstore.put(store, f"{prefix}/{path}", data)
    return f"s3://{parts.netloc}/{prefix}"


def test_prefix_is_brought_whole(reference, tmp_path):
    """Every object under the prefix is a file of the model; without weights, the others are."""
    with ModelCache(tmp_path, MemoryBackend(), limits=LIMITS) as cache:
        assert files_below(cache.ensure(reference)) == FILES
        light = cache.ensure(reference, ignore_weights=True)
        assert files_below(light) == {"config.json": b"{}"}
        with pytest.raises((ArtifactNotFound, Forbidden)):
            cache.ensure(f"{reference}-nothing")


def test_objects_are_read_from_any_byte_of_one_version(reference):
    """A resumed read goes on with the same bytes, or says that they have changed."""
    provider = next(each for each in default_providers() if each.name == "s3")
    key = provider.resolve(reference, ignore_weights=False)
    file = next(each for each in provider.list_files(key) if each.path.endswith(".safetensors"))
    data = FILES[file.path]
    assert b"".join(provider.read(key, file, 5_000_000)) == data[5_000_000:]
    bucket, _, prefix = key.model.partition("/")
    obstore.put(S3Store(bucket), f"{prefix}/{file.path}", data[::-1])
    assert provider.resolve(reference, ignore_weights=False) != key
    with pytest.raises(Conflict):
        list(provider.read(key, file, 5_000_000))
