"""Exit codes: every error has one, and the documentation says the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lockgate import errors
from lockgate.cli import exits
from lockgate.cli.output import Output
from lockgate.errors import RegistryError

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "exit-codes.md"
BRANCHES = {
    errors.InvalidInput: 2,
    errors.Unauthenticated: 5,
    errors.Forbidden: 5,
    errors.NotFound: 3,
    errors.Conflict: 1,
    errors.LimitExceeded: 2,
    errors.Corrupt: 6,
    errors.Unavailable: 4,
}


def every_error() -> list[type[RegistryError]]:
    """Every class that `lockgate.errors` exports."""
    return [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("kind", every_error())
def test_an_error_has_the_code_of_its_branch(kind: type[RegistryError]) -> None:
    """A class below Conflict ends with 1, below InvalidInput with 2, and so on."""
    error = RegistryError.from_code(kind.code, "what happened", {})
    expected = next((code for branch, code in BRANCHES.items() if issubclass(kind, branch)), 1)
    assert exits.exit_code(error) == expected


def test_the_reference_lists_every_code() -> None:
    """docs/reference/exit-codes.md names each code that the module's docstring names."""
    told = set(re.findall(r"^ *(\d+)  ", exits.__doc__ or "", re.MULTILINE))
    documented = set(re.findall(r"^\| (\d+) \|", REFERENCE.read_text(), re.MULTILINE))
    assert told == documented
    assert {"0", "1", "2", "3", "4", "5", "6", "70", "130", "141"} == told


def test_every_fault_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A document with two faults is told in two lines."""
    error = errors.InvalidLifecycle(lifecycle="x", detail="a; b", faults=["a", "b"])
    assert exits.report(error, Output()) == 2
    assert capsys.readouterr().err == "error: a\nerror: b\n"


def test_every_unmet_requirement_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A gate that does not open is told requirement by requirement, without those that hold."""
    rows = [
        {"verdict": "passed", "sentence": "fine"},
        {"verdict": "failed", "sentence": "Metric 'auc' = 0.8 does not satisfy >= 0.9"},
        {"verdict": "missing", "sentence": "Approvals 1 < required 2"},
    ]
    error = errors.PolicyViolated(detail="closed", report={"rows": rows})
    assert exits.report(error, Output()) == 1
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert told == [
        "error: Metric 'auc' = 0.8 does not satisfy >= 0.9",
        "error: Approvals 1 < required 2",
    ]


def test_a_bug_shows_its_traceback_only_to_those_who_ask(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without LOCKGATE_DEBUG there is one sentence and where to get more."""
    error = ZeroDivisionError("division by zero")
    assert exits.report_bug(error, Output(), debug=False) == 70
    brief = capsys.readouterr().err
    assert exits.report_bug(error, Output(), debug=True) == 70
    full = capsys.readouterr().err
    sentence = "error: Lockgate failed: ZeroDivisionError: division by zero\n"
    assert brief.startswith(sentence)
    assert "LOCKGATE_DEBUG=1" in brief
    assert full == f"ZeroDivisionError: division by zero\n{sentence}"


def test_what_an_error_quotes_cannot_drive_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An escape sequence inside a message is shown as a replacement character."""
    exits.report(errors.InvalidInput(detail="name '\x1b[2J' is odd"), Output())
    assert capsys.readouterr().err == "error: name '\ufffd[2J' is odd\n"
