"""Rendering: manifests that serve one version, pinned to its digest.

    kubernetes   Deployment and Service        kserve   InferenceService with a lockgate:// address
    vllm         the same, with vLLM's server  seldon   SeldonDeployment (Core 1)
    compose      a Compose file                bentoml  a bentofile.yaml

The model comes by ``lockgate pull`` before the server starts, into a volume that both see, or by
the Hugging Face endpoint of the registry. Either way what is fetched is named by its digest, so
that moving an alias changes nothing that runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args
from urllib.parse import quote, urlsplit

from lockgate.errors import InvalidInput

Target = Literal["kserve", "kubernetes", "compose", "vllm", "bentoml", "seldon"]
TARGETS: tuple[str, ...] = get_args(Target)
Fetch = Literal["pull", "huggingface"]
FETCHES: tuple[str, ...] = get_args(Fetch)
Document = dict[str, Any]

ROOM = "/mnt/models"
FOLDER = f"{ROOM}/model"
"""Within the volume: a pull makes its folder whole and then puts it in place."""
SCHEME = "lockgate://"
NAME_CHARS_MAX = 50
PORT = 8080
VLLM_PORT = 8000
VLLM_IMAGE = "vllm/vllm-openai:latest"
_NOT_DNS = re.compile(r"[^a-z0-9]+")
_DNS = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class Serving:
    """What is to be served, and how it is fetched.

    ``server`` is the registry's URL as the cluster sees it; ``fetcher`` an image that has
    ``lockgate``; ``image`` the one that serves. ``model_format`` is KServe's word for the files.
    """

    project: str
    model: str
    version: str
    digest: str
    server: str
    image: str
    fetcher: str
    fetch: Fetch = "pull"
    name: str = ""
    namespace: str = ""
    environment: str = ""
    replicas: int = 1
    model_format: str = "sklearn"

    def __post_init__(self) -> None:
        parts = urlsplit(self.server)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInput(
                detail="The manifests need the registry's address as the cluster sees it, such as "
                f"http://lockgate.models:8000, got {self.server!r:.80}",
                field="server",
            )
        if parts.password is not None:
            raise InvalidInput(
                detail="The registry's address goes into the manifests: leave the password out",
                field="server",
            )
        for field in ("name", "namespace"):
            text = getattr(self, field)
            if text and (len(text) > NAME_CHARS_MAX or not _DNS.fullmatch(text)):
                raise InvalidInput(
                    detail=f"{field} is at most {NAME_CHARS_MAX} lower-case letters, digits and -, "
                    f"got {text!r:.80}",
                    field=field,
                )
        if self.fetch not in FETCHES:
            raise InvalidInput(detail=f"fetch is {' or '.join(FETCHES)}", field="fetch")
        if not 0 <= self.replicas <= 1_000:
            raise InvalidInput(detail="replicas is from 0 to 1000", field="replicas")

    @property
    def reference(self) -> str:
        """The version by its digest."""
        return f"{self.project}/{self.model}@{self.digest}"

    @property
    def uri(self) -> str:
        """The version as an address for KServe's storage initializer."""
        return f"{SCHEME}{quote(self.project)}/{quote(self.model)}@{self.digest}"

    @property
    def dns_name(self) -> str:
        """The name of what is made: the one given, else the model's in letters that DNS knows."""
        plain = _NOT_DNS.sub("-", self.model.lower()).strip("-")[:NAME_CHARS_MAX].rstrip("-")
        return self.name or (plain if _DNS.fullmatch(plain) else f"model-{plain}".rstrip("-"))

    @property
    def metadata(self) -> Document:
        """The metadata of what is made; the annotations say what it serves."""
        found: Document = {"name": self.dns_name}
        if self.namespace:
            found["namespace"] = self.namespace
        found["labels"] = {"app.kubernetes.io/name": self.dns_name}
        found["annotations"] = {
            "lockgate.dev/reference": f"{self.project}/{self.model}:{self.version}",
            "lockgate.dev/digest": self.digest,
        }
        return found


def render(target: str, serving: Serving) -> list[Document]:
    """Return the manifests for a target. Raises `InvalidInput` for what it cannot do."""
    if target not in TARGETS:
        raise InvalidInput(
            detail=f"There is no target {target!r:.60}; the targets are {', '.join(TARGETS)}",
            field="target",
        )
    if serving.fetch == "huggingface" and target in ("kserve", "seldon"):
        raise InvalidInput(
            detail=f"{target} fetches models by itself or by lockgate pull; leave --fetch out",
            field="fetch",
        )
    if target in ("kubernetes", "compose", "seldon") and not serving.image:
        raise InvalidInput(
            detail=f"{target} needs the image that serves the model: --image", field="image"
        )
    return _RENDERERS[target](serving)


def storage_container(serving_image: str, server: str) -> Document:
    """Return the ClusterStorageContainer that teaches KServe the ``lockgate://`` addresses."""
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ClusterStorageContainer",
        "metadata": {"name": "lockgate"},
        "spec": {
            "container": {
                "name": "storage-initializer",
                "image": serving_image,
                "env": [{"name": "LOCKGATE_URL", "value": server}],
                "resources": {
                    "requests": {"memory": "128Mi", "cpu": "100m"},
                    "limits": {"memory": "1Gi", "cpu": "1"},
                },
            },
            "supportedUriFormats": [{"prefix": SCHEME}],
            "workloadType": "initContainer",
        },
    }


# --- Kubernetes --------------------------------------------------------------------------------


def _kubernetes(serving: Serving) -> list[Document]:
    server = _container(serving, serving.image, PORT)
    return _workload(serving, server, PORT)


def _vllm(serving: Serving) -> list[Document]:
    container = _container(serving, serving.image or VLLM_IMAGE, VLLM_PORT)
    container["args"] = _vllm_arguments(serving)
    container["readinessProbe"] = {
        "httpGet": {"path": "/health", "port": VLLM_PORT},
        "periodSeconds": 10,
        "failureThreshold": 60,
    }
    container["resources"] = {"limits": {"nvidia.com/gpu": "1"}}
    return _workload(serving, container, VLLM_PORT)


def _vllm_arguments(serving: Serving) -> list[str]:
    if serving.fetch == "pull":
        source = ["--model", FOLDER]
    else:
        source = ["--model", f"{serving.project}/{serving.model}", "--revision", serving.digest]
    return [*source, "--served-model-name", serving.model, "--port", str(VLLM_PORT)]


def _workload(serving: Serving, server: Document, port: int) -> list[Document]:
    labels = serving.metadata["labels"]
    template = {
        "metadata": {"labels": labels, "annotations": serving.metadata["annotations"]},
        "spec": _pod(serving, server),
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": serving.metadata,
        "spec": {
            "replicas": serving.replicas,
            "selector": {"matchLabels": labels},
            "template": template,
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": serving.metadata,
        "spec": {
            "selector": labels,
            "ports": [{"name": "http", "port": 80, "targetPort": port}],
        },
    }
    return [deployment, service]


def _pod(serving: Serving, server: Document) -> Document:
    if serving.fetch == "huggingface":
        return {"containers": [server]}
    fetcher = {
        "name": "fetch-model",
        "image": serving.fetcher,
        "command": _pulling(serving),
        "env": [{"name": "LOCKGATE_URL", "value": serving.server}],
        "volumeMounts": [{"name": "model", "mountPath": ROOM}],
    }
    return {
        "initContainers": [fetcher],
        "containers": [server],
        "volumes": [{"name": "model", "emptyDir": {}}],
    }


def _container(serving: Serving, image: str, port: int) -> Document:
    variables = _variables(serving)
    found: Document = {
        "name": "server",
        "image": image,
        "env": [{"name": name, "value": value} for name, value in variables.items()],
        "ports": [{"name": "http", "containerPort": port}],
    }
    if serving.fetch == "pull":
        found["volumeMounts"] = [{"name": "model", "mountPath": ROOM, "readOnly": True}]
    return found


def _variables(serving: Serving) -> Mapping[str, str]:
    """Return what a server finds in its environment."""
    named = {"MODEL_NAME": serving.model, "MODEL_DIGEST": serving.digest}
    if serving.fetch == "pull":
        return {"MODEL_PATH": FOLDER, **named}
    return {
        "HF_ENDPOINT": f"{serving.server.rstrip('/')}/hf",
        "MODEL_ID": f"{serving.project}/{serving.model}",
        "MODEL_REVISION": serving.digest,
        **named,
    }


def _pulling(serving: Serving) -> list[str]:
    # A pull that a restart cut short is completed by pulling again.
    return ["lockgate", "pull", serving.reference, FOLDER]


def _kserve(serving: Serving) -> list[Document]:
    predictor: Document = {
        "minReplicas": serving.replicas,
        "model": {
            "modelFormat": {"name": serving.model_format},
            "storageUri": serving.uri,
        },
    }
    if serving.image:
        predictor["model"]["image"] = serving.image
    return [
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": serving.metadata,
            "spec": {"predictor": predictor},
        }
    ]


def _seldon(serving: Serving) -> list[Document]:
    server = _container(serving, serving.image, PORT)
    server["name"] = serving.dns_name
    return [
        {
            "apiVersion": "machinelearning.seldon.io/v1",
            "kind": "SeldonDeployment",
            "metadata": serving.metadata,
            "spec": {
                "name": serving.dns_name,
                "predictors": [
                    {
                        "name": "default",
                        "replicas": serving.replicas,
                        "componentSpecs": [{"spec": _pod(serving, server)}],
                        "graph": {"name": serving.dns_name, "type": "MODEL", "children": []},
                    }
                ],
            },
        }
    ]


# --- elsewhere -----------------------------------------------------------------------------------


def _compose(serving: Serving) -> list[Document]:
    server: Document = {
        "image": serving.image,
        "environment": dict(_variables(serving)),
        "ports": [f"{PORT}:{PORT}"],
        "labels": serving.metadata["annotations"],
    }
    services: Document = {}
    document: Document = {"name": serving.dns_name, "services": services}
    if serving.fetch == "pull":
        services["fetch-model"] = {
            "image": serving.fetcher,
            "command": _pulling(serving),
            "environment": {"LOCKGATE_URL": serving.server},
            "volumes": [f"model:{ROOM}"],
        }
        server["depends_on"] = {"fetch-model": {"condition": "service_completed_successfully"}}
        server["volumes"] = [f"model:{ROOM}:ro"]
        # One volume for each digest: a folder of another version is not pulled over.
        document["volumes"] = {
            "model": {"name": f"{serving.dns_name}-{serving.digest.partition(':')[2][:12]}"}
        }
    services["server"] = server
    return [document]


def _bentoml(serving: Serving) -> list[Document]:
    variables = {
        "LOCKGATE_URL": serving.server,
        "LOCKGATE_REFERENCE": serving.reference,
        **({} if serving.fetch == "pull" else _variables(serving)),
    }
    document: Document = {
        "service": "service:Service",
        "name": serving.dns_name,
        "labels": {"lockgate-digest": serving.digest.partition(":")[2][:12]},
        "include": ["*.py"],
        "python": {"packages": ["lockgate"]},
        "envs": [{"name": name, "value": value} for name, value in variables.items()],
    }
    if serving.image:
        document["docker"] = {"base_image": serving.image}
    return [document]


_RENDERERS: Mapping[str, Callable[[Serving], list[Document]]] = {
    "kserve": _kserve,
    "kubernetes": _kubernetes,
    "compose": _compose,
    "vllm": _vllm,
    "bentoml": _bentoml,
    "seldon": _seldon,
}
