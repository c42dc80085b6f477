"""The OpenAPI document is what is published, and it tells the truth.

To write ``tests/golden/openapi.json`` anew:

    PYTHONPATH=tests python tests/integration/test_openapi.py
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from starlette.routing import Route

from lockgate.http.app import build_app
from lockgate.settings import Settings
from registries import embedded

GOLDEN = Path(__file__).parent.parent / "golden" / "openapi.json"


def document() -> dict[str, Any]:
    """The document of this version."""
    with embedded() as registry:
        made: dict[str, Any] = build_app(registry, Settings(database="memory://")).openapi()
        return made


def written(openapi: dict[str, Any]) -> str:
    """The document as the golden file has it."""
    return json.dumps(openapi, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    """The document of this version."""
    return document()


def test_the_document_is_the_published_one(openapi: dict[str, Any]) -> None:
    """A change of the API is seen in review; the top of this file says how to publish it."""
    assert json.loads(GOLDEN.read_text()) == json.loads(written(openapi))


def operations(openapi: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation: method, path, and what is said of it."""
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def test_every_operation_is_described(openapi: dict[str, Any]) -> None:
    """Each says what it does, what it answers, and that its errors are problems."""
    for method, path, operation in operations(openapi):
        assert operation["description"], (method, path)
        assert "422" not in operation["responses"], (method, path)
        content = operation["responses"]["default"]["content"]
        assert list(content) == ["application/problem+json"], (method, path)
        keys = [each["name"] for each in operation.get("parameters", [])]
        assert ("Idempotency-Key" in keys) == (method != "get"), (method, path)


def test_every_route_is_documented(openapi: dict[str, Any]) -> None:
    """No way in is left out."""
    with embedded() as registry:
        app = build_app(registry, Settings(database="memory://"))
    routes = {
        (method.lower(), route.path_format)
        for route in app.routes
        if isinstance(route, Route) and route.path.startswith("/api/")
        for method in route.methods or ()
    }
    documented = {(method, path) for method, path, _ in operations(openapi) if "/api/" in path}
    assert documented == routes


def test_schemas_are_schemas(openapi: dict[str, Any]) -> None:
    """Each is valid JSON Schema of the dialect that OpenAPI 3.1 speaks."""
    for schema in openapi["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


if __name__ == "__main__":
    import sys

    sys.stdout.write(f"writing {GOLDEN}\n")
    GOLDEN.write_text(written(document()))
