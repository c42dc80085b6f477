"""Prometheus' remote write, by hand: nothing of ours, and no library, says what is right."""

from __future__ import annotations

import struct
from datetime import datetime

HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "User-Agent": "Prometheus/3.5.0",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
Series = tuple[dict[str, str], list[tuple[float, datetime]]]


def varint(number: int) -> bytes:
    """A number in groups of seven bits, the lowest first."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def field(number: int, content: bytes) -> bytes:
    """A field that has a length: a message or a text."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def request_of(series: list[Series]) -> bytes:
    """A prometheus.WriteRequest, with metadata as a Prometheus sends it."""
    found = b""
    for labels, samples in series:
        pairs = b"".join(
            field(1, field(1, name.encode()) + field(2, value.encode()))
            for name, value in sorted(labels.items())
        )
        points = b"".join(
            field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(millis(at)))
            for value, at in samples
        )
        found += field(1, pairs + points)
    return found + field(3, b"\x08\x02" + field(2, b"model_auc") + field(4, b"A help text."))


def millis(at: datetime) -> int:
    """Milliseconds since 1970."""
    return int(at.timestamp() * 1_000)


def literally(plain: bytes) -> bytes:
    """Snappy's block format without any compression: the length, then literals."""
    found = varint(len(plain))
    for begin in range(0, len(plain), 60):
        piece = plain[begin : begin + 60]
        found += bytes([(len(piece) - 1) << 2]) + piece
    return found
