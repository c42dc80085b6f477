"""References: one line that means one version."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.domain.references import Reference, parse_reference, split_name
from lockgate.errors import InvalidReference, RegistryError

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("churn", Reference("home", "churn", "latest", "latest")),
        ("churn:1.0", Reference("home", "churn", "label", "1.0")),
        ("risk/churn:1.0", Reference("risk", "churn", "label", "1.0")),
        ("churn@champion", Reference("home", "churn", "moving", "champion")),
        ("risk/churn@Production", Reference("risk", "churn", "moving", "Production")),
        ("churn@latest", Reference("home", "churn", "latest", "latest")),
        ("churn@LATEST", Reference("home", "churn", "latest", "latest")),
        (f"churn@{DIGEST}", Reference("home", "churn", "digest", DIGEST)),
        ("churn v2:1", Reference("home", "churn v2", "label", "1")),
    ],
)
def test_forms(text: str, expected: Reference) -> None:
    """`:` is fixed, `@` moves, and the project may be left out."""
    assert expected == parse_reference(text, "home")
    assert expected == parse_reference(str(expected))


@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        3,
        ":",
        "@",
        "churn:",
        "churn@",
        "churn:a:b",
        "churn:a@b",
        "churn@a:b",
        "churn@a/b",
        "churn@a@b",
        "a/b/c:1",
        "/churn:1",
        "risk/:1",
        "Risk/churn:1",
        "churn:latest",
        "churn: 1",
        "churn@sha256:abc",
        f"churn@{DIGEST.upper()}",
        "churn@SHA256:" + "0" * 64,
        "churn\n:1",
    ],
)
def test_what_is_no_reference(text: Any) -> None:
    """Anything else is refused with the forms that would be right."""
    with pytest.raises(InvalidReference) as caught:
        parse_reference(text)
    assert "name:version, name@alias, name@stage" in str(caught.value)


@given(st.text(max_size=200))
def test_any_text_is_a_reference_or_a_refusal(text: str) -> None:
    """No text breaks the parser; what it accepts, it reads back the same."""
    try:
        reference = parse_reference(text)
    except InvalidReference:
        return
    assert reference == parse_reference(str(reference))


def test_split_name() -> None:
    """A name may be preceded by its project."""
    assert split_name("churn", "home") == ("home", "churn")
    assert split_name("risk/churn", "home") == ("risk", "churn")
    with pytest.raises(RegistryError):
        split_name("a/b/c")
