"""The pages in docs/dialects list every path that a dialect answers, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from starlette.routing import BaseRoute, Route

from lockgate.dialects import day22, huggingface, wanllmdb
from lockgate.dialects.mlflow import artifacts, routing

PAGES = Path(__file__).parents[2] / "docs" / "dialects"
_ROW = re.compile(r"^\| (`[A-Z]+\b.*?) \|", re.MULTILINE)
_REQUEST = re.compile(r"`(GET|POST|PUT|PATCH|DELETE)(?: ([^`]+))?`")


def listed(page: str, section: str) -> set[tuple[str, str]]:
    """The requests in the first column of the tables below a heading of a page."""
    text = (PAGES / f"{page}.md").read_text().split(f"# {section}\n", 1)[1]
    text = re.split(r"^#+ ", text, maxsplit=1, flags=re.MULTILINE)[0]
    requests = [each for row in _ROW.findall(text) for each in _REQUEST.findall(row)]
    assert len(requests) == len(set(requests))
    return set(requests)


def answered(routes: Iterable[BaseRoute]) -> set[tuple[str, str]]:
    """The requests of routes, with the names of their parameters alone."""
    found = set()
    for route in routes:
        assert isinstance(route, Route)
        path = route.path.replace(":path}", "}")
        found |= {(method, path) for method in (route.methods or ()) if method != "HEAD"}
    return found


def test_mlflow() -> None:
    """Every call, also those for files."""
    proxy = {
        (method.upper(), route.path.removeprefix(f"{artifacts.PREFIX}/").replace(":path}", "}"))
        for route in artifacts.routes
        if isinstance(route, Route)
        for method in route.endpoint._handlers
    }
    assert listed("mlflow", "Every call") == set(routing.CALLS) | proxy
    told = (PAGES / "mlflow.md").read_text()
    assert all(f"`{method} {path}`" in told for method, path in routing.SERVER_CALLS)


def test_huggingface() -> None:
    """Every path, and what is refused with advice."""
    refusals = ("unknown", "refused", "no_xet")
    refusing = [route for route in huggingface.routes if route.endpoint.__name__ in refusals]
    found = answered(route for route in huggingface.routes if route not in refusing)
    named = {
        (method, re.sub(r"(\{project\}/)?\{model\}", "{repository}", path).removeprefix("/hf"))
        for method, path in found
    }
    assert listed("huggingface", "Every path") == named
    told = (PAGES / "huggingface.md").read_text()
    words = {re.split(r"[/.]", route.path.partition("{model}/")[2])[0] for route in refusing}
    assert {word for word in words - {""} if f"`{word}`" not in told} == set()


@pytest.mark.parametrize(
    ("page", "routes", "prefix"),
    [("wanllmdb", wanllmdb.routes, "/api/v1/registry/models"), ("day22", day22.routes, "")],
)
def test_the_small_ones(page: str, routes: list[BaseRoute], prefix: str) -> None:
    """Every request in the table of what is supported."""
    found = answered(route for route in routes if getattr(route, "methods", None))
    told = {(method, prefix + path) for method, path in listed(page, "What is supported")}
    assert told == found
