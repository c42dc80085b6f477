"""Deployments: which version runs where, and who else uses a version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from lockgate.domain import names
from lockgate.errors import InvalidInput

DeploymentStatus = Literal["deploying", "running", "failed", "ended"]
REPORTED: tuple[str, ...] = tuple(each for each in get_args(DeploymentStatus) if each != "ended")
HEARTBEAT_S_MAX = 7 * 86_400
MISSED_MAX = 3
"""After so many heartbeats that did not come a deployment is taken for lost."""
UserKind = Literal["deployment", "pull", "cache"]


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A version of a model at a target of an environment, from when to when.

    A target runs one version of a model at a time: reporting another ends this one. ``heartbeat_s``
    is how often it promised a sign of life; None means that it stays until somebody ends it.
    """

    uid: str
    project: str
    model: str
    version: str
    environment: str
    target: str
    digest: str | None
    status: DeploymentStatus
    url: str | None
    heartbeat_s: int | None
    reported_by: str
    reported_at: datetime
    seen_at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None

    def __post_init__(self) -> None:
        names.key_name(self.environment, "environment")
        if self.target:
            names.key_name(self.target, "target")
        if self.status not in (*REPORTED, "ended"):
            raise InvalidInput(
                detail=f"The status of a deployment is {', '.join(REPORTED)}, "
                f"got {self.status!r:.60}",
                field="status",
            )
        _require_page(self.url)
        beat = self.heartbeat_s
        if beat is not None and (isinstance(beat, bool) or not 1 <= beat <= HEARTBEAT_S_MAX):
            raise InvalidInput(
                detail=f"heartbeat_s is from 1 to {HEARTBEAT_S_MAX} seconds, got {beat!r:.60}",
                field="heartbeat_s",
            )

    @property
    def place(self) -> str:
        """Environment and target as people write them."""
        return f"{self.environment}/{self.target}" if self.target else self.environment

    def is_live_at(self, moment: datetime) -> bool:
        """Say whether it is neither ended nor silent for longer than it promised."""
        if self.ended_at is not None:
            return False
        if self.heartbeat_s is None:
            return True
        return moment - self.seen_at <= timedelta(seconds=MISSED_MAX * self.heartbeat_s)


@dataclass(frozen=True, kw_only=True)
class VersionUser:
    """Somebody or something that uses a version: a deployment, who pulled it, a cache node.

    ``last_at`` is its latest sign of life.
    """

    kind: UserKind
    name: str
    last_at: datetime
    url: str | None = None

    def __str__(self) -> str:
        seen = f"{self.last_at:%Y-%m-%d %H:%M} UTC"
        if self.kind == "deployment":
            return f"it is deployed to {self.name}"
        if self.kind == "pull":
            return f"{self.name} pulled it, last at {seen}"
        return f"the cache {self.name} keeps it, last used at {seen}"


def _require_page(url: str | None) -> None:
    """Raise `InvalidInput` unless ``url`` can stand as a link on a page."""
    if url is None:
        return
    names.plain_text(url, "url", names.LIMITS.uri_chars_max)
    page = url.casefold().startswith(("https://", "http://"))
    if not page or not url.isprintable() or " " in url:
        raise InvalidInput(
            detail=f"The url of a deployment begins with https:// or http:// and has no spaces, "
            f"got {url[:60]!r}",
            field="url",
        )
