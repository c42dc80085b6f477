"""JSON is read strictly and written exactly."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from lockgate.errors import InvalidInput
from lockgate.wire.values import DEPTH_MAX, read_json, write_json


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"a":1,"a":2}', "the key 'a' is given twice"),
        (b'{"a":{"b":1,"b":1}}', "the key 'b' is given twice"),
        (b'{"a":NaN}', "it contains NaN"),
        (b'{"a":-Infinity}', "it contains -Infinity"),
        (b'\xef\xbb\xbf{"a":1}', "line 1, column 1"),
        (b'{"a":"\xff"}', "not UTF-8 at byte 6"),
        (b'{"a":1', "line 1, column 7"),
        (b"", "line 1, column 1"),
        (b"[" * 100_000, "nested deeper than 64 levels"),
        (b"[" * 70 + b"]" * 70, "nested deeper than 64 levels"),
        (b"1" * 5_000, "a number of 5000 digits"),
        (b'{"a":"\\u0000"}', "NUL"),
        (b'{"\\ud800":1}', "lone surrogate"),
        (b'{"a":["\\udc00x"]}', "lone surrogate"),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(body: bytes, why: str) -> None:
    """Each with what is wrong, and where."""
    with pytest.raises(InvalidInput, match=why):
        read_json(body)


def test_numbers_are_exact() -> None:
    """Integers of any size that a body may hold, and the type of a number, survive."""
    value = {"a": 2**63, "b": 1.0, "c": -(2**63), "d": 1e-7, "e": "\U0001f600", "f": '\\"\\u0041'}
    assert read_json(write_json(value)) == value
    assert type(read_json(b"1.0")) is float
    assert read_json(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_what_python_writes_otherwise_is_written_as_json() -> None:
    """Tuples and other iterables are lists, NumPy scalars are numbers."""
    value = {"t": (1, 2), "n": numpy.float64(0.5), "i": numpy.int64(2**62), "s": iter("ab")}
    assert write_json(value) == b'{"t":[1,2],"n":0.5,"i":4611686018427387904,"s":["a","b"]}'


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"metrics": {"auc": float("nan")}}, "metrics.auc"),
        ({"metrics": {"auc": numpy.inf}}, "metrics.auc"),
        ({"a": [object()]}, "a[0]"),
        ({"a": b"bytes"}, "a"),
        ({"a": {1: 2}}, None),
        ({"a": "\ud800"}, None),
    ],
)
def test_what_json_cannot_say_is_refused(value: Any, field: str | None) -> None:
    """With the place of the fault, before anything is sent."""
    with pytest.raises(InvalidInput) as caught:
        write_json(value)
    assert field is None or caught.value.fields["field"] == field


def test_a_value_without_end_is_refused() -> None:
    """A mapping that contains itself is too deep, not a crash."""
    endless: dict[str, Any] = {}
    endless["a"] = endless
    with pytest.raises(InvalidInput, match=f"nested deeper than {DEPTH_MAX} levels"):
        write_json(endless)
