"""The documentation: the OpenAPI document, and a page that shows it without any network."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lockgate.wire.answers import Problem
from lockgate.wire.problems import MEDIA_TYPE

ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Lockgate API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="docs/favicon.png"><link rel="stylesheet" href="docs/swagger-ui.css"></head>
<body><div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script><script src="docs/start.js"></script>
</body></html>
"""
_START = """SwaggerUIBundle({
  url: "openapi.json", dom_id: "#page", deepLinking: true, tryItOutEnabled: true,
  docExpansion: "list", defaultModelsExpandDepth: 0, validatorUrl: null,
});
"""
_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; font-src 'self'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and request again is answered the same, and changes nothing.",
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag as it was read: 412 when it has changed since.",
    "schema": {"type": "string"},
}


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document: FastAPI's, with our one shape for every error."""
    if app.openapi_schema:
        return app.openapi_schema
    document = FastAPI.openapi(app)
    schemas = document["components"]["schemas"]
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = Problem.model_json_schema()
    problem = {
        "description": "A problem: what was wrong, and what would be right",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = problem
            if method != "get" and path.startswith("/api/"):
                operation.setdefault("parameters", []).append(_IDEMPOTENCY)
            if _is_conditional(method, path):
                operation["parameters"].append(_IF_MATCH)
    app.openapi_schema = document
    return document


def _is_conditional(method: str, path: str) -> bool:
    """Say whether a route honours ``If-Match``: changes of a model, a version or an alias."""
    if "/models/{" not in path or method == "get":
        return False
    last = path.rpartition("/")[2]
    changes = method in ("patch", "delete", "put") and last in ("{model}", "{version}", "{alias}")
    return changes or last in ("metrics", "transitions", "rollback")


async def openapi_json(request: Request) -> Response:
    """Answer with the OpenAPI document."""
    body = msgspec.json.encode(openapi_of(request.app))
    return Response(body, media_type="application/json")


async def docs_page(_request: Request) -> Response:
    """Answer with the page."""
    headers = {"content-security-policy": _POLICY}
    return Response(_PAGE, headers=headers, media_type="text/html")


async def docs_asset(request: Request) -> Response:
    """Answer with a part of the page."""
    name = request.path_params["name"]
    if name == "start.js":
        return Response(_START, media_type="text/javascript")
    if name not in ASSETS:
        raise HTTPException(404)
    headers = {"cache-control": "max-age=86400"}
    return Response(_asset(name), headers=headers, media_type=ASSETS[name])


@cache
def _asset(name: str) -> bytes:
    # Only the files of the package are of use here: importing it would patch FastAPI.
    spec = find_spec("fastapi_offline")
    assert spec is not None and spec.origin is not None, "a dependency of this package"  # noqa: S101, PT018
    return (Path(spec.origin).parent / "static" / name).read_bytes()


ROUTES = [
    Route("/openapi.json", openapi_json),
    Route("/docs", docs_page),
    Route("/docs/{name}", docs_asset),
]
