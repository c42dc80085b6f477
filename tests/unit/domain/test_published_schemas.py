"""What is rendered and sent is what the published schemas of its readers ask for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, FormatChecker, ValidationError
from jsonschema.validators import validator_for
from referencing import Registry, Resource

from lockgate.domain import openlineage
from lockgate.domain.audit import AuditEvent
from lockgate.domain.rendering import FETCHES, Serving, render, storage_container

SCHEMAS = Path(__file__).parents[2] / "schemas"
EXAMPLES = Path(__file__).parents[3] / "examples"
SERVING = Serving(
    project="default",
    model="Churn Model",
    version="1.2.0",
    digest="sha256:" + "ab" * 32,
    server="http://lockgate.models:8000",
    image="registry.example/server:1",
    fetcher="lockgate:1",
    namespace="models",
)
ITSELF = [("kserve", "pull"), ("seldon", "pull")]
EITHER = [(target, fetch) for target in ("kubernetes", "vllm", "compose") for fetch in FETCHES]
NAMES = {
    "Deployment": "kubernetes-deployment",
    "Service": "kubernetes-service",
    "InferenceService": "kserve-inferenceservice",
    "ClusterStorageContainer": "kserve-clusterstoragecontainer",
    "SeldonDeployment": "seldon-seldondeployment",
    None: "compose-spec",
}


def schema_of(name: str) -> Any:
    """A published schema."""
    return json.loads((SCHEMAS / f"{name}.json").read_text())


def require(document: Any, name: str, definition: str | None = None) -> None:
    """Raise `ValidationError` unless a document is what a schema, or a part of it, asks for."""
    schema = schema_of(name)
    if definition is not None:
        schema = {**schema, "$ref": f"#/$defs/{definition}"}
        schema.pop("oneOf", None)
    base = schema_of("openlineage")
    known = Registry().with_resource(base["$id"], Resource.from_contents(base))
    kind = validator_for(schema, Draft7Validator)
    kind.check_schema(schema)
    kind(schema, registry=known, format_checker=FormatChecker()).validate(document)


def manifests(target: str, fetch: Any) -> Iterable[dict[str, Any]]:
    """What is rendered with all there is to choose, and with nothing chosen."""
    yield from render(target, replace(SERVING, fetch=fetch))
    yield from render(target, replace(SERVING, fetch=fetch, namespace="", replicas=0))


@pytest.mark.parametrize(("target", "fetch"), ITSELF + EITHER)
def test_manifests_are_what_their_readers_publish(target: str, fetch: Any) -> None:
    """Every field is known to them and holds what they ask for."""
    for document in manifests(target, fetch):
        require(document, NAMES[document.get("kind")])


def test_the_storage_container_is_what_kserve_publishes() -> None:
    """Which is how it learns to fetch from here."""
    require(
        storage_container("lockgate-kserve:1", SERVING.server), "kserve-clusterstoragecontainer"
    )


@pytest.mark.parametrize("kind", [kind for kind in NAMES if kind])
def test_the_schemas_refuse_what_is_not_in_them(kind: str) -> None:
    """Else they would prove nothing: a misspelt field is a fault wherever we write."""
    documents = [
        *(each for target, fetch in ITSELF + EITHER for each in manifests(target, fetch)),
        storage_container("lockgate-kserve:1", SERVING.server),
    ]
    document = next(each for each in documents if each.get("kind") == kind)
    for wrong in ({"spec": {**document["spec"], "sepc": 1}}, {"spec": "x"}, {"misspelt": 1}):
        with pytest.raises(ValidationError):
            require({**document, **wrong}, NAMES[kind])


def event(action: str, **detail: Any) -> AuditEvent:
    """An event of the log about churn 1."""
    return AuditEvent(
        project="default",
        seq=7,
        at=datetime(2026, 10, 1, 12, tzinfo=UTC),
        actor="ana",
        action=action,
        model="churn",
        version="1",
        detail=detail,
    )


@pytest.mark.parametrize("run", [None, "r1", "5b6e9f0e-8a51-4a8e-9c3b-7d8f1f2b3c4d"])
@pytest.mark.parametrize("dataset", [None, "s3://bucket/a/b", "customers", "http://[", "a b:c d"])
def test_lineage_events_are_what_openlineage_publishes(
    run: str | None, dataset: str | None
) -> None:
    """Of a run, of a data set, and a trial; each names the part of the schema that it is of."""
    known = {"dataset": dataset, "parents": ["default/base:1", "x@latest"], "run_id": run}
    made = openlineage.lineage_event(event("register_version"), known)
    told = openlineage.lineage_event(event("transition", to="Production"), {})
    trial = openlineage.trial("default", "2026-10-01T12:00:00.000000Z")
    for document, part in ((made, "RunEvent"), (told, "DatasetEvent"), (trial, "DatasetEvent")):
        assert document is not None
        require(document, "openlineage", part)
        assert document["schemaURL"].endswith(f"#/$defs/{part}")
        datasets = [
            *document.get("inputs", []),
            *document.get("outputs", []),
            *([document["dataset"]] if "dataset" in document else []),
        ]
        for each in datasets:
            if "version" in each["facets"]:
                facets = {"version": each["facets"]["version"]}
                require(facets, "openlineage-dataset-version-facet")
    for wrong in ({"eventTime": "noon"}, {"producer": None}, {"run": {"runId": "r1"}}):
        with pytest.raises(ValidationError):
            require({**made, **wrong}, "openlineage", "RunEvent")  # type: ignore[dict-item]


def test_the_examples_are_what_github_reads() -> None:
    """The action, and the workflow that uses it."""
    action = yaml.safe_load((EXAMPLES / "ci/lockgate-gate/action.yml").read_text())
    require(action, "github-action")
    workflow = yaml.safe_load((EXAMPLES / "ci/github-gate.yml").read_text())
    if True in workflow:  # YAML 1.1 reads `on` as a truth value, GitHub does not
        workflow["on"] = workflow.pop(True)
    require(workflow, "github-workflow")
    for document, name in ((action, "github-action"), (workflow, "github-workflow")):
        with pytest.raises(ValidationError):
            require({**document, "runs": "x", "jobs": "x"}, name)


def test_the_examples_are_what_gitlab_reads() -> None:
    """The pipeline, the jobs to extend, and what the guide shows of them."""
    guide = (EXAMPLES.parent / "docs/how-to/ci.md").read_text()
    blocks = re.findall(r"(?ms)^```yaml\n(.*?)^```", guide)
    shown = [yaml.safe_load(block) for block in blocks if ".lockgate-" in block]
    read = [
        yaml.safe_load((EXAMPLES / f"ci/{name}.yml").read_text())
        for name in ("gitlab-gate", "gitlab-lockgate")
    ]
    assert [len(found) for found in (read, shown)] == [2, 1]
    for pipeline in (*read, *shown):
        require(pipeline, "gitlab-ci")
    gate = read[1][".lockgate-gate"]
    for wrong in ({**gate, "script": {}}, {**gate, "steps": []}, {**gate, "resource_group": 1}):
        with pytest.raises(ValidationError):
            require({"job": wrong}, "gitlab-ci")
