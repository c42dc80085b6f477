"""The fields that a search may name, what type each has, and which comparisons suit it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from lockgate.domain.filter_tokens import BARE_KEY, Source, Token
from lockgate.domain.frozen import FrozenDict
from lockgate.domain.moments import parse_moment
from lockgate.errors import InvalidInput

Scope = Literal["versions", "models"]
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "like", "ilike", "null"]
Value = str | int | float | bool | datetime
FieldType = Literal["text", "stage", "integer", "number", "time", "scalar"]

PATTERN_CHARS_MAX = 500
_EQUALITY = frozenset({"=", "!=", "in"})
_PATTERN = frozenset({"like", "ilike"})


@dataclass(frozen=True, slots=True)
class Field:
    """What a comparison looks at: ``stage``, or ``metrics`` with the key ``accuracy``."""

    kind: str
    key: str | None = None

    def __str__(self) -> str:
        if self.key is None:
            return self.kind
        if BARE_KEY.fullmatch(self.key):
            return f"{self.kind}.{self.key}"
        return f"{self.kind}.`{self.key.replace('`', '``')}`"


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What holds for a field.

    ``keyed``: a key follows (``tags.team``). ``optional``: it may be absent, so IS NULL means
    something. ``several``: a thing has any number of it (aliases), and a comparison asks whether
    one of them satisfies it.
    """

    type: FieldType = "text"
    keyed: bool = False
    optional: bool = False
    several: bool = False


_TEXT = FieldRule()
_TIME = FieldRule("time")
_MAYBE_TEXT = FieldRule(optional=True)

FIELDS: Mapping[Scope, Mapping[str, FieldRule]] = FrozenDict(
    {
        "versions": FrozenDict(
            {
                "name": _TEXT,
                "version": _TEXT,
                "seq": FieldRule("integer"),
                "stage": FieldRule("stage"),
                "alias": FieldRule(optional=True, several=True),
                "project": _TEXT,
                "description": _TEXT,
                "created_by": _TEXT,
                "created_at": _TIME,
                "updated_at": _TIME,
                "run_id": _MAYBE_TEXT,
                "artifact_uri": _MAYBE_TEXT,
                "digest": _MAYBE_TEXT,
                "approved_by": _MAYBE_TEXT,
                "approved_at": FieldRule("time", optional=True),
                "metrics": FieldRule("number", keyed=True, optional=True),
                "params": FieldRule("scalar", keyed=True, optional=True),
                "tags": FieldRule(keyed=True, optional=True),
            }
        ),
        "models": FrozenDict(
            {
                "name": _TEXT,
                "owner": _TEXT,
                "description": _TEXT,
                "project": _TEXT,
                "lifecycle": _TEXT,
                "stage": FieldRule("stage", optional=True, several=True),
                "alias": FieldRule(optional=True, several=True),
                "created_by": _TEXT,
                "created_at": _TIME,
                "updated_at": _TIME,
                "tags": FieldRule(keyed=True, optional=True),
            }
        ),
    }
)


def read_field(source: Source, scope: Scope, token: Token) -> tuple[Field, FieldRule]:
    """Return the field that ``token`` names; refuse an unknown one with the nearest known name."""
    known = FIELDS[scope]
    kind = token.text.casefold()
    rule = known.get(kind)
    if rule is None:
        raise source.fault(token.column, _unknown(token, kind, known, scope))
    if rule.keyed and token.key is None:
        raise source.fault(token.column, f"'{kind}' needs a key, as in {kind}.KEY")
    if not rule.keyed and token.key is not None:
        raise source.fault(token.column, f"'{kind}' has no keys; write {kind} alone")
    return Field(kind, token.key), rule


def _unknown(token: Token, kind: str, known: Mapping[str, FieldRule], scope: Scope) -> str:
    near = difflib.get_close_matches(kind[:64], known, n=1)
    if near:
        key = token.key or "team"
        guess = Field(near[0], key if known[near[0]].keyed else None)
        return f"unknown field {token}; did you mean {guess}?"
    listed = ", ".join(f"{name}.KEY" if rule.keyed else name for name, rule in known.items())
    return f"unknown field {token}; {scope} have {listed}"


def check_operator(
    source: Source, column: int, field: Field, rule: FieldRule, op: Operator
) -> None:
    """Refuse an operator that has no clear meaning for the field, saying which one has."""
    if op == "null":
        if not rule.optional:
            raise source.fault(
                column, f"{field} is never absent, so IS NULL says nothing; compare it with ''"
            )
    elif op in _PATTERN:
        if rule.type not in {"text", "stage", "scalar"}:
            raise source.fault(column, f"{op.upper()} compares text, and {field} is a {rule.type}")
    elif rule.several and op not in {"=", "in"}:
        raise source.fault(
            column,
            f"a thing may have several of {field}, so {op} is ambiguous; "
            f"write {field} = '…', or NOT {field} = '…'",
        )
    elif rule.type == "stage" and op not in _EQUALITY:
        raise source.fault(column, f"stages have no order here; compare {field} with =, != or IN")


def read_value(source: Source, field: Field, rule: FieldRule, op: Operator, token: Token) -> Value:
    """Return the literal ``token`` as a value of the field's type, or refuse it."""
    value = _literal(source, token)
    column = token.column
    if op in _PATTERN:
        return _pattern(source, op, value, column)
    match rule.type:
        case "text" | "stage" if not isinstance(value, str):
            raise source.fault(column, f"{field} is text; write '{token.text}'")
        case "number" if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise source.fault(column, f"{field} is a number; {token} is not one")
        case "integer" if isinstance(value, bool) or not isinstance(value, int):
            raise source.fault(column, f"{field} is a whole number; {token} is not one")
        case "time":
            if not isinstance(value, str):
                raise source.fault(
                    column, f"{field} is a time; write '2026-01-01' or '2026-01-01T12:00Z'"
                )
            return _moment(source, field, value, column)
        case "scalar" if isinstance(value, bool) and op not in _EQUALITY:
            raise source.fault(column, "true and false have no order; compare with =, != or IN")
    return value


def _literal(source: Source, token: Token) -> Value:
    if token.kind in {"text", "quoted"}:
        return token.text
    if token.kind == "number":
        return token.number
    word = token.text.casefold()
    if token.kind == "word" and word in {"true", "false"}:
        return word == "true"
    if token.kind == "word" and word == "null":
        raise source.fault(token.column, "nothing equals NULL; IS NULL asks whether it is absent")
    if token.kind in {"word", "field"}:
        raise source.fault(token.column, f"text needs quotes: {token}")
    raise source.fault(token.column, f"expected a value such as 'text' or 0.9, found {token}")


def _pattern(source: Source, op: Operator, value: Value, column: int) -> str:
    if not isinstance(value, str):
        raise source.fault(column, f"{op.upper()} wants a pattern in quotes, such as 'churn%'")
    if len(value) > PATTERN_CHARS_MAX:
        raise source.fault(column, f"a pattern has at most {PATTERN_CHARS_MAX} characters")
    try:
        pattern_parts(value)
    except InvalidInput as error:
        raise source.fault(column, str(error)) from None
    return value


def _moment(source: Source, field: Field, value: str, column: int) -> datetime:
    try:
        return parse_moment(value, str(field))
    except InvalidInput as error:
        raise source.fault(column, str(error)) from None


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A part of a LIKE pattern: ``%`` (any run of characters) or ``_`` (exactly one)."""

    sign: Literal["%", "_"]


ANY_RUN = Wildcard("%")
ANY_ONE = Wildcard("_")


def pattern_parts(pattern: str) -> tuple[str | Wildcard, ...]:
    r"""Return a LIKE pattern as characters and wildcards; ``\`` takes the next one literally.

    Runs of ``%`` become one. Raises `InvalidInput` if the pattern ends in a lone backslash.
    """
    parts: list[str | Wildcard] = []
    escaped = False
    for char in pattern:
        if escaped or char not in "\\%_":
            parts.append(char)
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == "_":
            parts.append(ANY_ONE)
        elif not parts or parts[-1] is not ANY_RUN:
            parts.append(ANY_RUN)
    if escaped:
        raise InvalidInput(
            detail="the pattern ends in a lone backslash; write \\\\ for the character itself",
            field="filter",
        )
    return tuple(parts)


def case_variants(char: str) -> str:
    """Return the characters that ILIKE and stages take for ``char``, in a fixed order."""
    near = {char, char.lower(), char.upper()}
    near |= {other for one in near for other in (one.lower(), one.upper())}
    return "".join(sorted(one for one in near if len(one) == 1))
