"""Manifests are pinned to a digest, whole, and of the shape that each target documents.

Kubernetes' own documents, and the pods within the others, go through `lightkube`, which loses what
it does not know. The published schemas are asked in `test_published_schemas`; BentoML publishes
none, so its fields are held against a list that was written down from the class that reads them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from lightkube.models.core_v1 import Container, PodSpec
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Service

from lockgate.domain.rendering import (
    FETCHES,
    FOLDER,
    TARGETS,
    Serving,
    render,
    storage_container,
)
from lockgate.domain.yaml_text import yaml_text
from lockgate.errors import InvalidInput

DIGEST = "sha256:" + "ab" * 32
SERVING = Serving(
    project="default",
    model="Churn Model",
    version="1.2.0",
    digest=DIGEST,
    server="http://lockgate.models:8000",
    image="registry.example/server:1",
    fetcher="lockgate:1",
)
WAYS = [
    (target, fetch)
    for target in TARGETS
    for fetch in FETCHES
    if fetch == "pull" or target not in ("kserve", "seldon")
]
# Field → what it may hold: a type, or the fields below it.
BENTO = {
    "service": str,
    "name": str,
    "labels": dict,
    "include": list,
    "python": {"packages": list},
    "envs": [{"name": str, "value": str}],
    "docker": {"base_image": str},
}


def fits(value: Any, shape: Any, where: str = "") -> None:
    """Hold a value against a shape; nothing may stand there that the shape does not name."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), where
        assert value.keys() <= shape.keys(), where
        for name, each in value.items():
            fits(each, shape[name], f"{where}.{name}")
    elif isinstance(shape, list):
        for each in value:
            fits(each, shape[0], f"{where}[]")
    else:
        assert isinstance(value, shape), where


@pytest.mark.parametrize(("target", "fetch"), WAYS)
def test_manifests_are_pinned_and_readable(target: str, fetch: Any) -> None:
    """The digest is in them, no movable name is, and any YAML parser reads what was meant."""
    documents = render(target, replace(SERVING, fetch=fetch))
    text = yaml_text(documents)
    assert list(yaml.safe_load_all(text)) == documents
    assert DIGEST in text
    assert "@production" not in text
    assert ("HF_ENDPOINT" in text) is (fetch == "huggingface")


@pytest.mark.parametrize("fetch", FETCHES)
@pytest.mark.parametrize("target", ["kubernetes", "vllm"])
def test_kubernetes_knows_every_field(target: str, fetch: Any) -> None:
    """What its schema does not have would be lost on the way through it."""
    deployment, service = render(target, replace(SERVING, fetch=fetch, namespace="models"))
    assert Deployment.from_dict(deployment).to_dict() == deployment
    assert Service.from_dict(service).to_dict() == service
    template = deployment["spec"]["template"]
    assert deployment["spec"]["selector"]["matchLabels"] == template["metadata"]["labels"]
    assert service["spec"]["selector"] == template["metadata"]["labels"]
    port = template["spec"]["containers"][0]["ports"][0]["containerPort"]
    assert service["spec"]["ports"][0]["targetPort"] == port


def test_the_files_are_there_before_the_server() -> None:
    """An init container pulls by digest into the folder that the server is told."""
    (deployment, _) = render("kubernetes", SERVING)
    pod = deployment["spec"]["template"]["spec"]
    (fetcher,) = pod["initContainers"]
    assert fetcher["command"] == ["lockgate", "pull", f"default/Churn Model@{DIGEST}", FOLDER]
    assert {"name": "LOCKGATE_URL", "value": SERVING.server} in fetcher["env"]
    (server,) = pod["containers"]
    assert {"name": "MODEL_PATH", "value": FOLDER} in server["env"]
    assert fetcher["volumeMounts"][0]["name"] == server["volumeMounts"][0]["name"] == "model"


def test_vllm_gets_its_model_either_way() -> None:
    """From the folder that was pulled, or by repository and revision from the endpoint."""
    pulled = render("vllm", SERVING)[0]["spec"]["template"]["spec"]["containers"][0]
    assert pulled["args"][:2] == ["--model", FOLDER]
    hub = render("vllm", replace(SERVING, fetch="huggingface"))
    container = hub[0]["spec"]["template"]["spec"]["containers"][0]
    assert container["args"][:4] == ["--model", "default/Churn Model", "--revision", DIGEST]
    assert {"name": "HF_ENDPOINT", "value": "http://lockgate.models:8000/hf"} in container["env"]


def test_kserve_is_given_an_address() -> None:
    """Of the scheme that the storage container is for."""
    (document,) = render("kserve", SERVING)
    uri = document["spec"]["predictor"]["model"]["storageUri"]
    assert uri == f"lockgate://default/Churn%20Model@{DIGEST}"
    container = storage_container("lockgate-kserve:1", SERVING.server)
    assert uri.startswith(container["spec"]["supportedUriFormats"][0]["prefix"])
    made = container["spec"]["container"]
    assert Container.from_dict(made).to_dict() == made


def test_seldon_runs_a_pod_of_its_graph() -> None:
    """The graph's node is called as its container is."""
    (document,) = render("seldon", SERVING)
    (predictor,) = document["spec"]["predictors"]
    pod = predictor["componentSpecs"][0]["spec"]
    assert PodSpec.from_dict(pod).to_dict() == pod
    assert pod["containers"][0]["name"] == predictor["graph"]["name"]


@pytest.mark.parametrize("fetch", FETCHES)
def test_the_others_have_the_fields_that_they_document(fetch: Any) -> None:
    """Compose waits for the files; BentoML fetches them itself."""
    (compose,) = render("compose", replace(SERVING, fetch=fetch))
    (bento,) = render("bentoml", replace(SERVING, fetch=fetch))
    fits(bento, BENTO)
    if fetch == "pull":
        waits = compose["services"]["server"]["depends_on"]["fetch-model"]
        assert waits == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize(
    ("model", "name"),
    [("Churn Model", "churn-model"), ("7b", "model-7b"), ("模型", "model"), ("x" * 99, "x" * 50)],
)
def test_names_are_those_of_dns(model: str, name: str) -> None:
    """Whatever letters the model's name has."""
    assert replace(SERVING, model=model).dns_name == name


@pytest.mark.parametrize(
    "words",
    [
        {"server": ""},
        {"server": "lockgate:8000"},
        {"server": "http://ana:pw@lockgate/"},
        {"name": "Churn"},
        {"namespace": "a_b"},
        {"replicas": -1},
        {"fetch": "ftp"},
    ],
)
def test_what_cannot_be_served_is_refused(words: dict[str, Any]) -> None:
    """With what was wrong."""
    with pytest.raises(InvalidInput):
        replace(SERVING, **words)


def test_what_a_target_cannot_do_is_refused() -> None:
    """No such target; no image; no way to fetch."""
    for target, serving in (
        ("heroku", SERVING),
        ("kubernetes", replace(SERVING, image="")),
        ("kserve", replace(SERVING, fetch="huggingface")),
    ):
        with pytest.raises(InvalidInput):
            render(target, serving)


@pytest.mark.parametrize(
    "text",
    ["yes", "no", "on", "null", "1", "1e3", "0x1", "a: b", "- a", "#", "", " a", "*a", "é\n", "~"],
)
def test_yaml_never_takes_a_text_for_something_else(text: str) -> None:
    """As key, as value, in a list."""
    document = {"a": text, text or "k": [text, {"b": text}], "empty": [{}, []]}
    assert yaml.safe_load(yaml_text([document])) == document
