"""Reference pages made from the code: `python tests/docs_reference.py` writes them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path

from lockgate import errors
from lockgate.domain.names import Limits
from lockgate.settings import Settings

FOLDER = Path(__file__).parent.parent / "docs" / "reference"


def settings_page() -> str:
    """Every environment variable, its default, and what it does."""
    lines = [
        "# Settings",
        "",
        "Lockgate reads the environment once, at the start. A variable that begins with",
        "`LOCKGATE_` and is none of these is refused, so that a misspelt one does not pass",
        "unnoticed (`LOCKGATE_TEST_…` belongs to the tests).",
        "",
        "| variable | default | what it does |",
        "|---|---|---|",
    ]
    notes = _field_notes(Settings)
    for each in fields(Settings):
        if each.name == "limits":
            continue
        default = "" if each.default is MISSING else each.default
        shown = f"`{default}`" if default != "" else "(empty)"
        lines.append(f"| `LOCKGATE_{each.name.upper()}` | {shown} | {notes.get(each.name, '')} |")
    lines += [
        "",
        "## Limits",
        "",
        "How long and how many; over any of them a request is refused, and nothing is stored.",
        "Lengths are in characters unless the name says bytes.",
        "",
        "| variable | default |",
        "|---|---|",
    ]
    lines += [f"| `LOCKGATE_{each.name.upper()}` | `{each.default}` |" for each in fields(Limits)]
    return "\n".join(lines) + "\n"


def errors_page() -> str:
    """Every error, its code, its HTTP status and its exit code."""
    from lockgate.cli.exits import exit_code
    from lockgate.http.problems import status_of

    lines = [
        "# Errors",
        "",
        "Every refusal is one of these, in Python, over HTTP (`application/problem+json`, field",
        "`code`) and on the command line (exit code). The client raises the same class that the",
        "server raised.",
        "",
        "| class | code | HTTP | exit | meaning |",
        "|---|---|---|---|---|",
    ]
    for name in sorted(errors.__all__):
        kind = getattr(errors, name)
        blank = kind.__new__(kind)
        note = (kind.__dict__.get("__doc__") or kind.sentence).split("\n\n")[0]
        meaning = " ".join(note.split()).replace("|", "\\|")
        lines.append(
            f"| `{name}` | `{kind.code}` | {status_of(blank)} | {exit_code(blank)} | {meaning} |"
        )
    return "\n".join(lines) + "\n"


def _field_notes(kind: type) -> dict[str, str]:
    """Return the text beneath each field of a class."""
    body = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(body, ast.ClassDef)
    notes: dict[str, str] = {}
    for before, after in zip(body.body, body.body[1:], strict=False):
        told = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name) and told:
            notes[before.target.id] = " ".join(str(after.value.value).split())  # type: ignore[attr-defined]
    return notes


PAGES: dict[str, Callable[[], str]] = {"settings.md": settings_page, "errors.md": errors_page}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make())
