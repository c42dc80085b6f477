"""Evidence: all that requirements look at, loaded beforehand in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from lockgate.domain.approvals import Decision, content_digest, content_parts, files_digest
from lockgate.domain.checks import CheckResult
from lockgate.domain.frozen import EMPTY, FrozenDict
from lockgate.domain.history import Occupancy
from lockgate.domain.trials import Tally
from lockgate.domain.versions import ModelVersion

ScanVerdict = Literal["data-only", "code", "unknown"]


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """What a file of the version was proved to be."""

    path: str
    verdict: ScanVerdict
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Waiver:
    """Somebody answers for a file (``path``, or ``*`` for all) that is not proved harmless.

    Holds for the manifest ``digest`` alone.
    """

    path: str
    reason: str
    by: str
    at: datetime
    digest: str | None


@dataclass(frozen=True, slots=True)
class SignatureResult:
    """One signature over the artifact, checked against the trusted identities.

    ``digest`` is the manifest that was signed; ``detail`` says why it does not verify.
    """

    identity: str
    verified: bool
    digest: str | None
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of a version that wants to enter ``to_stage``, at ``now``.

    ``policy_digest`` is of the policy in force, which decisions must be bound to; left empty, it
    is that of the policy evaluated. ``baselines`` maps a reference as the policy writes it to the
    version it names, None when it names none. ``decisions`` and ``checks`` stand in the order in
    which they were made. ``stays`` are the version's own occupancies. ``scanned`` has one entry
    for every file of the manifest, or is None when nothing was scanned. ``card`` is the text of
    the model card; None means that the description is all there is. ``outcomes`` maps a baseline
    (as in ``baselines``; empty for the version itself) and a metric to what was reported.
    """

    version: ModelVersion
    to_stage: str
    now: datetime
    policy_digest: str = ""
    baselines: Mapping[str, ModelVersion | None] = EMPTY
    decisions: tuple[Decision, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    stays: tuple[Occupancy, ...] = ()
    scanned: tuple[ScannedFile, ...] | None = None
    waivers: tuple[Waiver, ...] = ()
    signatures: tuple[SignatureResult, ...] = ()
    card: str | None = None
    outcomes: Mapping[str, Mapping[str, Tally | None]] = EMPTY

    @property
    def author(self) -> str:
        """Who registered the version."""
        return self.version.created_by

    @cached_property
    def content_digest(self) -> str:
        """What a decision made now would be bound to."""
        return content_digest(self.version)

    @cached_property
    def content_parts(self) -> FrozenDict[str, str]:
        """The parts of the content, each with its digest."""
        return content_parts(self.version)

    @cached_property
    def files_digest(self) -> str:
        """What a check reported now would be bound to."""
        return files_digest(self.version)


@dataclass(frozen=True, slots=True)
class Needs:
    """Which evidence a policy looks at, so that nothing else is loaded."""

    baselines: frozenset[str] = frozenset()
    checks: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    decisions: bool = False
    scans: bool = False
    signatures: bool = False
    card: bool = False
    outcomes: frozenset[tuple[str, str]] = frozenset()
    """Baselines, each with a metric that was reported of it."""

    def __or__(self, other: Needs) -> Needs:
        return Needs(
            self.baselines | other.baselines,
            self.checks | other.checks,
            self.stages | other.stages,
            self.decisions or other.decisions,
            self.scans or other.scans,
            self.signatures or other.signatures,
            self.card or other.card,
            self.outcomes | other.outcomes,
        )


NOTHING = Needs()
