"""Summary: how many models and versions there are, and where they stand."""

from __future__ import annotations

from dataclasses import dataclass

from lockgate.domain.frozen import FrozenDict


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Counts over one project, or over all (``project`` is None), or of one model's versions."""

    project: str | None
    model: str | None = None
    total_models: int
    total_versions: int
    by_stage: FrozenDict[str, int]
