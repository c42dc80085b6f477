"""MLflow's artifact proxy: files one by one into the tree of a project, listed and out again.

    PUT GET DELETE  /api/2.0/mlflow-artifacts/artifacts/<path>
    GET             /api/2.0/mlflow-artifacts/artifacts?path=<folder>
    POST            /api/2.0/mlflow-artifacts/mpu/create | complete | abort [/<folder>]
    PUT             /api/2.0/mlflow-artifacts/mpu/parts/<upload>/<number>

A path is a key in a database and leads to no disk. Bodies are read as they are cut into chunks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from lockgate.artifacts.chunking import SMALL_FILE_BYTES_MAX
from lockgate.dialects.mlflow import artifact_uris
from lockgate.dialects.mlflow.namespace import Namespace, namespace_of
from lockgate.dialects.mlflow.problems import (
    ENDPOINT_NOT_FOUND,
    NOT_IMPLEMENTED,
    MlflowProblem,
    answer_problem,
    invalid,
    problem_of,
)
from lockgate.dialects.mlflow.requests import at_most, from_body, optional, require
from lockgate.domain.manifests import Manifest, ManifestLimits, check_paths
from lockgate.errors import InvalidInput, RegistryError
from lockgate.http.downloads import send_file
from lockgate.http.transfers import BodyStream, Transfers
from lockgate.services import downloads
from lockgate.services.loose_files import FILE_BYTES_MAX, PARTS_MAX

PREFIX = "/api/2.0/mlflow-artifacts"
UPLOADS = {f"{PREFIX}/artifacts/": FILE_BYTES_MAX, f"{PREFIX}/mpu/parts/": FILE_BYTES_MAX}
UNANNOUNCED_BYTES_MAX = 8 * 2**20
_DECODINGS_MAX = 8
# What a client's other requests carry, and those for parts must as well.
_CREDENTIALS = ("authorization", "x-mlflow-workspace", "x-lockgate-actor")

T = TypeVar("T")
Handler = Callable[[Request, Namespace, str], Awaitable[Response]]


async def list_folder(request: Request, namespace: Namespace, _path: str) -> Response:
    """Answer what lies in a folder."""
    folder = request.query_params.get("path", "").strip("/")
    if folder:
        _check(folder)

    def listing() -> list[dict[str, Any]]:
        sealed = artifact_uris.sealed_at(namespace, folder)
        if sealed is not None:
            return _children(*sealed)
        found = namespace.registry.loose_files.list_folder(namespace.project, folder)
        return [_shown(each.name, each.size) for each in found]

    return _answer({"files": await _run(request, listing)})


async def put(request: Request, namespace: Namespace, path: str) -> Response:
    """Keep a file."""
    _check_own(path)
    size, more = await _body(request)
    loose = namespace.registry.loose_files
    await _transferred(request, lambda: loose.put(namespace.project, path, size, more))
    return _answer({})


async def get(request: Request, namespace: Namespace, path: str) -> Response:
    """Answer a file, or a range of it."""
    _check(path)

    def find() -> tuple[Manifest, str]:
        sealed = artifact_uris.sealed_at(namespace, path)
        if sealed is not None:
            return sealed
        found = namespace.registry.loose_files.find(namespace.project, path)
        return found, found.files[0].path

    manifest, name = await _run(request, find)
    file = downloads.load_file(manifest, name)
    own = quote(file.path.rpartition("/")[2], safe="")
    headers = {"content-disposition": f"attachment; filename=\"{own}\"; filename*=UTF-8''{own}"}
    try:
        return send_file(request, namespace.registry, file, headers)
    except InvalidInput as error:
        response = answer_problem(problem_of(error))
        response.status_code = 416
        response.headers["content-range"] = f"bytes */{file.size}"
        return response


async def delete(request: Request, namespace: Namespace, path: str) -> Response:
    """Forget a file, or a folder with all that is in it."""
    _check_own(path)
    loose = namespace.registry.loose_files
    await _run(request, lambda: loose.delete(namespace.project, path))
    return _answer({})


async def create_upload(request: Request, namespace: Namespace, folder: str) -> Response:
    """Begin to take a file in parts; say where each part goes."""
    given = from_body(await request.body())
    path = _joined(folder, require(given, "path"))
    parts = optional(given, "num_parts", at_most(PARTS_MAX), 1)
    loose = namespace.registry.loose_files
    upload = await _run(request, lambda: loose.begin(namespace.project, path, parts))
    headers = {key: request.headers[key] for key in _CREDENTIALS if key in request.headers}
    url = f"{namespace.origin}{PREFIX}/mpu/parts/{upload}"
    credentials = [
        {"url": f"{url}/{number}", "part_number": number, "headers": headers}
        for number in range(1, parts + 1)
    ]
    return _answer({"upload_id": upload, "credentials": credentials})


async def put_part(request: Request, namespace: Namespace, path: str) -> Response:
    """Keep a part."""
    upload, _, number = path.partition("/")
    if not (number.isascii() and number.isdigit() and len(number) <= 5):
        raise invalid(f"{number[:100]!r} is no number of a part")
    size, more = await _body(request)
    loose = namespace.registry.loose_files
    digest = await _transferred(
        request, lambda: loose.put_part(namespace.project, upload, int(number), size, more)
    )
    return _answer({}, {"etag": f'"{digest}"'})


async def complete_upload(request: Request, namespace: Namespace, folder: str) -> Response:
    """Put the parts together."""
    given = from_body(await request.body())
    path, upload = _joined(folder, require(given, "path")), require(given, "upload_id")
    parts = given.get("parts")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise invalid("Missing value for required parameter 'parts'.")
    whole = at_most(PARTS_MAX)
    numbers = [whole("part_number", part.get("part_number")) for part in parts]
    loose = namespace.registry.loose_files
    await _transferred(request, lambda: loose.complete(namespace.project, upload, path, numbers))
    return _answer({})


async def abort_upload(request: Request, namespace: Namespace, folder: str) -> Response:
    """Forget the parts."""
    given = from_body(await request.body())
    upload = require(given, "upload_id")
    _joined(folder, require(given, "path"))
    loose = namespace.registry.loose_files
    await _run(request, lambda: loose.abort(namespace.project, upload))
    return _answer({})


async def refuse(request: Request, _namespace: Namespace, _path: str) -> Response:
    """Say that there is no such call."""
    path = request.url.path
    if path.startswith(f"{PREFIX}/presigned"):
        raise MlflowProblem(
            NOT_IMPLEMENTED, "Files are downloaded from this server itself; ask for ranges."
        )
    raise MlflowProblem(
        ENDPOINT_NOT_FOUND, f"{request.method} {path} is no call of an artifact proxy."
    )


# --- pieces ------------------------------------------------------------------------------------


def _check(path: str) -> None:
    """Refuse what no manifest may hold, also where only another decoding would bring it out."""
    for _ in range(_DECODINGS_MAX):
        check_paths([path], ManifestLimits())
        decoded = unquote(path)
        if decoded == path:
            return
        path = decoded
    raise invalid("The path is percent-encoded over and over; write it once.")


def _check_own(path: str) -> None:
    _check(path)
    if path.partition("/")[0] == artifact_uris.SEALED.partition("/")[0]:
        raise invalid(f"{path[:200]!r} is part of a version; the files of a version never change.")


def _joined(folder: str, local_path: str) -> str:
    """Return where a file of the client's goes: its own name, in a folder here."""
    name = local_path.replace("\\", "/").rpartition("/")[2]
    path = f"{folder}/{name}" if folder else name
    _check_own(path)
    return path


async def _body(request: Request) -> tuple[int, Callable[[int], bytes]]:
    """Return a body's size, and what hands out its bytes."""
    announced = request.headers.get("content-length")
    if announced is not None and int(announced) > SMALL_FILE_BYTES_MAX:
        return int(announced), BodyStream(request).more
    # A small one is taken whole before a thread waits for it. So is one of which nobody says how
    # long it is, as clients do for an empty file: it has to be short.
    gathered = bytearray()
    async for piece in request.stream():
        gathered += piece
        if len(gathered) > UNANNOUNCED_BYTES_MAX:
            raise invalid("Announce the length of a large body: Content-Length")
    pieces = iter([bytes(gathered)] if gathered else [])
    return len(gathered), lambda _about: next(pieces, b"")


async def _transferred(request: Request, work: Callable[[], T]) -> T:
    transfers: Transfers = request.app.state.transfers
    async with transfers.turn():
        return await transfers.run(work)


async def _run(request: Request, work: Callable[[], T]) -> T:
    pool = request.app.state.pool
    return await asyncio.get_running_loop().run_in_executor(pool, work)


def _children(manifest: Manifest, folder: str) -> list[dict[str, Any]]:
    prefix = f"{folder}/" if folder else ""
    found: dict[str, int | None] = {}
    for file in manifest.files:
        if file.path.startswith(prefix):
            name, deeper, _ = file.path[len(prefix) :].partition("/")
            found[name] = None if deeper else file.size
    return [_shown(name, size) for name, size in found.items()]


def _shown(name: str, size: int | None) -> dict[str, Any]:
    shown: dict[str, Any] = {"path": name, "is_dir": size is None}
    return shown if size is None else shown | {"file_size": size}


def _answer(value: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    kept = {"cache-control": "no-store", **(headers or {})}
    return Response(msgspec.json.encode(value), headers=kept, media_type="application/json")


class _Call:
    """The ASGI application of a path: one handler a method, errors in MLflow's shape."""

    def __init__(self, **handlers: Handler) -> None:
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        handler = self._handlers.get(scope["method"].lower(), refuse)
        path = scope["path_params"].get("path", "")
        try:
            response = await handler(request, namespace_of(scope), path.removesuffix("/"))
        except MlflowProblem as problem:
            response = answer_problem(problem)
        except RegistryError as error:
            response = answer_problem(problem_of(error))
        await response(scope, receive, send)


def _routes(path: str, call: _Call) -> list[BaseRoute]:
    return [Route(PREFIX + path, endpoint=call), Route(f"{PREFIX}{path}/{{path:path}}", call)]


routes: list[BaseRoute] = [
    Route(f"{PREFIX}/artifacts", endpoint=_Call(get=list_folder)),
    Route(f"{PREFIX}/artifacts/{{path:path}}", endpoint=_Call(put=put, get=get, delete=delete)),
    *_routes("/mpu/create", _Call(post=create_upload)),
    *_routes("/mpu/complete", _Call(post=complete_upload)),
    *_routes("/mpu/abort", _Call(post=abort_upload)),
    Route(f"{PREFIX}/mpu/parts/{{path:path}}", endpoint=_Call(put=put_part)),
    *_routes("", _Call()),
]
