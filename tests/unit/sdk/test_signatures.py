"""The client has the registry's verbs, exactly."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from lockgate.registry import Registry
from lockgate.sdk.client import Client


def verbs(kind: type) -> dict[str, Any]:
    """The public methods of a class by name."""
    found = inspect.getmembers(kind, inspect.isfunction)
    return {name: method for name, method in found if not name.startswith("_")}


def test_the_client_has_every_verb_and_no_other() -> None:
    """A verb of the registry is one of the client, and the other way round."""
    assert sorted(verbs(Client)) == sorted(verbs(Registry))


@pytest.mark.parametrize("verb", sorted(verbs(Registry)))
def test_a_verb_has_the_same_signature(verb: str) -> None:
    """Names, defaults and types of parameters, and what is returned, are the same."""
    expected = inspect.signature(verbs(Registry)[verb])
    assert str(inspect.signature(verbs(Client)[verb])) == str(expected)
