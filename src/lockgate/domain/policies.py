"""Promotion policies: what must hold before a version may enter a stage.

    policy = (
        PromotionPolicy()
        .require_metric("accuracy", ">=", 0.90)
        .require_approvals(2)
        .require_check("integration-tests")
    )

The same as a document:

    mode = "enforce"
    [[requirements]]
    kind = "metric"
    name = "accuracy"
    comparison = ">="
    threshold = 0.9

Policies are values: building one that makes no sense raises, changing one gives another, and the
digest says whether two ask for the same. `domain.gates` evaluates them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from lockgate.domain.audit import canonical_json
from lockgate.domain.requirements.ab_winner import AbWinner
from lockgate.domain.requirements.approvals import Approvals
from lockgate.domain.requirements.artifact import ScanProved, SignatureVerified
from lockgate.domain.requirements.check import CheckPassed
from lockgate.domain.requirements.evidence import NOTHING, Needs
from lockgate.domain.requirements.kinds import KINDS
from lockgate.domain.requirements.metric import MetricThreshold
from lockgate.domain.requirements.metric_vs import Direction, MetricVersusBaseline
from lockgate.domain.requirements.presence import (
    CardPresent,
    LineagePresent,
    MetadataPresent,
    TagPresent,
)
from lockgate.domain.requirements.requirement import MODES, Mode, Requirement, Surroundings
from lockgate.domain.requirements.soak import Soak
from lockgate.errors import InvalidPolicy

REQUIREMENTS_MAX = 100
_FIELDS = ("mode", "requirements")


@dataclass(frozen=True)
class PromotionPolicy:
    """Requirements, and whether they are enforced or only told.

    A requirement may have a mode of its own. One that is listed twice counts once. Raises
    `InvalidPolicy` when it makes no sense, with every fault.
    """

    mode: Mode = "enforce"
    requirements: tuple[Requirement, ...] = ()

    def __post_init__(self) -> None:
        faults = _mode_faults(self.mode)
        given = tuple(self.requirements)
        if len(given) > REQUIREMENTS_MAX:
            faults.append(f"requirements: at most {REQUIREMENTS_MAX} are allowed, got {len(given)}")
        if faults:
            raise InvalidPolicy(detail="; ".join(faults), faults=faults)
        kept = (replace(each, mode=None) if each.mode == self.mode else each for each in given)
        once = {each.identity: each for each in kept}
        object.__setattr__(self, "requirements", tuple(once.values()))

    @property
    def author_may_approve(self) -> bool:
        """Say whether the author's own approval can count for anything that is asked."""
        asked = [each for each in self.requirements if isinstance(each, Approvals)]
        return not asked or any(each.allow_author for each in asked)

    # --- building: each returns a new policy ---------------------------------------------------

    def require(self, requirement: Requirement) -> PromotionPolicy:
        """Return this policy with one requirement more."""
        return replace(self, requirements=(*self.requirements, requirement))

    def require_metric(
        self, name: str, comparison: str, threshold: float, *, mode: Mode | None = None
    ) -> PromotionPolicy:
        """Ask that a metric be ``>``, ``>=``, ``<``, ``<=`` or ``==`` a threshold."""
        return self.require(MetricThreshold(name, comparison, threshold, mode=mode))

    def require_metric_vs(
        self,
        name: str,
        baseline: str = "@production",
        direction: Direction = "higher",
        *,
        min_delta: float | None = None,
        percent: float | None = None,
        require_baseline: bool = False,
        mode: Mode | None = None,
    ) -> PromotionPolicy:
        """Ask that a metric be better than the baseline's; negative bounds are a tolerance."""
        return self.require(
            MetricVersusBaseline(
                name, baseline, direction, min_delta, percent, require_baseline, mode=mode
            )
        )

    def require_approvals(
        self,
        count: int,
        role: str | None = None,
        *,
        rejections: int = 1,
        allow_author: bool = False,
        mode: Mode | None = None,
    ) -> PromotionPolicy:
        """Ask that so many distinct people approve; ``rejections`` of them block."""
        return self.require(Approvals(count, role, rejections, allow_author, mode=mode))

    def require_check(
        self, name: str, *, max_age: int | str | None = None, mode: Mode | None = None
    ) -> PromotionPolicy:
        """Ask that an automated check passed, within ``max_age`` (``"7d"`` or seconds)."""
        return self.require(CheckPassed(name, max_age, mode=mode))  # type: ignore[arg-type]

    def require_soak(
        self, stage: str, duration: int | str, *, mode: Mode | None = None
    ) -> PromotionPolicy:
        """Ask that the version have stood in a stage for ``duration`` (``"24h"`` or seconds)."""
        return self.require(Soak(stage, duration, mode=mode))  # type: ignore[arg-type]

    def require_tag(
        self,
        name: str,
        value: str | None = None,
        *,
        matches: str | None = None,
        mode: Mode | None = None,
    ) -> PromotionPolicy:
        """Ask for a tag, with this value or like this pattern (``*`` stands for any text)."""
        return self.require(TagPresent(name, value, matches, mode=mode))

    def require_metadata(
        self,
        name: str,
        value: str | float | bool | None = None,
        *,
        matches: str | None = None,
        mode: Mode | None = None,
    ) -> PromotionPolicy:
        """Ask for a metadata entry (dots lead into nested objects), with this value or like."""
        return self.require(MetadataPresent(name, value, matches, mode=mode))

    def require_card(
        self, *, chars_min: int = 1, sections: Iterable[str] = (), mode: Mode | None = None
    ) -> PromotionPolicy:
        """Ask for a model card of some length, with these headings."""
        return self.require(CardPresent(chars_min, tuple(sections), mode=mode))

    def require_lineage(self, *sources: str, mode: Mode | None = None) -> PromotionPolicy:
        """Ask that the version name its ``run``, ``dataset``, ``code``, ``parents``."""
        return self.require(LineagePresent(sources, mode=mode))

    def require_scan(
        self, *, allow_waivers: bool = True, mode: Mode | None = None
    ) -> PromotionPolicy:
        """Ask that every file be proved to hold only data."""
        return self.require(ScanProved(allow_waivers, mode=mode))

    def require_ab_winner(
        self,
        name: str,
        baseline: str = "@production",
        direction: Direction = "higher",
        *,
        min_delta: float = 0.0,
        alpha: float = 0.05,
        min_samples: int = 100,
        mode: Mode | None = None,
    ) -> PromotionPolicy:
        """Ask that outcomes in use be better than the baseline's, wrongly so at most ``alpha``."""
        return self.require(
            AbWinner(name, baseline, direction, min_delta, alpha, min_samples, mode=mode)
        )

    def require_signature(self, *identities: str, mode: Mode | None = None) -> PromotionPolicy:
        """Ask for a signature that verifies, by one of ``identities`` or any trusted one."""
        return self.require(SignatureVerified(identities, mode=mode))

    # --- reading -------------------------------------------------------------------------------

    def describe(self) -> list[str]:
        """Return one sentence for each requirement."""
        return [
            each.describe() + (" (advisory)" if (each.mode or self.mode) == "advisory" else "")
            for each in self.requirements
        ]

    def to_document(self) -> dict[str, Any]:
        """Return the policy as JSON (or TOML) values that `from_document` reads back."""
        return {
            "mode": self.mode,
            "requirements": [each.to_document() for each in self.requirements],
        }

    @classmethod
    def from_document(
        cls, document: Any, surroundings: Surroundings | None = None
    ) -> PromotionPolicy:
        """Return the policy that a document writes.

        Raises `InvalidPolicy` with every fault there is, those in its surroundings included.
        """
        if not isinstance(document, Mapping):
            fault = f"a policy is an object with {' and '.join(_FIELDS)}, got {document!r:.60}"
            raise InvalidPolicy(detail=fault, faults=[fault])
        faults = [
            f"{key!r:.60}: a policy has no such field; it has {', '.join(_FIELDS)}"
            for key in document
            if key not in _FIELDS
        ]
        mode = document.get("mode", "enforce")
        faults += _mode_faults(mode)
        requirements, found = _read_requirements(document.get("requirements", ()), surroundings)
        faults += found
        if faults:
            raise InvalidPolicy(detail="; ".join(faults), faults=faults)
        return cls(mode, tuple(requirements))

    def require_fits(self, surroundings: Surroundings) -> None:
        """Raise `InvalidPolicy` with every fault of attaching the policy there."""
        faults = [
            f"requirements[{index}].{fault}"
            for index, each in enumerate(self.requirements)
            for fault in each.faults_in(surroundings)
        ]
        if faults:
            raise InvalidPolicy(detail="; ".join(faults), faults=faults)

    def digest(self) -> str:
        """Return what identifies the policy: SHA-256 (hexadecimal), whatever its order."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        parts = sorted(canonical_json(each.to_document()) for each in self.requirements)
        whole = canonical_json(self.mode) + b"\n" + b"\n".join(parts)
        return hashlib.sha256(whole).hexdigest()

    def needs(self) -> Needs:
        """Return which evidence its requirements look at."""
        return self._needs

    @cached_property
    def _needs(self) -> Needs:
        needs = NOTHING
        for each in self.requirements:
            needs |= each.needs()
        return needs


def combine(policies: Iterable[PromotionPolicy]) -> PromotionPolicy:
    """Return the one policy that asks for all that ``policies`` ask for.

    Of requirements of which one implies the other the stricter stays; where one policy enforces
    what another only tells, it is enforced.
    """
    kept: list[Requirement] = []
    for policy in policies:
        for each in policy.requirements:
            candidate = replace(each, mode=each.mode or policy.mode)
            if not any(_covers(other, candidate) for other in kept):
                kept = [other for other in kept if not _covers(candidate, other)]
                kept.append(candidate)
    advisory = bool(kept) and all(each.mode == "advisory" for each in kept)
    return PromotionPolicy("advisory" if advisory else "enforce", tuple(kept))


def _covers(strict: Requirement, lax: Requirement) -> bool:
    return strict.implies(lax) and (strict.mode == "enforce" or lax.mode == "advisory")


def _mode_faults(mode: Any) -> list[str]:
    if isinstance(mode, str) and mode in MODES:
        return []
    return [f"mode: must be {' or '.join(MODES)}, got {mode!r:.60}"]


def _read_requirements(
    entries: Any, surroundings: Surroundings | None
) -> tuple[list[Requirement], list[str]]:
    """Return the requirements that can be read, and the faults of all."""
    if not isinstance(entries, (list, tuple)):
        return [], [f"requirements: must be a list, got {entries!r:.60}"]
    if len(entries) > REQUIREMENTS_MAX:
        return [], [f"requirements: at most {REQUIREMENTS_MAX} are allowed, got {len(entries)}"]
    read: list[Requirement] = []
    faults: list[str] = []
    for index, entry in enumerate(entries):
        where = f"requirements[{index}]"
        kind = entry.get("kind") if isinstance(entry, Mapping) else None
        if not isinstance(kind, str) or kind not in KINDS:
            shown = f"{kind!r:.60}" if isinstance(entry, Mapping) else f"{entry!r:.60}"
            faults.append(f"{where}.kind: must be one of {', '.join(KINDS)}, got {shown}")
            continue
        try:
            requirement = KINDS[kind].from_document(entry)
        except InvalidPolicy as error:
            faults += [f"{where}.{fault}" for fault in error.fields["faults"]]
            continue
        read.append(requirement)
        if surroundings is not None:
            faults += [f"{where}.{fault}" for fault in requirement.faults_in(surroundings)]
    return read, faults
