"""Overviews: models with what stands in production, as a list of them shows it."""

from __future__ import annotations

from dataclasses import dataclass

from lockgate.domain.models import RegisteredModel
from lockgate.domain.versions import ModelVersion


@dataclass(frozen=True, kw_only=True)
class ModelOverview:
    """A model and the version in production: the latest in its lifecycle's serving stage.

    ``serving_stage`` is what that stage is called; ``production`` is None while it is empty.
    """

    model: RegisteredModel
    serving_stage: str
    production: ModelVersion | None = None
