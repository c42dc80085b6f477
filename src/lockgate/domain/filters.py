"""The search language: ``metrics.accuracy > 0.9 and tags.team = 'risk'``, parsed into a tree.

    filter      ::=  any
    any         ::=  all (OR all)*
    all         ::=  one (AND one)*
    one         ::=  NOT one  |  "(" any ")"  |  comparison
    comparison  ::=  field operator value
                  |  field [NOT] IN "(" value ("," value)* ")"
                  |  field [NOT] (LIKE | ILIKE) text
                  |  field IS [NOT] NULL
    field       ::=  word  |  word "." key        key: bare, or in `backquotes` or "quotes"
    operator    ::=  = | == | != | <> | < | <= | > | >=
    value       ::=  'text' | "text" | number | TRUE | FALSE
    order       ::=  field [ASC | DESC] ("," field [ASC | DESC])*

Keywords and field names are read in any case, keys and text exactly; a doubled quote stands for
itself. What each field is lies in `filter_fields`.

There are two truth values, not SQL's three. A comparison with something absent (a tag that a
version does not have, a param that is null) is false, and NOT makes it true: ``NOT tags.team =
'risk'`` finds versions without the tag, ``tags.team != 'risk'`` does not, and ``tags.team IS
NULL`` asks whether it is absent. A field of which a thing has several (aliases; the stages of a
model's versions) satisfies a comparison if one of them does.

A param is compared as a number with a number, and is false if it is none; with text, TRUE and
FALSE it is compared as it reads (``0.1``, ``true``, ``adam``). Text is compared by code point,
stages in any case. ``%`` and ``_`` are the wildcards of LIKE (which minds case) and ILIKE (which
does not); a backslash takes them literally. A date alone means its first instant, UTC.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from lockgate.domain import filter_fields
from lockgate.domain.filter_fields import FIELDS, Field, FieldRule, Operator, Scope, Value
from lockgate.domain.filter_tokens import Source, Token, tokens_of
from lockgate.domain.names import LIMITS, Limits
from lockgate.errors import InvalidFilter, InvalidInput, LimitExceeded

__all__ = [
    "EVERYTHING",
    "And",
    "Comparison",
    "Field",
    "Filter",
    "Not",
    "Operator",
    "Or",
    "Order",
    "Scope",
    "Value",
    "parse_filter",
    "parse_order_by",
]

DEPTH_MAX = 32
TERMS_MAX = 100
IN_VALUES_MAX = 500
ORDER_TERMS_MAX = 8
_KEYWORDS = frozenset({"and", "or", "not", "in", "like", "ilike", "is", "null", "asc", "desc"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """One test of one field. ``null`` has no value, ``in`` has many, every other operator one.

    Times are aware datetimes in UTC, patterns are as written. ``column`` (1-based) is where the
    field stands in the text, which is no part of what it means.
    """

    field: Field
    op: Operator
    values: tuple[Value, ...]
    column: int = dataclasses.field(default=1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class And:
    """True if every term is; without terms, true."""

    terms: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True if some term is; without terms, false."""

    terms: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True if the term is false."""

    term: Filter


Filter = And | Or | Not | Comparison
EVERYTHING = And(())


class Order(NamedTuple):
    """One key to sort by. What lacks the field comes last in either direction."""

    field: Field
    descending: bool = False


def parse_filter(text: Any, scope: Scope = "versions", limits: Limits = LIMITS) -> Filter:
    """Return the tree of a filter over ``scope``; a blank text or None matches everything.

    Raises `InvalidFilter` with the ``column`` of the fault, and `LimitExceeded` if the text is
    longer than ``limits.filter_chars_max``.
    """
    if text is None:
        return EVERYTHING
    source = _source(text, "filter", limits)
    if not source.text or source.text.isspace():
        return EVERYTHING
    return _Parser(source, scope).filter()


def parse_order_by(
    order: str | Iterable[str] | None, scope: Scope = "versions", limits: Limits = LIMITS
) -> tuple[Order, ...]:
    """Return the sort keys of ``"metrics.accuracy DESC, created_at"`` or of a list of such.

    None or a blank text gives no keys. Raises like `parse_filter`; in a list, columns count as
    if it were one text joined by ``", "``.
    """
    if order is None:
        return ()
    if not isinstance(order, str):
        items = list(order)
        for item in items:
            _source(item, "order_by", limits)
        order = ", ".join(items)
    source = _source(order, "order_by", limits)
    if not source.text or source.text.isspace():
        return ()
    return _Parser(source, scope).order()


def _source(text: Any, what: str, limits: Limits) -> Source:
    if not isinstance(text, str):
        raise InvalidInput(detail=f"{what} must be text, got {type(text).__name__}", field=what)
    if len(text) > limits.filter_chars_max:
        raise LimitExceeded(
            what=f"The length of {what}", observed=len(text), limit=limits.filter_chars_max
        )
    return Source(text, what)


class _Parser:
    """Reads tokens from left to right; one method for each line of the grammar."""

    def __init__(self, source: Source, scope: Scope) -> None:
        self._source = source
        self._scope = scope
        self._tokens = tokens_of(source)
        self._at = 0
        self._depth = 0
        self._terms = 0

    # --- tokens --------------------------------------------------------------------------

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    def _is(self, *words: str) -> bool:
        token = self._token
        return token.kind in {"word", "sign"} and token.text.casefold() in words

    def _take(self, *words: str) -> bool:
        """Step over the token if it is one of ``words``; tell whether it was."""
        if self._is(*words):
            self._at += 1
            return True
        return False

    def _fault(self, detail: str) -> InvalidFilter:
        return self._source.fault(self._token.column, detail)

    # --- filter --------------------------------------------------------------------------

    def filter(self) -> Filter:
        tree = self._any()
        if self._is(")"):
            raise self._fault("this parenthesis was never opened")
        if self._token.kind != "end":
            raise self._fault(f"expected AND, OR or the end, found {self._token}")
        return tree

    def _any(self) -> Filter:
        return self._chain("or", self._all, Or)

    def _all(self) -> Filter:
        return self._chain("and", self._one, And)

    def _chain(self, word: str, part: Callable[[], Filter], join: type[And] | type[Or]) -> Filter:
        """Read ``part (word part)*``; the same connective inside parentheses is flattened."""
        terms = [part()]
        while self._take(word):
            terms.append(part())
        if len(terms) == 1:
            return terms[0]
        flat: list[Filter] = []
        for term in terms:
            flat.extend(term.terms if isinstance(term, join) else (term,))
        return join(tuple(flat))

    def _one(self) -> Filter:
        opened = self._token
        if not (self._take("not") or self._take("(")):
            return self._comparison()
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise self._source.fault(opened.column, f"nested more than {DEPTH_MAX} levels deep")
        if opened.kind == "word":
            tree: Filter = Not(self._one())
        else:
            tree = self._any()
            if not self._take(")"):
                if self._token.kind == "end":
                    raise self._source.fault(opened.column, "this parenthesis is never closed")
                raise self._fault(f"expected AND, OR or ), found {self._token}")
        self._depth -= 1
        return tree

    # --- comparison ----------------------------------------------------------------------

    def _comparison(self) -> Filter:
        self._terms += 1
        if self._terms > TERMS_MAX:
            raise self._fault(f"more than {TERMS_MAX} comparisons")
        column = self._token.column
        target, rule = self._field()
        operator_column = self._token.column
        op, negated = self._operator(target)
        filter_fields.check_operator(self._source, operator_column, target, rule, op)
        test = Comparison(target, op, self._values(target, rule, op), column)
        return Not(test) if negated else test

    def _field(self) -> tuple[Field, FieldRule]:
        token = self._token
        if token.kind == "quoted":
            raise self._fault(f"a comparison begins with a field, not with text: {token}")
        keyword = token.kind == "word" and token.text.casefold() in _KEYWORDS
        if keyword or token.kind not in {"word", "field"}:
            example = "stage = 'Production'" if self._source.field == "filter" else "name DESC"
            raise self._fault(f"expected a field here, as in {example}, found {token}")
        self._at += 1
        return filter_fields.read_field(self._source, self._scope, token)

    def _operator(self, target: Field) -> tuple[Operator, bool]:
        """Return the operator and whether NOT stands before it."""
        token = self._token
        if token.kind == "operator":
            self._at += 1
            return token.text, False  # type: ignore[return-value]  # the lexer knows no others
        if self._take("is"):
            negated = self._take("not")
            if not self._take("null"):
                raise self._fault(f"expected NULL or NOT NULL after IS, found {self._token}")
            return "null", negated
        negated = self._take("not")
        for op in ("in", "like", "ilike"):
            if self._take(op):
                return op, negated
        expected = "IN, LIKE or ILIKE" if negated else "an operator such as =, >=, IN or LIKE"
        raise self._fault(f"expected {expected} after {target}, found {self._token}")

    def _values(self, target: Field, rule: FieldRule, op: Operator) -> tuple[Value, ...]:
        if op == "null":
            return ()
        if op != "in":
            return (self._value(target, rule, op),)
        if not self._take("("):
            raise self._fault(f"expected ( after IN, found {self._token}")
        values = [self._value(target, rule, op)]
        while self._take(","):
            if len(values) == IN_VALUES_MAX:
                raise self._fault(f"more than {IN_VALUES_MAX} values in one list")
            values.append(self._value(target, rule, op))
        if not self._take(")"):
            raise self._fault(f"expected , or ) in the list, found {self._token}")
        return tuple(values)

    def _value(self, target: Field, rule: FieldRule, op: Operator) -> Value:
        value = filter_fields.read_value(self._source, target, rule, op, self._token)
        self._at += 1
        return value

    # --- order ---------------------------------------------------------------------------

    def order(self) -> tuple[Order, ...]:
        keys = [self._order_key(())]
        while self._take(","):
            keys.append(self._order_key(keys))
        if self._token.kind != "end":
            raise self._fault(f"expected ASC, DESC, a comma or the end, found {self._token}")
        return tuple(keys)

    def _order_key(self, earlier: Iterable[Order]) -> Order:
        column = self._token.column
        target, rule = self._field()
        before = [key.field for key in earlier]
        if rule.several:
            sortable = ", ".join(k for k, r in FIELDS[self._scope].items() if not r.several)
            raise self._source.fault(
                column, f"a thing may have several of {target}, so it gives no order; {sortable} do"
            )
        if target in before:
            raise self._source.fault(column, f"{target} is there twice")
        if len(before) == ORDER_TERMS_MAX:
            raise self._source.fault(column, f"more than {ORDER_TERMS_MAX} keys to sort by")
        descending = self._take("desc")
        if not descending:
            self._take("asc")
        return Order(target, descending)
