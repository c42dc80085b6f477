"""Where results go: a terminal with colours, a pipe in plain text, or JSON.

    --json          JSON on standard output, nothing else
    a terminal      Rich tables, cut to its width; a card a row where it is too narrow for that
    anything else   aligned columns, never cut, no colours; Rich is not even imported

Results go to standard output, remarks about them to standard error.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

if TYPE_CHECKING:
    from rich.console import Console

WORD_COLUMNS = 10
"""What a column of words needs at least to be read, unless all its words are shorter."""
GAP_COLUMNS = 2

EXIT_BROKEN_PIPE = 141
"""What a shell sees of a program that ended because nobody read on (128 + SIGPIPE)."""

# The words that lifecycles paint their stages with, as a terminal knows them.
_COLOURS = {
    "amber": "yellow",
    "blue": "blue",
    "brown": "dark_orange3",
    "cyan": "cyan",
    "gray": "bright_black",
    "green": "green",
    "grey": "bright_black",
    "indigo": "slate_blue1",
    "lime": "chartreuse2",
    "magenta": "magenta",
    "orange": "dark_orange",
    "pink": "hot_pink",
    "purple": "magenta",
    "red": "red",
    "slate": "bright_black",
    "teal": "cyan",
    "violet": "magenta",
    "yellow": "yellow",
}


class Cell(NamedTuple):
    """Text, and the Rich style it has on a terminal with colours."""

    text: str
    style: str = ""


class Column(NamedTuple):
    """A heading. A ``right`` column is for numbers; a ``whole`` one is cut last.

    A heading that is a name of the user's (``named``) is shown in the user's letters.
    """

    heading: str
    right: bool = False
    whole: bool = False
    named: bool = False


class Output:
    """Writes what a command found, the way the caller wants it."""

    def __init__(self, *, as_json: bool = False, colour: bool = True) -> None:
        self.as_json = as_json
        self.colour = colour

    @property
    def on_terminal(self) -> bool:
        """Whether a person looks at standard output."""
        return sys.stdout.isatty()

    @property
    def columns(self) -> int:
        """How wide a drawing may be: the terminal's width, or enough for a log file."""
        return shutil.get_terminal_size().columns if self.on_terminal else 120

    def show(self, value: Any, draw: Callable[[], None]) -> None:
        """Write ``value`` as JSON if that was asked for, else ``draw`` it."""
        if self.as_json:
            self.write(json_text(value) + "\n")
        else:
            draw()

    def done(self, value: Any, sentence: str) -> None:
        """Say in one line what was done, or write ``value`` as JSON."""
        self.show(value, lambda: self.line(sentence))

    def line(self, text: str, style: str = "") -> None:
        """Write one line (or several) of result."""
        if style and self.on_terminal:
            styled = _rich_text(text, style)
            self.write(self._rendered(lambda console: console.print(styled, soft_wrap=True)))
        else:
            self.write(text + "\n")

    def remark(self, text: str) -> None:
        """Say something about the result that is not part of it; silent in JSON."""
        if not self.as_json:
            print(text, file=sys.stderr)

    def warn(self, text: str) -> None:
        """Write something to standard error that must not be missed, whatever is asked for."""
        print(printable(text), file=sys.stderr, flush=True)

    def table(
        self,
        columns: Sequence[Column],
        rows: Iterable[Sequence[Cell | str]],
        none: str = "There is none.",
    ) -> None:
        """Write a table; every row has a cell for each column. Without rows, remark ``none``."""
        cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
        cells = [[Cell(printable(cell.text), cell.style) for cell in row] for row in cells]
        if not self.on_terminal:
            self.write(plain_table(columns, cells))
        elif readable_columns(columns, cells) <= self.columns:
            self.write(self._rendered(lambda console: console.print(_rich_table(columns, cells))))
        else:
            for row in cells:
                self.card([(column.heading, c) for column, c in zip(columns, row, strict=True)])
                self.write("\n")
        if not cells:
            self.remark(none)

    def card(self, pairs: Iterable[tuple[str, Cell | str | None]]) -> None:
        """Write names and values, one pair a line; what is None or empty is left out."""
        shown: list[tuple[str, Cell]] = []
        for name, value in pairs:
            cell = value if isinstance(value, Cell) else Cell(value or "")
            if cell.text:
                shown.append((name, Cell(printable(cell.text, keep="\n"), cell.style)))
        width = max((len(name) for name, _ in shown), default=0)
        for name, cell in shown:
            if self.on_terminal:
                self.write(self._rendered(_card_line(name, width, cell)))
            else:
                text = cell.text.replace("\n", "\n" + " " * (width + 2))
                self.write(f"{name:<{width}}  {text}\n")

    def write(self, text: str) -> None:
        """Write text to standard output; leave quietly if nobody reads it any more."""
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError:
            # What is still buffered would be complained about when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(EXIT_BROKEN_PIPE) from None

    def _rendered(self, draw: Callable[[Console], None]) -> str:
        from rich.console import Console

        console = Console(file=sys.stdout, highlight=False, no_color=None if self.colour else True)
        with console.capture() as capture:
            draw(console)
        return "".join(line.rstrip(" ") + "\n" for line in capture.get().splitlines())


def json_text(value: Any) -> str:
    """Return ``value`` as JSON, in the words that the HTTP API uses."""
    from lockgate.wire.records import to_wire

    return json.dumps(to_wire(value), indent=2, ensure_ascii=False)


def printable(text: str, keep: str = "") -> str:
    """Return ``text`` without what could move a terminal's cursor or hide other text."""
    return "".join(
        char if char.isprintable() or char in keep else " " if char.isspace() else "\ufffd"
        for char in text
    )


def colour_style(word: str) -> str:
    """Return the Rich style of a lifecycle's colour; a word that is not known has none."""
    return word if word.startswith("#") else _COLOURS.get(word, "")


def moment_text(moment: datetime | None) -> str:
    """Return a time for people, in UTC to the second; nothing for None."""
    return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S")


def number_text(value: int | float | None) -> str:
    """Return a number for a table: whole numbers exactly, others to six digits."""
    if value is None:
        return "–"
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def counted(count: int, noun: str) -> str:
    """Return ``1 model`` or ``2 models``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def pairs_text(values: dict[str, Any]) -> str:
    """Return ``a=1 b=x`` for a mapping; an empty value is a bare key."""
    return " ".join(
        key if value == "" else f"{key}={number_text(value) if _is_number(value) else value}"
        for key, value in values.items()
    )


def plain_table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> str:
    """Return a table as aligned columns that are never cut, without colours."""
    heading = [column.heading if column.named else column.heading.upper() for column in columns]
    lines = [heading, *([cell.text for cell in row] for row in rows)]
    widths = [max(_width(line[index]) for line in lines) for index in range(len(columns))]
    text = ""
    for line in lines:
        padded = [
            " " * (width - _width(word)) + word
            if column.right
            else word + " " * (width - _width(word))
            for column, word, width in zip(columns, line, widths, strict=True)
        ]
        text += "  ".join(padded).rstrip() + "\n"
    return text


def readable_columns(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> int:
    """Return how wide a terminal must be for a table whose words are not cut into letters."""
    needed = GAP_COLUMNS * (len(columns) - 1)
    for index, column in enumerate(columns):
        width = max((_width(row[index].text) for row in rows), default=0)
        if not (column.right or column.whole):
            width = min(width, WORD_COLUMNS)
        needed += max(width, min(_width(column.heading), WORD_COLUMNS))
    return needed


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _rich_text(text: str, style: str) -> Any:
    from rich.text import Text

    return Text(text, style=style, overflow="fold")


def _rich_table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="bold",
    )
    for column in columns:
        table.add_column(
            column.heading,
            justify="right" if column.right else "left",
            no_wrap=column.right or column.whole,
            overflow="ellipsis" if column.right or column.whole else "fold",
        )
    for row in rows:
        table.add_row(*(_rich_text(cell.text, cell.style) for cell in row))
    return table


def _card_line(name: str, width: int, cell: Cell) -> Callable[[Console], None]:
    def draw(console: Console) -> None:
        from rich.padding import Padding
        from rich.table import Table

        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True, min_width=width)
        grid.add_column(overflow="fold")
        grid.add_row(_rich_text(name, "bright_black"), _rich_text(cell.text, cell.style))
        console.print(Padding(grid, (0, 0)))

    return draw


def _width(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
