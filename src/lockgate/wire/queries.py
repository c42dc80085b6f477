"""Words of a query: what each route that reads understands behind its question mark."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Words(BaseModel):
    """The words after the ``?`` of a URL: these and no others."""

    model_config = ConfigDict(extra="forbid")


class PageWords(Words):
    limit: Annotated[int, Field(ge=1)] = 100
    cursor: str | None = None


class ModelSearchWords(PageWords):
    filter: str = ""
    order_by: Annotated[list[str] | None, Field(max_length=20)] = None

    @property
    def order(self) -> list[str] | str | None:
        """One text as text, several as a list."""
        return self.order_by[0] if self.order_by and len(self.order_by) == 1 else self.order_by


class SearchWords(ModelSearchWords):
    project: str | None = None


class StageWords(PageWords):
    stage: str | None = None


class ProjectPageWords(PageWords):
    project: str | None = None


class InboxWords(ProjectPageWords):
    mine: bool = Field(
        default=False, description="Only what the caller may approve and has not decided"
    )


class ProjectWords(Words):
    project: str | None = None


class SummaryWords(Words):
    project: str | None = None
    model: str | None = Field(default=None, description="Count the versions of this model")


class CountWords(Words):
    filter: str = Field(default="", description="Which models; empty means all")
    project: str | None = None


class LatestWords(Words):
    stage: str | None = None
    at: str | None = Field(default=None, description="ISO 8601; what was true at that moment")


class AtWords(Words):
    at: str | None = Field(default=None, description="ISO 8601; what was true at that moment")


class ReferenceWords(Words):
    ref: str = Field(description="project/name:label, name@alias, name@stage, name@latest …")
    at: str | None = Field(default=None, description="ISO 8601; what was true at that moment")


class GateWords(Words):
    to: str | None = Field(default=None, description="The next stage unless told")


class RequestWords(PageWords):
    model: str | None = Field(default=None, description="project/name")
    version: str | None = Field(default=None, description="A version of the model")
    project: str | None = None
    status: str | None = None


class EventWords(Words):
    after: str | None = Field(
        default=None, description="The number of an event; 0 is the beginning, left out the end"
    )
    project: str | None = None
    model: str | None = Field(default=None, description="project/name")
    stage: str | None = None
    action: str | None = None


class DeploymentWords(PageWords):
    project: str | None = None
    model: str | None = Field(default=None, description="project/name")
    environment: str | None = None
    include_ended: bool = False


class LineageWords(Words):
    direction: Literal["upstream", "downstream", "both"] = "both"
    depth: Annotated[int, Field(ge=1, le=50)] = Field(default=5, description="How many steps")


class KeyWords(Words):
    key: str = Field(description="Whom or what a version is asked for: a user, a session")


class OutcomeWords(Words):
    metric: str
    baseline: str | None = Field(default=None, description="An arm; the first unless told")
    direction: Literal["higher", "lower"] = Field(default="higher", description="What is better")
    alpha: float = Field(default=0.05, description="How probable a wrong verdict may be")


class SeriesWords(Words):
    metric: str
    since: str | None = Field(default=None, description="ISO 8601; all that is kept unless told")
    until: str | None = None
    points: Annotated[int, Field(ge=1, le=2_000)] = 200


class DeliveryWords(PageWords):
    status: str | None = None


class BoardWords(Words):
    limit: int = Field(default=50, description="At most so many cards a column")


class CompareWords(Words):
    a: str
    b: str


class LineupWords(Words):
    version: Annotated[list[str], Field(max_length=20)] = Field(
        default=[], description="Two to six versions of the model, the word once for each"
    )


class ForceWords(Words):
    force: bool = False
    reason: str = Field(default="", description="Why what others use is deleted all the same")


class RevisionWords(Words):
    revision: Annotated[int, Field(ge=1, le=2**31)] | None = None


class AuditWords(PageWords):
    project: str | None = None
    model: str | None = None
    version: str | None = None
    actor: str | None = None
    action: str | None = None
    forced: bool | None = Field(default=None, description="Passages through a gate forced open")
    since: str | None = None
    until: str | None = None
    newest_first: bool = False
