"""MLflow's search grammar, written in ours.

    filter  ::=  test (AND test)*
    test    ::=  field operator value  |  field [NOT] IN "(" text ("," text)* ")"
    field   ::=  name | version_number | run_id | source_path | (tag | tags) "." key
    order   ::=  field [ASC | DESC]

Prompts are models with a tag of their own, and are found only by who asks for that tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lockgate.dialects.mlflow.problems import MlflowProblem, invalid
from lockgate.domain.mlflow_messages import IS_PROMPT

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
      | (?P<number>[+-]?\d+(?:\.\d*)?(?![\w.]))
      | (?P<operator><=|>=|!=|<>|==|=|<|>)
      | (?P<sign>[(),])
      | (?P<word>(?:[^\W\d][\w.:/\-]*)?(?:`[^`]*`|(?<=\.)"[^"]*"|(?<=\.)'[^']*')?)
    )""",
    re.VERBOSE,
)
_LITERALS = frozenset({"true", "false", "null", "and", "or", "not", "in", "like", "ilike", "is"})
_TEXT_OPERATORS = frozenset({"=", "!=", "LIKE", "ILIKE"})
_NUMBER_OPERATORS = frozenset({"=", "!=", "<", "<=", ">", ">="})
_LISTS = frozenset({"IN", "NOT IN"})


@dataclass(frozen=True, slots=True)
class Searched:
    """What may be searched: MLflow's attributes and ours, and those that give an order.

    ``blank`` are those that MLflow has as an empty text where we have nothing.
    """

    attributes: Mapping[str, str]
    lists: frozenset[str]
    numbers: frozenset[str]
    blank: frozenset[str]
    orders: Mapping[str, str]
    default_order: tuple[str, ...]
    unknown_order: str


MODELS = Searched(
    attributes={"name": "name"},
    lists=frozenset({"name"}),
    numbers=frozenset(),
    blank=frozenset(),
    orders={
        "name": "name",
        "timestamp": "updated_at",
        "last_updated_timestamp": "updated_at",
    },
    default_order=("name",),
    unknown_order="Invalid order by key '{key}' specified. Valid keys are {valid}",
)
VERSIONS = Searched(
    attributes={
        "name": "name",
        "version_number": "seq",
        "run_id": "run_id",
        "source_path": "artifact_uri",
    },
    lists=frozenset({"name", "run_id"}),
    numbers=frozenset({"version_number"}),
    blank=frozenset({"run_id", "source_path"}),
    orders={
        "name": "name",
        "version_number": "seq",
        "creation_timestamp": "created_at",
        "last_updated_timestamp": "updated_at",
    },
    default_order=("updated_at DESC", "name", "seq DESC"),
    unknown_order="Invalid attribute key '{key}' specified. Valid keys are {valid}",
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str

    def says(self, *words: str) -> bool:
        return self.kind == "word" and self.text.upper() in words


def our_filter(text: str | None, searched: Searched) -> str:
    """Return what an MLflow filter asks, in our search language. Raises `MlflowProblem`."""
    tests = [_test(clause, searched) for clause in _clauses(text or "")]
    wants_prompts = any(
        key == IS_PROMPT and ((op, value.casefold()) in {("=", "'true'"), ("!=", "'false'")})
        for key, op, value, _ in tests
    )
    terms = [term for key, _, _, term in tests if wants_prompts or key != IS_PROMPT]
    if not wants_prompts:
        terms.append(f"NOT {_tag(IS_PROMPT)} = 'true'")
    return " AND ".join(terms)


def our_order(clauses: Sequence[str], searched: Searched) -> list[str]:
    """Return our keys to sort by, the default ones behind those that were asked for."""
    keys: dict[str, str] = {}
    for clause in clauses:
        key, down = _order(clause, searched)
        if key in keys:
            raise invalid(f"`order_by` contains duplicate fields: {list(clauses)}")
        keys[key] = f"{key} DESC" if down else key
    if not keys:
        return list(searched.default_order)
    for default in searched.default_order:
        key = default.partition(" ")[0]
        if key != "updated_at":  # it is no tie-breaker
            keys.setdefault(key, default)
    return list(keys.values())


def _order(clause: str, searched: Searched) -> tuple[str, bool]:
    parts = clause.replace("`", "").split()
    if not 1 <= len(parts) <= 2 or "," in clause:
        raise invalid(f"Invalid order_by clause '{clause}'. Could not be parsed.")
    name = parts[0].removeprefix("attribute.").removeprefix("attributes.")
    direction = parts[1].lower() if len(parts) == 2 else "asc"
    if direction not in ("asc", "desc"):
        raise invalid(f"Invalid ordering key in order_by clause '{clause}'.")
    if name not in searched.orders:
        valid = sorted(searched.orders)
        raise invalid(searched.unknown_order.format(key=name, valid=valid))
    return searched.orders[name], direction == "desc"


# --- filter: text → clauses of tokens → tests -----------------------------------------------


def _clauses(text: str) -> list[list[_Token]]:
    """Return the tokens of each test, as they stand between the ANDs."""
    clauses: list[list[_Token]] = [[]]
    at = 0
    text = text.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        kind = found.lastgroup if found else None
        if found is None or kind is None or not found[kind]:
            raise _bad_clause(text[at:].strip())
        token = _Token(kind, found[kind])
        at = found.end()
        if token.says("AND"):
            clauses.append([])
        else:
            clauses[-1].append(token)
    if not clauses[0]:  # the client puts an AND of its own behind a blank filter
        clauses = clauses[1:]
    for clause in clauses:
        if not clause:
            raise _bad_clause(text)
    return clauses


def _test(clause: list[_Token], searched: Searched) -> tuple[str, str, str, str]:
    """Return the tag that a test is about (or ""), its operator, its value, and it in our words."""
    field, op, values = _parts(clause)
    key, tag = _key(field, searched)
    ours = _tag(key) if tag else searched.attributes[key]
    if op in _LISTS:
        if tag or key not in searched.lists:
            raise invalid(
                f"Only {sorted(searched.lists)} attributes support comparison with a list of "
                "quoted string values."
            )
        listed = _listed(values)
        value = f"({', '.join(listed)})"
        if key in searched.blank:
            return "", op, value, _blank_listed(ours, op, listed)
    elif not tag and key in searched.numbers:
        value = _number(key, op, values[0])
    else:
        value = _text(tag, op, values[0], searched)
    blank = not tag and key in searched.blank
    term = _blank(ours, op, value) if blank else f"{ours} {op} {value}"
    return (key if tag else ""), op, value, term


def _blank(ours: str, op: str, value: str) -> str:
    """Return a test of a field that, where we have nothing, is an empty text to MLflow."""
    if value == "''":
        return f"{ours} IS NOT NULL" if op == "!=" else f"{ours} IS NULL"
    return f"NOT {ours} = {value}" if op == "!=" else f"{ours} {op} {value}"


def _blank_listed(ours: str, op: str, listed: list[str]) -> str:
    named = [value for value in listed if value != "''"]
    terms = [f"{ours} IN ({', '.join(named)})"] if named else []
    if len(named) < len(listed):
        terms.append(f"{ours} IS NULL")
    either = " OR ".join(terms)
    return f"NOT ({either})" if op == "NOT IN" else f"({either})"


def _parts(clause: list[_Token]) -> tuple[str, str, list[_Token]]:
    """Return field, operator and value tokens of a test that has all three."""
    spoilt = _bad_clause(" ".join(token.text for token in clause))
    field, rest = clause[0], clause[1:]
    if field.kind != "word" or field.text.casefold() in _LITERALS or not rest:
        raise spoilt
    op = {"==": "=", "<>": "!="}.get(rest[0].text, rest[0].text.upper())
    rest = rest[1:]
    if op == "NOT" and rest and rest[0].says("IN"):
        op, rest = "NOT IN", rest[1:]
    if op in _LISTS:
        if len(rest) < 2 or rest[0].text != "(" or rest[-1].text != ")":
            raise spoilt
        return field.text, op, rest[1:-1]
    if op not in _TEXT_OPERATORS | _NUMBER_OPERATORS or len(rest) != 1:
        raise spoilt
    if rest[0].kind == "sign" or (rest[0].kind == "word" and rest[0].text.lower() in _LITERALS):
        raise spoilt
    return field.text, op, rest


def _key(field: str, searched: Searched) -> tuple[str, bool]:
    """Return the key that a field names, and whether it is a tag's."""
    entity, dot, key = field.partition(".")
    if not dot:
        entity, key = "attribute", field
    quoted = len(key) > 1 and key[0] == key[-1] and key[0] in "`\"'"
    key = key[1:-1] if quoted else key
    if entity in ("tag", "tags") and key:
        return key, True
    if entity not in ("attribute", "tag", "tags"):
        raise invalid(
            f"Invalid entity type '{entity}'. Valid entity types are ('attribute', 'tag', 'tags')"
        )
    if key not in searched.attributes:
        valid = sorted(searched.attributes)
        raise invalid(f"Invalid attribute key '{key}' specified. Valid keys are '{valid}'")
    return key, False


def _number(key: str, op: str, value: _Token) -> str:
    if op not in _NUMBER_OPERATORS:
        raise invalid(f"Invalid comparator for attribute {key}: {op}")
    digits = value.text[1:-1] if value.kind == "text" else value.text
    if not re.fullmatch(r"[+-]?\d{1,18}", digits):
        raise invalid(f"Invalid value for numeric attribute '{key}': {value.text}")
    return str(int(digits))


def _text(tag: bool, op: str, value: _Token, searched: Searched) -> str:
    if value.kind == "number":
        if tag:
            raise invalid(
                f"Expected a quoted string value for tag (e.g. 'my-value'). Got value {value.text}"
            )
        numbers = sorted(searched.numbers)
        if not numbers:
            raise invalid(
                "Expected a quoted string value or a list of quoted string values for attributes. "
                f"Got value {value.text}"
            )
        raise invalid(f"Only the '{numbers}' attributes support comparison with numeric values.")
    if value.kind != "text":
        raise invalid(
            "Parameter value is either not quoted or unidentified quote types used for string "
            f"value {value.text}. Use either single or double quotes."
        )
    if op not in _TEXT_OPERATORS:
        raise invalid(f"Invalid comparator for {'tag' if tag else 'attribute'}: {op}")
    pattern = op in ("LIKE", "ILIKE")
    return _quoted(value.text, (lambda text: text.replace("\\", "\\\\")) if pattern else str)


def _listed(values: list[_Token]) -> list[str]:
    """Return the texts of a list, quoted."""
    begins = "While parsing a list in the query, expected "
    if not values:
        raise invalid(f"{begins}a non-empty list of string values, but got empty list")
    items, commas = values[::2], values[1::2]
    if any(token.kind == "number" for token in items):
        raise invalid(
            f"{begins}string value, punctuation, or whitespace, but got different type in list"
        )
    if len(items) == len(commas):
        items, commas = items, commas[:-1] if len(items) > 1 else commas
    if any(token.kind != "text" for token in items) or any(c.text != "," for c in commas):
        raise invalid(f"{begins}a non-empty list of string values, but got ill-formed list.")
    return [_quoted(token.text) for token in items]


def _quoted(text: str, change: Callable[[str], str] = str) -> str:
    """Return a quoted text of theirs as one of ours."""
    plain = change(text[1:-1].replace(text[0] * 2, text[0]))
    return "'" + plain.replace("'", "''") + "'"


def _tag(key: str) -> str:
    return f"tags.`{key.replace('`', '``')}`"


def _bad_clause(text: str) -> MlflowProblem:
    return invalid(f"Invalid clause(s) in filter string: {text}")
