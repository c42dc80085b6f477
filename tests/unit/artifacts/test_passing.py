"""Files hashed while their chunks go by: whatever is vouched for is true, and nobody waits long."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from lockgate.artifacts.passing import FILES, Part, PassingHashes
from lockgate.artifacts.pushing import hash_tree
from lockgate.artifacts.store import Data, blob_digest
from lockgate.domain.manifests import FileEntry

UPLOAD = "0" * 32
Blob = tuple[str, Data]
Batch = tuple[Part, list[Blob]]


def kept(_blobs: Sequence[Blob]) -> None:
    """A store that has room."""


@pytest.fixture
def tensors(tmp_path: Path) -> Path:
    """A file with tensors that are chunks, tiny ones that share a chunk, and one of many."""
    path = tmp_path / "m.safetensors"
    arrays = {f"t{i}": np.random.default_rng(i).random(50_000) for i in range(4)}
    arrays |= {f"tiny{i}": np.ones(i + 1) for i in range(9)}
    arrays["wide"] = np.random.default_rng(9).random(2_500_000)
    save_file(arrays, path)
    return path


def cut(path: Path) -> tuple[FileEntry, list[Batch]]:
    """Return the entry of a file, and its chunks in batches of three."""
    (entry,) = hash_tree(path).files
    data = path.read_bytes()
    batches: list[Batch] = []
    start = 0
    for first in range(0, len(entry.chunks), 3):
        blobs: list[Blob] = []
        part = Part(UPLOAD, start, len(data))
        for chunk in entry.chunks[first : first + 3]:
            blobs.append((chunk.digest, data[start : start + chunk.size]))
            start += chunk.size
        batches.append((part, blobs))
    return entry, batches


def test_a_file_in_order(tensors: Path) -> None:
    """Once the last batch has come, the file is vouched for: SHA-256 and every tensor."""
    passing = PassingHashes()
    entry, batches = cut(tensors)
    for part, blobs in batches:
        assert passing.vouch(entry) is False
        passing.keep(blobs, part, kept)
    assert passing.vouch(entry) is True


def test_batches_that_overtake_each_other(tensors: Path) -> None:
    """The order is that of the file, whatever the order in which the batches are in the house."""
    passing = PassingHashes(patience_s=60)
    entry, batches = cut(tensors)
    with ThreadPoolExecutor(len(batches)) as pool:
        under_way = [pool.submit(passing.keep, blobs, part, kept) for part, blobs in batches[::-1]]
        for each in under_way:
            each.result()
    assert passing.vouch(entry) is True


def test_a_batch_that_is_sent_twice(tensors: Path) -> None:
    """A batch whose answer was lost is sent again, and is hashed once."""
    passing = PassingHashes()
    entry, batches = cut(tensors)
    for part, blobs in batches:
        passing.keep(blobs, part, kept)
        passing.keep(blobs, part, kept)
    assert passing.vouch(entry) is True


def test_a_batch_that_never_comes(tensors: Path) -> None:
    """Where a batch lacks nothing is known, and those behind it are kept all the same."""
    passing = PassingHashes(patience_s=0)
    entry, batches = cut(tensors)
    put: list[Blob] = []
    for part, blobs in [batches[0], *batches[2:]]:
        passing.keep(blobs, part, put.extend)
    assert passing.vouch(entry) is False
    assert [digest for digest, _ in put] == [
        c.digest for c in (*entry.chunks[:3], *entry.chunks[6:])
    ]


def test_a_batch_that_fails(tensors: Path) -> None:
    """What could not be kept is not hashed; whoever waits for it is let go, and it is raised."""
    passing = PassingHashes(patience_s=60)
    entry, batches = cut(tensors)
    inside = threading.Event()

    def fail(_blobs: Sequence[Blob]) -> None:
        inside.wait(10)
        raise OSError("no room")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(passing.keep, batches[0][1], batches[0][0], fail)
        second = pool.submit(passing.keep, batches[1][1], batches[1][0], kept)
        inside.set()
        with pytest.raises(OSError, match="no room"):
            first.result(20)
        second.result(20)
    for part, blobs in batches[2:]:
        passing.keep(blobs, part, kept)
    assert passing.vouch(entry) is False


@pytest.mark.parametrize("what", ["sha256", "tensor", "chunk"])
def test_what_is_not_so_is_not_vouched_for(tensors: Path, what: str) -> None:
    """A claim that differs in anything from what was computed is not vouched for."""
    passing = PassingHashes()
    entry, batches = cut(tensors)
    for part, blobs in batches:
        passing.keep(blobs, part, kept)
    false = "f" * 64
    if what == "sha256":
        claimed = replace(entry, sha256=false)
    elif what == "tensor":
        wide = [t for t in entry.tensors or () if t.name == "wide"]
        others = [t for t in entry.tensors or () if t.name != "wide"]
        claimed = replace(
            entry, tensors=(*others, *(replace(t, digest=f"blake3:{false}") for t in wide))
        )
    else:
        claimed = replace(entry, chunks=entry.chunks[::-1])
    assert passing.vouch(entry) is True
    assert passing.vouch(claimed) is False


def test_small_files(tmp_path: Path) -> None:
    """A blob that is a file by itself is vouched for with its own hash, and no other."""
    passing = PassingHashes()
    (tmp_path / "a.txt").write_bytes(b"a")
    (entry,) = hash_tree(tmp_path / "a.txt").files
    passing.keep([(entry.chunks[0].digest, b"a")], FILES, kept)
    assert passing.vouch(replace(entry, path="elsewhere.txt")) is True
    assert passing.vouch(replace(entry, sha256="0" * 64)) is False


def test_blobs_of_which_nothing_is_said() -> None:
    """Blobs without a part are kept, and that is all."""
    data = os.urandom(100)
    put: list[Blob] = []
    PassingHashes().keep([(blob_digest(data), data)], None, put.extend)
    assert put == [(blob_digest(data), data)]


def test_uploads_that_nobody_ends(tensors: Path) -> None:
    """Many uploads that are begun push out the oldest, which is then not known."""
    passing = PassingHashes(patience_s=0)
    entry, batches = cut(tensors)
    passing.keep(batches[0][1], batches[0][0], kept)
    for number in range(1, 40):
        other = replace(batches[0][0], upload=f"{number:032x}")
        passing.keep(batches[0][1], other, kept)
    for part, blobs in batches[1:]:
        passing.keep(blobs, part, kept)
    assert passing.vouch(entry) is False
