"""Moves: how far tensors that changed are from where they were."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from lockgate.artifacts.moves import tensor_moves
from lockgate.artifacts.opening import open_store
from lockgate.artifacts.pushing import push_tree
from lockgate.artifacts.store import BlobStore
from lockgate.domain.differences import diff_manifests
from lockgate.domain.manifests import Manifest


def pushed(folder: Path, store: BlobStore, **tensors: np.ndarray) -> Manifest:
    """The manifest of a safetensors file of these tensors, whose chunks are in the store."""
    folder.mkdir()
    save_file(tensors, folder / "m.safetensors")
    return push_tree(folder, store).manifest


def test_moves(tmp_path: Path) -> None:
    """A tensor scaled by 1.1 moved a tenth of its norm; what is the same is not read."""
    store = open_store("memory://")
    same = np.ones((300, 300), dtype="float32")
    wide = np.random.default_rng(0).normal(size=(1100, 1000)).astype("float64")
    old = pushed(
        tmp_path / "a", store, same=same, wide=wide, half=same.astype("float16"),
        zero=np.zeros(100_000, dtype="float32"), gone=same, grown=same,
    )  # fmt: skip
    new = pushed(
        tmp_path / "b", store, same=same, wide=wide * 1.1, half=same.astype("float16") * 2,
        zero=np.ones(100_000, dtype="float32"), grown=np.ones((300, 301), dtype="float32"),
    )  # fmt: skip
    read: list[str] = []

    def reading(digest: str) -> bytes:
        read.append(digest)
        return store.read(digest)

    found = tensor_moves(old, new, diff_manifests(old, new).tensors, reading, reading)
    assert found == {"half": 1.0, "wide": pytest.approx(0.1), "zero": math.inf}
    unread = next(t.digest for f in old.files for t in f.tensors or () if t.name == "same")
    assert unread not in read


def test_bfloat16(tmp_path: Path) -> None:
    """A 16-bit brain float is read as the upper half of a 32-bit float."""
    store = open_store("memory://")

    def version(name: str, value: float) -> Manifest:
        bits = (np.full(8, value, dtype="<f4").view("<u4") >> 16).astype("<u2").tobytes()
        header = b'{"w":{"dtype":"BF16","shape":[8],"data_offsets":[0,16]}}'
        header += b" " * (-len(header) % 8)
        folder = tmp_path / name
        folder.mkdir()
        data = len(header).to_bytes(8, "little") + header + bits
        (folder / "m.safetensors").write_bytes(data)
        return push_tree(folder, store).manifest

    old, new = version("a", 2.0), version("b", 3.0)
    changed = diff_manifests(old, new).tensors
    assert tensor_moves(old, new, changed, store.read, store.read) == {"w": 0.5}
