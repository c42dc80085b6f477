"""Tensor layouts: real files are described to the byte, headers that lie are refused."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from lockgate.domain.gguf import parse_gguf
from lockgate.domain.tensors import TensorLayout, TensorSlot, parse_safetensors
from lockgate.errors import InvalidInput

Parser = Callable[[Callable[[int, int], bytes], int], TensorLayout]


def parse(parser: Parser, data: bytes) -> TensorLayout:
    return parser(lambda start, length: data[start : start + length], len(data))


def refusal(parser: Parser, data: bytes) -> str:
    with pytest.raises(InvalidInput) as caught:
        parse(parser, data)
    return str(caught.value)


def container(header: Any, body: bytes = b"") -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + body


def slot(start: int, end: int, dtype: str = "U8", shape: list[int] | None = None) -> Any:
    return {
        "dtype": dtype,
        "shape": [end - start] if shape is None else shape,
        "data_offsets": [start, end],
    }


def test_a_real_safetensors_file() -> None:
    """Every tensor of a file made by the safetensors package is found at its bytes."""
    tensors: dict[str, np.ndarray[Any, Any]] = {
        "w": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.arange(4, dtype=np.int64),
        "empty": np.zeros((0, 3), dtype=np.float16),
    }
    data = safetensors.numpy.save(tensors, metadata={"format": "np"})
    layout = parse(parse_safetensors, data)
    assert layout.strings == {"format": "np"}
    assert {"w", "b", "empty"} == {tensor.name for tensor in layout.tensors}
    for tensor in layout.tensors:
        raw = data[tensor.start : tensor.start + tensor.size]
        assert tensors[tensor.name].tobytes() == raw
        assert tensors[tensor.name].shape == tensor.shape


def test_a_file_without_tensors() -> None:
    """A header that lists nothing is a valid file of no tensors."""
    assert parse(parse_safetensors, container({})).tensors == ()


def test_sub_byte_types() -> None:
    """Types of less than a byte are valid when they fill whole bytes."""
    layout = parse(parse_safetensors, container({"a": slot(0, 3, "F4", [6])}, bytes(3)))
    assert (layout.tensors[0].dtype, layout.tensors[0].size) == ("F4", 3)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "too few"),
        (struct.pack("<Q", 100_000_001), "over 100 MB"),
        (struct.pack("<Q", 2**63), "over 100 MB"),
        (struct.pack("<Q", 50) + b"{}", "does not fit"),
        (container(b" {}"), "start with"),
        (container(b"{" * 90_000), "JSON"),
        (container(b'{"a":' + b"[" * 100_000), "nested too deeply"),
        (container(b'{"a":1,"a":1}'), "occurs twice"),
        (container(b'{"a":NaN}'), "NaN"),
        (container(b'{"\xff":1}'), "JSON"),
        (container({"a": 3}), "exactly"),
        (container({"a": slot(0, 1) | {"x": 1}}, b"x"), "exactly"),
        (container({"a": slot(0, 1, "Q9")}, b"x"), "unknown dtype"),
        (container({"a": slot(0, 1, [])}, b"x"), "unknown dtype"),  # type: ignore[arg-type]
        (container({"a": slot(0, 4, "F32", [2])}, bytes(4)), "which F32"),
        (container({"a": slot(0, 4, "F32", [-1])}, bytes(4)), "out of range"),
        (container({"a": slot(0, 1, shape=[True])}, b"x"), "out of range"),
        (container({"a": slot(0, 1, shape=[1] * 33)}, b"x"), "out of range"),
        (container({"a": slot(2, 0, shape=[2])}, bytes(2)), "rising"),
        (container({"a": slot(0, 2), "b": slot(1, 3)}, bytes(3)), "overlaps"),
        (container({"a": slot(0, 1), "b": slot(2, 3)}, bytes(3)), "gap"),
        (container({"a": slot(0, 1)}, bytes(2)), "the file at"),
        (container({"a": slot(0, 9)}, bytes(2)), "the file at"),
        (container({"__metadata__": {"a": 1}}), "map of texts"),
        (b"\x80\x04N." + bytes(8), "over 100 MB"),
    ],
)  # fmt: skip
def test_safetensors_that_lie(data: bytes, words: str) -> None:
    """A header that does not account for every byte of the file is refused with a reason."""
    assert words in refusal(parse_safetensors, data)


# --- GGUF ------------------------------------------------------------------------------------


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def gguf(
    pairs: list[bytes] | None = None,
    tensors: list[bytes] | None = None,
    body: bytes = b"",
    *,
    version: int = 3,
    counts: tuple[int, int] | None = None,
) -> bytes:
    pairs, tensors = pairs or [], tensors or []
    n_tensors, n_pairs = counts or (len(tensors), len(pairs))
    head = b"GGUF" + struct.pack("<IQQ", version, n_tensors, n_pairs)
    head += b"".join(pairs) + b"".join(tensors)
    return head + bytes(-len(head) % 32) + body


def info(name: str, extents: list[int], kind: int, offset: int) -> bytes:
    return (
        text(name)
        + struct.pack("<I", len(extents))
        + struct.pack(f"<{len(extents)}Q", *extents)
        + struct.pack("<IQ", kind, offset)
    )


PAIRS = [
    text("general.architecture") + struct.pack("<I", 8) + text("llama"),
    text("general.alignment") + struct.pack("<II", 4, 32),
    text("tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b"),
    text("scores") + struct.pack("<IIQ", 9, 6, 2) + bytes(8),
    text("flag") + struct.pack("<IB", 7, 1),
]


def test_a_gguf_file() -> None:
    """Tensors are found behind metadata and padding; extents are given outermost first."""
    data = gguf(PAIRS, [info("w", [32, 2], 2, 0), info("b", [3], 0, 64)], bytes(64 + 12))
    layout = parse(parse_gguf, data)
    start = len(data) - 76
    assert (
        TensorSlot("w", "Q4_0", (2, 32), start, 36),
        TensorSlot("b", "F32", (3,), start + 64, 12),
    ) == layout.tensors
    assert layout.strings == {"general.architecture": "llama"}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"GGUF", "runs past"),
        (b"GGML" + bytes(40), "does not start"),
        (gguf(version=1), "version 1"),
        (gguf(version=0x03000000), "version"),
        (gguf(counts=(2**63, 0)), "more than"),
        (gguf(counts=(0, 2**63)), "more than"),
        (gguf(counts=(1000, 0)), "runs past"),
        (gguf([text("k") + struct.pack("<IQ", 8, 2**40)]), "more than"),
        (gguf([text("k") + struct.pack("<IIQ", 9, 8, 2**40)]), "more than"),
        (gguf([text("k") + struct.pack("<IIQ", 9, 9, 1)]), "array in an array"),
        (gguf([text("k") + struct.pack("<I", 99)]), "unknown type"),
        (gguf([PAIRS[0], PAIRS[0]]), "occurs twice"),
        (gguf([text("general.alignment") + struct.pack("<II", 4, 0)]), "alignment"),
        (gguf([text("general.alignment") + struct.pack("<II", 4, 33)]), "alignment"),
        (gguf(None, [info("w", [4], 0, 0)], bytes(8)), "the file at"),
        (gguf(None, [info("w", [4], 0, 2**40)], bytes(16)), "belongs"),
        (gguf(None, [info("w", [2**40, 2**40], 0, 0)], bytes(16)), "the file at"),
        (gguf(None, [info("w", [4], 99, 0)], bytes(16)), "unknown type"),
        (gguf(None, [info("w", [33], 2, 0)], bytes(64)), "blocks"),
        (gguf(None, [info("w", [1] * 9, 0, 0)], bytes(4)), "dimensions"),
        (gguf(None, [info("w", [4], 0, 0), info("v", [4], 0, 0)], bytes(64)), "overlaps"),
        (gguf(None, [info("w", [4], 0, 0), info("w", [4], 0, 32)], bytes(48)), "twice"),
        (gguf(None, [info("w", [4], 0, 0)], bytes(16) + b"x" * 16), "not zero"),
        (gguf(None, [info("w", [4], 0, 0)], bytes(16) + b"x"), "the file at"),
        (gguf([struct.pack("<Q", 1) + b"\xff" + bytes(5)]), "UTF-8"),
    ],
)  # fmt: skip
def test_gguf_that_lies(data: bytes, words: str) -> None:
    """Counts, lengths and offsets are bounded by the file before they are used."""
    assert words in refusal(parse_gguf, data)
