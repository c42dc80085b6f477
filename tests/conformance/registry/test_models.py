"""Models and their aliases behave the same in this process and over HTTP."""

from __future__ import annotations

import pytest

from lockgate.errors import (
    AliasNotFound,
    AlreadyExists,
    Conflict,
    InUse,
    InvalidInput,
    InvalidName,
    LifecycleNotFound,
    ModelNotFound,
    ProjectNotFound,
    StaleRevision,
    VersionNotFound,
)
from registries import AnyRegistry


def test_a_model_is_returned_as_it_was_made(on_every_database: AnyRegistry) -> None:
    """What create_model returns is what get_model returns, with owner, tags and lifecycle."""
    made = on_every_database.create_model(
        "churn", owner="team-risk", description="Who leaves", tags={"team": "risk"}
    )
    assert on_every_database.get_model("churn") == made
    assert (made.project, made.lifecycle, made.lifecycle_revision) == ("default", "standard", 1)
    assert (made.owner, dict(made.tags), made.created_by) == ("team-risk", {"team": "risk"}, "ana")


def test_tags_may_be_bare_names(registry: AnyRegistry) -> None:
    """A list of tags, or any iterable of them, is tags without values."""
    made = registry.create_model("churn", tags=(tag for tag in ["a", "b"]))  # type: ignore[arg-type]
    assert dict(made.tags) == {"a": "", "b": ""}


def test_a_taken_name_is_refused_or_returned_by_the_lifecycle(registry: AnyRegistry) -> None:
    """Under `standard` a second model of a name is refused; `strict` returns the first."""
    registry.create_model("churn")
    with pytest.raises(AlreadyExists) as caught:
        registry.create_model("churn")
    assert str(caught.value) == "Model 'default/churn' already exists."
    assert caught.value.fields == {"kind": "Model", "name": "default/churn", "model": "churn"}
    first = registry.create_model("calm", lifecycle="strict")
    assert registry.create_model("calm", lifecycle="strict") == first


@pytest.mark.parametrize("name", ["", "a:b", "a@b", "..", " a", "a\nb", "x" * 256, "ﬁne"])
def test_a_bad_name_is_refused(registry: AnyRegistry, name: str) -> None:
    """Names with reserved characters, of no length or too much, or that look alike, are refused."""
    with pytest.raises(InvalidName):
        registry.create_model(name)


def test_names_are_normalised(registry: AnyRegistry) -> None:
    """Two spellings of é are one name, stored in NFC; letters of any script are welcome."""
    registry.register_model("cafe\u0301", "1.0")
    assert registry.get_version("caf\u00e9", "1.0").model == "caf\u00e9"
    assert registry.create_model("модель 模型 100%?#").name == "модель 模型 100%?#"
    assert registry.get_model("модель 模型 100%?#").name == "модель 模型 100%?#"


def test_what_is_missing_is_said_to_be_missing(registry: AnyRegistry) -> None:
    """A missing model, project or lifecycle is named in the error."""
    with pytest.raises(ModelNotFound, match=r"Model 'churn' not found in project 'default'\."):
        registry.get_model("churn")
    with pytest.raises(ProjectNotFound, match=r"Project 'nowhere' not found\."):
        registry.create_model("nowhere/churn")
    with pytest.raises(LifecycleNotFound):
        registry.create_model("churn", lifecycle="nothing")


def test_a_model_changes_by_what_is_given(registry: AnyRegistry) -> None:
    """update_model changes the fields it is given, merges tags, and takes away those of None."""
    registry.create_model("churn", tags={"a": "1", "b": "2"}, description="old")
    after = registry.update_model("churn", tags={"a": None, "c": "3"}, owner="bob")
    assert (dict(after.tags), after.owner, after.description) == (
        {"b": "2", "c": "3"},
        "bob",
        "old",
    )
    assert registry.update_model("churn", new_name="stay").name == "stay"
    with pytest.raises(ModelNotFound):
        registry.get_model("churn")
    with pytest.raises(InvalidInput):
        registry.update_model("stay", colour="red")
    with pytest.raises(InvalidInput):
        registry.update_model("stay", description=None)


def test_a_stale_revision_is_refused(registry: AnyRegistry) -> None:
    """With a revision, a change is made only if the model is still at it."""
    made = registry.create_model("churn")
    after = registry.update_model("churn", description="new", revision=made.revision)
    with pytest.raises(StaleRevision) as caught:
        registry.update_model("churn", description="newer", revision=made.revision)
    assert caught.value.fields["revision"] == after.revision
    assert registry.get_model("churn").description == "new"


def test_a_model_moves_to_a_lifecycle_that_has_its_stages(registry: AnyRegistry) -> None:
    """A model moves to another lifecycle only if every version has a place there."""
    registry.register_model("churn", "1.0")
    with pytest.raises(Conflict, match="has no stage 'None'"):
        registry.update_model("churn", lifecycle="linear")
    assert registry.update_model("churn", lifecycle="strict").lifecycle == "strict"


def test_models_are_listed_by_name_in_pages(registry: AnyRegistry) -> None:
    """list_models goes through all models by name, a page at a time, and over projects."""
    registry.create_project("risk")
    for name in ["c", "a", "risk/b", "d"]:
        registry.create_model(name)
    first = registry.list_models(limit=3)
    assert [model.name for model in first] == ["a", "b", "c"]
    second = registry.list_models(limit=3, cursor=first.next_cursor)
    assert ([model.name for model in second], second.next_cursor) == (["d"], None)
    assert [model.name for model in registry.list_models(project="risk")] == ["b"]
    assert [m.name for m in registry.list_models(filter="name >= 'c'", order_by="name DESC")] == [
        "d",
        "c",
    ]


@pytest.mark.parametrize("limit", [0, -1, 1_001])
def test_a_page_has_its_limits(registry: AnyRegistry, limit: int) -> None:
    """A page is of 1 to 1,000 items."""
    with pytest.raises(InvalidInput):
        registry.list_models(limit=limit)


def test_a_cursor_belongs_to_its_query(registry: AnyRegistry) -> None:
    """A cursor of another query, or one that no server made, is refused."""
    for name in ["a", "b"]:
        registry.create_model(name)
    cursor = registry.list_models(limit=1).next_cursor
    with pytest.raises(InvalidInput):
        registry.list_models(limit=1, cursor=cursor, order_by="created_at")
    with pytest.raises(InvalidInput):
        registry.list_models(limit=1, cursor="nonsense")


def test_a_deleted_model_comes_back_as_it_was(registry: AnyRegistry) -> None:
    """delete_model is refused while a version serves, and restore_model undoes it."""
    registry.register_model("churn", "1.0")
    registry.promote("churn", "1.0", "Staging")
    registry.promote("churn", "1.0")
    registry.set_alias("churn", "champion", "1.0")
    with pytest.raises(InUse) as caught:
        registry.delete_model("churn")
    assert caught.value.fields["users"] == ["default/churn:1.0"]
    registry.delete_model("churn", force=True)
    with pytest.raises(ModelNotFound):
        registry.get_version("churn", "1.0")
    restored = registry.restore_model("churn")
    assert (restored.version_count, dict(restored.aliases)) == (1, {"champion": "1.0"})
    assert registry.production("churn").label == "1.0"
    with pytest.raises(AlreadyExists):
        registry.restore_model("churn")


def test_an_alias_moves(registry: AnyRegistry) -> None:
    """An alias names one version at a time, and resolves to it."""
    for label in ["1.0", "1.1"]:
        registry.register_model("churn", label)
    registry.set_alias("churn", "champion", "1.0")
    moved = registry.set_alias("churn", "champion", 2, protected=True)
    assert (moved.version, moved.protected, moved.set_by) == ("1.1", True, "ana")
    assert registry.resolve("churn@champion").label == "1.1"
    assert registry.get_version("churn", "1.0").aliases == ()
    assert registry.list_aliases("churn") == (moved,)
    registry.delete_alias("churn", "champion")
    assert registry.list_aliases("churn") == ()
    with pytest.raises(AliasNotFound):
        registry.delete_alias("churn", "champion")


@pytest.mark.parametrize("alias", ["latest", "42", "v7", "Production", "prod", "a b", "a.b"])
def test_an_alias_is_never_a_stage_or_a_number(registry: AnyRegistry, alias: str) -> None:
    """An alias is no stage's name, not latest, no digits, and a single word."""
    registry.register_model("churn", "1.0")
    with pytest.raises(InvalidName):
        registry.set_alias("churn", alias, "1.0")


def test_an_alias_needs_a_version(registry: AnyRegistry) -> None:
    """An alias cannot name a version that is not there."""
    registry.create_model("churn")
    with pytest.raises(VersionNotFound):
        registry.set_alias("churn", "champion", "1.0")


def test_tags_keep_their_order(registry: AnyRegistry) -> None:
    """Tags are shown in the order in which they were given, models' and versions'."""
    assert list(registry.create_model("churn", tags=["z", "a"]).tags) == ["z", "a"]
    assert list(registry.update_model("churn", tags=["m"]).tags) == ["z", "a", "m"]
    assert list(registry.get_model("churn").tags) == ["z", "a", "m"]
    version = registry.register_model("churn", "1", tags={"y": "1", "b": "2"})
    assert list(registry.get_version("churn", "1").tags) == list(version.tags) == ["y", "b"]
