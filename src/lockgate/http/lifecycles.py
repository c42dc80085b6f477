"""Routes of lifecycles. Documents come as JSON or as TOML, by their Content-Type."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from lockgate.domain.lifecycle_documents import parse_lifecycle, read_document
from lockgate.errors import InvalidInput, LimitExceeded
from lockgate.http.calls import Call, CallOf
from lockgate.http.representations import represent
from lockgate.http.routing import media_type, router
from lockgate.wire.answers import LifecycleDocument
from lockgate.wire.queries import RevisionWords
from lockgate.wire.values import read_json, require_text

routes = router("lifecycles")
TOML = "application/toml"
DOCUMENT_BYTES_MAX = 500_000
_DOCUMENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object"}},
            TOML: {"schema": {"type": "string"}},
        },
    }
}


@routes.get("/lifecycles", response_model=list[LifecycleDocument])
async def list_lifecycles(call: CallOf) -> Response:
    """List every revision of every lifecycle, by name and revision."""
    return await call.read(lambda registry: registry.list_lifecycles())


@routes.post(
    "/lifecycles", status_code=201, response_model=LifecycleDocument, openapi_extra=_DOCUMENT
)
async def apply_lifecycle(call: CallOf) -> Response:
    """Store a document as the next revision of its name. The same document twice is one."""
    document = await _document(call)
    return await call.write(lambda registry: registry.apply_lifecycle(document), status=201)


@routes.post("/lifecycles/validate", response_model=LifecycleDocument, openapi_extra=_DOCUMENT)
async def validate_lifecycle(call: CallOf) -> Response:
    """Return a document as it would be stored, or every fault of it. Stores nothing."""
    document = await _document(call)
    return await call.read(lambda _registry: parse_lifecycle(document), represent)


@routes.get("/lifecycles/{name}", response_model=LifecycleDocument)
async def get_lifecycle(
    call: CallOf, name: str, words: Annotated[RevisionWords, Query()]
) -> Response:
    """Return a lifecycle, its newest revision unless told."""
    return await call.read(lambda registry: registry.get_lifecycle(name, words.revision))


async def _document(call: Call) -> Any:
    """Return the document in the body, of whatever kind. Raises `InvalidInput`."""
    body = await call.request.body()
    if len(body) > DOCUMENT_BYTES_MAX:
        raise LimitExceeded(
            what="The size of the document in bytes", observed=len(body), limit=DOCUMENT_BYTES_MAX
        )
    declared = media_type(call.request)
    if declared == "application/json":
        return read_json(body)
    if declared == TOML:
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise InvalidInput(detail="The document is not UTF-8", field="body") from None
        require_text(text, "the document")
        return read_document(text)
    raise InvalidInput(
        detail=f"A lifecycle document is application/json or {TOML}; say which in Content-Type",
        field="Content-Type",
    )
