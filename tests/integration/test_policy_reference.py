"""The reference of policies says what the code does: every kind, field, default and example."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import pytest

from lockgate.domain.access import ROLES
from lockgate.domain.policies import REQUIREMENTS_MAX, PromotionPolicy
from lockgate.domain.requirements.approvals import PEOPLE_MAX
from lockgate.domain.requirements.kinds import KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "policies.md").read_text()
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def written(each: Field[Any]) -> str:
    """Return a field's default as the page writes it."""
    if each.default is MISSING:
        return "required"
    if each.default is None or each.default == ():
        return "none"
    return f"`{json.dumps(each.default)}`"


def test_every_kind_has_its_section() -> None:
    """The sections are the kinds, in their order."""
    assert list(SECTIONS) == list(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_told_with_its_default(kind: str) -> None:
    """The table of a kind holds its fields as documents write them, and their defaults."""
    told = re.findall(r"^\| `(\w+)` \| (.*?) \|", SECTIONS[kind], re.MULTILINE)
    there = [
        (each.metadata.get("key", each.name), written(each))
        for each in fields(KINDS[kind])
        if each.name != "mode"
    ]
    assert told == there


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_policy(example: str) -> None:
    """What the page shows can be attached."""
    assert PromotionPolicy.from_document(tomllib.loads(example)).requirements


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_an_example_and_a_method(kind: str) -> None:
    """Each section shows its kind, and Python has a method of that name."""
    assert f'kind = "{kind}"' in SECTIONS[kind]
    assert callable(getattr(PromotionPolicy, f"require_{kind}"))


def test_limits_and_roles_are_the_ones_there_are() -> None:
    """The numbers and roles on the page are those of the code."""
    assert f"at most {REQUIREMENTS_MAX} requirements" in PAGE
    assert f"1 to {PEOPLE_MAX}" in SECTIONS["approvals"]
    assert ", ".join(f"`{role}`" for role in ROLES) in SECTIONS["approvals"]
