"""Registered models, tags, aliases and prompts, as MLflow's own client sees them."""

from __future__ import annotations

from typing import Any

import pytest

from lockgate.errors import Conflict
from lockgate.registry import Registry


def refused(mlflow: Any, call: Any, *words: Any, **named: Any) -> tuple[str, str]:
    """The error code and the message that the client raises."""
    with pytest.raises(mlflow.exceptions.MlflowException) as caught:
        call(*words, **named)
    return caught.value.error_code, str(caught.value).partition(": ")[2]


def test_a_model_is_made_read_changed_and_deleted(client: Any, registry: Registry) -> None:
    """The client's calls on a model leave it as our own registry shows it."""
    made = client.create_registered_model("churn", {"team": "risk"}, "leavers")
    assert (made.name, made.tags, made.description) == ("churn", {"team": "risk"}, "leavers")
    assert made.creation_timestamp == made.last_updated_timestamp
    client.set_registered_model_tag("churn", "n", "1")
    client.set_registered_model_tag("churn", "team", "loans")
    client.delete_registered_model_tag("churn", "n")
    client.delete_registered_model_tag("churn", "never there")
    client.update_registered_model("churn", "who leaves")
    client.rename_registered_model("churn", "leavers")
    found = client.get_registered_model("leavers")
    assert (found.tags, found.description, found.aliases) == ({"team": "loans"}, "who leaves", {})
    assert registry.get_model("leavers").lifecycle == "open"
    client.delete_registered_model("leavers")
    assert [model.name for model in client.search_registered_models()] == []
    assert registry.restore_model("leavers").description == "who leaves"


def test_what_is_not_there_is_said_in_mlflows_words(client: Any, mlflow: Any) -> None:
    """Missing things, taken names and bad words have MLflow's codes and messages."""
    client.create_registered_model("churn")
    long = "x" * 100_001
    missing = ("RESOURCE_DOES_NOT_EXIST", "Registered Model with name=no not found")
    taken = ("RESOURCE_ALREADY_EXISTS", "Registered Model (name=churn) already exists.")
    no_version = ("RESOURCE_DOES_NOT_EXIST", "Model Version (name=churn, version=7) not found")
    bad = "INVALID_PARAMETER_VALUE"
    cases = [
        (client.get_registered_model, ["no"], missing),
        (client.update_registered_model, ["no", "text"], missing),
        (client.delete_registered_model, ["no"], missing),
        (client.set_registered_model_tag, ["no", "k", "v"], missing),
        (client.delete_registered_model_alias, ["no", "champion"], missing),
        (client.create_model_version, ["no", "s3://b/m"], missing),
        (client.create_registered_model, ["churn"], taken),
        (client.get_model_version, ["churn", "7"], no_version),
        (client.set_registered_model_alias, ["churn", "champion", "7"], no_version),
        (
            client.get_model_version,
            ["churn", "seven"],
            (bad, "Parameter 'version' must be an integer, got 'seven'."),
        ),
        (
            client.get_model_version_by_alias,
            ["churn", "champion"],
            (bad, "Registered model alias champion not found."),
        ),
        (
            client.set_registered_model_tag,
            ["churn", "k", long],
            (bad, "'value' exceeds the maximum length of 100000 characters"),
        ),
        (
            client.set_registered_model_alias,
            ["churn", "v7", "1"],
            (bad, "Version alias name 'v7' is reserved."),
        ),
        (
            client.create_registered_model,
            ["a/b"],
            (bad, "Invalid model name 'a/b'. Names cannot contain '/' or ':'."),
        ),
    ]
    assert [refused(mlflow, call, *words) for call, words, _ in cases] == [
        expected for _, _, expected in cases
    ]


def test_an_alias_moves_and_goes_with_its_version(
    client: Any, mlflow: Any, registry: Registry
) -> None:
    """An alias names the version it was last given, and none once that is deleted."""
    client.create_registered_model("churn")
    for _ in range(3):
        client.create_model_version("churn", "s3://b/m")
    client.set_registered_model_alias("churn", "champion", "1")
    client.set_registered_model_alias("churn", "champion", "2")
    assert client.get_model_version_by_alias("churn", "champion").version == "2"
    assert client.get_registered_model("churn").aliases == {"champion": "2"}
    assert client.get_model_version("churn", "2").aliases == ["champion"]
    assert client.get_model_version_by_alias("churn", "latest").version == "3"
    client.delete_registered_model_alias("churn", "never-there")
    client.delete_model_version("churn", "2")
    assert client.get_registered_model("churn").aliases == {}
    code, _ = refused(mlflow, client.get_model_version_by_alias, "churn", "champion")
    assert code == "INVALID_PARAMETER_VALUE"
    code, told = refused(mlflow, client.set_registered_model_alias, "churn", "Production", "1")
    assert (code, told) == (
        "INVALID_PARAMETER_VALUE",
        "alias 'Production' is the name of a stage; transition the version instead",
    )
    code, told = refused(mlflow, client.get_model_version_by_alias, "churn", "production")
    assert told == "Registered model alias production not found."
    registry.transition("churn", "1", "production")
    assert client.get_model_version_by_alias("churn", "production").version == "1"


def test_models_get_the_projects_lifecycle_unless_it_is_the_usual_one(
    client: Any, registry: Registry
) -> None:
    """A project that chose a lifecycle keeps it, and its stages are shown in its own words."""
    registry.update_project("default", lifecycle="kanban")
    client.create_registered_model("churn")
    assert client.create_model_version("churn", "s3://b/m").current_stage == "Development"
    assert registry.get_model("churn").lifecycle == "kanban"


def test_prompts_ride_on_the_registry(client: Any, mlflow: Any, server: Any) -> None:
    """Prompts are registered, aliased, loaded, tagged and searched, apart from models."""
    client.create_registered_model("churn")
    client.register_prompt("greet", "Hello {{name}}", "first", {"team": "x"})
    client.register_prompt("greet", "Hi {{name}}", "second")
    client.set_prompt_alias("greet", "best", 1)
    assert client.load_prompt("prompts:/greet@best").format(name="Bo") == "Hello Bo"
    assert client.load_prompt("greet").template == "Hi {{name}}"
    client.set_prompt_version_tag("greet", "1", "k", "v")
    assert client.get_prompt_version("greet", "1").tags["k"] == "v"
    assert [prompt.name for prompt in client.search_prompts()] == ["greet"]
    assert [model.name for model in client.search_registered_models()] == ["churn"]
    assert list(client.search_model_versions()) == []
    assert refused(mlflow, client.create_registered_model, "greet") == (
        "RESOURCE_ALREADY_EXISTS",
        "Tried to create a registered model with name 'greet', but the name is already taken by "
        "a prompt. MLflow does not allow creating a model and a prompt with the same name.",
    )
    code, _ = refused(mlflow, client.create_model_version, "churn", "models:/greet/1")
    assert code == "INVALID_PARAMETER_VALUE"
    client.delete_prompt_version("greet", "2")
    assert client.load_prompt("greet").version == 1


def test_a_prompt_that_is_too_long_is_refused_and_leaves_nothing(client: Any, mlflow: Any) -> None:
    """The refusal speaks of the prompt's text; the client takes back what it made before."""
    code, told = refused(mlflow, client.register_prompt, "long", "a" * 100_001)
    assert code == "INVALID_PARAMETER_VALUE"
    assert told == "Prompt text exceeds max length of 100000 characters."
    assert list(client.search_prompts()) == []


def test_a_prompt_has_no_stages_so_its_aliases_may_be_called_like_them(
    client: Any, mlflow: Any, registry: Registry
) -> None:
    """`production` moves, is shown, is found by every client, and goes; nothing is protected."""
    for text in ("Hello {{name}}", "Hi {{name}}"):
        client.register_prompt("greet", text)
    for number, alias in ((1, "staging"), (1, "production"), (2, "production")):
        client.set_prompt_alias("greet", alias, number)
    loaded = client.load_prompt("prompts:/greet@production")
    assert (loaded.version, loaded.aliases) == (2, ["production"])
    assert client.get_prompt_version_by_alias("greet", "staging").version == 1
    assert registry.resolve("greet@production").seq == 2
    assert registry.get_model("greet").lifecycle == "unstaged"
    client.delete_prompt_alias("greet", "production")
    code, _ = refused(mlflow, client.get_prompt_version_by_alias, "greet", "production")
    assert code == "INVALID_PARAMETER_VALUE"
    registry.delete_version("greet", "2")
    client.delete_prompt_version("greet", "1")
    client.delete_prompt("greet")
    assert list(client.search_prompts()) == []


def test_a_prompt_that_was_made_under_open(client: Any, registry: Registry) -> None:
    """It moves to a lifecycle without stages once nothing stands in one that this lacks."""
    registry.create_model("greet", lifecycle="open", tags={"mlflow.prompt.is_prompt": "true"})
    for text in ("Hello {{name}}", "Hi {{name}}"):
        client.register_prompt("greet", text)
    registry.transition("greet", "2", "production")
    with pytest.raises(Conflict) as refusal:
        registry.update_model("greet", lifecycle="unstaged")
    assert str(refusal.value) == (
        "Model 'greet' cannot move to lifecycle 'unstaged': it has no stage 'production', where 1 "
        "versions stand (such as 2). First take them where both have a stage: none"
    )
    registry.transition("greet", "2", "none")
    registry.update_model("greet", lifecycle="unstaged")
    client.set_prompt_alias("greet", "production", 2)
    assert client.load_prompt("prompts:/greet@production").version == 2


def test_a_workspace_is_a_project(client: Any, mlflow: Any, registry: Registry) -> None:
    """The workspace that the client is set to is the project that it works in."""
    registry.create_project("risk")
    client.create_registered_model("churn")
    mlflow.set_workspace("risk")
    try:
        assert refused(mlflow, client.get_registered_model, "churn") == (
            "RESOURCE_DOES_NOT_EXIST",
            "Registered Model with name=churn not found",
        )
        client.create_registered_model("churn", description="of risk")
        assert [m.description for m in client.search_registered_models()] == ["of risk"]
        mlflow.set_workspace("nowhere")
        assert refused(mlflow, client.create_registered_model, "churn") == (
            "RESOURCE_DOES_NOT_EXIST",
            "Project 'nowhere' not found.",
        )
    finally:
        mlflow.set_workspace(None)
    assert registry.get_model("risk/churn").description == "of risk"


def test_prompts_of_every_kind(client: Any, mlflow: Any) -> None:
    """Chats, formats of answers, settings of models, tags and what is missing, as MLflow has it."""
    said = [{"role": "system", "content": "Be {{mood}}"}, {"role": "user", "content": "{{q}}"}]
    client.register_prompt("chat", said, "a chat", {"team": "x"})
    client.register_prompt("form", "{{q}}", response_format={"type": "object"})
    client.register_prompt("tuned", "{{q}}", model_config={"temperature": 0.5})
    assert client.load_prompt("chat").template == said
    assert client.load_prompt("prompts:/form@latest").response_format == {"type": "object"}
    assert client.load_prompt("prompts:/tuned/1").model_config == {"temperature": 0.5}
    assert [prompt.name for prompt in client.search_prompts("tags.team = 'x'")] == ["chat"]
    assert [prompt.name for prompt in client.search_prompts("name LIKE 'f%'")] == ["form"]
    client.set_prompt_tag("chat", "k", "v")
    tags = client.get_prompt("chat").tags
    assert (tags["team"], tags["k"]) == ("x", "v")
    client.delete_prompt_tag("chat", "k")
    assert "k" not in client.get_prompt("chat").tags
    for missing in ("nope", "prompts:/chat/9", "prompts:/chat@nope"):
        assert client.load_prompt(missing, allow_missing=True) is None
        with pytest.raises(mlflow.exceptions.MlflowException):
            client.load_prompt(missing)
    page = client.search_prompts(max_results=1)
    assert (len(page), bool(page.token)) == (1, True)
