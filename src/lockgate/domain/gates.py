"""Gates: a policy meets its evidence, and the report says what holds and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from lockgate.domain.approvals import PromotionRequest
from lockgate.domain.policies import PromotionPolicy
from lockgate.domain.requirements.evidence import Evidence
from lockgate.domain.requirements.requirement import MODES, Mode, Row, RowVerdict
from lockgate.errors import InvalidInput

_VERDICTS: tuple[str, ...] = get_args(RowVerdict)


@dataclass(frozen=True, kw_only=True)
class GateReport:
    """Whether a version may enter a stage, with a row for every requirement.

    ``allowed`` is what a transition asks: nothing that is enforced is unmet. ``holds`` is
    stricter: nothing is unmet at all, advisory or not. ``policy_digest`` says which policy was
    evaluated.
    """

    version: str
    stage: str
    mode: Mode
    policy_digest: str
    rows: tuple[Row, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every requirement passed."""
        return all(row.verdict == "passed" for row in self.rows)

    @property
    def allowed(self) -> bool:
        """Whether every enforced requirement passed."""
        return not any(row.verdict != "passed" and row.mode == "enforce" for row in self.rows)

    @property
    def unmet(self) -> tuple[Row, ...]:
        """The rows that did not pass, in the order of the policy."""
        return tuple(row for row in self.rows if row.verdict != "passed")

    @property
    def missing(self) -> tuple[str, ...]:
        """What is still missing to get through, advisory rows left out."""
        return tuple(row.remedy for row in self.unmet if row.mode == "enforce")

    @property
    def sentence(self) -> str:
        """The verdict in one line, for an error or a log."""
        gate = f"The gate to {self.stage} for version {self.version}"
        if self.holds:
            return f"{gate} is open: all {len(self.rows)} requirements hold"
        told = "; ".join(row.sentence for row in self.unmet)
        state = "is open, with advice" if self.allowed else "is closed"
        return f"{gate} {state}: {len(self.unmet)} of {len(self.rows)} do not hold: {told}"

    def to_document(self) -> dict[str, Any]:
        """Return the report as JSON values; `from_document` reads it back."""
        return {
            "version": self.version,
            "stage": self.stage,
            "mode": self.mode,
            "allowed": self.allowed,
            "holds": self.holds,
            "policy_digest": self.policy_digest,
            "rows": [row._asdict() for row in self.rows],
            "missing": list(self.missing),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> GateReport:
        """Return the report that `to_document` wrote. Raises `InvalidInput` if it is none."""
        try:
            rows = tuple(Row(**row) for row in document["rows"])
            report = cls(
                version=document["version"],
                stage=document["stage"],
                mode=document["mode"],
                policy_digest=document["policy_digest"],
                rows=rows,
            )
        except (KeyError, TypeError) as error:
            raise InvalidInput(
                detail=f"This is no gate report: {error!r}", field="report"
            ) from None
        known = all(row.verdict in _VERDICTS and row.mode in MODES for row in rows)
        if not known or report.mode not in MODES:
            raise InvalidInput(detail="This gate report has unknown verdicts", field="report")
        return report


def evaluate(policy: PromotionPolicy, evidence: Evidence) -> GateReport:
    """Return what ``policy`` says to ``evidence``: the one verdict of dry runs and transitions."""
    digest = policy.digest()
    if not evidence.policy_digest:
        evidence = replace(evidence, policy_digest=digest)
    rows = []
    for requirement in policy.requirements:
        row = requirement.verdict(evidence)
        mode = requirement.mode or policy.mode
        rows.append(row if row.mode == mode else row._replace(mode=mode))
    return GateReport(
        version=evidence.version.label,
        stage=evidence.to_stage,
        mode=policy.mode,
        policy_digest=digest,
        rows=tuple(rows),
    )


def next_step(
    request: PromotionRequest, report: GateReport
) -> Literal["wait", "promote", "reject"]:
    """Say what becomes of an open request under this report.

    It is rejected once enough people said no, carried out once the gate is open if it asked for
    that, and else waits.
    """
    if any(row.requirement == "approvals" and row.verdict == "failed" for row in report.rows):
        return "reject"
    return "promote" if report.allowed and request.auto_promote else "wait"
