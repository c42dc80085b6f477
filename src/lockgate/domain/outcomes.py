"""Outcomes: what came of a promotion, of asking for one, or of signing the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lockgate.domain.approvals import PromotionRequest
from lockgate.domain.gates import GateReport
from lockgate.domain.history import Transition
from lockgate.domain.planning import Move
from lockgate.domain.versions import ModelVersion


@dataclass(frozen=True, kw_only=True)
class Promoted:
    """What came of it: the version as it stands now, its passage, and who made room.

    ``transition`` is None when the version stood there already. ``report`` is what the gate said.
    """

    version: ModelVersion
    transition: Transition | None
    displaced: tuple[str, ...] = ()
    report: GateReport | None = None


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a transition would do: nothing of it has happened.

    ``version`` is as it stands now; ``moves`` are every change, displaced incumbents first, and
    none where the step is not allowed or leads nowhere; ``report`` is what the gate says.
    """

    version: ModelVersion
    to_stage: str
    moves: tuple[Move, ...]
    report: GateReport


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request, and what the gate says of it now."""

    request: PromotionRequest
    report: GateReport


@dataclass(frozen=True, kw_only=True)
class SignedCheckpoint:
    """What a project's log was: ``note`` is the signed text, to be kept elsewhere.

    ``verifier_key`` is the public key in the form that auditors are given.
    """

    project: str
    size: int
    note: str
    verifier_key: str
    made_by: str
    at: datetime
