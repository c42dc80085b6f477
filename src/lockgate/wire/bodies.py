"""What requests carry: their fields, and how the documentation shows them.

Texts, flags and counts are checked here; metrics, params, tags and metadata in the domain, whose
sentences are the same for every way in.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

SCALARS = ["string", "integer", "number", "boolean", "null"]


def _shown(**schema: Any) -> WithJsonSchema:
    return WithJsonSchema(schema)


def _mapping(*types: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": {"type": list(types)}}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


_TAGS = {"anyOf": [_mapping("string"), {"type": "array", "items": {"type": "string"}}]}
Metrics = Annotated[Any, _shown(**_or_null(_mapping("integer", "number")))]
Params = Annotated[Any, _shown(**_or_null(_mapping(*SCALARS)))]
Tags = Annotated[Any, _shown(anyOf=[*_TAGS["anyOf"], {"type": "null"}])]
Metadata = Annotated[Any, _shown(**_or_null({"type": "object"}))]
ChangedMetrics = Annotated[Any, _shown(**_mapping("integer", "number", "null"))]
ChangedParams = Annotated[Any, _shown(**_mapping(*SCALARS))]
ChangedTags = Annotated[Any, _shown(anyOf=[_mapping("string", "null"), _TAGS["anyOf"][1]])]
ChangedMetadata = Annotated[Any, _shown(type="object")]
Weights = Annotated[Any, _shown(**_mapping("integer"))]
Outcomes = Annotated[Any, _shown(type="array", items={"type": "object"})]
Observations = Annotated[
    Any, _shown(anyOf=[{"type": "object"}, {"type": "array", "items": {"type": "object"}}])
]
Label = str | int


class Body(BaseModel):
    """A JSON object with these fields and no others; ``5`` is no text and ``"5"`` no number."""

    model_config = ConfigDict(extra="forbid", strict=True)

    def given(self) -> dict[str, Any]:
        """Return the fields that the caller wrote, by name."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class NewProject(Body):
    name: str
    description: str = ""
    lifecycle: str = "standard"


class ProjectChange(Body):
    description: str | None = None
    lifecycle: str | None = None


class NewModel(Body):
    name: str
    owner: str | None = None
    description: str = ""
    tags: Tags = None
    lifecycle: str | None = None
    lifecycle_revision: int | None = None


class ModelChange(Body):
    """What is left out stays. A tag that is null goes."""

    description: str = ""
    owner: str = ""
    tags: ChangedTags = None
    new_name: str = ""
    lifecycle: str | None = None
    lifecycle_revision: int | None = None


class NewVersion(Body):
    version: Label | None = None
    artifact_uri: str | None = None
    metrics: Metrics = None
    params: Params = None
    tags: Tags = None
    metadata: Metadata = None
    run_id: str | None = None
    dataset: str | None = None
    code: str | None = None
    parents: list[str] | None = None
    description: str = ""
    stage: str | None = None
    lifecycle: str | None = Field(default=None, description="The lifecycle of a model that is new")


class VersionChange(Body):
    """What is left out stays. A key that is null goes."""

    description: str = ""
    artifact_uri: str | None = None
    tags: ChangedTags = None
    params: ChangedParams = None
    metadata: ChangedMetadata = None


class MetricsChange(Body):
    """Metrics to add or change; null takes one away."""

    metrics: ChangedMetrics


class NewTransition(Body):
    """Where to, or a verb that says it; ``expected_stage`` guards against a lost race."""

    to: str | None = None
    verb: Literal["transition", "promote", "demote", "archive"] = "transition"
    comment: str = ""
    expected_stage: str | None = None
    force: bool = Field(default=False, description="Open a closed gate; needs a reason")
    reason: str = ""
    archive_others: bool = Field(
        default=False, description="Archive the versions that stand where this one goes"
    )


class NewRollback(Body):
    """The stage is the one in production unless told."""

    stage: str | None = None
    to_version: Label | None = None
    comment: str = ""
    force: bool = Field(default=False, description="Open a closed gate; needs a reason")
    reason: str = ""


class AliasTarget(Body):
    version: Label
    protected: bool | None = None


class PolicyDocument(Body):
    """A policy: its mode, and a list of requirements."""

    policy: dict[str, Any]


class PolicyInHand(PolicyDocument):
    to: str | None = None


class MemberRoles(Body):
    roles: list[str]


class NewRequest(Body):
    """``auto_promote`` lets the promotion happen when the last requirement is met."""

    to: str
    comment: str = ""
    auto_promote: bool = False
    expires_at: str | None = Field(default=None, description="ISO 8601")


class DecisionComment(Body):
    comment: str = ""


class NewCheck(Body):
    check: str
    status: str = Field(description="passed, failed or running")
    url: str | None = None
    expires_at: str | None = Field(default=None, description="ISO 8601")


class NewWaiver(Body):
    path: str = "*"
    reason: str


class Verification(Body):
    """Signed checkpoints that were kept elsewhere, and the public key to verify them with."""

    project: str | None = None
    checkpoints: list[str] = []
    verifier_key: str | None = None


class NewWebhook(Body):
    """Empty lists want everything. ``secret`` is made when it is left out."""

    url: str
    name: str = ""
    description: str = ""
    form: Literal["standard", "slack", "mlflow", "openlineage"] = "standard"
    models: list[str] = []
    stages: list[str] = []
    actions: list[str] = []
    secret: str | None = None


class WebhookChange(Body):
    """What is left out stays."""

    url: str = ""
    name: str = ""
    description: str = ""
    models: list[str] = []
    stages: list[str] = []
    actions: list[str] = []


class NewDeployment(Body):
    environment: str
    target: str = ""
    status: str = Field(default="running", description="deploying, running or failed")
    url: str | None = None
    heartbeat_s: int | None = Field(default=None, description="How often a sign of life comes")


class NewBundle(Body):
    index: str = Field(description="What the bundle says of its version, as it is written there")
    note: str = Field(description="The signed note over it")
    trust: list[str] = Field(
        description="Verifier keys (name+id+base64), one of which must have signed it",
        max_length=100,
    )


class NewSplit(Body):
    arms: Weights = Field(description="What each arm means, with its weight")


class NewOutcomes(Body):
    outcomes: Outcomes = Field(
        description="Each with an arm or a version, a metric, and either successes and trials or "
        "values"
    )
    batch: str | None = Field(default=None, description="A batch of one name counts once")


class NewObservations(Body):
    observations: Observations = Field(
        description="Metrics by name, or a list of objects with metrics and at"
    )
    at: str | None = Field(default=None, description="ISO 8601; now unless told")


class NewHistogram(Body):
    metric: str
    edges: list[float | int] = Field(max_length=200)
    counts: list[int] = Field(
        max_length=201,
        description="Below the first edge, from each edge to the next, and from the last on",
    )
    at: str | None = Field(default=None, description="ISO 8601; now unless told")
    reference: bool = Field(default=False, description="What others are held against")


class NewMonitor(Body):
    metric: str
    stage: str | None = Field(default=None, description="The serving stage unless told")
    bound: float | int = 0.0
    measure: Literal["mean", "psi", "ks"] = Field(
        default="mean", description="The mean of observations, or how far histograms lie apart"
    )
    against: Literal["bound", "metrics", "incumbent", "reference"] | None = Field(
        default=None, description="The bound itself for a mean, the reference for histograms"
    )
    direction: Literal["higher", "lower"] | None = Field(
        default=None, description="What is better: higher for a mean, lower for a distance"
    )
    window_s: int = 300
    windows: int = Field(default=3, description="So many bad ones in a row raise an alarm")
    recovery: int = Field(default=3, description="So many good ones in a row end it")
    min_samples: int = 30
    action: Literal["alert", "rollback"] = "alert"
    cooldown_s: int = Field(default=86_400, description="At most one rollback in this time")


class NewSource(Body):
    url: str = Field(description="Of a Prometheus server, such as http://prometheus:9090")
    query: str = Field(description="PromQL; $version, $model and $project are filled in")
    stage: str | None = Field(default=None, description="The serving stage unless told")
    step_s: int = Field(default=60, description="A value every so many seconds")


class Resumption(Body):
    skip: bool = Field(default=False, description="Begin with what happens from now on")


class NewSecret(Body):
    secret: str | None = Field(default=None, description="Made when it is left out")


class Trial(Body):
    """What a webhook is tried with."""

    action: str | None = Field(default=None, description="An event of MLflow's, for its form")
