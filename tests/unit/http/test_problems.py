"""Every error has one status, and survives the way to the client and back."""

from __future__ import annotations

import json

import pytest

from lockgate import errors
from lockgate.http.problems import STATUSES, http_refusal, refusal, status_of
from lockgate.wire.problems import error_of, problem_of


def every_error() -> list[type[errors.RegistryError]]:
    """All classes of errors but the root."""
    return [getattr(errors, name) for name in errors.__all__ if name != "RegistryError"]


def example(kind: type[errors.RegistryError]) -> errors.RegistryError:
    """An error whose every field of the sentence is filled in."""
    wanted = [part.partition("}")[0] for part in kind.sentence.split("{")[1:]]
    return kind(**{name: f"the {name}" for name in wanted}, allowed=[{"verb": "promote"}])


@pytest.mark.parametrize("kind", every_error())
def test_every_error_has_a_status(kind: type[errors.RegistryError]) -> None:
    """No error of the house is answered with 500."""
    assert status_of(kind.__new__(kind)) in set(STATUSES.values())


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.InvalidFilter, 400),
        (errors.Unauthenticated, 401),
        (errors.Forbidden, 403),
        (errors.StageEmpty, 404),
        (errors.PolicyViolated, 409),
        (errors.StaleRevision, 412),
        (errors.LimitExceeded, 413),
        (errors.ChainBroken, 422),
        (errors.DatabaseUnavailable, 503),
    ],
)
def test_statuses_are_what_the_field_expects(kind: type[errors.RegistryError], status: int) -> None:
    """The table of statuses."""
    assert status_of(kind.__new__(kind)) == status


@pytest.mark.parametrize("kind", every_error())
def test_an_error_comes_back_as_it_left(kind: type[errors.RegistryError]) -> None:
    """Class, message, fields and hint are the same on the client's side."""
    error = example(kind)
    error.add_note("Try another.")
    problem = json.loads(json.dumps(problem_of(error, status_of(error), "r1")))
    back = error_of(problem)
    assert (type(back), str(back), back.fields) == (kind, str(error), error.fields)
    assert back.__notes__ == ["Try another."]
    assert (problem["status"], problem["request_id"]) == (status_of(error), "r1")


def test_fields_of_taken_names_are_kept_apart() -> None:
    """A field called status or detail does not hide the member of that name."""
    closed = errors.RequestClosed(request="r", status="approved")
    problem = problem_of(closed, 409, "r1")
    assert (problem["status"], problem["fields"]) == (409, {"status": "approved"})
    lifecycle = errors.InvalidLifecycle(lifecycle="x", detail="no stages", faults=["no stages"])
    assert error_of(problem_of(lifecycle, 400, "r1")).fields == lifecycle.fields


def test_an_unknown_code_is_a_plain_error() -> None:
    """A newer server's error is still an error with its sentence."""
    back = error_of({"code": "too_early", "detail": "Not yet.", "soon": True})
    assert (type(back), str(back), back.fields) == (
        errors.RegistryError,
        "Not yet.",
        {"soon": True, "detail": "Not yet."},
    )


def test_what_is_unavailable_says_when_to_come_back() -> None:
    """A lost database is 503 with Retry-After; a conflict has none."""
    lost = refusal(errors.DatabaseUnavailable(detail="gone"), "r1")
    assert (lost.status_code, lost.headers["retry-after"]) == (503, "1")
    assert "retry-after" not in refusal(errors.Conflict(detail="no"), "r1").headers


def test_an_unknown_path_is_not_the_stores_not_found() -> None:
    """404 of an unknown path has a code of its own, so that no client takes it for an answer."""
    problem = json.loads(bytes(http_refusal(404, "r1", "There is nothing.").body))
    assert (problem["code"], type(error_of(problem))) == ("unknown_path", errors.RegistryError)
