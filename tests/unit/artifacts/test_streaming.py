"""Files that come as a stream are cut exactly as files on a disk are."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from lockgate.artifacts.objects import ObjectStore
from lockgate.artifacts.opening import open_store
from lockgate.artifacts.pushing import hash_tree
from lockgate.artifacts.streaming import keep_stream
from lockgate.errors import InvalidInput, InvalidManifest


def stream(data: bytes, piece: int) -> object:
    """Hand out bytes in pieces of a length of its own, whatever is asked."""
    left = bytearray(data)

    def more(_about: int) -> bytes:
        taken = bytes(left[:piece])
        del left[:piece]
        return taken

    return more


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    """A file for each way of cutting."""
    tensors = {f"t{i}": np.random.default_rng(i).random(500_000) for i in range(3)}
    tensors |= {f"tiny{i}": np.ones(i + 1) for i in range(20)}
    save_file(tensors, tmp_path / "m.safetensors")
    return {
        "m.safetensors": (tmp_path / "m.safetensors").read_bytes(),
        "random.bin": os.urandom(9_000_001),
        "zeros.bin": bytes(5_000_000),
        "small.txt": b"small",
        "empty.txt": b"",
        "liar.safetensors": b"\xff" * 300_000,
    }


@pytest.mark.parametrize("piece", [1_000, 2**20, 2**30])
def test_a_stream_has_the_manifest_of_the_file(
    files: dict[str, bytes], tmp_path: Path, piece: int
) -> None:
    """Digest, chunks and tensors are those of the same bytes in a file; all is in the store."""
    store = open_store("memory://")
    assert isinstance(store, ObjectStore)
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        manifest = keep_stream(name, len(data), stream(data, piece), store)  # type: ignore[arg-type]
        assert manifest == hash_tree(tmp_path / name)
        assert store.read_manifest(manifest.digest) == manifest.encoded
        [entry] = manifest.files
        assert b"".join(store.read(chunk.digest) for chunk in entry.chunks) == data


@pytest.mark.parametrize("size", [10, 400_000])
def test_too_few_and_too_many_bytes(size: int) -> None:
    """A stream that ends early, or goes on, is refused, and has no manifest."""
    store = open_store("memory://")
    for length in (size - 1, size + 1):
        with pytest.raises(InvalidInput):
            keep_stream("a.bin", size, stream(bytes(length), 7_000), store)  # type: ignore[arg-type]
    assert list(store.list_manifests()) == []


def test_a_path_that_no_version_may_hold() -> None:
    """The path is judged before a byte is read."""
    with pytest.raises(InvalidManifest):
        keep_stream("../a", 1, stream(b"1", 1), open_store("memory://"))  # type: ignore[arg-type]
