"""How a command ends: an error becomes an exit code, a sentence, and a hint of what would help.

  0  done
  1  refused by a rule: the lifecycle, a gate, a name that is taken
  2  bad usage: an option, a name, a filter, a document that is not valid
  3  not found
  4  a part that is needed does not answer
  5  not allowed
  6  what is stored is not what was stored
 70  a bug in Lockgate
130  interrupted with Ctrl-C
141  the reader of the output went away
"""

from __future__ import annotations

import sys
from typing import Any

from lockgate import errors
from lockgate.cli.output import Output, json_text, printable
from lockgate.errors import RegistryError

REFUSED, USAGE, NOT_FOUND, UNAVAILABLE, NOT_ALLOWED, CORRUPT = 1, 2, 3, 4, 5, 6
BUG = 70
INTERRUPTED = 130

_CODES: tuple[tuple[type[RegistryError], int], ...] = (
    (errors.InvalidInput, USAGE),
    (errors.LimitExceeded, USAGE),
    (errors.NotFound, NOT_FOUND),
    (errors.Unavailable, UNAVAILABLE),
    (errors.Unauthenticated, NOT_ALLOWED),
    (errors.Forbidden, NOT_ALLOWED),
    (errors.Corrupt, CORRUPT),
    (RegistryError, REFUSED),
)

_HINTS: tuple[tuple[type[RegistryError], str], ...] = (
    (errors.ProjectNotFound, "lockgate project list"),
    (errors.ModelNotFound, "lockgate model list"),
    (errors.VersionNotFound, "lockgate version list {model}"),
    (errors.AliasNotFound, "lockgate alias list {model}"),
    (errors.StageEmpty, "lockgate history {model}"),
    (errors.NothingToRollBackTo, "lockgate history {model}"),
    (errors.LifecycleNotFound, "lockgate lifecycle list"),
    (errors.PolicyNotFound, "lockgate policy list"),
    (errors.RequestNotFound, "lockgate inbox"),
    (errors.WebhookNotFound, "lockgate webhook list"),
    (errors.PolicyViolated, "lockgate gate {model}:{version} --to {to_stage}"),
    (errors.ServerUnreachable, "is the server running (lockgate serve)? --url names another"),
)
_UNNAMED = {"model": "NAME", "version": "VERSION", "to_stage": "STAGE"}


def exit_code(error: RegistryError) -> int:
    """Return the exit code of an error."""
    return next(code for kind, code in _CODES if isinstance(error, kind))


def hints_of(error: RegistryError) -> list[str]:
    """Return what may help: commands, and the notes that were added to the error."""
    hints = list(getattr(error, "__notes__", ()))
    for kind, hint in _HINTS:
        if isinstance(error, kind):
            hints.append(hint.format_map(_UNNAMED | error.fields))
    return hints


def report(error: RegistryError, output: Output) -> int:
    """Tell an error on standard error, as JSON if that was asked for; return the exit code."""
    code = exit_code(error)
    if output.as_json:
        _problem(error.code, str(error), code, error.fields, hints_of(error))
        return code
    lines = [f"error: {line}" for line in _sentences(error)]
    lines += [f"  hint: {hint}" for hint in hints_of(error)]
    print(printable("\n".join(lines), keep="\n"), file=sys.stderr)
    return code


def report_usage(message: str, usage: str, output: Output) -> int:
    """Tell that a command was written wrongly; return the exit code."""
    if output.as_json:
        _problem("bad_usage", message, USAGE, {}, [usage] if usage else [])
    else:
        print(f"error: {message}" + (f"\n  hint: {usage}" if usage else ""), file=sys.stderr)
    return USAGE


def report_bug(error: Exception, output: Output, debug: bool) -> int:
    """Tell that Lockgate itself failed; the traceback only for those who debug it."""
    message = f"Lockgate failed: {type(error).__name__}: {error}"
    if debug:
        import traceback

        traceback.print_exception(error)
    if output.as_json:
        _problem("bug", message, BUG, {}, [])
    else:
        print(f"error: {message}", file=sys.stderr)
        if not debug:
            print(
                "  hint: this is a bug; LOCKGATE_DEBUG=1 shows where, please report it",
                file=sys.stderr,
            )
    return BUG


def _sentences(error: RegistryError) -> list[str]:
    """Return what to say: one line for each fault or unmet requirement, if it has several."""
    faults = error.fields.get("faults")
    if isinstance(faults, (list, tuple)) and len(faults) > 1:
        return [str(fault) for fault in faults]
    gate = error.fields.get("report")
    if isinstance(error, errors.PolicyViolated) and isinstance(gate, dict):
        unmet = [
            row
            for row in gate.get("rows", ())
            if row.get("verdict") != "passed" and row.get("mode") != "advisory"
        ]
        if unmet:
            return [str(row.get("sentence")) for row in unmet]
    return [str(error)]


def _problem(
    code: str, detail: str, exit_code: int, fields: dict[str, Any], hints: list[str]
) -> None:
    problem = {
        "code": code,
        "detail": detail,
        "exit_code": exit_code,
        "fields": fields,
        "hints": hints,
    }
    print(json_text(problem), file=sys.stderr)
