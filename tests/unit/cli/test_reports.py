"""A gate's report as a table, for GitHub, and as JUnit XML: words stay in their place."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from lockgate.cli import reports
from lockgate.cli.output import Cell
from lockgate.domain.gates import GateReport
from lockgate.domain.requirements.requirement import Row

HOLDS = Row("metric", "auc", "passed", 0.91, ">= 0.9", "Metric 'auc' = 0.91 satisfies >= 0.9")
FAILS = Row("check", "ci", "failed", "failed", "passed", "Check 'ci' failed", "report it as passed")
LACKS = Row("approvals", "", "missing", 0, 2, "Approvals 0 < required 2", "2 more approvals")
ADVICE = Row("tag", "team", "missing", None, "present", "Missing tag", "a tag", "advisory")
# What a comment or a tag may hold: everything that means something to one of the readers.
NASTY = "100% | `x` <b> @all\n::error::no\r]]> & \x1b[31m*"
HOSTILE = Row("tag", NASTY, "failed", NASTY, NASTY, NASTY, NASTY)


def report(*rows: Row) -> GateReport:
    """Return a report on the way into Production."""
    return GateReport(version="1", stage="Production", mode="enforce", policy_digest="", rows=rows)


def test_every_requirement_has_a_row_with_its_mark() -> None:
    """Passed, failed and missing have a mark each; advice is marked as such."""
    rows = reports.table_rows(report(HOLDS, FAILS, LACKS, ADVICE))
    assert [row[0] for row in rows] == [
        Cell("✓", "green"),
        Cell("✗", "red"),
        Cell("–", "yellow"),
        Cell("–", "yellow"),
    ]
    assert rows[0][1:] == ["metric auc", "0.91", ">= 0.9", HOLDS.sentence]
    assert rows[3][1:] == ["tag team", "–", "present", "Missing tag (advice)"]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ((), "is open: nothing is asked."),
        ((HOLDS,), "is open: 1 of 1 hold."),
        ((HOLDS, ADVICE), "is open: 1 of 2 hold (1 are advice only)."),
        ((HOLDS, FAILS, LACKS), "is closed: 2 of 3 do not hold."),
    ],
)
def test_headline_counts(rows: tuple[Row, ...], told: str) -> None:
    """The first line says whether the gate is open, and how many requirements hold."""
    assert (
        reports.headline(report(*rows), "churn:1") == f"The gate to Production for churn:1 {told}"
    )


def test_missing_lists_what_blocks() -> None:
    """What is still missing is listed without advice; an open gate lists nothing."""
    assert reports.missing(report(FAILS, ADVICE)) == "\nStill missing:\n  report it as passed\n"
    assert reports.missing(report(HOLDS)) == ""


def test_github_gets_an_annotation_for_each_unmet_row() -> None:
    """What blocks is an error, advice is a warning, an open gate is a notice."""
    closed = reports.github(report(HOLDS, FAILS, ADVICE), "churn:1").splitlines()
    assert closed == [
        "::error title=Gate to Production%3A check ci::Check 'ci' failed. "
        "Missing: report it as passed",
        "::warning title=Gate to Production%3A tag team::Missing tag. Missing: a tag",
    ]
    assert reports.github(report(HOLDS), "churn:1") == (
        "::notice title=Gate to Production%3A churn%3A1::"
        "The gate to Production for churn:1 is open: 1 of 1 hold.\n"
    )


def test_words_cannot_make_workflow_commands() -> None:
    """A line break in a word does not begin another command, a colon does not end a title."""
    lines = reports.github(report(HOSTILE), "churn:1").split("\n")
    assert len(lines) == 2
    title = lines[0].removeprefix("::error title=").partition("::")[0]
    assert ":" not in title
    assert "\r" not in lines[0]
    assert "%0A" in lines[0]
    assert "100%25" in lines[0]


def test_words_stay_in_their_cell_of_the_summary() -> None:
    """A pipe, a tag, a mention or a line break in a word is shown, and means nothing."""
    text = reports.markdown(report(HOSTILE), "churn:1")
    row = next(line for line in text.splitlines() if line.startswith("| ✗"))
    assert row.replace("\\|", "").count("|") == 6
    assert "<b>" not in text
    assert "\\@all" in row
    assert "\\`x\\`" in row
    assert "\x1b" not in text


def test_junit_is_read_back_by_a_parser() -> None:
    """Each requirement is a test; what blocks fails, advice is skipped, and the counts agree."""
    suites = ElementTree.fromstring(  # noqa: S314  # what we wrote ourselves
        reports.junit(report(HOLDS, FAILS, LACKS, ADVICE, HOSTILE), "churn:1")
    )
    cases = list(suites.iter("testcase"))
    assert dict(suites.attrib) | {"name": ""} == {
        "name": "",
        "tests": "5",
        "failures": "3",
        "skipped": "1",
        "errors": "0",
    }
    assert [case.get("name") for case in cases[:4]] == [
        "metric auc",
        "check ci",
        "approvals",
        "tag team",
    ]
    assert [[child.tag for child in case] for case in cases] == [
        [],
        ["failure"],
        ["failure"],
        ["skipped"],
        ["failure"],
    ]


def test_junit_of_a_gate_that_asks_nothing_has_a_test() -> None:
    """A suite without tests would be taken for one that did not run."""
    suites = ElementTree.fromstring(reports.junit(report(), "churn:1"))  # noqa: S314
    assert [case.get("name") for case in suites.iter("testcase")] == ["nothing is asked"]


def test_plain_text_is_aligned_and_printable() -> None:
    """As a pipe gets it: headline, table, what is missing, and no control characters."""
    text = reports.text(report(HOLDS, HOSTILE), "churn:1")
    assert text.startswith("The gate to Production for churn:1 is closed: 1 of 2 do not hold.\n\n")
    assert "\x1b" not in text
    assert len(text.splitlines()) == 8
