"""Attachments: a policy, and where it stands guard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lockgate.domain.policies import PromotionPolicy


@dataclass(frozen=True, kw_only=True)
class AttachedPolicy:
    """A policy that guards a stage, and where it comes from.

    ``scope`` is ``lifecycle``, ``project`` or ``model``; ``set_by`` and ``set_at`` are None for
    a lifecycle's own.
    """

    scope: str
    project: str
    model: str | None
    stage: str
    policy: PromotionPolicy
    set_by: str | None = None
    set_at: datetime | None = None
