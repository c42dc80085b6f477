"""``soak``: the version has stood in a stage for a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from lockgate.domain.moments import to_text
from lockgate.domain.requirements.durations import (
    as_seconds,
    duration_faults,
    duration_text,
    exact_text,
)
from lockgate.domain.requirements.evidence import Evidence, Needs
from lockgate.domain.requirements.requirement import Requirement, Row, Surroundings, name_faults


@dataclass(frozen=True)
class Soak(Requirement):
    """The version's last stay in ``stage`` must have lasted ``duration_s`` without a break.

    In a document it is ``duration``, such as ``24h``.
    """

    kind: ClassVar[str] = "soak"
    stage: str
    duration_s: int = field(metadata={"key": "duration", "write": exact_text})

    def __post_init__(self) -> None:
        object.__setattr__(self, "duration_s", as_seconds(self.duration_s))
        super().__post_init__()

    def faults(self) -> list[str]:
        return name_faults("stage", self.stage) + duration_faults("duration", self.duration_s)

    def faults_in(self, surroundings: Surroundings) -> list[str]:
        stages = surroundings.stages
        if stages is None or self.stage.casefold() in {stage.casefold() for stage in stages}:
            return []
        return [f"stage: there is no stage '{self.stage}'; there are {', '.join(stages)}"]

    def needs(self) -> Needs:
        return Needs(stages=frozenset({self.stage}))

    def verdict(self, evidence: Evidence) -> Row:
        stage, wanted = self.stage, duration_text(self.duration_s)
        stay = self._last_stay(evidence)
        if stay is None:
            return Row(
                self.kind,
                stage,
                "missing",
                None,
                wanted,
                f"Never stood in {stage}, required for {wanted}",
                f"stand in {stage} for {wanted}",
            )
        since, until = stay
        stood_s = ((until or evidence.now) - since).total_seconds()
        stood = duration_text(stood_s)
        if stood_s >= self.duration_s:
            sentence = f"Stood in {stage} for {stood}, required {wanted}"
            return Row(self.kind, stage, "passed", stood, wanted, sentence)
        ready = to_text(since + timedelta(seconds=self.duration_s))
        return Row(
            self.kind,
            stage,
            "failed",
            stood,
            wanted,
            f"Stood in {stage} for only {stood}, required {wanted}",
            f"stand in {stage} for {wanted}" if until else f"stay in {stage} until {ready}",
        )

    def _last_stay(self, evidence: Evidence) -> tuple[datetime, datetime | None] | None:
        stage = self.stage.casefold()
        version = evidence.version
        if version.stage.casefold() == stage:
            return version.stage_since, None
        stays = [
            (stay.since, stay.until)
            for stay in evidence.stays
            if stay.kind == "stage" and stay.place.casefold() == stage
        ]
        return max(stays, key=lambda stay: stay[0], default=None)

    def describe(self) -> str:
        return f"The version must have stood in {self.stage} for {duration_text(self.duration_s)}"

    def implies(self, other: Requirement) -> bool:
        return (
            isinstance(other, Soak)
            and self.stage.casefold() == other.stage.casefold()
            and self.duration_s >= other.duration_s
        )
