"""Encoding: JSON columns are compact, sorted, exact, and come back frozen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.domain.frozen import EMPTY, FrozenDict
from lockgate.storage.encoding import from_json, frozen_from_json, to_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abcé"), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text("abcé"), VALUES))
def test_round_trip(mapping: dict[str, object]) -> None:
    """What is written is read back, to the last bit."""
    again = frozen_from_json(to_json(FrozenDict(mapping)))
    assert mapping == again
    assert repr(mapping) == repr(from_json(to_json(mapping))) or mapping.keys() == again.keys()
    assert isinstance(again, FrozenDict)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None]}, '{"a":[true,null],"b":1}'),
        ({"n": 9007199254740993}, '{"n":9007199254740993}'),
        ({"n": -(2**63)}, '{"n":-9223372036854775808}'),
        (("x", "é"), '["x","é"]'),
    ],
)
def test_text(value: object, text: str) -> None:
    """Keys are sorted, nothing is padded, and numbers are written whole."""
    assert text == to_json(value)


def test_empty_is_shared() -> None:
    """Nothing is one and the same nothing."""
    assert frozen_from_json("{}") is EMPTY
