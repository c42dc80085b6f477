"""What a search ought to find, worked out in plain Python on the objects themselves."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from lockgate.domain.filter_fields import ANY_RUN, Wildcard, case_variants, pattern_parts
from lockgate.domain.filters import And, Comparison, Filter, Not, Or, Order, Scope
from lockgate.domain.models import RegisteredModel
from lockgate.domain.versions import ModelVersion
from lockgate.storage.encoding import to_json
from lockgate.storage.search import Search
from search_world import World

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def holds(tree: Filter, thing: Any, world: World) -> bool:
    """Tell in plain Python whether ``tree`` is true of a version or model."""
    match tree:
        case And(terms):
            return all(holds(term, thing, world) for term in terms)
        case Or(terms):
            return any(holds(term, thing, world) for term in terms)
        case Not(term):
            return not holds(term, thing, world)
        case Comparison():
            found = observed(tree.field.kind, tree.field.key, thing, world)
            if tree.op == "null":
                return not found
            return any(satisfies(tree, value) for value in found)
    raise AssertionError(tree)


def observed(kind: str, key: str | None, thing: Any, world: World) -> list[Any]:
    """Return the values of a field: none if it is absent, several of an alias."""
    if kind in {"metrics", "params", "tags"}:
        facts = getattr(thing, kind)
        return [facts[key]] if facts.get(key) is not None else []
    if kind == "alias":
        return list(thing.aliases)
    if kind == "stage" and isinstance(thing, RegisteredModel):
        return sorted(world.stages[thing.uid])
    value = getattr(thing, kind)
    return [] if value is None else [value]


def satisfies(test: Comparison, value: Any) -> bool:
    if test.op in {"like", "ilike"}:
        caseless = test.op == "ilike" or test.field.kind == "stage"
        return matches(str(test.values[0]), as_text(value), caseless)
    compare = _COMPARE["=" if test.op == "in" else test.op]
    return any(compare(*pair) for literal in test.values if (pair := paired(test, value, literal)))


def paired(test: Comparison, value: Any, literal: Any) -> tuple[Any, Any] | None:
    """Return both sides as they are compared, or None if their types cannot be."""
    if test.field.kind == "stage":
        return value.casefold(), literal.casefold()
    if test.field.kind != "params":
        return value, literal
    if isinstance(literal, (bool, str)):
        return as_text(value), as_text(literal)
    numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
    return (value, literal) if numeric else None


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value)


def matches(pattern: str, text: str, caseless: bool) -> bool:
    written = ""
    for part in pattern_parts(pattern):
        if isinstance(part, Wildcard):
            written += ".*" if part is ANY_RUN else "."
        else:
            chars = case_variants(part) if caseless else part
            written += f"(?:{'|'.join(map(re.escape, chars))})"
    return re.fullmatch(written, text, re.DOTALL) is not None


def sorted_by(order: tuple[Order, ...], things: list[Any], world: World) -> list[Any]:
    """Sort things, given oldest first, as the search promises to."""
    newest_first = order[-1].descending if order else True
    things = things[::-1] if newest_first else list(things)
    for one in reversed(order):
        for part in (1, 0) if one.field.kind == "params" else (0,):
            has = [(thing, sort_value(one, part, thing, world)) for thing in things]
            present = [pair for pair in has if pair[1] is not None]
            absent = [thing for thing, value in has if value is None]
            # Stable either way: reverse=True keeps equal items in their order.
            present.sort(key=lambda pair: pair[1], reverse=one.descending)
            things = [thing for thing, _ in present] + absent
    return things


def sort_value(one: Order, part: int, thing: Any, world: World) -> Any:
    found = observed(one.field.kind, one.field.key, thing, world)
    if not found:
        return None
    value = found[0]
    if one.field.kind == "params":
        numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
        if part == 0:
            return value if numeric else None
        return None if numeric else as_text(value)[:200]
    if one.field.kind == "stage":
        return value.casefold()
    return value[:200] if isinstance(value, str) else value


def expected(world: World, search: Search, scope: Scope, project: str | None) -> list[str]:
    things: list[Any] = list(world.versions if scope == "versions" else world.models)
    found = [
        thing
        for thing in things
        if project in {None, thing.project} and holds(search.where, thing, world)
    ]
    return [shown(thing) for thing in sorted_by(search.order, found, world)]


def shown(thing: Any) -> str:
    return thing.reference if isinstance(thing, ModelVersion) else thing.full_name
