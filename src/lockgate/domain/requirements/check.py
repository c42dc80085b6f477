"""``check``: an automated check passed, on these files, and not too long ago."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from lockgate.domain.checks import CheckResult, latest_result
from lockgate.domain.moments import to_text
from lockgate.domain.requirements.durations import (
    as_seconds,
    duration_faults,
    duration_text,
    exact_text,
)
from lockgate.domain.requirements.evidence import Evidence, Needs
from lockgate.domain.requirements.requirement import (
    Requirement,
    Row,
    RowVerdict,
    name_faults,
)


@dataclass(frozen=True)
class CheckPassed(Requirement):
    """The last result of the check ``name`` must be ``passed``.

    It must not have expired, be of these files, and be no older than ``max_age_s`` seconds
    (``max_age`` in a document, such as ``7d``).
    """

    kind: ClassVar[str] = "check"
    name: str
    max_age_s: int | None = field(default=None, metadata={"key": "max_age", "write": exact_text})

    def __post_init__(self) -> None:
        if self.max_age_s is not None:
            object.__setattr__(self, "max_age_s", as_seconds(self.max_age_s))
        super().__post_init__()

    def faults(self) -> list[str]:
        found = name_faults("name", self.name)
        if self.max_age_s is not None:
            found += duration_faults("max_age", self.max_age_s)
        return found

    def needs(self) -> Needs:
        return Needs(checks=frozenset({self.name}))

    @cached_property
    def wanted(self) -> str:
        """``passed``, with the greatest age if there is one."""
        if self.max_age_s is None:
            return "passed"
        return f"passed within {duration_text(self.max_age_s)}"

    def verdict(self, evidence: Evidence) -> Row:
        name = self.name
        result = latest_result(evidence.checks, name)
        if result is None:
            return self._row("missing", None, f"Missing required check '{name}'")
        if result.status == "running":
            return self._row("missing", "running", f"Check '{name}' is still running")
        if result.status == "failed":
            return self._row("failed", "failed", f"Check '{name}' failed{_page(result)}")
        stale = self._stale(result, evidence)
        if stale:
            return self._row(
                "missing", "passed", f"Check '{name}' passed but no longer counts: {stale}"
            )
        return Row(
            self.kind,
            name,
            "passed",
            "passed",
            self.wanted,
            f"Check '{name}' passed{_page(result)}",
        )

    def _stale(self, result: CheckResult, evidence: Evidence) -> str | None:
        if result.expires_at is not None and result.expires_at <= evidence.now:
            return f"it expired at {to_text(result.expires_at)}"
        if result.files_digest and result.files_digest != evidence.files_digest:
            return "files changed since"
        age_s = (evidence.now - result.at).total_seconds()
        if self.max_age_s is not None and age_s > self.max_age_s:
            return f"it is {duration_text(age_s)} old, at most {duration_text(self.max_age_s)}"
        return None

    def _row(self, verdict: RowVerdict, observed: str | None, sentence: str) -> Row:
        remedy = f"report check '{self.name}' as passed"
        return Row(self.kind, self.name, verdict, observed, self.wanted, sentence, remedy)

    def describe(self) -> str:
        return f"Check '{self.name}' must have {self.wanted}"

    def implies(self, other: Requirement) -> bool:
        if not isinstance(other, CheckPassed) or self.name != other.name:
            return False
        if other.max_age_s is None:
            return True
        return self.max_age_s is not None and self.max_age_s <= other.max_age_s


def _page(result: CheckResult) -> str:
    return f" ({result.url})" if result.url else ""
