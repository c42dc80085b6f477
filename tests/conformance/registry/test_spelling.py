"""What callers write: other spellings of a name that is there, and what no name could be."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from lockgate.errors import InvalidCursor, InvalidInput, InvalidLifecycle, VersionNotFound
from registries import AnyRegistry

COMPOSED, DECOMPOSED = "\u00e9", "e\u0301"
Call = Callable[[AnyRegistry], object]


def test_a_name_in_another_normal_form(registry: AnyRegistry) -> None:
    """What is stored in NFC is found by the same letters in another form."""
    registry.register_model("churn", f"v{COMPOSED}", tags={COMPOSED: "x"})
    registry.set_alias("churn", f"ch{COMPOSED}", f"v{DECOMPOSED}")
    assert registry.get_version("churn", f"v{DECOMPOSED}").aliases == (f"ch{COMPOSED}",)
    assert registry.resolve(f"churn@ch{DECOMPOSED}").label == f"v{COMPOSED}"
    assert registry.promote("churn", f"v{DECOMPOSED}").stage == "Staging"
    found = registry.audit(model="churn", version=f"v{DECOMPOSED}", action="transition")
    assert [event.version for event in found] == [f"v{COMPOSED}"]
    registry.update_version("churn", f"v{DECOMPOSED}", tags={DECOMPOSED: None})
    registry.delete_alias("churn", f"ch{DECOMPOSED}")
    after = registry.get_version("churn", f"v{COMPOSED}")
    assert (dict(after.tags), after.aliases) == ({}, ())


NEVER_STORED: dict[str, Callable[[str], Call]] = {
    "a version": lambda word: lambda registry: registry.get_version("churn", word),
    "a version to change": lambda word: lambda registry: registry.promote("churn", word),
    "a project": lambda word: lambda registry: registry.get_project(word),
    "the project of a list": lambda word: lambda registry: registry.list_models(project=word),
    "a lifecycle": lambda word: lambda registry: registry.get_lifecycle(word),
    "an alias": lambda word: lambda registry: registry.delete_alias("churn", word),
    "a reference": lambda word: lambda registry: registry.resolve(f"churn@{word}"),
    "an actor": lambda word: lambda registry: registry.audit(actor=word),
}


@pytest.mark.parametrize("word", ["a\0b", "a\ud800b"], ids=["NUL", "surrogate"])
def test_what_no_name_could_be(on_every_database: AnyRegistry, word: str) -> None:
    """NUL and halves of surrogate pairs are refused wherever a name is looked for."""
    on_every_database.register_model("churn", "1")
    for call in NEVER_STORED.values():
        with pytest.raises(InvalidInput):
            call(word)(on_every_database)


@pytest.mark.parametrize("revision", [2**70, 2**31, 0, -1])
def test_a_revision_that_no_lifecycle_has(on_every_database: AnyRegistry, revision: int) -> None:
    """A number that no revision can have is refused, wherever it is given."""
    on_every_database.create_model("churn")
    for call in (
        lambda: on_every_database.get_lifecycle("standard", revision),
        lambda: on_every_database.create_model("other", lifecycle_revision=revision),
        lambda: on_every_database.update_model("churn", lifecycle_revision=revision),
    ):
        with pytest.raises(InvalidInput, match="revision"):
            call()


def test_a_version_number_beyond_all(on_every_database: AnyRegistry) -> None:
    """A label of seventeen digits is no version's number, and does no harm."""
    on_every_database.register_model("churn", "1")
    with pytest.raises(VersionNotFound):
        on_every_database.get_version("churn", "9" * 17)


@pytest.mark.parametrize("document", [[1], "lifecycle", 5])
def test_a_lifecycle_that_is_no_object(registry: AnyRegistry, document: Any) -> None:
    """A document that is a list, a text or a number is not valid, and says what would be."""
    with pytest.raises(InvalidLifecycle, match="object with a name"):
        registry.apply_lifecycle(document)


@pytest.mark.parametrize("parents", ["churn:1", 5])
def test_parents_that_are_no_list(registry: AnyRegistry, parents: Any) -> None:
    """Parents are a list of references, not one reference and not a number."""
    with pytest.raises(InvalidInput, match="parents"):
        registry.register_model("churn", "1", parents=parents)


def test_one_is_not_true(on_every_database: AnyRegistry) -> None:
    """A param that was true and becomes 1 has changed: when read, when searched, on record."""
    on_every_database.register_model("churn", "1", params={"fast": True}, metadata={"n": 1})
    changed = on_every_database.update_version(
        "churn", "1", params={"fast": 1}, metadata={"n": True}
    )
    assert [type(changed.params["fast"]), type(changed.metadata["n"])] == [int, bool]
    assert [v.label for v in on_every_database.search("params.fast = 1")] == ["1"]
    assert list(on_every_database.search("params.fast = 'true'")) == []
    (event,) = on_every_database.audit(model="churn", action="update_version")
    assert set(event.detail["changes"]) == {"params", "metadata"}


@pytest.mark.parametrize("position", [2**80, -1, "x", True, None, [1]])
def test_a_cursor_that_somebody_made_up(on_every_database: AnyRegistry, position: Any) -> None:
    """A cursor for the right query with a position that no page ends at is refused."""
    on_every_database.register_model("churn", "1")
    query = hashlib.sha256(b"versions default/churn None").hexdigest()[:12]
    cursor = base64.urlsafe_b64encode(json.dumps([query, position]).encode()).decode()
    with pytest.raises(InvalidCursor):
        on_every_database.list_versions("churn", cursor=cursor.rstrip("="))


@pytest.mark.parametrize("position", ["a\0", "a\ud800", 5])
def test_a_made_up_cursor_of_names(on_every_database: AnyRegistry, position: Any) -> None:
    """A cursor whose position is no name is refused."""
    query = hashlib.sha256(b"projects").hexdigest()[:12]
    cursor = base64.urlsafe_b64encode(json.dumps([query, position]).encode()).decode()
    with pytest.raises(InvalidCursor):
        on_every_database.list_projects(cursor=cursor.rstrip("="))
