"""Frozen dicts: they are dicts, and they do not change."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from lockgate.domain.frozen import FrozenDict


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.__setitem__("a", 2),
        lambda d: d.__delitem__("a"),
        lambda d: d.update(a=2),
        lambda d: d.pop("a"),
        lambda d: d.popitem(),
        lambda d: d.clear(),
        lambda d: d.setdefault("b", 1),
        lambda d: d.__ior__({"b": 1}),
    ],
)
def test_no_way_to_change(change: Any) -> None:
    """Every way of changing a dict is refused, and nothing has changed."""
    frozen = FrozenDict(a=1)
    with pytest.raises(TypeError, match="frozen record"):
        change(frozen)
    assert frozen == {"a": 1}


def test_it_is_a_dict() -> None:
    """It equals a dict, is written as JSON, hashed, copied and pickled."""
    frozen = FrozenDict(a=1, b=2)
    assert frozen == {"b": 2, "a": 1}
    assert json.loads(json.dumps(frozen)) == frozen
    assert hash(frozen) == hash(FrozenDict(b=2, a=1))
    assert copy.copy(frozen) is frozen
    assert copy.deepcopy(frozen) is frozen
    again = pickle.loads(pickle.dumps(frozen))  # noqa: S301
    assert (FrozenDict, frozen) == (type(again), again)
    assert frozen | {"c": 3} == {"a": 1, "b": 2, "c": 3}
