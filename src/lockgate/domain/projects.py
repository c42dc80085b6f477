"""Projects: namespaces for models."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Project:
    """A namespace. New models get ``lifecycle`` unless they ask for another."""

    name: str
    description: str = ""
    lifecycle: str = "standard"
    created_by: str
    created_at: datetime
    revision: int = 1
