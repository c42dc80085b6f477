"""Names, labels, aliases, keys and values: what is accepted, how it is stored, what is refused."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.domain import names
from lockgate.domain.frozen import FrozenDict
from lockgate.errors import InvalidInput, InvalidName, LimitExceeded, RegistryError

SMALL = names.Limits(
    name_chars_max=5,
    label_chars_max=3,
    alias_chars_max=4,
    key_chars_max=3,
    entries_max=2,
    tag_value_chars_max=4,
    param_value_chars_max=4,
    metadata_bytes_max=20,
    metadata_depth_max=2,
)
DECOMPOSED = "cafe\u0301"


@pytest.mark.parametrize(
    "name", ["churn", "churn v2", "модель", "模型", "a.b-c_d", "...", "x" * 255]
)
def test_model_names(name: str) -> None:
    """A model's name is any one line of visible letters, of any script."""
    assert name == names.model_name(name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "must not be empty"),
        (None, "must be text, got NoneType"),
        (3, "must be text, got int: 3"),
        ("x" * 256, "has 256 characters, at most 255"),
        ("a/b", "contains '/'"),
        ("a:b", "contains ':'"),
        ("a@b", "contains '@'"),
        ("a\\b", r"contains '\\'"),
        (".", "is a path"),
        ("..", "is a path"),
        (" a", "begins or ends with a space"),
        ("a ", "begins or ends with a space"),
        ("a\nb", "unprintable character U+000A"),
        ("a\x00b", "unprintable character U+0000"),
        ("a\x7fb", "unprintable character U+007F"),
        ("a\u200bb", "unprintable character U+200B"),
        ("a\u202eb", "unprintable character U+202E"),
        ("a\ud800b", "unprintable character U+D800"),
        ("a\u2028b", "unprintable character U+2028"),
        ("ｃhurn", "looks like 'churn' but is not"),
        ("a\u00a0b", "looks like 'a b' but is not"),
        ("ﬁne", "looks like 'fine' but is not"),
    ],
)
def test_model_names_refused(name: Any, why: str) -> None:
    """What would break a reference, hide, or pass for another name is refused, saying why."""
    with pytest.raises(InvalidName) as caught:
        names.model_name(name)
    assert why in str(caught.value)
    assert caught.value.fields["field"] == "model name"


def test_names_are_nfc() -> None:
    """Two spellings of a letter with an accent are one name, in every kind of text."""
    composed = unicodedata.normalize("NFC", DECOMPOSED)
    assert composed == names.model_name(DECOMPOSED)
    assert composed == names.version_label(DECOMPOSED)
    assert composed == names.alias_name(DECOMPOSED)
    assert composed == names.plain_text(DECOMPOSED, "description", 10)
    assert {composed: 1} == names.metrics({DECOMPOSED: 1})
    assert {composed: composed} == names.tags({DECOMPOSED: DECOMPOSED})
    assert {composed: composed} == names.params({DECOMPOSED: DECOMPOSED})
    assert {composed: {composed: [composed]}} == names.metadata(
        {DECOMPOSED: {DECOMPOSED: [DECOMPOSED]}}
    )


@given(st.text(max_size=60))
def test_accepted_names_are_stable(text: str) -> None:
    """A name that is accepted is accepted again unchanged, and survives UTF-8."""
    try:
        name = names.model_name(text)
    except InvalidName:
        return
    assert name == names.model_name(name.encode().decode())


@pytest.mark.parametrize("name", ["default", "team-a", "a", "a.b_c-9", "0", "x" * 63])
def test_project_names(name: str) -> None:
    """A project's name is lower-case letters, digits and . _ -"""
    assert name == names.project_name(name)


@pytest.mark.parametrize("name", ["", "A", "a b", "-a", "a-", ".", "é", "a/b", "x" * 64, None])
def test_project_names_refused(name: Any) -> None:
    """Anything else is no project name."""
    with pytest.raises(InvalidName):
        names.project_name(name)


@pytest.mark.parametrize(
    ("given_label", "label"),
    [("1.0.0", "1.0.0"), (7, "7"), ("v1+b.2", "v1+b.2"), ("x" * 50, "x" * 50)],
)
def test_labels(given_label: Any, label: str) -> None:
    """A label is text of up to 50 characters, or a whole number."""
    assert label == names.version_label(given_label)


@pytest.mark.parametrize(
    "label", ["", "x" * 51, "a b", "a/b", "a:b", "a@b", "..", "latest", "LATEST", True, 1.5, None]
)
def test_labels_refused(label: Any) -> None:
    """Spaces, the signs of references and reserved words are no label."""
    with pytest.raises(InvalidName):
        names.version_label(label)


@pytest.mark.parametrize("alias", ["champion", "blue_green-2", "v", "чемпион"])
def test_aliases(alias: str) -> None:
    """An alias is letters, digits, _ and -"""
    assert alias == names.alias_name(alias, {"Production"})


@pytest.mark.parametrize(
    ("alias", "why"),
    [
        ("latest", "reserved"),
        ("Latest", "reserved"),
        ("12", "reserved"),
        ("v12", "reserved"),
        ("V12", "reserved"),
        ("production", "is the name of a stage"),
        ("a b", "must consist of"),
        ("a.b", "must consist of"),
        ("", "must not be empty"),
    ],
)
def test_aliases_refused(alias: str, why: str) -> None:
    """An alias is never a stage, `latest`, or a number, since those mean something already."""
    with pytest.raises(InvalidName, match=why):
        names.alias_name(alias, {"Production"})


@pytest.mark.parametrize(
    "value",
    [0, -1, 2**63 - 1, -(2**63), 9007199254740993, 0.1, -0.0, 5e-324, 1.7976931348623157e308],
)
def test_metrics_are_exact(value: float) -> None:
    """A finite number is kept as it is, 64-bit integers included."""
    kept = names.metrics({"m": value})["m"]
    assert (type(value), value) == (type(kept), kept)


def test_numpy_scalars_are_numbers() -> None:
    """NumPy's scalars become the Python numbers behind them."""
    kept = names.metrics({"i": np.int64(2**62 + 1), "f": np.float64(0.5)})
    assert kept == {"i": 2**62 + 1, "f": 0.5}
    assert [int, float] == [type(value) for value in kept.values()]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (float("nan"), "only finite numbers"),
        (float("inf"), "only finite numbers"),
        (float("-inf"), "only finite numbers"),
        (np.float32("nan"), "only finite numbers"),
        (2**63, "does not fit in a 64-bit integer"),
        (-(2**63) - 1, "does not fit in a 64-bit integer"),
        (True, "must be a number, got bool"),
        ("0.9", "must be a number, got str"),
        (None, "must be a number, got NoneType"),
        ([1], "must be a number, got list"),
    ],
)
def test_metrics_refused(value: Any, why: str) -> None:
    """NaN, infinity and what is no number are refused, naming the metric."""
    with pytest.raises(InvalidInput, match=why) as caught:
        names.metrics({"auc": value})
    assert "'auc'" in str(caught.value)
    assert caught.value.fields["field"] == "metrics.auc"


def test_params() -> None:
    """A param is text, a number, true, false or null, and keeps its kind."""
    kept = names.params({"a": "x", "b": 1, "c": 0.5, "d": True, "e": None, "f": np.int32(3)})
    assert kept == {"a": "x", "b": 1, "c": 0.5, "d": True, "e": None, "f": 3}
    assert kept["d"] is True


@pytest.mark.parametrize("value", [[1], {"a": 1}, object(), float("nan"), 2**70])
def test_params_refused(value: Any) -> None:
    """Nested values and what JSON cannot hold are no param."""
    with pytest.raises(InvalidInput, match="lr"):
        names.params({"lr": value})


def test_tags() -> None:
    """Tags are a mapping of text, or bare names, which have an empty value."""
    assert names.tags({"team": "risk"}) == {"team": "risk"}
    assert names.tags(["a", "b"]) == {"a": "", "b": ""}
    assert names.tags(None) == {}


@pytest.mark.parametrize("value", ["abc", 3, [1], [["a"]], {"a": 1}, {1: "a"}])
def test_tags_refused(value: Any) -> None:
    """A lone text, or anything that is not text, is no set of tags."""
    with pytest.raises(InvalidInput):
        names.tags(value)


def test_metadata() -> None:
    """Metadata is a JSON object; a tuple becomes a list, a NumPy array is refused."""
    assert names.metadata({"a": {"b": (1, None, {"c": True})}}) == {
        "a": {"b": [1, None, {"c": True}]}
    }
    with pytest.raises(InvalidInput, match=r"metadata\.a must be a JSON value, got ndarray"):
        names.metadata({"a": np.zeros(2)})
    with pytest.raises(InvalidInput, match=r"metadata\.a\.b\[1\]"):
        names.metadata({"a": {"b": [1, float("nan")]}})


def test_values_are_frozen() -> None:
    """What was validated cannot be changed afterwards."""
    for kept in (names.metrics({"a": 1}), names.tags({"a": "b"}), names.params({"a": 1})):
        assert isinstance(kept, FrozenDict)


@pytest.mark.parametrize("check", [names.metrics, names.params, names.metadata])
@pytest.mark.parametrize("value", ["auc=1", [("a", 1)], 3])
def test_entries_are_mappings(check: Any, value: Any) -> None:
    """Metrics, params and metadata are mappings and nothing else."""
    with pytest.raises(InvalidInput, match="must be a mapping of names to values"):
        check(value)


@pytest.mark.parametrize(
    "text", ["a\x00b", "a\x1bb", "a\x08", "\ud800", "a\udfff"], ids=lambda text: repr(text)
)
def test_plain_text_refused(text: str) -> None:
    """Control characters and lone surrogates are refused wherever text is written."""
    with pytest.raises(InvalidInput):
        names.plain_text(text, "comment", 100)
    with pytest.raises(InvalidInput):
        names.tags({"a": text})
    with pytest.raises(InvalidInput):
        names.params({"a": text})
    with pytest.raises(InvalidInput):
        names.metadata({"a": [text]})


def test_plain_text_has_lines() -> None:
    """Text may have tabs and lines."""
    assert names.plain_text("a\tb\r\nc", "comment", 10) == "a\tb\r\nc"


@pytest.mark.parametrize(
    "call",
    [
        lambda: names.model_name("x" * 6, SMALL),
        lambda: names.version_label("x" * 4, SMALL),
        lambda: names.alias_name("x" * 5, (), SMALL),
        lambda: names.key_name("x" * 4, "tag", SMALL),
        lambda: names.metrics({"a": 1, "b": 2, "c": 3}, SMALL),
        lambda: names.params({"a": "x" * 5}, SMALL),
        lambda: names.tags({"a": "x" * 5}, SMALL),
        lambda: names.tags(["a", "b", "c"], SMALL),
        lambda: names.metadata({"a": "x" * 20}, SMALL),
        lambda: names.metadata({"a": {"b": {"c": 1}}}, SMALL),
        lambda: names.plain_text("xx", "comment", 1),
    ],
)
def test_limits(call: Any) -> None:
    """Everything has a limit, and the error names it."""
    with pytest.raises(RegistryError) as caught:
        call()
    assert isinstance(caught.value, (InvalidName, LimitExceeded))
    assert any(char.isdigit() for char in str(caught.value))
