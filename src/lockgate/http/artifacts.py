"""Routes of files: chunks in, versions sealed, files and chunks out.

Chunks are sent and fetched many at a time (`wire.frames`). What is fetched belongs to a version:
a chunk's digest alone opens nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from lockgate.artifacts.signatures import signature_of
from lockgate.artifacts.store import MANIFEST_BYTES_MAX, Data
from lockgate.domain.manifests import Manifest
from lockgate.errors import InvalidInput, LimitExceeded, RegistryError
from lockgate.http.calls import Call, CallOf
from lockgate.http.downloads import send_file
from lockgate.http.problems import http_refusal, status_of
from lockgate.http.routing import MODEL, VERSION, media_type, router
from lockgate.http.transfers import SEND_BYTES, PacedResponse, Transfers, read_body
from lockgate.registry import Registry
from lockgate.services import downloads
from lockgate.wire import frames
from lockgate.wire.answers import VersionAnswer
from lockgate.wire.artifacts import (
    Card,
    CollectedAnswer,
    Digests,
    FilesAnswer,
    KeptManifest,
    Missing,
    NewCollection,
    NewSeal,
    NewSignature,
    NewVerification,
    SignatureAnswer,
    Urls,
    VerifiedAnswer,
)
from lockgate.wire.parts import PART_HEADER, read_part
from lockgate.wire.problems import problem_of

routes = router("files")
MANIFEST_TYPE = "application/vnd.lockgate.manifest+json"
_BLOBS = {frames.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}
_PART = {
    "name": PART_HEADER,
    "in": "header",
    "required": False,
    "description": "Of what file the blobs are a part, so that it is hashed as it comes: `files` "
    "when each is one, or a name of 32 digits for its journey, the first byte, the file's bytes",
    "schema": {"type": "string", "maxLength": 100},
}
_MANIFEST = {MANIFEST_TYPE: {"schema": {"type": "string", "format": "binary"}}}
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


# --- in ----------------------------------------------------------------------------------------


@routes.post("/artifacts/missing", response_model=Missing)
async def ask_missing(call: CallOf, body: Digests) -> Response:
    """Say which of these blobs have to be sent: not here yet, or not for whoever asks."""
    return await call.read(lambda registry: {"missing": sorted(registry.missing(body.digests))})


@routes.post(
    "/artifacts/blobs",
    status_code=204,
    response_model=None,
    openapi_extra={"requestBody": {"required": True, "content": _BLOBS}, "parameters": [_PART]},
)
async def put_blobs(call: CallOf) -> Response:
    """Keep blobs; each is verified first. They are nobody's until a version names them."""
    _require_type(call.request, frames.MEDIA_TYPE)
    part = read_part(call.request.headers.get(PART_HEADER))
    transfers = _transfers(call)
    async with transfers.room() as memory:
        data = await read_body(call.request, frames.BATCH_BYTES_MAX, memory)
        await transfers.run(lambda: call.registry.put_blobs(frames.unpack_blobs(data), part))
    return Response(status_code=204)


@routes.post("/artifacts/uploads", response_model=Urls)
async def upload_urls(call: CallOf, body: Digests) -> Response:
    """Say where blobs can be sent (PUT) without passing through here, then `admissions`."""
    return await call.read(lambda registry: {"urls": registry.upload_urls(body.digests)})


@routes.post("/artifacts/admissions", status_code=204, response_model=None)
async def admit_blobs(call: CallOf, body: Digests) -> Response:
    """Verify blobs that were sent to their URLs, and keep them."""
    await _transfers(call).run(lambda: call.registry.admit_blobs(body.digests))
    return Response(status_code=204)


@routes.post(
    "/artifacts/manifests",
    response_model=KeptManifest,
    openapi_extra={"requestBody": {"required": True, "content": _MANIFEST}},
)
async def keep_manifest(call: CallOf) -> Response:
    """Keep a manifest, so that a version can be sealed with it."""
    _require_type(call.request, MANIFEST_TYPE)
    async with _transfers(call).turn():
        data = bytes(await read_body(call.request, MANIFEST_BYTES_MAX))

        def keep(registry: Registry) -> dict[str, Any]:
            kept = registry.keep_manifest(data)
            return {"digest": kept.digest, "files": len(kept.files), "size": kept.size}

        return await call.read(keep)


@routes.post(MODEL + "/seals", status_code=201, response_model=VersionAnswer)
async def seal(call: CallOf, project: str, model: str, body: NewSeal) -> Response:
    """Make a version of files that are here, or give them to one that has none yet.

    409 for a version that has others; 404 with ``missing`` when chunks must be sent first.
    """
    return await call.write(
        lambda registry: registry.seal(f"{project}/{model}", **body.given()),
        call.kept.represent,
        status=201,
    )


# --- out ---------------------------------------------------------------------------------------


@routes.get(VERSION + "/files", response_model=FilesAnswer)
async def list_files(call: CallOf, project: str, model: str, version: str) -> Response:
    """List a version's files, and what each was proved to be."""
    return await call.read(lambda registry: registry.files(_reference(project, model, version)))


@routes.get(VERSION + "/card", response_model=Card)
async def card(call: CallOf, project: str, model: str, version: str) -> Response:
    """Return a version's model card."""
    return await call.read(
        lambda registry: {"text": registry.card(_reference(project, model, version))}
    )


@routes.get(VERSION + "/manifest", response_class=Response, responses={200: {"content": _MANIFEST}})
async def manifest(call: CallOf, project: str, model: str, version: str) -> Response:
    """Return the manifest of a version, whose SHA-256 is the version's digest."""
    found = await call.run(lambda: call.registry.manifest(_reference(project, model, version)))
    return Response(
        found.encoded,
        headers={"etag": f'"{found.digest}"', "cache-control": "no-cache"},
        media_type=MANIFEST_TYPE,
    )


@routes.post(VERSION + "/blobs", response_class=Response, responses={200: {"content": _BLOBS}})
async def get_blobs(
    call: CallOf, project: str, model: str, version: str, body: Digests
) -> Response:
    """Return chunks of a version, in the order asked."""
    registry, transfers = call.registry, _transfers(call)
    found = await call.run(lambda: registry.manifest(_reference(project, model, version)))
    downloads.require_chunks(found, body.digests)
    size = sum(found.chunk_sizes[digest] for digest in body.digests)
    if size > frames.BATCH_BYTES_MAX:
        raise LimitExceeded(
            what="The bytes of these blobs", observed=size, limit=frames.BATCH_BYTES_MAX
        )
    request_id = call.request.state.request_id
    groups = _framed(registry, found, body.digests, request_id)
    return PacedResponse(_in_turn(transfers, groups), media_type=frames.MEDIA_TYPE)


@routes.post(VERSION + "/urls", response_model=Urls)
async def download_urls(
    call: CallOf, project: str, model: str, version: str, body: Digests
) -> Response:
    """Say where chunks of a version can be had without passing through here."""
    return await call.read(
        lambda registry: {
            "urls": registry.download_urls(_reference(project, model, version), body.digests)
        }
    )


@routes.get(
    VERSION + "/files/{path:path}",
    response_class=Response,
    responses={200: {"content": _BYTES}, 206: {"content": _BYTES}},
)
async def download(call: CallOf, project: str, model: str, version: str, path: str) -> Response:
    """Return a file of a version, or a range of it, as an attachment."""
    registry = call.registry
    found = await call.run(lambda: registry.manifest(_reference(project, model, version)))
    file = downloads.load_file(found, path)
    name = quote(file.path.rpartition("/")[2], safe="")
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{name}"}
    try:
        return send_file(call.request, registry, file, headers)
    except InvalidInput as error:
        refused = {"content-range": f"bytes */{file.size}"}
        return http_refusal(416, call.request.state.request_id, str(error), refused)


# --- signatures, upkeep ------------------------------------------------------------------------


@routes.get(VERSION + "/signatures", response_model=list[SignatureAnswer])  # type: ignore[valid-type]
async def list_signatures(call: CallOf, project: str, model: str, version: str) -> Response:
    """List the signatures of a version's files. Verify them: the server may be mistaken."""
    return await call.read(
        lambda registry: registry.signatures(_reference(project, model, version))
    )


@routes.post(VERSION + "/signatures", status_code=201, response_model=SignatureAnswer)
async def add_signature(
    call: CallOf, project: str, model: str, version: str, body: NewSignature
) -> Response:
    """Keep a signature of a version's files, once it verifies by its key."""
    signature = signature_of(body.digest, body.public_key, body.signature)
    return await call.write(
        lambda registry: registry.add_signature(_reference(project, model, version), signature),
        status=201,
    )


@routes.post("/artifacts/gc", response_model=CollectedAnswer)
async def gc(call: CallOf, body: NewCollection) -> Response:
    """Delete what no version needs any more, or say what would go (the default)."""
    return await call.read(lambda registry: registry.gc(dry_run=body.dry_run))


@routes.post("/artifacts/verification", response_model=VerifiedAnswer)
async def verify_artifacts(call: CallOf, body: NewVerification) -> Response:
    """Read stored files back and hash them; damaged chunks are set aside, to be pushed again."""
    return await call.read(lambda registry: registry.verify_artifacts(body.reference))


# --- pieces ------------------------------------------------------------------------------------


def _reference(project: str, model: str, version: str) -> str:
    return f"{project}/{model}:{version}"


def _transfers(call: Call) -> Transfers:
    transfers: Transfers = call.request.app.state.transfers
    return transfers


def _require_type(request: Request, wanted: str) -> None:
    declared = media_type(request)
    if declared != wanted:
        raise InvalidInput(
            detail=f"The body must be {wanted} and say so, not {declared[:100]!r}",
            field="Content-Type",
        )


def _framed(
    registry: Registry, manifest: Manifest, digests: list[str], request_id: str
) -> Iterator[list[bytes]]:
    """Yield the body that carries chunks, some of them at a time; what went wrong ends it."""
    pieces: list[bytes] = []
    size = 0
    try:
        for data in downloads.read_chunks(registry.depot, manifest, digests):
            pieces += frames.frame(data)
            size += len(data)
            if size >= SEND_BYTES:
                # Small ones are sent as one: each send costs more than their copy.
                yield pieces if len(data) >= SEND_BYTES else [b"".join(pieces)]
                pieces, size = [], 0
    except RegistryError as error:
        pieces += frames.problem_frame(problem_of(error, status_of(error), request_id))
    if pieces:
        yield [b"".join(pieces)]


async def _in_turn(
    transfers: Transfers, groups: Iterator[list[bytes]]
) -> AsyncGenerator[Data, None]:
    async with transfers.turn():
        while pieces := await transfers.run(lambda: next(groups, None)):
            for piece in pieces:
                view = memoryview(piece)
                for first in range(0, len(view), SEND_BYTES):
                    yield view[first : first + SEND_BYTES]
