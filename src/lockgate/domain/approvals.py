"""Approvals: what people decide about a version, and what their decisions are bound to.

A decision is bound to the content of the version that it was made on (its files and metrics) and
to the policy that asked for it. When either changes it no longer counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from lockgate.domain import names
from lockgate.domain.frozen import EMPTY, FrozenDict
from lockgate.domain.versions import ModelVersion
from lockgate.errors import Conflict, InvalidInput, RequestClosed

DecisionVerdict = Literal["approve", "reject"]
RequestStatus = Literal["open", "completed", "rejected", "withdrawn", "expired"]
_VERDICTS: tuple[str, ...] = get_args(DecisionVerdict)
_STATUSES: tuple[str, ...] = get_args(RequestStatus)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One person's word on a version's way into a stage.

    ``roles`` are those the person had at the time. ``content_digest`` and ``policy_digest`` are
    what it is bound to; ``content_parts`` (from `content_parts`) lets a report name what changed.
    """

    verdict: DecisionVerdict
    actor: str
    to_stage: str
    at: datetime
    content_digest: str
    policy_digest: str
    content_parts: FrozenDict[str, str] = EMPTY
    roles: frozenset[str] = frozenset()
    comment: str = ""
    request: str | None = None

    def __post_init__(self) -> None:
        if self.verdict not in _VERDICTS:
            raise InvalidInput(
                detail=f"A decision is approve or reject, got {self.verdict!r:.60}",
                field="verdict",
            )
        names.plain_text(self.comment, "comment", names.LIMITS.comment_chars_max)


@dataclass(frozen=True, kw_only=True)
class PromotionRequest:
    """Somebody asks that a version be let into a stage.

    With ``auto_promote`` the transition happens by itself once the gate opens. ``closed_at`` and
    ``closed_by`` are set when the status is no longer ``open``. From ``expires_at`` on nobody can
    decide any more.
    """

    uid: str
    project: str
    model: str
    version: str
    to_stage: str
    requested_by: str
    created_at: datetime
    comment: str = ""
    auto_promote: bool = False
    status: RequestStatus = "open"
    expires_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None

    def __post_init__(self) -> None:
        if self.status not in _STATUSES:
            raise InvalidInput(
                detail=f"The status of a request is {', '.join(_STATUSES)}, "
                f"got {self.status!r:.60}",
                field="status",
            )
        names.plain_text(self.comment, "comment", names.LIMITS.comment_chars_max)
        if self.expires_at is not None and self.expires_at <= self.created_at:
            raise InvalidInput(
                detail="A request expires after it was made, not before", field="expires_at"
            )

    def status_at(self, now: datetime) -> RequestStatus:
        """Return the status as of ``now``: an open request that has run out is expired."""
        if self.status == "open" and self.expires_at is not None and now >= self.expires_at:
            return "expired"
        return self.status

    def require_open(self, now: datetime) -> None:
        """Raise `RequestClosed` unless people can still decide."""
        status = self.status_at(now)
        if status != "open":
            raise RequestClosed(request=self.uid, status=status)


def require_may_decide(
    actor: str, verdict: DecisionVerdict, *, author: str, author_may_approve: bool
) -> None:
    """Raise `Conflict` when nobody's approval could count less: the author's own.

    ``author`` registered the version. Rejecting is open to the author too. Whether the actor has
    the permission to decide at all is asked elsewhere.
    """
    if verdict == "approve" and actor == author and not author_may_approve:
        raise Conflict(
            detail=f"{actor} registered this version and cannot approve it: the policy asks for "
            "the approval of somebody else",
            actor=actor,
        )


def require_may_withdraw(request: PromotionRequest, actor: str, *, may_manage: bool) -> None:
    """Raise `Conflict` unless ``actor`` made the request, or manages those of others."""
    if actor != request.requested_by and not may_manage:
        raise Conflict(
            detail=f"Only {request.requested_by}, who made the request, can withdraw it",
            actor=actor,
            request=request.uid,
        )


def latest_decisions(decisions: Iterable[Decision], to_stage: str) -> tuple[Decision, ...]:
    """Return each person's last decision on the way into ``to_stage``.

    ``decisions`` stand in the order in which they were made.
    """
    wanted = to_stage.casefold()
    latest: dict[str, Decision] = {}
    for decision in decisions:
        if decision.to_stage.casefold() == wanted:
            latest.pop(decision.actor, None)
            latest[decision.actor] = decision
    return tuple(latest.values())


def files_digest(version: ModelVersion) -> str:
    """Return what identifies the files of ``version``, wherever they lie (SHA-256, hexadecimal)."""
    return version.content_parts["files"]


def content_parts(version: ModelVersion) -> FrozenDict[str, str]:
    """Return a digest for each part of what an approval is bound to."""
    return version.content_parts


def content_digest(version: ModelVersion) -> str:
    """Return what an approval of ``version`` is bound to (SHA-256, hexadecimal).

    Its files, its metrics, and which version it is; tags and descriptions may change.
    """
    return version.content_digest


def void_reason(
    decision: Decision, *, content: str, parts: Mapping[str, str], policy: str
) -> str | None:
    """Return why ``decision`` no longer counts, or None when it does.

    ``content`` and ``parts`` are of the version as it is now, ``policy`` is the digest of the
    policy now in force.
    """
    reasons = []
    if decision.content_digest != content:
        was = decision.content_parts
        changed = [part for part, digest in parts.items() if was and was.get(part) != digest]
        reasons.append(f"{' and '.join(changed) or 'its content'} changed since")
    if decision.policy_digest != policy:
        reasons.append("the policy changed since")
    return ", ".join(reasons) or None
