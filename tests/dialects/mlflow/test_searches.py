"""Searches in MLflow's grammar, by its own client."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def stocked(client: Any) -> Any:
    """A client of a registry with four models, two of them with versions."""
    tags: dict[str, dict[str, str]] = {
        "alpha": {"team": "risk", "a key": "x"}, "beta": {"team": "Risk"}, "gamma": {}, "o'k": {},
    }  # fmt: skip
    for name, tagged in tags.items():
        client.create_registered_model(name, tagged)
    for name, source, run in (
        ("alpha", "A/B", "r1"),
        ("alpha", "A/D", "r2"),
        ("beta", "A/D", "r3"),
    ):
        client.create_model_version(name, source, run, {"env": run})
    return client


@pytest.mark.parametrize(
    ("where", "names"),
    [
        (None, "alpha beta gamma o'k"),
        ("", "alpha beta gamma o'k"),
        ("name = 'beta'", "beta"),
        ('name="beta"', "beta"),
        ("name = 'o''k'", "o'k"),
        ("name != 'beta'", "alpha gamma o'k"),
        ("attribute.name LIKE '%a'", "alpha beta gamma"),
        ("name LIKE 'A%'", ""),
        ("name ilike 'A%'", "alpha"),
        ("name IN ('alpha', 'gamma')", "alpha gamma"),
        ("name NOT IN ('alpha','gamma')", "beta o'k"),
        ("tags.team = 'risk'", "alpha"),
        ("tag.team ILIKE 'RISK'", "alpha beta"),
        ("tags.team != 'risk'", "beta"),
        ("tags.`a key` = 'x' and tags.team = 'risk'", "alpha"),
        ("tags.\"a key\" = 'x'", "alpha"),
        ("tags.`mlflow.prompt.is_prompt` != 'true'", "alpha beta gamma o'k"),
        ("tags.`mlflow.prompt.is_prompt` = 'true'", ""),
        ("name LIKE '%\\%'", ""),
        ("tags.'a key' = 'x'", "alpha"),
        (" ", "alpha beta gamma o'k"),
    ],
)
def test_models_are_found(stocked: Any, where: str | None, names: str) -> None:
    """A filter selects models as MLflow's own store does."""
    assert [model.name for model in stocked.search_registered_models(where)] == names.split()


@pytest.mark.parametrize(
    ("where", "sources"),
    [
        ("name = 'alpha'", "A/D A/B"),
        ("version_number = 1", "A/D A/B"),
        ("version_number <= 1 AND name = 'alpha'", "A/B"),
        ("version_number > 1", "A/D"),
        ("version_number = '2'", "A/D"),
        ("run_id = 'r1'", "A/B"),
        ("run_id IN ('r1','R2', 'r3')", "A/D A/B"),
        ("source_path = 'A/D'", "A/D A/D"),
        ("tags.env LIKE 'r%' AND source_path LIKE '%B'", "A/B"),
        ("tags.env = 'r3'", "A/D"),
    ],
)
def test_versions_are_found(stocked: Any, where: str, sources: str) -> None:
    """A filter selects versions, the last updated first."""
    assert [v.source for v in stocked.search_model_versions(where)] == sources.split()


@pytest.mark.parametrize(
    ("where", "numbers"),
    [
        ("run_id = ''", "2"),
        ("run_id != ''", "1 3"),
        ("run_id != 'r1'", "2 3"),
        ("run_id IN ('')", "2"),
        ("run_id IN ('r1', '')", "1 2"),
        ("run_id NOT IN ('r1', '')", "3"),
        ("run_id NOT IN ('r1')", "2 3"),
        ("run_id LIKE 'r%'", "1 3"),
        ("run_id = '' AND source_path != 'c'", "2"),
    ],
)
def test_a_version_without_a_run_has_an_empty_one(client: Any, where: str, numbers: str) -> None:
    """To MLflow a run that was never given is an empty text, also where it is compared."""
    client.create_registered_model("m")
    for source, run in (("a", "r1"), ("b", None), ("c", "r2")):
        client.create_model_version("m", source, run)
    found = client.search_model_versions(where, order_by=["version_number ASC"])
    assert [version.version for version in found] == numbers.split()


@pytest.mark.parametrize(
    ("kind", "where", "told"),
    [
        ("models", "run_id = 'x'", "Invalid attribute key 'run_id' specified."),
        ("models", "name != word", "Parameter value is either not quoted or unidentified quote"),
        ("models", "evil = true", "Invalid clause(s) in filter string: evil = true"),
        ("models", "name = 'a' OR name = 'b'", "Invalid clause(s) in filter string"),
        ("models", "name = 'a' AND", "Invalid clause(s) in filter string"),
        ("models", "name = 'a", "Invalid clause(s) in filter string"),
        ("models", "param.x = 'a'", "Invalid entity type 'param'."),
        ("models", "name > 'a'", "Invalid comparator for attribute: >"),
        ("models", "name = 5", "Expected a quoted string value or a list of quoted string values"),
        ("models", "tags.k = 3", "Expected a quoted string value for tag"),
        ("versions", "name LIKE", "Invalid clause(s) in filter string"),
        ("versions", "run_id IN (", "Invalid clause(s) in filter string"),
        ("versions", "run_id IN ()", "expected a non-empty list of string values, but got empty"),
        ("versions", "run_id IN (1,2)", "but got different type in list"),
        ("versions", "run_id IN ('a',,'b')", "but got ill-formed list"),
        ("versions", "source_path IN ('a')", "Only ['name', 'run_id'] attributes support"),
        ("versions", "version_number = 1.5", "Invalid value for numeric attribute"),
        ("versions", "version_number LIKE '1'", "Invalid comparator for attribute version_number"),
        ("versions", "run_id = 5", "Only the '['version_number']' attributes support comparison"),
    ],
)
def test_a_filter_that_is_none_is_refused(
    stocked: Any, mlflow: Any, kind: str, where: str, told: str
) -> None:
    """What the grammar does not have is refused in MLflow's words."""
    search = stocked.search_registered_models if kind == "models" else stocked.search_model_versions
    with pytest.raises(mlflow.exceptions.MlflowException) as caught:
        search(where)
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("order", "names"),
    [
        (["name DESC"], "o'k gamma beta alpha"),
        (["last_updated_timestamp", "name"], "gamma o'k alpha beta"),
        (["timestamp  deSc"], "beta alpha o'k gamma"),
    ],
)
def test_models_are_ordered(stocked: Any, order: list[str], names: str) -> None:
    """Models come by name, or as an order says, read in any case."""
    stocked.set_registered_model_tag("alpha", "n", "1")
    stocked.set_registered_model_tag("beta", "n", "1")
    found = stocked.search_registered_models("name LIKE '%'", order_by=order)
    assert [model.name for model in found] == names.split()


@pytest.mark.parametrize(
    ("order", "versions"),
    [
        ([], ["beta 1", "alpha 2", "alpha 1"]),
        (["creation_timestamp ASC"], ["alpha 1", "alpha 2", "beta 1"]),
        (["name DESC"], ["beta 1", "alpha 2", "alpha 1"]),
        (["version_number ASC", "name"], ["alpha 1", "beta 1", "alpha 2"]),
        (["last_updated_timestamp DESC"], ["beta 1", "alpha 2", "alpha 1"]),
    ],
)
def test_versions_are_ordered(stocked: Any, order: list[str], versions: list[str]) -> None:
    """Versions come last updated first, or as an order says; ties by name, then newest first."""
    found = stocked.search_model_versions(order_by=order)
    assert [f"{version.name} {version.version}" for version in found] == versions


@pytest.mark.parametrize(
    ("order", "told"),
    [
        (["run_id DESC"], "Invalid attribute key 'run_id' specified"),
        (["name ASC", "creation_timestamp DESC blah"], "Invalid order_by clause"),
        (["name down"], "Invalid ordering key in order_by clause 'name down'."),
        (["name", "name DESC"], "`order_by` contains duplicate fields"),
    ],
)
def test_an_order_that_is_none_is_refused(
    stocked: Any, mlflow: Any, order: list[str], told: str
) -> None:
    """An order by what gives none is refused in MLflow's words."""
    with pytest.raises(mlflow.exceptions.MlflowException) as caught:
        stocked.search_model_versions(order_by=order)
    assert told in str(caught.value)


def test_pages_follow_each_other(stocked: Any, mlflow: Any) -> None:
    """A token leads to the next page, the last page has none, and a made-up one is refused."""
    seen, token = [], None
    while token != "":
        page = stocked.search_registered_models(max_results=3, page_token=token)
        seen.append([model.name for model in page])
        token = page.token
    assert seen == [["alpha", "beta", "gamma"], ["o'k"]]
    versions = stocked.search_model_versions(max_results=1)
    after = stocked.search_model_versions(max_results=2, page_token=versions.token)
    assert [v.source for v in (*versions, *after)] == ["A/D", "A/D", "A/B"]
    for search in (stocked.search_registered_models, stocked.search_model_versions):
        with pytest.raises(mlflow.exceptions.MlflowException) as caught:
            search(page_token="evilhax")
        assert "Invalid page token, could not base64-decode" in str(caught.value)
    for most, told in (
        (0, "must be a positive integer"),
        (-1, "but got -1"),
        (200_001, "must be at most 200000"),
    ):
        with pytest.raises(mlflow.exceptions.MlflowException, match=told):
            stocked.search_model_versions(max_results=most)


def test_more_than_a_page_of_ours(client: Any, registry: Any) -> None:
    """MLflow's pages may be larger than ours, which are put together for it."""
    client.create_registered_model("many")
    for _ in range(1_005):
        registry.register_model("many")
    found = client.search_model_versions("name = 'many'", max_results=1_003)
    assert [version.version for version in found] == [str(n) for n in range(1_005, 2, -1)]
    rest = client.search_model_versions("name = 'many'", max_results=5, page_token=found.token)
    assert [version.version for version in rest] == ["2", "1"]
