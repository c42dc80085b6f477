"""The schemas of what comes back, for the documentation: drawn from the domain's own dataclasses.

Answers are written by `records.to_wire`; a test holds every answer against these schemas.
"""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from lockgate.domain.access import Member
from lockgate.domain.approvals import PromotionRequest
from lockgate.domain.audit import AuditEvent
from lockgate.domain.boards import Board
from lockgate.domain.checks import CheckResult
from lockgate.domain.comparison import Comparison
from lockgate.domain.deployments import Deployment, VersionUser
from lockgate.domain.drift import DriftSeries, HistogramKept
from lockgate.domain.events import EventStretch
from lockgate.domain.frozen import FrozenDict
from lockgate.domain.gates import GateReport
from lockgate.domain.history import Alias, Occupancy, Transition
from lockgate.domain.known_keys import KnownKeys
from lockgate.domain.lineage import LineageGraph
from lockgate.domain.lineups import Lineup
from lockgate.domain.models import RegisteredModel
from lockgate.domain.monitors import Monitor
from lockgate.domain.observations import Measured, ObservationSeries, ObservationsKept
from lockgate.domain.outcomes import Preview, Promoted, SignedCheckpoint
from lockgate.domain.overview import ModelOverview
from lockgate.domain.portable import BundleHead
from lockgate.domain.projects import Project
from lockgate.domain.requirements.evidence import Waiver
from lockgate.domain.sources import MetricSource
from lockgate.domain.splits import Assignment, Split
from lockgate.domain.summary import Summary
from lockgate.domain.trials import OutcomeComparison, VersionTally
from lockgate.domain.verification import Verdict, Verified
from lockgate.domain.versions import ModelVersion
from lockgate.domain.webhooks import Delivery, Webhook, WebhookSecret
from lockgate.wire.records import _said

# Only the documentation asks for more than their names: built when it does.
_CONFIG = ConfigDict(extra="forbid", defer_build=True)


class ReportDocument(BaseModel):
    """What a gate says: a row for every requirement, and what is still missing."""

    model_config = _CONFIG

    version: str
    stage: str
    mode: str
    allowed: bool
    holds: bool
    policy_digest: str
    rows: list[dict[str, Any]]
    missing: list[str]


@cache
def schema_of(kind: type) -> type[BaseModel]:
    """Return the pydantic model of a domain dataclass as it is written on the wire."""
    hints = get_type_hints(kind)
    members: dict[str, Any] = {
        each.name: (_shape(hints[each.name]), ...)
        for each in fields(kind)
        if each.name in _said(kind)
    }
    if kind is ModelVersion:
        members["reference"] = (str, Field(description="project/model:label"))
    summary = (kind.__doc__ or kind.__name__).split("\n")[0]
    return create_model(kind.__name__, __config__=_CONFIG, __doc__=summary, **members)


def _shape(hint: Any) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if hint is GateReport:
        return ReportDocument
    if isinstance(hint, type) and hasattr(hint, "__dataclass_fields__"):
        return schema_of(hint)
    if origin is FrozenDict:
        return dict[inner[0], _shape(inner[1])]  # type: ignore[valid-type,misc]
    if origin is tuple:
        return list[_shape(inner[0])]  # type: ignore[misc]
    if type(None) in inner and len(inner) > 1:
        return Union[tuple(_shape(each) for each in inner)]  # noqa: UP007
    return hint


def page_of(kind: type) -> type[BaseModel]:
    """Return the schema of a page of ``kind``."""
    return create_model(
        f"{kind.__name__}Page",
        __config__=_CONFIG,
        __doc__="A page, and the cursor of the next one (null on the last).",
        items=(list[schema_of(kind)], ...),  # type: ignore[misc,arg-type]
        next_cursor=(str | None, ...),
    )


class LifecycleDocument(BaseModel):
    """A revision of a lifecycle: stages, edges and rules, as it was applied."""

    model_config = _CONFIG

    name: str
    revision: int
    description: str
    stages: list[dict[str, Any]]
    initial: str
    initial_choice: bool
    edges: list[dict[str, Any]]
    same_stage: str
    version_scheme: str
    latest_by: str
    on_duplicate_version: str
    on_duplicate_model: str
    policies: dict[str, Any]
    policy_mode: str
    sentences: dict[str, list[str]] = Field(description="What each policy asks, in words")


class AskedDocument(BaseModel):
    """A request, and what the gate says of it now."""

    model_config = _CONFIG

    request: schema_of(PromotionRequest)  # type: ignore[valid-type]
    report: ReportDocument


class AttachedPolicyDocument(BaseModel):
    """A policy that guards a stage, and where it comes from."""

    model_config = _CONFIG

    scope: str
    project: str
    model: str | None
    stage: str
    policy: dict[str, Any]
    sentences: list[str] = Field(description="What the policy asks, in words")
    set_by: str | None
    set_at: str | None


class Closed(BaseModel):
    """How many requests were closed."""

    model_config = _CONFIG

    closed: int


class Health(BaseModel):
    """A sign of life."""

    model_config = _CONFIG

    status: str


class CountAnswer(BaseModel):
    """How many there are."""

    model_config = _CONFIG

    count: int


class PlaceAnswer(BaseModel):
    """What a uid belongs to."""

    model_config = _CONFIG

    reference: str


class Problem(BaseModel):
    """What went wrong (RFC 9457). The fields of the error lie beside these members."""

    model_config = ConfigDict(extra="allow", defer_build=True)

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    fields: dict[str, Any] = Field(default={}, description="Fields whose names are taken above")
    hint: str = Field(default="", description="What to do about it")


PreviewDocument = schema_of(Preview)
BoardAnswer = schema_of(Board)
LineupAnswer = schema_of(Lineup)
VerifiedAnswer = schema_of(Verified)
ProjectAnswer = schema_of(Project)
ModelAnswer = schema_of(RegisteredModel)
VersionAnswer = schema_of(ModelVersion)
AliasAnswer = schema_of(Alias)
PromotedAnswer = schema_of(Promoted)
TransitionAnswer = schema_of(Transition)
OccupancyAnswer = schema_of(Occupancy)
ComparisonAnswer = schema_of(Comparison)
KnownKeysAnswer = schema_of(KnownKeys)
SummaryAnswer = schema_of(Summary)
VerdictAnswer = schema_of(Verdict)
ProjectPage = page_of(Project)
ModelPage = page_of(RegisteredModel)
OverviewPage = page_of(ModelOverview)
VersionPage = page_of(ModelVersion)
EventPage = page_of(AuditEvent)
MemberAnswer = schema_of(Member)
RequestAnswer = schema_of(PromotionRequest)
RequestPage = page_of(PromotionRequest)
CheckAnswer = schema_of(CheckResult)
WaiverAnswer = schema_of(Waiver)
CheckpointAnswer = schema_of(SignedCheckpoint)
StretchAnswer = schema_of(EventStretch)
WebhookAnswer = schema_of(Webhook)
WebhookSecretAnswer = schema_of(WebhookSecret)
DeliveryAnswer = schema_of(Delivery)
DeliveryPage = page_of(Delivery)
DeploymentAnswer = schema_of(Deployment)
DeploymentPage = page_of(Deployment)
UserAnswer = schema_of(VersionUser)
BundleAnswer = schema_of(BundleHead)
LineageAnswer = schema_of(LineageGraph)
SplitAnswer = schema_of(Split)
AssignmentAnswer = schema_of(Assignment)
TallyAnswer = schema_of(VersionTally)
OutcomesAnswer = schema_of(OutcomeComparison)
ObservedAnswer = schema_of(ObservationsKept)
MeasuredAnswer = schema_of(Measured)
SeriesAnswer = schema_of(ObservationSeries)
HistogramAnswer = schema_of(HistogramKept)
DriftAnswer = schema_of(DriftSeries)
MonitorAnswer = schema_of(Monitor)
SourceAnswer = schema_of(MetricSource)
