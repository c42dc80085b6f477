"""``tag``, ``metadata``, ``card``, ``lineage``: something is there, and says what it should."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, ClassVar

from lockgate.domain import names
from lockgate.domain.requirements.evidence import Evidence, Needs
from lockgate.domain.requirements.requirement import (
    Requirement,
    Row,
    count_faults,
    name_faults,
    names_faults,
    number_faults,
)

_PATTERN_CHARS_MAX = 1_000
_SOURCES = {
    "run": "run_id",
    "dataset": "dataset",
    "code": "code",
    "parents": "parents",
}


@dataclass(frozen=True)
class TagPresent(Requirement):
    """The tag ``name`` must be there; with ``value`` be it, with ``matches`` fit the pattern.

    In a pattern ``*`` stands for any text, ``?`` for one character, ``[ab]`` for one of some.
    """

    kind: ClassVar[str] = "tag"
    name: str
    value: str | None = None
    matches: str | None = None

    def faults(self) -> list[str]:
        found = name_faults("name", self.name)
        found += _text_faults("value", self.value, names.LIMITS.tag_value_chars_max)
        return found + _pattern_faults(self.matches, self.value)

    def verdict(self, evidence: Evidence) -> Row:
        tags = evidence.version.tags
        return _present(self, self.name in tags, tags.get(self.name))

    def describe(self) -> str:
        return _described(self)


@dataclass(frozen=True)
class MetadataPresent(Requirement):
    """The metadata entry ``name`` must be there; with ``value`` be it, with ``matches`` fit.

    A name with dots that is no key itself leads into nested objects. ``value`` is text, a number
    or true/false; only text can fit a pattern.
    """

    kind: ClassVar[str] = "metadata"
    name: str
    value: str | int | float | bool | None = None
    matches: str | None = None

    def faults(self) -> list[str]:
        found = name_faults("name", self.name)
        if isinstance(self.value, (int, float)) and not isinstance(self.value, bool):
            found += number_faults("value", self.value)
        elif not isinstance(self.value, bool):
            found += _text_faults("value", self.value, names.LIMITS.tag_value_chars_max)
        return found + _pattern_faults(self.matches, self.value)

    def verdict(self, evidence: Evidence) -> Row:
        return _present(self, *_look_up(evidence.version.metadata, self.name))

    def describe(self) -> str:
        return _described(self)


@dataclass(frozen=True)
class CardPresent(Requirement):
    """The model card must have ``chars_min`` characters of text and the headings ``sections``.

    The description is the card of a version that has no other.
    """

    kind: ClassVar[str] = "card"
    chars_min: int = 1
    sections: tuple[str, ...] = ()

    def faults(self) -> list[str]:
        most = names.LIMITS.description_chars_max
        return count_faults("chars_min", self.chars_min, 1, most) + names_faults(
            "sections", self.sections
        )

    def needs(self) -> Needs:
        return Needs(card=True)

    @property
    def wanted(self) -> str:
        """``at least 200 characters, with the sections Limits, Data``."""
        plural = "s" if self.chars_min > 1 else ""
        amount = f"at least {self.chars_min} character{plural}"
        if not self.sections:
            return amount
        return f"{amount}, with the sections {', '.join(self.sections)}"

    def verdict(self, evidence: Evidence) -> Row:
        card = (evidence.version.description if evidence.card is None else evidence.card).strip()
        wanted = self.wanted
        if not card:
            return Row(
                self.kind, "", "missing", 0, wanted, "Missing required model card", "a model card"
            )
        if len(card) < self.chars_min:
            return Row(
                self.kind,
                "",
                "failed",
                len(card),
                wanted,
                f"Model card has {len(card)} characters, required {self.chars_min}",
                f"a model card of {wanted}",
            )
        headings = {
            line.lstrip("#").strip().casefold()
            for line in card.splitlines()
            if line.startswith("#")
        }
        absent = [name for name in self.sections if name.casefold() not in headings]
        if absent:
            listed = ", ".join(f"'{name}'" for name in absent)
            return Row(
                self.kind,
                "",
                "failed",
                len(card),
                wanted,
                f"Model card lacks the sections {listed}",
                f"the sections {listed} in the model card",
            )
        sections = f" and the sections {', '.join(self.sections)}" if self.sections else ""
        sentence = f"Model card has {len(card)} characters{sections}"
        return Row(self.kind, "", "passed", len(card), wanted, sentence)

    def describe(self) -> str:
        return f"The model card must have {self.wanted}"

    def implies(self, other: Requirement) -> bool:
        return (
            isinstance(other, CardPresent)
            and self.chars_min >= other.chars_min
            and set(self.sections) >= set(other.sections)
        )


@dataclass(frozen=True)
class LineagePresent(Requirement):
    """The version must say where it comes from: each of ``run, dataset, code, parents`` listed.

    With none listed, any one is enough.
    """

    kind: ClassVar[str] = "lineage"
    sources: tuple[str, ...] = ()

    def faults(self) -> list[str]:
        if isinstance(self.sources, tuple) and all(
            isinstance(each, str) and each in _SOURCES for each in self.sources
        ):
            return []
        return [f"sources: must be a list of {', '.join(_SOURCES)}, got {self.sources!r:.60}"]

    @property
    def wanted(self) -> str:
        """``dataset, code``."""
        return ", ".join(self.sources) or f"one of {', '.join(_SOURCES)}"

    def verdict(self, evidence: Evidence) -> Row:
        sources = evidence.version.sources
        known = [name for name, part in _SOURCES.items() if getattr(sources, part)]
        absent = [name for name in self.sources if name not in known]
        wanted = self.wanted
        if not absent and known:
            sentence = f"Lineage says {', '.join(known)}"
            return Row(self.kind, "", "passed", known, wanted, sentence)
        lacking = ", ".join(absent) or wanted
        return Row(
            self.kind,
            "",
            "missing",
            known,
            wanted,
            f"Missing required lineage: {lacking}",
            f"the source links of the version: {lacking}",
        )

    def describe(self) -> str:
        return f"The version must name its {self.wanted}"

    def implies(self, other: Requirement) -> bool:
        return isinstance(other, LineagePresent) and set(self.sources) >= set(other.sources)


def _wanted(requirement: TagPresent | MetadataPresent) -> Any:
    if requirement.matches is not None:
        return f"like {requirement.matches!r}"
    return "present" if requirement.value is None else requirement.value


def _described(requirement: TagPresent | MetadataPresent) -> str:
    what = f"{requirement.kind.capitalize()} '{requirement.name}'"
    if requirement.matches is not None:
        return f"{what} must be like {requirement.matches!r}"
    if requirement.value is None:
        return f"{what} must be present"
    return f"{what} must be {_quoted(requirement.value)}"


def _present(requirement: TagPresent | MetadataPresent, there: bool, found: Any) -> Row:
    kind, name, wanted = requirement.kind, requirement.name, _wanted(requirement)
    if not there:
        return Row(
            kind,
            name,
            "missing",
            None,
            wanted,
            f"Missing required {kind} '{name}'",
            f"{kind} '{name}'" + ("" if wanted == "present" else f" {_wish(requirement)}"),
        )
    what = f"{kind.capitalize()} '{name}'"
    if _fits(requirement, found):
        sentence = f"{what} is present" if wanted == "present" else f"{what} is {_quoted(found)}"
        return Row(kind, name, "passed", found, wanted, sentence)
    return Row(
        kind,
        name,
        "failed",
        found,
        wanted,
        f"{what} is {_quoted(found)}, required {_wish(requirement)}",
        f"{kind} '{name}' {_wish(requirement)}",
    )


def _wish(requirement: TagPresent | MetadataPresent) -> str:
    if requirement.matches is not None:
        return f"like {requirement.matches!r}"
    return f"= {_quoted(requirement.value)}"


def _fits(requirement: TagPresent | MetadataPresent, found: Any) -> bool:
    if requirement.matches is not None:
        return isinstance(found, str) and fnmatchcase(found, requirement.matches)
    wanted = requirement.value
    if wanted is None:
        return True
    return isinstance(found, bool) == isinstance(wanted, bool) and bool(found == wanted)


def _look_up(metadata: Mapping[str, Any], name: str) -> tuple[bool, Any]:
    if name in metadata:
        return True, metadata[name]
    found: Any = metadata
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return False, None
        found = found[part]
    return True, found


def _text_faults(where: str, value: Any, chars_max: int) -> list[str]:
    if value is None or (isinstance(value, str) and len(value) <= chars_max):
        return []
    return [f"{where}: must be text of at most {chars_max} characters, got {value!r:.60}"]


def _pattern_faults(matches: Any, value: Any) -> list[str]:
    found = _text_faults("matches", matches, _PATTERN_CHARS_MAX)
    if matches is not None and value is not None:
        found.append("matches: give value or matches, not both")
    return found


def _quoted(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
