"""Output: plain tables, cards and text that is safe to show."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lockgate.cli.output import (
    Cell,
    Column,
    Output,
    colour_style,
    json_text,
    pairs_text,
    printable,
    readable_columns,
)


def test_a_piped_table_is_aligned_and_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """Columns line up, numbers to the right, and a long text stays whole on its line."""
    long = "x" * 300
    Output().table(
        [Column("Name"), Column("No.", right=True), Column("Note")],
        [("a", "7", Cell("fine", "green")), ("bcd", "12", long)],
    )
    assert capsys.readouterr().out == (f"NAME  NO.  NOTE\na       7  fine\nbcd    12  {long}\n")


def test_wide_and_combining_letters_keep_the_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """A letter that takes two columns counts as two, an accent on its own as none."""
    Output().table([Column("Name"), Column("B")], [("模型", "x"), ("abcd", "y"), ("e\u0301", "z")])
    assert capsys.readouterr().out == "NAME  B\n模型  x\nabcd  y\ne\u0301     z\n"


def test_a_table_says_how_wide_it_must_be_to_be_read() -> None:
    """Words may be broken after ten letters; numbers, times and short words need what they need."""
    columns = [Column("Name"), Column("At", whole=True), Column("No.", right=True), Column("By")]
    row = [Cell("n" * 60), Cell("2026-10-01 12:00:00"), Cell("12345"), Cell("al")]
    assert readable_columns(columns, [row]) == 10 + 19 + 5 + 2 + 3 * 2
    assert readable_columns(columns, []) == 4 + 2 + 3 + 2 + 3 * 2


def test_an_empty_table_is_its_heading(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing found is a heading without rows, not an error; a remark says so to people."""
    Output().table([Column("Name")], [], "No model.")
    assert capsys.readouterr() == ("NAME\n", "No model.\n")


def test_a_card_leaves_out_what_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    """None and empty values have no line; further lines of a value are set in."""
    Output().card([("name", "churn"), ("owner", None), ("tags", ""), ("about", "one\ntwo")])
    assert capsys.readouterr().out == "name   churn\nabout  one\n       two\n"


def test_a_remark_is_not_part_of_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    """Remarks go to standard error, and nowhere when the result is JSON."""
    Output().remark("more with --all")
    assert tuple(capsys.readouterr()) == ("", "more with --all\n")
    Output(as_json=True).remark("more with --all")
    assert tuple(capsys.readouterr()) == ("", "")


def test_control_characters_are_not_shown() -> None:
    """Escape, the C1 introducer and direction marks become a replacement character."""
    assert printable("a\x1b[31m\x9b1m\u202eb\tc\nd") == "a\ufffd[31m\ufffd1m\ufffdb c d"


def test_json_keeps_integers_and_writes_times_in_utc() -> None:
    """A 64-bit integer is written whole, a time as ISO 8601 with microseconds."""
    moment = datetime(2026, 10, 1, 12, tzinfo=UTC)
    assert json_text({"n": 2**62 + 1, "at": moment}) == (
        '{\n  "n": 4611686018427387905,\n  "at": "2026-10-01T12:00:00.000000Z"\n}'
    )


def test_pairs_are_short() -> None:
    """Numbers to six digits, whole ones exactly, a tag without a value bare."""
    values = {"auc": 0.123456789, "n": 2**62, "nightly": "", "ok": True, "team": "risk"}
    assert pairs_text(values) == "auc=0.123457 n=4611686018427387904 nightly ok=True team=risk"


def test_an_unknown_colour_is_no_colour() -> None:
    """A lifecycle may paint a stage as it likes; the terminal paints what it knows."""
    assert [colour_style(word) for word in ("amber", "#12ab34", "heliotrope")] == [
        "yellow",
        "#12ab34",
        "",
    ]
