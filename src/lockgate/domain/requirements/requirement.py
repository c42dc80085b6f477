"""What every requirement is: frozen, valid once built, with one verdict method."""

from __future__ import annotations

import math
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from typing import Any, ClassVar, Literal, NamedTuple, Self, get_args

from lockgate.domain import names
from lockgate.domain.requirements.evidence import NOTHING, Evidence, Needs
from lockgate.errors import InvalidInput, InvalidPolicy

Mode = Literal["enforce", "advisory"]
MODES: tuple[str, ...] = get_args(Mode)
RowVerdict = Literal["passed", "failed", "missing"]
ITEMS_MAX = 100


class Row(NamedTuple):
    """What one requirement found. A tuple, because a gate builds many at every request.

    ``requirement`` is its kind, ``name`` what it is about (a metric, a check, a stage …).
    ``missing`` means that what it looks at is not there (yet); ``failed`` that it is there and
    not good enough. ``observed`` and ``wanted`` are JSON values. ``remedy`` says what is still
    missing to get through; it is empty when passed. An ``advisory`` row blocks nobody.
    """

    requirement: str
    name: str
    verdict: RowVerdict
    observed: Any
    wanted: Any
    sentence: str
    remedy: str = ""
    mode: Mode = "enforce"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a policy is checked against when it is attached; None means that it is not known.

    ``stages`` are the names of the lifecycle's stages, ``people`` the number of people by role
    who may decide, None as the key for all of them.
    """

    stages: Collection[str] | None = None
    people: Mapping[str | None, int] | None = None


@dataclass(frozen=True)
class Requirement(ABC):
    """Something that must hold before a version may enter a stage.

    ``mode`` None means that of the policy. Building one that makes no sense raises
    `InvalidPolicy` with all its faults.
    """

    kind: ClassVar[str]
    mode: Mode | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            kept = _normalised(value)
            if kept is not value:
                object.__setattr__(self, each.name, kept)
        found = self.faults()
        if self.mode is not None and self.mode not in MODES:
            found.append(f"mode: must be enforce or advisory, got {self.mode!r:.60}")
        if found:
            raise InvalidPolicy(detail=f"{self.kind}: {'; '.join(found)}", faults=found)

    @abstractmethod
    def verdict(self, evidence: Evidence) -> Row:
        """Return whether it holds, with the sentence that says so."""

    @abstractmethod
    def describe(self) -> str:
        """Return the requirement as a sentence."""

    @abstractmethod
    def faults(self) -> list[str]:
        """Return what makes no sense in itself, as ``field: what would be right``."""

    def faults_in(self, _surroundings: Surroundings) -> list[str]:
        """Return what makes no sense where the policy is to be attached."""
        return []

    def needs(self) -> Needs:
        """Return which evidence it looks at, beyond the version itself."""
        return NOTHING

    def implies(self, other: Requirement) -> bool:
        """Say whether ``other`` holds whenever this one does (modes apart)."""
        return replace(self, mode=None).identity == replace(other, mode=None).identity

    @property
    def identity(self) -> str:
        """What two requirements that ask for the same share (``1 == True`` to Python, not here)."""
        return repr(self)

    def to_document(self) -> dict[str, Any]:
        """Return this as JSON values: the kind, and every field that differs from its default."""
        document: dict[str, Any] = {"kind": self.kind}
        for each in fields(self):
            value = getattr(self, each.name)
            if value != each.default:
                write = each.metadata.get("write")
                written = write(value) if write else value
                document[_key(each)] = list(written) if isinstance(written, tuple) else written
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the requirement that ``document`` writes. Raises `InvalidPolicy`, all faults."""
        known = {_key(each): each for each in fields(cls)}
        found = [
            f"{key}: {cls.kind} has no such field; it has {', '.join(known)}"
            for key in map(str, document)
            if key not in known and key != "kind"
        ]
        found += [
            f"{key}: is required"
            for key, each in known.items()
            if each.default is MISSING and key not in document
        ]
        given = {each.name: document[key] for key, each in known.items() if key in document}
        if not found:
            return cls(**given)
        # Something is wrong already: build it nonetheless, to name what else is.
        try:
            cls(**{each.name: None for each in known.values() if each.default is MISSING} | given)
        except InvalidPolicy as error:
            found += [
                fault for fault in error.fields["faults"] if fault.partition(":")[0] in document
            ]
        raise InvalidPolicy(detail=f"{cls.kind}: {'; '.join(found)}", faults=found)


def _key(each: Field[Any]) -> str:
    """Return what a field is called in a document, where durations are texts, not seconds."""
    return str(each.metadata.get("key", each.name))


def _normalised(value: Any) -> Any:
    """Return ``value`` as it is kept: lists as tuples, text in NFC as names are stored."""
    if isinstance(value, (list, tuple)):
        return tuple(_normalised(each) for each in value)
    if isinstance(value, str) and not value.isascii():
        return unicodedata.normalize("NFC", value)
    return value


def name_faults(where: str, value: Any) -> list[str]:
    """Return what keeps ``value`` from being the name of a metric, check, tag …"""
    try:
        names.key_name(value, where)
    except InvalidInput as error:
        return [f"{where}: {error}"]
    return []


def optional_text_faults(where: str, value: Any) -> list[str]:
    """Return what keeps ``value`` from being a text, or None."""
    return [] if value is None else name_faults(where, value)


def number_faults(where: str, value: Any) -> list[str]:
    """Return what keeps ``value`` from being a finite number."""
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if good and (
        names.INT64_MIN <= value <= names.INT64_MAX
        if isinstance(value, int)
        else math.isfinite(value)
    ):
        return []
    return [f"{where}: must be a finite number, got {_shown(value)}"]


def count_faults(where: str, value: Any, least: int, most: int) -> list[str]:
    """Return what keeps ``value`` from being a whole number from ``least`` to ``most``."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return []
    return [f"{where}: must be a whole number from {least} to {most}, got {_shown(value)}"]


def choice_faults(where: str, value: Any, choices: Collection[str]) -> list[str]:
    """Return what keeps ``value`` from being one of ``choices``."""
    if isinstance(value, str) and value in choices:
        return []
    return [f"{where}: must be one of {', '.join(choices)}, got {_shown(value)}"]


def flag_faults(where: str, value: Any) -> list[str]:
    """Return what keeps ``value`` from being true or false."""
    if isinstance(value, bool):
        return []
    return [f"{where}: must be true or false, got {_shown(value)}"]


def names_faults(where: str, values: Any) -> list[str]:
    """Return what keeps ``values`` from being a list of names."""
    if not isinstance(values, tuple) or len(values) > ITEMS_MAX:
        return [f"{where}: must be a list of at most {ITEMS_MAX} names, got {_shown(values)}"]
    return [
        fault
        for index, value in enumerate(values)
        for fault in name_faults(f"{where}[{index}]", value)
    ]


def number_text(value: float) -> str:
    """Return a number as people write it, exactly."""
    return repr(value)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
