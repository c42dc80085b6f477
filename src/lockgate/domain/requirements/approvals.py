"""``approvals``: enough distinct people approved this content, and too few rejected it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lockgate.domain.approvals import Decision, latest_decisions, void_reason
from lockgate.domain.requirements.evidence import Evidence, Needs
from lockgate.domain.requirements.requirement import (
    Requirement,
    Row,
    Surroundings,
    count_faults,
    flag_faults,
    optional_text_faults,
)

PEOPLE_MAX = 100
_NOTES_MAX = 5


@dataclass(frozen=True)
class Approvals(Requirement):
    """``count`` distinct people (with ``role``, if given) must have approved.

    ``rejections`` of them saying no block. The author does not count unless ``allow_author``.
    A person's last decision is the one that counts, and only while content and policy are those
    that were decided on.
    """

    kind: ClassVar[str] = "approvals"
    count: int
    role: str | None = None
    rejections: int = 1
    allow_author: bool = False

    def faults(self) -> list[str]:
        return (
            count_faults("count", self.count, 1, PEOPLE_MAX)
            + optional_text_faults("role", self.role)
            + count_faults("rejections", self.rejections, 1, PEOPLE_MAX)
            + flag_faults("allow_author", self.allow_author)
        )

    def faults_in(self, surroundings: Surroundings) -> list[str]:
        if surroundings.people is None:
            return []
        people = surroundings.people.get(self.role, 0)
        if people >= self.count:
            return []
        who = f"have the role '{self.role}'" if self.role else "may decide"
        return [f"count: {self.count} approvals are required, but only {people} people {who}"]

    def needs(self) -> Needs:
        return Needs(decisions=True)

    def verdict(self, evidence: Evidence) -> Row:
        approved: list[str] = []
        rejected: list[Decision] = []
        notes: list[str] = []
        for decision in latest_decisions(evidence.decisions, evidence.to_stage):
            reason = self._discounted(decision, evidence)
            if reason:
                notes.append(reason)
            elif decision.verdict == "approve":
                approved.append(decision.actor)
            else:
                rejected.append(decision)
        if len(rejected) >= self.rejections:
            return self._blocked(rejected, len(approved))
        count, wanted = len(approved), self.count
        end = f" (role '{self.role}')" if self.role else ""
        if count >= wanted:
            by = ", ".join(approved[:PEOPLE_MAX])
            sentence = f"Approvals {count} >= required {wanted}{end}: {by}"
            return Row(self.kind, self.role or "", "passed", count, wanted, sentence)
        told = "".join(f". {note}" for note in notes[:_NOTES_MAX])
        if len(notes) > _NOTES_MAX:
            told += f". {len(notes) - _NOTES_MAX} more do not count"
        more = wanted - count
        whose = "" if self.allow_author else f", by somebody other than {evidence.author}"
        return Row(
            self.kind,
            self.role or "",
            "missing",
            count,
            wanted,
            f"Approvals {count} < required {wanted}{end}{told}",
            f"{more} more approval{'s' if more > 1 else ''}{end}{whose}",
        )

    def _discounted(self, decision: Decision, evidence: Evidence) -> str | None:
        """Return why a decision does not count, or None when it does."""
        what = "Approval" if decision.verdict == "approve" else "Rejection"
        void = void_reason(
            decision,
            content=evidence.content_digest,
            parts=evidence.content_parts,
            policy=evidence.policy_digest,
        )
        if void:
            return f"{what} by {decision.actor} no longer counts: {void}"
        if self.role is not None and self.role not in decision.roles:
            return f"{what} by {decision.actor} does not count: without the role '{self.role}'"
        own = decision.actor == evidence.author and decision.verdict == "approve"
        if own and not self.allow_author:
            return f"Approval by {decision.actor} does not count: they registered the version"
        return None

    def _blocked(self, rejected: list[Decision], approved: int) -> Row:
        names = ", ".join(decision.actor for decision in rejected)
        said = [f"“{decision.comment}”" for decision in rejected if decision.comment]
        return Row(
            self.kind,
            self.role or "",
            "failed",
            approved,
            self.count,
            f"Rejections {len(rejected)} >= blocking {self.rejections}: {names}"
            + (f" ({said[-1]})" if said else ""),
            f"{names} must approve instead, or the version must change",
        )

    def describe(self) -> str:
        people = "person" if self.count == 1 else "different people"
        role = f" with the role '{self.role}'" if self.role else ""
        author = "" if self.allow_author else ", not the author"
        return (
            f"{self.count} {people}{role}{author} must approve; "
            f"{self.rejections} rejection{'s' if self.rejections > 1 else ''} block"
            f"{'' if self.rejections > 1 else 's'}"
        )

    def implies(self, other: Requirement) -> bool:
        return (
            isinstance(other, Approvals)
            and self.role == other.role
            and self.count >= other.count
            and self.rejections <= other.rejections
            and self.allow_author <= other.allow_author
        )
