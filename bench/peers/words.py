"""The same questions and orders in two languages: Lockgate's own API, and MLflow's."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from bench.filling import model_name
from bench.peers.driving import request

VARIETY = 500
PAGE = 50
TEAM = "team-1"
PREPARED = "prepared-{0:02}"


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is measured: a name for the table, and how to ask, given a model and a version."""

    name: str
    writes: bool = False


GET = Question(name="get a version")
ALIAS = Question(name="resolve by alias")
LATEST = Question(name="latest in a stage")
PAGE_OF = Question(name="list a page")
BY_TAG = Question(name="search by tag")
BY_METRIC = Question(name="search by metric")
REGISTER = Question(name="register a version", writes=True)
TRANSITION = Question(name="transition", writes=True)
QUESTIONS = (GET, ALIAS, LATEST, PAGE_OF, BY_TAG, BY_METRIC, REGISTER, TRANSITION)


class Words(Protocol):
    """How a question is put in one language. A version is known by its number (``seq``)."""

    def ask(self, question: Question, model: str, seq: int) -> str:
        """Return the request that asks about a version of a filled model."""
        ...

    def create(self, model: str) -> str: ...
    def register(self, model: str) -> str: ...
    def move(self, model: str, seq: int, stage: str) -> str: ...


class NativeWords:
    """Lockgate's own API."""

    base = "/api/v1/projects/default/models"

    def ask(self, question: Question, model: str, seq: int) -> str:
        """See `Words`."""
        paths: dict[str, Callable[[], str]] = {
            GET.name: lambda: f"{self.base}/{model}/versions/1.0.{seq}",
            ALIAS.name: lambda: f"/api/v1/resolve?ref={model}@champion",
            LATEST.name: lambda: f"{self.base}/{model}/latest?stage=Production",
            PAGE_OF.name: lambda: f"{self.base}/{model}/versions?limit={PAGE}",
            BY_TAG.name: lambda: _search(f"tags.team = '{TEAM}'"),
            BY_METRIC.name: lambda: _search(f"metrics.auc > 0.{seq % 9}"),
        }
        return request("GET", paths[question.name]())

    def create(self, model: str) -> str:
        """Make a model."""
        return request("POST", self.base, {"name": model, "lifecycle": "single"})

    def register(self, model: str) -> str:
        """Add a version."""
        body = {"artifact_uri": "s3://models/new"}
        return request("POST", f"{self.base}/{model}/versions", body)

    def move(self, model: str, seq: int, stage: str) -> str:
        """Move a version to a stage."""
        return request("POST", f"{self.base}/{model}/versions/{seq}/transitions", {"to": stage})


class MlflowWords:
    """MLflow's API; it keeps no metrics beside versions, so they are tags, compared as text."""

    base = "/api/2.0/mlflow"

    def ask(self, question: Question, model: str, seq: int) -> str:
        """See `Words`."""
        if question is LATEST:
            body = {"name": model, "stages": ["Production"]}
            return request("POST", f"{self.base}/registered-models/get-latest-versions", body)
        asked: dict[str, tuple[str, dict[str, Any]]] = {
            GET.name: ("model-versions/get", {"name": model, "version": seq}),
            ALIAS.name: ("registered-models/alias", {"name": model, "alias": "champion"}),
            PAGE_OF.name: _searched(f"name = '{model}'"),
            BY_TAG.name: _searched(f"tags.team = '{TEAM}'"),
            BY_METRIC.name: _searched(f"tags.auc LIKE '0.{seq % 9}%'"),
        }
        path, words = asked[question.name]
        return request("GET", f"{self.base}/{path}?{urlencode(words)}")

    def create(self, model: str) -> str:
        """Make a model."""
        return request("POST", f"{self.base}/registered-models/create", {"name": model})

    def register(self, model: str) -> str:
        """Add a version."""
        body = {"name": model, "source": "s3://models/new"}
        return request("POST", f"{self.base}/model-versions/create", body)

    def move(self, model: str, seq: int, stage: str) -> str:
        """Move a version to a stage; entering production archives who stands there."""
        body = {
            "name": model,
            "version": str(seq),
            "stage": stage,
            "archive_existing_versions": stage == "Production",
        }
        return request("POST", f"{self.base}/model-versions/transition-stage", body)


def connections_of(
    words: Words, question: Question, connections: int, models: int, versions: int
) -> list[list[str]]:
    """Return the requests of each connection; writes go to a prepared model of its own."""
    if question is REGISTER:
        return [[words.register(PREPARED.format(each))] for each in range(connections)]
    if question is TRANSITION:
        return [
            [words.move(PREPARED.format(each), 1, stage) for stage in ("Staging", "None")]
            for each in range(connections)
        ]
    chance = random.Random(1)
    return [
        [
            words.ask(question, model_name(chance.randint(1, models)), chance.randint(1, versions))
            for _ in range(VARIETY)
        ]
        for _ in range(connections)
    ]


def preparing(words: Words, connections: int) -> list[str]:
    """Return what makes the models that are written to, each with one version."""
    names = [PREPARED.format(each) for each in range(connections)]
    return [make(name) for name in names for make in (words.create, words.register)]


def _search(text: str) -> str:
    return f"/api/v1/search/versions?{urlencode({'filter': text, 'limit': PAGE})}"


def _searched(text: str) -> tuple[str, dict[str, Any]]:
    return "model-versions/search", {"filter": text, "max_results": PAGE}
