"""A gate's report in the forms that people and machines read: pure functions of the report.

table    for a terminal or a log
github   workflow commands, which GitHub shows beside the run, and a Markdown summary
junit    XML, which GitLab, Jenkins and others show as tests
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from lockgate.cli.output import Cell, Column, number_text, plain_table, printable

if TYPE_CHECKING:
    from lockgate.domain.gates import GateReport
    from lockgate.domain.requirements.requirement import Row

COLUMNS = (
    Column("", whole=True),
    Column("Requirement"),
    Column("Observed"),
    Column("Wanted"),
    Column("Says"),
)
_MARKS = {"passed": ("✓", "green"), "failed": ("✗", "red"), "missing": ("–", "yellow")}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~@])")


def table_rows(report: GateReport) -> list[list[Cell | str]]:
    """Return a row for every requirement, in the columns of `COLUMNS`."""
    rows: list[list[Cell | str]] = []
    for row in report.rows:
        mark, style = _MARKS[row.verdict]
        told = f"{row.sentence} (advice)" if _is_advice(row) else row.sentence
        rows.append(
            [Cell(mark, style), _about(row), value_text(row.observed), value_text(row.wanted), told]
        )
    return rows


def headline(report: GateReport, reference: str) -> str:
    """Return the verdict in a line, without the requirements."""
    gate = f"The gate to {report.stage} for {reference}"
    if not report.rows:
        return f"{gate} is open: nothing is asked."
    unmet = len(report.unmet)
    if report.allowed:
        advice = f" ({unmet} are advice only)" if unmet else ""
        return f"{gate} is open: {len(report.rows) - unmet} of {len(report.rows)} hold{advice}."
    return f"{gate} is closed: {unmet} of {len(report.rows)} do not hold."


def missing(report: GateReport) -> str:
    """Return what is still missing to get through, a line each; nothing when the gate is open."""
    if not report.missing:
        return ""
    return "\nStill missing:\n" + "".join(f"  {printable(each)}\n" for each in report.missing)


def text(report: GateReport, reference: str) -> str:
    """Return the report as plain text, as a pipe gets it."""
    table = ""
    if report.rows:
        rows = [
            [cell if isinstance(cell, Cell) else Cell(printable(cell)) for cell in row]
            for row in table_rows(report)
        ]
        table = "\n" + plain_table(COLUMNS, rows)
    return headline(report, reference) + "\n" + table + missing(report)


def github(report: GateReport, reference: str) -> str:
    """Return workflow commands: an error for what blocks, a warning for advice, one notice."""
    title = f"Gate to {report.stage}: "
    lines = [
        _command("warning" if _is_advice(row) else "error", title + _about(row), _told(row))
        for row in report.unmet
    ]
    if report.allowed:
        lines.append(_command("notice", title + reference, headline(report, reference)))
    return "".join(f"{line}\n" for line in lines)


def markdown(report: GateReport, reference: str) -> str:
    """Return a summary of the report as Markdown, in which every word stands for itself."""
    lines = [f"### {_escaped(headline(report, reference))}", ""]
    if report.rows:
        lines += ["| | requirement | observed | wanted | |", "|---|---|---|---|---|"]
    for cells in table_rows(report):
        texts = [cell.text if isinstance(cell, Cell) else cell for cell in cells]
        lines.append("| " + " | ".join(_escaped(text) for text in texts) + " |")
    if report.missing:
        lines += ["", "Still missing:", ""]
        lines += [f"- {_escaped(remedy)}" for remedy in report.missing]
    return "\n".join(lines) + "\n\n"


def junit(report: GateReport, reference: str) -> str:
    """Return the report as JUnit XML: a test for every requirement, advice as a skipped one."""
    name = printable(f"gate to {report.stage} for {reference}")
    cases = [_case(row) for row in report.rows]
    if not cases:
        cases = [
            ElementTree.Element("testcase", classname="lockgate.gate", name="nothing is asked")
        ]
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "skipped": str(sum(case.find("skipped") is not None for case in cases)),
        "errors": "0",
    }
    suites = ElementTree.Element("testsuites", {"name": "lockgate", **counts})
    suite = ElementTree.SubElement(suites, "testsuite", {"name": name, **counts})
    suite.extend(cases)
    ElementTree.indent(suites)
    text = ElementTree.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def value_text(value: Any) -> str:
    """Return what was observed or wanted, for people."""
    if value is None:
        return "–"
    if isinstance(value, (list, tuple)):
        return ", ".join(value_text(each) for each in value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number_text(value)
    return str(value)


def _case(row: Row) -> ElementTree.Element:
    about = printable(_about(row))
    case = ElementTree.Element("testcase", classname=f"lockgate.gate.{row.requirement}", name=about)
    if row.verdict != "passed":
        kind = "skipped" if _is_advice(row) else "failure"
        outcome = ElementTree.SubElement(case, kind, message=printable(row.sentence))
        if kind == "failure":
            outcome.set("type", row.verdict)
            outcome.text = printable(row.remedy)
    return case


def _is_advice(row: Row) -> bool:
    return row.verdict != "passed" and row.mode == "advisory"


def _about(row: Row) -> str:
    return f"{row.requirement} {row.name}".strip()


def _told(row: Row) -> str:
    return f"{row.sentence}. Missing: {row.remedy}" if row.remedy else row.sentence


def _command(kind: str, title: str, message: str) -> str:
    """Return a workflow command whose words cannot end it, or begin another one."""
    escaped = title.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    escaped = escaped.replace(":", "%3A").replace(",", "%2C")
    data = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{kind} title={escaped}::{data}"


def _escaped(text: str) -> str:
    return html.escape(_MARKDOWN.sub(r"\\\1", printable(text)), quote=False)
