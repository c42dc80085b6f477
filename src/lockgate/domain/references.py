"""References: how a version is written in one line. One parser, shared by server and client.

    name:label         a version by its label (or, if no label matches, its number)
    name@alias         what a movable alias names now
    name@stage         the latest version in a stage
    name@latest        the latest version of all
    name@sha256:HEX    the version with these bytes
    name               the same as name@latest

Each may be preceded by ``project/``. ``:`` is fixed, ``@`` moves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from lockgate.domain import names
from lockgate.errors import InvalidInput, InvalidReference

DEFAULT_PROJECT = "default"
LATEST = "latest"

Kind = Literal["label", "moving", "latest", "digest"]
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A parsed reference. ``selector`` is the label, alias-or-stage, ``latest`` or digest."""

    project: str
    model: str
    kind: Kind
    selector: str

    def __str__(self) -> str:
        sign = ":" if self.kind == "label" else "@"
        return f"{self.project}/{self.model}{sign}{self.selector}"


def split_name(text: Any, project: str = DEFAULT_PROJECT) -> tuple[str, str]:
    """Return ``(project, model)`` of ``project/name`` or ``name``, both validated."""
    if isinstance(text, str) and "/" in text:
        owner, _, name = text.partition("/")
        return names.project_name(owner), names.model_name(name)
    return project, names.model_name(text)


def parse_reference(text: Any, project: str = DEFAULT_PROJECT) -> Reference:
    """Return the `Reference` that ``text`` writes; ``project`` is used when it names none.

    Raises `InvalidReference` with the forms that would be right.
    """
    if not isinstance(text, str) or not text:
        raise _invalid(text, "it is empty or not text")
    head, sign, selector = _cut(text)
    try:
        owner, model = split_name(head, project)
        if not sign:
            return Reference(owner, model, "latest", LATEST)
        if sign == ":":
            return Reference(owner, model, "label", names.version_label(selector))
        selector = names.sought(selector, "what follows @")
    except InvalidInput as error:
        raise _invalid(text, str(error)) from None
    if selector.casefold() == LATEST:
        return Reference(owner, model, "latest", LATEST)
    if selector.startswith("sha256:"):
        if not _DIGEST.fullmatch(selector):
            raise _invalid(text, "a digest is sha256: and 64 lower-case hexadecimal digits")
        return Reference(owner, model, "digest", selector)
    if not selector or any(char in selector for char in "/:@\\"):
        raise _invalid(text, "after @ comes an alias, a stage, latest or sha256:…")
    return Reference(owner, model, "moving", selector)


def _cut(text: str) -> tuple[str, str, str]:
    """Split at the first ``:`` or ``@``, whichever comes first."""
    for index, char in enumerate(text):
        if char in ":@":
            return text[:index], char, text[index + 1 :]
    return text, "", ""


def _invalid(text: Any, why: str) -> InvalidReference:
    shown = repr(text) if len(repr(text)) <= 120 else repr(text)[:117] + "..."
    return InvalidReference(
        detail=f"{shown} is not a reference: {why}. Write name:version, name@alias, name@stage, "
        "name@latest or name@sha256:…, with project/ before it if needed.",
        reference=text if isinstance(text, str) else repr(text),
    )
