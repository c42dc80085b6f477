"""Which kinds of requirement there are, by the word that documents use."""

from __future__ import annotations

from lockgate.domain.requirements.ab_winner import AbWinner
from lockgate.domain.requirements.approvals import Approvals
from lockgate.domain.requirements.artifact import ScanProved, SignatureVerified
from lockgate.domain.requirements.check import CheckPassed
from lockgate.domain.requirements.metric import MetricThreshold
from lockgate.domain.requirements.metric_vs import MetricVersusBaseline
from lockgate.domain.requirements.presence import (
    CardPresent,
    LineagePresent,
    MetadataPresent,
    TagPresent,
)
from lockgate.domain.requirements.requirement import Requirement
from lockgate.domain.requirements.soak import Soak

_CLASSES: tuple[type[Requirement], ...] = (
    MetricThreshold,
    MetricVersusBaseline,
    Approvals,
    CheckPassed,
    Soak,
    TagPresent,
    MetadataPresent,
    CardPresent,
    LineagePresent,
    ScanProved,
    SignatureVerified,
    AbWinner,
)
KINDS: dict[str, type[Requirement]] = {each.kind: each for each in _CLASSES}
