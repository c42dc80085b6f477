"""``scan`` and ``signature``: what is proved of the version's files."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import ClassVar

from lockgate.domain.requirements.evidence import Evidence, Needs, Waiver
from lockgate.domain.requirements.requirement import (
    Requirement,
    Row,
    flag_faults,
    names_faults,
)

_LISTED_MAX = 5


@dataclass(frozen=True)
class ScanProved(Requirement):
    """Every file must be proved ``data-only``, or be waived while ``allow_waivers``."""

    kind: ClassVar[str] = "scan"
    allow_waivers: bool = True

    def faults(self) -> list[str]:
        return flag_faults("allow_waivers", self.allow_waivers)

    def needs(self) -> Needs:
        return Needs(scans=True)

    @property
    def wanted(self) -> str:
        """``data-only, or waived``."""
        return "data-only, or waived" if self.allow_waivers else "data-only"

    def verdict(self, evidence: Evidence) -> Row:
        if evidence.version.digest is None:
            return self._missing("The version has no files that could be scanned", "push the files")
        if evidence.scanned is None:
            return self._missing("The files have not been scanned", "scan the files")
        waivers = self._waivers(evidence)
        unproved = [file for file in evidence.scanned if file.verdict != "data-only"]
        open_files = [file for file in unproved if file.path not in waivers and "*" not in waivers]
        total = len(evidence.scanned)
        if not open_files:
            sentence = f"All {total} files are proved data-only"
            if unproved:
                by = sorted({waivers.get(f.path, waivers.get("*", "")) for f in unproved})
                sentence = (
                    f"{total - len(unproved)} of {total} files are proved data-only, "
                    f"{len(unproved)} waived by {', '.join(by)}"
                )
            return Row(self.kind, "", "passed", total - len(unproved), self.wanted, sentence)
        listed = [f"{file.path} ({file.verdict})" for file in open_files[:_LISTED_MAX]]
        if len(open_files) > _LISTED_MAX:
            listed.append(f"and {len(open_files) - _LISTED_MAX} more")
        remedy = f"replace {', '.join(listed)} by formats that hold only data"
        return Row(
            self.kind,
            "",
            "failed",
            total - len(unproved),
            self.wanted,
            f"{len(open_files)} of {total} files are not proved data-only: {', '.join(listed)}",
            remedy + (", or waive them" if self.allow_waivers else ""),
        )

    def _waivers(self, evidence: Evidence) -> dict[str, str]:
        """Return who waived what, of the waivers that hold for these files."""
        if not self.allow_waivers:
            return {}
        holding: list[Waiver] = [
            each for each in evidence.waivers if each.digest == evidence.version.digest
        ]
        return {each.path: each.by for each in holding}

    def _missing(self, sentence: str, remedy: str) -> Row:
        return Row(self.kind, "", "missing", None, self.wanted, sentence, remedy)

    def describe(self) -> str:
        return f"Every file must be {self.wanted}"

    def implies(self, other: Requirement) -> bool:
        return isinstance(other, ScanProved) and self.allow_waivers <= other.allow_waivers


@dataclass(frozen=True)
class SignatureVerified(Requirement):
    """The artifact must carry a signature that verifies against a trusted identity.

    With ``identities`` (in which ``*`` stands for any text), against one of these.
    """

    kind: ClassVar[str] = "signature"
    identities: tuple[str, ...] = ()

    def faults(self) -> list[str]:
        return names_faults("identities", self.identities)

    def needs(self) -> Needs:
        return Needs(signatures=True)

    @property
    def wanted(self) -> str:
        """``a signature by *@example.com``."""
        return f"a signature by {' or '.join(self.identities) or 'a trusted identity'}"

    def verdict(self, evidence: Evidence) -> Row:
        if not evidence.signatures:
            return Row(
                self.kind,
                "",
                "missing",
                None,
                self.wanted,
                "The artifact is not signed",
                self.wanted,
            )
        reasons = []
        for each in evidence.signatures:
            if not each.verified:
                reason = each.detail or "it does not verify"
            elif each.digest is None or each.digest != evidence.version.digest:
                reason = "it is of other files"
            elif not self._trusts(each.identity):
                reason = "it is by another identity"
            else:
                sentence = f"Signature by {each.identity} verifies"
                return Row(self.kind, "", "passed", each.identity, self.wanted, sentence)
            reasons.append(f"{each.identity}: {reason}")
        return Row(
            self.kind,
            "",
            "failed",
            [each.identity for each in evidence.signatures[:_LISTED_MAX]],
            self.wanted,
            f"No signature verifies ({'; '.join(reasons[:_LISTED_MAX])})",
            self.wanted,
        )

    def _trusts(self, identity: str) -> bool:
        return not self.identities or any(fnmatchcase(identity, each) for each in self.identities)

    def describe(self) -> str:
        return f"The artifact must carry {self.wanted}"

    def implies(self, other: Requirement) -> bool:
        if not isinstance(other, SignatureVerified):
            return False
        if not other.identities:
            return True
        return bool(self.identities) and set(self.identities) <= set(other.identities)
