"""The words of the search language: text cut into tokens, each with the column it begins at.

Every character is looked at a bounded number of times, whatever is written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from lockgate.domain import names
from lockgate.errors import InvalidFilter, InvalidInput

TokenKind = Literal["word", "field", "text", "quoted", "number", "operator", "sign", "end"]

_WORD = re.compile(r"[^\W\d]\w*")
# The range is that of the combining accents, which \w leaves out.
BARE_KEY = re.compile(r"[\w./:@\u0300-\u036f-]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_OPERATOR = re.compile(r"==|!=|<>|<=|>=|=|<|>")
_SPELLINGS = {"==": "=", "<>": "!="}
_SHOWN_CHARS = 72
_INT64_DIGITS = 19


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the language.

    ``text`` is the word, operator or content of the quotes; for a ``field`` it is what stands
    before the dot and ``key`` what stands behind it. ``number`` is set for numbers alone.
    ``quoted`` is "double", which is text as well; the kinds differ for the sake of advice.
    """

    kind: TokenKind
    text: str
    column: int
    key: str | None = None
    number: int | float = 0

    def __str__(self) -> str:
        if self.kind == "end":
            return "the end"
        shown = self.text if self.key is None else f"{self.text}.{self.key}"
        return repr(shown if len(shown) <= 40 else shown[:37] + "...")


@dataclass(frozen=True, slots=True)
class Source:
    """A text to be read. ``field`` is what the caller calls it: ``filter`` or ``order_by``."""

    text: str
    field: str

    def fault(self, column: int, detail: str) -> InvalidFilter:
        """Return the `InvalidFilter` of ``detail``, with a caret line pointing at ``column``."""
        begin = max(0, min(column - 1 - _SHOWN_CHARS // 2, len(self.text) - _SHOWN_CHARS))
        window = self.text[begin : begin + _SHOWN_CHARS]
        shown = "".join(char if char.isprintable() else " " for char in window)
        caret = " " * (column - 1 - begin) + "^"
        return InvalidFilter(
            detail=f"{detail} (column {column})\n  {shown}\n  {caret}",
            column=column,
            field=self.field,
        )


def tokens_of(source: Source) -> list[Token]:
    """Return the tokens of ``source``, the last one of kind ``end``.

    Raises `InvalidFilter` at the first character that begins no token.
    """
    found: list[Token] = []
    at, end = 0, len(source.text)
    while at < end:
        char = source.text[at]
        if char.isspace():
            at += 1
            continue
        token, at = _next_token(source, at, char)
        found.append(token)
    found.append(Token("end", "", end + 1))
    return found


def _next_token(source: Source, at: int, char: str) -> tuple[Token, int]:
    """Return the token that begins at index ``at`` and the index behind it."""
    text, column = source.text, at + 1
    if char in "(),":
        return Token("sign", char, column), at + 1
    if match := _OPERATOR.match(text, at):
        operator = match.group()
        return Token("operator", _SPELLINGS.get(operator, operator), column), match.end()
    if char in "'\"":
        content, behind = _unquoted(source, at)
        return Token("text" if char == "'" else "quoted", content, column), behind
    if match := _WORD.match(text, at):
        if text[match.end() : match.end() + 1] == ".":
            key, behind = _key(source, match.end() + 1, match.group())
            return Token("field", match.group(), column, key=key), behind
        return Token("word", match.group(), column), match.end()
    if match := _NUMBER.match(text, at):
        if BARE_KEY.match(text, match.end()):
            raise source.fault(column, "a number ends here in letters; put text between quotes")
        return Token("number", match.group(), column, number=_number(source, at, match)), (
            match.end()
        )
    if char == "`":
        raise source.fault(column, "backquotes hold a key, as in metrics.`val acc`")
    raise source.fault(column, f"unexpected character {char!r}")


def _key(source: Source, at: int, root: str) -> tuple[str, int]:
    """Return the key that begins at index ``at``, behind the dot, bare or quoted."""
    column = at + 1
    if source.text[at : at + 1] in {"`", '"'}:
        key, behind = _unquoted(source, at)
    elif match := BARE_KEY.match(source.text, at):
        key, behind = match.group(), match.end()
    else:
        raise source.fault(column, f"a key must follow '{root}.'")
    try:
        return names.key_name(key, "key"), behind
    except InvalidInput as error:
        raise source.fault(column, str(error)) from None


def _unquoted(source: Source, at: int) -> tuple[str, int]:
    """Return what the quotes at index ``at`` hold, a doubled quote being one of it."""
    text, quote = source.text, source.text[at]
    pieces: list[str] = []
    begin = at + 1
    while True:
        end = text.find(quote, begin)
        if end < 0:
            raise source.fault(at + 1, f"the quote {quote} is never closed")
        pieces.append(text[begin:end])
        if text[end + 1 : end + 2] != quote:
            break
        pieces.append(quote)
        begin = end + 2
    try:
        content = names.plain_text("".join(pieces), "text", len(text))
    except InvalidInput as error:
        raise source.fault(at + 1, str(error)) from None
    return content, end + 1


def _number(source: Source, at: int, match: re.Match[str]) -> int | float:
    """Return the finite number that ``match`` spells; integers exact, within 64 bits."""
    spelled = match.group()
    if not any(char in ".eE" for char in spelled):
        digits = spelled.lstrip("+-").lstrip("0")
        whole = int(spelled) if len(digits) <= _INT64_DIGITS else names.INT64_MAX + 1
        if not names.INT64_MIN <= whole <= names.INT64_MAX:
            raise source.fault(at + 1, "the integer does not fit in 64 bits; write it with a point")
        return whole
    number = float(spelled)
    if number in {float("inf"), float("-inf")}:
        raise source.fault(at + 1, "the number is too large; the largest is about 1.8e308")
    return number
