"""Values on the command line: pairs, numbers, JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lockgate.cli.values import merged, metadata_of, metrics_of, params_of, tags_of
from lockgate.errors import InvalidInput


def test_a_metric_is_a_number_and_a_whole_one_is_kept_exactly() -> None:
    """``n=4611686018427387905`` is that integer, ``auc=0.91`` and ``x=1e-3`` are floats."""
    pairs = ["n=4611686018427387905", "auc=0.91", "x=1e-3"]
    assert metrics_of(pairs) == {"n": 4611686018427387905, "auc": 0.91, "x": 0.001}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0.1", 0.1),
        ("3", 3),
        ("true", True),
        ("null", None),
        ("gbm", "gbm"),
        ("01234", "01234"),
        ('"1234"', "1234"),
        ("a=b", "a=b"),
        ("", ""),
        ("[1]", "[1]"),
        ("NaN", "NaN"),
    ],
)
def test_a_param_is_what_its_text_reads_as(written: str, expected: Any) -> None:
    """Numbers, true, false, null and quoted text are JSON; anything else is text as it stands."""
    assert params_of([f"key={written}"]) == {"key": expected}


def test_a_tag_without_a_value_is_bare() -> None:
    """``nightly`` is the tag ``nightly`` with an empty value."""
    assert tags_of(["nightly", "team=risk"]) == {"nightly": "", "team": "risk"}


@pytest.mark.parametrize(
    ("read", "pairs"),
    [
        (metrics_of, ["auc"]),
        (metrics_of, ["auc=good"]),
        (metrics_of, ["=1"]),
        (metrics_of, ["auc=1", "auc=2"]),
        (params_of, ["lr"]),
        (tags_of, ["=x"]),
    ],
)
def test_a_pair_that_is_none_is_refused(
    read: Callable[[list[str]], dict[str, Any]], pairs: list[str]
) -> None:
    """No sign, no key, no number, or a key given twice: each is bad usage."""
    with pytest.raises(InvalidInput):
        read(pairs)


@pytest.mark.parametrize("text", ["{", "[1]", "3", "null"])
def test_metadata_is_an_object(text: str) -> None:
    """What is not a JSON object is refused."""
    with pytest.raises(InvalidInput):
        metadata_of(text)


def test_what_is_removed_is_a_change_to_none() -> None:
    """Entries to set and keys to take away are one mapping of changes."""
    assert merged({"a": 1}, ["b"]) == {"a": 1, "b": None}


def test_a_key_cannot_be_set_and_removed_at_once() -> None:
    """A contradiction is refused rather than resolved."""
    with pytest.raises(InvalidInput):
        merged({"a": 1}, ["a"])
