"""JSON columns: how mappings become text and come back frozen."""

from __future__ import annotations

from typing import Any

import msgspec

from lockgate.domain.frozen import EMPTY, FrozenDict

_encode = msgspec.json.Encoder(order="deterministic").encode
_encode_in_order = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def to_json(value: Any) -> str:
    """Return compact JSON with sorted keys; 64-bit integers stay exact."""
    return _encode(value).decode()


def to_json_in_order(value: Any) -> str:
    """Return compact JSON whose keys stand as they were given: the order of tags is kept."""
    return _encode_in_order(value).decode()


def from_json(text: str) -> Any:
    """Return the value that ``text`` writes."""
    return _decode(text)


def frozen_from_json(text: str) -> FrozenDict[str, Any]:
    """Return the mapping that ``text`` writes, frozen; ``{}`` is one shared value."""
    return EMPTY if text == "{}" else FrozenDict(_decode(text))
