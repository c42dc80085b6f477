"""Verification: faults are found wherever they lie, and named by file, chunk and tensor."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from lockgate.artifacts import layout
from lockgate.artifacts.local import LocalStore
from lockgate.artifacts.pushing import push_tree
from lockgate.artifacts.verification import FaultKind, StoredFault, verify_files
from lockgate.domain.manifests import FileEntry, Manifest, TensorEntry


class Version:
    """A pushed version of two files."""

    def __init__(self, folder: Path) -> None:
        tree = folder / "tree"
        tree.mkdir()
        tensors = {f"t{i}": np.full(50_000, i, dtype=np.float32) for i in range(4)}
        tensors["empty"] = np.zeros((0, 2), dtype=np.float32)
        tensors["large"] = np.random.default_rng(0).standard_normal(3 * 2**20, dtype=np.float32)
        safetensors.numpy.save_file(tensors, tree / "m.safetensors")
        (tree / "n.txt").write_text("text")
        self.store = LocalStore(folder / "store")
        self.manifest = push_tree(tree, self.store).manifest
        self.model, self.text = self.manifest.files

    def faults(self, *files: FileEntry) -> list[StoredFault]:
        manifest = Manifest(files) if files else self.manifest
        return list(verify_files(manifest, self.store.read))


@pytest.fixture
def version(tmp_path: Path) -> Iterator[Version]:
    made = Version(tmp_path)
    yield made
    made.store.close()


def test_a_whole_version_has_no_fault(version: Version) -> None:
    """Nothing is found in what is whole, and every byte is read once."""
    seen: list[int] = []
    assert list(verify_files(version.manifest, version.store.read, on_progress=seen.append)) == []
    assert sum(seen) == version.manifest.size


def test_damage_and_loss_are_named(version: Version) -> None:
    """A flipped byte and a lost chunk are named by file and place, both at once."""
    damaged, lost = version.model.chunks[2], version.text.chunks[0]
    place = version.store.root / layout.blob_path(damaged.digest)
    data = bytearray(place.read_bytes())
    data[1000] ^= 1
    place.write_bytes(data)
    version.store.delete(lost.digest)
    assert version.faults() == [
        StoredFault("m.safetensors", FaultKind.DAMAGED, damaged.digest, 2),
        StoredFault("n.txt", FaultKind.MISSING, lost.digest, 0),
    ]


def test_false_claims_are_named(version: Version) -> None:
    """A manifest that claims another SHA-256 or tensor digest than its chunks have is found."""
    text = dataclasses.replace(version.text, sha256="0" * 64)
    assert version.faults(text) == [
        StoredFault("n.txt", FaultKind.FALSE_SHA256, "sha256:" + "0" * 64)
    ]

    def claim(tensor: TensorEntry) -> TensorEntry:
        is_large = tensor.name in ("large", "empty")
        return dataclasses.replace(tensor, digest="blake3:" + "0" * 64) if is_large else tensor

    tensors = tuple(claim(tensor) for tensor in version.model.tensors or ())
    model = dataclasses.replace(version.model, tensors=tensors)
    assert {fault.tensor for fault in version.faults(model)} == {"large", "empty"}


def test_a_false_chunk_size_is_damage(version: Version) -> None:
    """A chunk that is not as long as its manifest says is damage."""
    chunk = dataclasses.replace(version.text.chunks[0], size=5)
    text = dataclasses.replace(version.text, size=5, chunks=(chunk,))
    assert [fault.kind for fault in version.faults(text)] == [FaultKind.DAMAGED]
