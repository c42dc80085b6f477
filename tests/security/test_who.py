"""Who (those of lines 23 to 33 that hold without access control): one way to each route."""

from __future__ import annotations

import pytest

from attacked import CHURN, FIRST, PATHS, V1, Target, told_of_path


@pytest.mark.parametrize("path", PATHS)
def test_29_one_path_to_a_route(target: Target, path: str) -> None:
    """Line 29: no second spelling of a path leads to a route that a first is guarded at."""
    with target.unharmed():
        for method in ("GET", "POST", "DELETE"):
            assert target.ask(path, method).told == told_of_path(path)
        # A HEAD has the same status, and no body to have a code in.
        assert target.ask(path, "HEAD").told == (told_of_path(path)[0], "")


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PATCH", "PROPFIND", "get", "LOCK"])
def test_29_other_methods(target: Target, method: str) -> None:
    """Line 29: a method that a route does not name is 405 (or no HTTP), with no body of GET's."""
    with target.unharmed():
        for path in (f"{V1}/models", f"{V1}/summary", f"{V1}/audit"):
            answer = target.ask(path, method)
            # A method is written in capitals, or it is no HTTP.
            assert answer.status == (400 if method == "get" else 405)
            assert b"churn" not in answer.body


@pytest.mark.parametrize("word", ["access_token", "token", "api_key", "user", "_method", "as"])
def test_31_words_that_no_route_has(target: Target, word: str) -> None:
    """Line 31: a token, an actor or a method in the query is refused, and not repeated."""
    with target.unharmed():
        for path in (f"{V1}/models", f"{CHURN}/versions", f"{V1}/audit"):
            answer = target.http.get(path, params={word: "s3cret"})
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
            assert "s3cret" not in answer.text


@pytest.mark.parametrize(
    "actor", ["", " ", "a\tb", "%00", "a%0ab", "%ff", "x" * 5_000, "%E2%80%AE"]
)
def test_30_actors_that_are_no_names(target: Target, actor: str) -> None:
    """Lines 26 and 30: who acts is a name, or the request is refused."""
    with target.unharmed():
        answer = target.ask(FIRST, "GET", f"X-Lockgate-Actor: {actor}")
        assert answer.status == 400
