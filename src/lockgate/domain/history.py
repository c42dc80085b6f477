"""History: transitions between stages, and who stood where from when to when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Verb = Literal["register", "promote", "demote", "archive", "rollback", "transition"]


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One passage of a version from stage to stage.

    ``cause`` is the reference of the version whose promotion displaced this one, else None.
    ``report`` is the gate's report at the time, as JSON values, when a gate was asked.
    """

    uid: str
    project: str
    model: str
    version: str
    from_stage: str
    to_stage: str
    verb: str
    actor: str
    comment: str = ""
    cause: str | None = None
    forced: bool = False
    report: dict[str, Any] | None = None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Occupancy:
    """An interval ``[since, until)`` in which a version stood in a stage or under an alias.

    ``until`` is None while it still does. ``by`` put it there, ``ended_by`` took it away.
    """

    project: str
    model: str
    version: str
    kind: Literal["stage", "alias"]
    place: str
    since: datetime
    until: datetime | None
    by: str
    ended_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class Alias:
    """A movable name for one version of a model."""

    project: str
    model: str
    alias: str
    version: str
    protected: bool = False
    set_by: str
    set_at: datetime
