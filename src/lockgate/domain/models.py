"""Registered models: names that versions are registered under."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from lockgate.domain.frozen import EMPTY, FrozenDict

VersionScheme = Literal["auto", "int", "semver", "string"]


@dataclass(frozen=True, kw_only=True)
class RegisteredModel:
    """A model of a project, pinned to one revision of one lifecycle.

    ``uid`` never changes and is never reused; ``revision`` grows with every change of the model
    itself (not of its versions) and is what ``If-Match`` compares.
    """

    uid: str
    project: str
    name: str
    owner: str = ""
    description: str = ""
    tags: FrozenDict[str, str] = EMPTY
    lifecycle: str
    lifecycle_revision: int
    aliases: FrozenDict[str, str] = EMPTY
    """Alias → label of the version it names."""
    version_count: int = 0
    latest_version: str | None = None
    created_by: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    revision: int = 1

    @property
    def full_name(self) -> str:
        """``project/name``."""
        return f"{self.project}/{self.name}"
