"""Cuts: versions share what did not change, and cuts add up to the file."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Sequence

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.artifacts.chunking import (
    CHUNK_BYTES_MAX,
    CHUNK_BYTES_MIN,
    PART_BYTES,
    RUN_BYTES_MAX,
    SMALL_FILE_BYTES_MAX,
    cut_sizes,
    find_layout,
)
from lockgate.artifacts.store import blob_digest

MIB = 2**20


def chunks_of(path: str, data: bytes) -> list[bytes]:
    def read(start: int, length: int) -> bytes:
        return data[start : start + length]

    sizes = list(cut_sizes(find_layout(path, read, len(data)), read, len(data)))
    ends = np.cumsum([0, *sizes]).tolist()
    assert ends[-1] == len(data)
    return [data[start:end] for start, end in itertools.pairwise(ends)]


def new_bytes(before: Sequence[bytes], after: Sequence[bytes]) -> int:
    known = {blob_digest(chunk) for chunk in before}
    return sum(len(chunk) for chunk in after if blob_digest(chunk) not in known)


def noise(size: int, seed: int = 0) -> bytes:
    return np.random.default_rng(seed).bytes(size)


@pytest.mark.parametrize("size", [1, 1000, SMALL_FILE_BYTES_MAX])
def test_a_small_file_is_one_chunk(size: int) -> None:
    """A file up to the limit is one chunk, whatever it holds."""
    assert [len(chunk) for chunk in chunks_of("a.bin", noise(size))] == [size]


def test_an_empty_file_has_no_chunk() -> None:
    """A file without bytes has no chunks."""
    assert chunks_of("a.bin", b"") == []


def test_content_chunks_are_bounded() -> None:
    """Every chunk but the last is between the bounds."""
    sizes = [len(chunk) for chunk in chunks_of("a.bin", noise(24 * MIB))]
    assert len(sizes) > 6
    assert all(CHUNK_BYTES_MIN <= size <= CHUNK_BYTES_MAX for size in sizes[:-1])


@pytest.mark.parametrize("place", [0, 5 * MIB + 3, 16 * MIB])
@pytest.mark.parametrize("inserted", [b"x", b"some words", noise(1000, 7)])
def test_an_insertion_moves_few_chunks(place: int, inserted: bytes) -> None:
    """Bytes inserted anywhere change the chunks they touch, not those behind."""
    data = noise(16 * MIB)
    before = chunks_of("a.bin", data)
    after = chunks_of("a.bin", data[:place] + inserted + data[place:])
    assert new_bytes(before, after) <= 2 * CHUNK_BYTES_MAX
    assert len(set(after) - set(before)) <= 3


def test_text_is_cut_by_content_too() -> None:
    """A table of numbers has cuts that an insertion does not move."""
    numbers = np.random.default_rng(1).integers(0, 10_000, size=3_000_000)
    data = ",".join(map(str, numbers.tolist())).encode()
    before, after = chunks_of("a.csv", data), chunks_of("a.csv", b"x" + data)
    assert len(before) > 4
    assert len(set(after) - set(before)) <= 3


def test_one_repeated_byte() -> None:
    """Data without any content to cut by is cut at the upper bound."""
    assert [len(c) for c in chunks_of("a.bin", bytes(9 * MIB))] == [4 * MIB, 4 * MIB, MIB]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3 * MIB), st.integers(0, 2**32))
def test_cuts_do_not_depend_on_how_the_file_is_read(size: int, seed: int) -> None:
    """Reads that return the file's bytes in other windows give the same cuts."""
    data = noise(size, seed)
    whole = list(cut_sizes(None, lambda start, length: data[start : start + length], size))
    short = list(
        cut_sizes(None, lambda start, length: data[start : start + min(length, 100_003)], size)
    )
    assert short == whole
    assert sum(whole) == size


# --- tensors ---------------------------------------------------------------------------------


def model(count: int, values: int, changed: Sequence[int] = (), seed: int = 0) -> bytes:
    tensors = {
        f"layer.{i:04}.weight": np.random.default_rng(
            (seed, i, 1 if i in changed else 0)
        ).standard_normal(values, dtype=np.float32)
        for i in range(count)
    }
    return safetensors.numpy.save(tensors)


def test_each_tensor_is_a_chunk() -> None:
    """A header, then one chunk for each tensor of 16 KiB or more."""
    data = model(20, 8192)
    header = struct.unpack("<Q", data[:8])[0] + 8
    assert [len(chunk) for chunk in chunks_of("m.safetensors", data)] == [header] + [32768] * 20


def test_one_changed_tensor_in_a_hundred() -> None:
    """A re-saved checkpoint with one tensor of a hundred changed has one new chunk."""
    before, after = model(100, 16384), model(100, 16384, changed=[42])
    fresh = new_bytes(chunks_of("m.safetensors", before), chunks_of("m.safetensors", after))
    assert fresh == 65536


def test_a_tensor_more_keeps_the_others() -> None:
    """When a tensor is added, all others are shared although each has moved."""
    before, after = model(50, 16384), model(51, 16384)
    parts = chunks_of("m.safetensors", after)
    fresh = new_bytes(chunks_of("m.safetensors", before), parts)
    assert fresh == len(parts[0]) + 65536


def test_a_large_tensor_is_cut_in_parts() -> None:
    """A tensor over 8 MiB is cut every 8 MiB, so a change inside it moves one part."""
    tensor = np.zeros(5 * MIB, dtype=np.float32)
    before = chunks_of("m.safetensors", safetensors.numpy.save({"w": tensor}))
    tensor[3 * MIB] = 1.0
    after = chunks_of("m.safetensors", safetensors.numpy.save({"w": tensor}))
    assert [len(chunk) for chunk in after[1:]] == [PART_BYTES, PART_BYTES, 4 * MIB]
    assert new_bytes(before, after) == PART_BYTES


def test_tiny_tensors_share_chunks() -> None:
    """Runs of tiny tensors are bounded, and a tensor more does not move the runs behind it."""
    before, after = chunks_of("m.safetensors", model(400, 256)), model(401, 256)
    parts = chunks_of("m.safetensors", after)
    assert all(len(part) <= RUN_BYTES_MAX for part in parts[1:])
    assert len(parts) < 100
    assert new_bytes(before, parts) <= len(parts[0]) + RUN_BYTES_MAX


def test_a_false_safetensors_file_is_cut_by_content() -> None:
    """A file that only calls itself safetensors is cut like any other."""
    data = noise(3 * MIB)
    assert chunks_of("m.safetensors", data) == chunks_of("m.bin", data)


def test_gguf_is_cut_at_tensors() -> None:
    """Tensors of a GGUF file are chunks; padding goes with the tensor before it."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    length = 400_000 + 4
    infos = b"".join(
        text(name) + struct.pack("<IQIQ", 1, length // 4, 0, i * (length + 28))
        for i, name in enumerate(("a", "b"))
    )
    head = b"GGUF" + struct.pack("<IQQ", 3, 2, 0) + infos
    head += bytes(-len(head) % 32)
    data = head + noise(length, 1) + bytes(28) + noise(length, 2)
    assert length % 32 == 4
    assert [len(c) for c in chunks_of("m.gguf", data)] == [len(head), length + 28, length]
