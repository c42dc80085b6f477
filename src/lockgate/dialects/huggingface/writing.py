"""Repositories made and deleted, and commits: large files, then the commit itself.

A file comes within the commit, or is uploaded before, by LFS in one piece: to an address with a
ticket in it, since clients send no credentials there. Which way is said in `preuploads`.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from lockgate.dialects.huggingface.addresses import PREFIX
from lockgate.dialects.huggingface.answers import NotSpoken, answer, read_json, refusal, spoken
from lockgate.dialects.huggingface.commit_lines import read_commit
from lockgate.dialects.huggingface.commits import find_target, make_version
from lockgate.dialects.huggingface.files import repository
from lockgate.dialects.huggingface.shapes import Shape
from lockgate.errors import AlreadyExists, InvalidInput, LimitExceeded, RegistryError
from lockgate.http.calls import Call
from lockgate.http.transfers import Transfers
from lockgate.registry import Registry

SPOOL_PIECE_BYTES = 2**20
FILES_MAX = 1_000
COMMIT_BYTES_MAX = 2**31
LFS_TYPE = "application/vnd.git-lfs+json"


@spoken
async def create_repository(call: Call) -> Response:
    """Make a model. One that is there is 409, with its address all the same."""
    name = await _named(call)
    try:
        model = await call.run(lambda: call.registry.create_model(name))
        found, status = model.full_name, 200
    except AlreadyExists:
        model = await call.run(lambda: call.registry.get_model(name))
        found, status = model.full_name, 409
    # Clients before 2.0 cannot take a URL apart whose endpoint has a path; they all take a name.
    shape = {"url": found, "name": found, "id": model.uid}
    if status == 409:
        shape["error"] = f"Model '{found}' already exists."
    return answer(shape, status)


@spoken
async def delete_repository(call: Call) -> Response:
    """Delete a model; it can be restored. Refused while a version serves."""
    name = await _named(call)
    await call.run(lambda: call.registry.delete_model(name))
    return answer({})


@spoken
async def move_repository(call: Call) -> Response:
    """Give a model another name in its project."""
    body = await read_json(call)
    old, new = (
        body.get(name) if isinstance(body, dict) else None for name in ("fromRepo", "toRepo")
    )
    if not isinstance(old, str) or not isinstance(new, str):
        raise InvalidInput(detail="fromRepo and toRepo must be text", field="fromRepo")
    _require_models(body)
    if old.partition("/")[0] != new.partition("/")[0]:
        raise NotSpoken(
            detail="A model keeps its project here: carry its versions over with `lockgate bundle`."
        )
    await call.run(lambda: call.registry.update_model(old, new_name=new.partition("/")[2]))
    return answer({})


@spoken
async def make_branch(call: Call) -> Response:
    """Accept the label of a version that a commit is going to make; nothing is made before it.

    Clients make a branch before they commit to it (`hf upload --revision`, `push_to_hub`).
    """
    name, label = repository(call), call.request.path_params["label"]
    body = await read_json(call)

    def check(registry: Registry) -> None:
        require_push(registry, name)
        if find_target(registry, name, label).label is None:
            raise AlreadyExists(kind="Branch", name=label)

    await call.run(lambda: check(call.registry))
    if isinstance(body, dict) and body.get("startingPoint"):
        raise NotSpoken(
            detail=f"Version '{label}' will have the files of its commit and no others: make the "
            "branch without a starting point, or commit to 'main'."
        )
    return answer({}, 201)


@spoken
async def validate_card(call: Call) -> Response:
    """Accept a model card's metadata as it is: nothing here reads it."""
    await read_json(call)
    return answer({"errors": [], "warnings": []})


@spoken
async def lfs_batch(call: Call) -> Response:
    """Hand out an address for each large file that is not here yet."""
    name = repository(call)
    body = await read_json(call)
    if not isinstance(body, dict) or body.get("operation") != "upload":
        raise NotSpoken(detail="Large files are uploaded here; they are downloaded by 'resolve'.")
    wanted = [_object(each) for each in _list(body, "objects")]

    def open_all(registry: Registry) -> list[str | None]:
        model = registry.get_model(name)
        return registry.uploads.open(model.project, model.name, wanted)

    tickets = await call.run(lambda: open_all(call.registry))
    objects: list[Shape] = []
    for (sha256, size), ticket in zip(wanted, tickets, strict=True):
        shape: Shape = {"oid": sha256, "size": size}
        if ticket is not None:
            href = _address(call.request, f"uploads/{ticket}")
            shape["actions"] = {"upload": {"href": href, "header": {}}}
        objects.append(shape)
    told = {"transfer": "basic", "objects": objects, "hash_algo": "sha256"}
    response = answer(told)
    response.headers["content-type"] = LFS_TYPE
    return response


async def upload(request: Request) -> Response:
    """Take a large file. Its ticket is the only credential: nobody says here who they are."""
    registry: Registry = request.app.state.registry
    transfers: Transfers = request.app.state.transfers
    ticket = request.path_params["ticket"]
    try:
        expected = await transfers.run(lambda: registry.uploads.expected(ticket))
        async with _spooled(request, transfers, expected.size) as (_, file):
            await transfers.run(lambda: registry.uploads.receive(ticket, file))
    except RegistryError as error:
        return refusal(request, error)
    return answer({})


@spoken
async def commit(call: Call) -> Response:
    """Make a version of what a commit says."""
    refuse_pull_request(call)
    name, revision = repository(call), call.request.path_params["revision"]
    registry, transfers = call.registry, transfers_of(call.request)
    # Before the body, which may be long and is kept on disk.
    await call.run(lambda: require_push(registry, name))

    def carry_out(folder: Path, body: Path) -> tuple[str, str]:
        with body.open("rb") as lines:
            said = read_commit(lines, folder)
        target = find_target(registry, name, revision)
        return target.name, make_version(registry, target, said, folder)

    async with (
        _spooled(call.request, transfers, COMMIT_BYTES_MAX) as (folder, body),
        transfers.turn(),
    ):
        full_name, oid = await transfers.run(lambda: carry_out(folder, body))
    url = f"{full_name}/commit/{oid}"
    return answer({"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": ""})


@asynccontextmanager
async def _spooled(
    request: Request, transfers: Transfers, bytes_max: int
) -> AsyncIterator[tuple[Path, Path]]:
    """Write a body to a temporary file; yield an empty folder beside it, and the file."""
    size = 0
    with tempfile.TemporaryDirectory(prefix="lockgate-upload-") as name:
        folder, body = Path(name, "files"), Path(name, "body")
        folder.mkdir()
        with body.open("wb") as file:
            pieces = bytearray()
            async for piece in request.stream():
                pieces += piece
                size += len(piece)
                if size > bytes_max:
                    raise LimitExceeded(
                        what="The size of the body in bytes", observed=size, limit=bytes_max
                    )
                if len(pieces) >= SPOOL_PIECE_BYTES:
                    full, pieces = pieces, bytearray()
                    await transfers.run(lambda data=full: file.write(data))  # type: ignore[misc]
            file.write(pieces)
        yield folder, body


def require_push(registry: Registry, name: str) -> None:
    """Raise `Forbidden` for whoever may send no files to a model."""
    model = registry.get_model(name)
    registry.uploads.require(model.project, model.name)


async def _named(call: Call) -> str:
    """Return the name that a body gives: of a repository of models, and of no other kind."""
    body = await read_json(call)
    if not isinstance(body, dict) or not isinstance(body.get("name"), str):
        raise InvalidInput(detail="name must be text", field="name")
    _require_models(body)
    organization = body.get("organization")
    return f"{organization}/{body['name']}" if organization else str(body["name"])


def _require_models(body: dict[str, Any]) -> None:
    if body.get("type") not in (None, "model"):
        raise NotSpoken(detail=f"Lockgate keeps models, no {str(body['type'])[:40]!r}.")


def _object(value: Any) -> tuple[str, int]:
    oid = value.get("oid") if isinstance(value, dict) else None
    size = value.get("size") if isinstance(value, dict) else None
    if not isinstance(oid, str) or type(size) is not int:
        raise InvalidInput(detail="An object has an oid and a size", field="objects")
    return oid, size


def _list(body: dict[str, Any], name: str) -> list[Any]:
    found = body.get(name)
    if not isinstance(found, list) or len(found) > FILES_MAX:
        raise InvalidInput(detail=f"{name} must be a list of at most {FILES_MAX}", field=name)
    return found


def refuse_pull_request(call: Call) -> None:
    """Raise `NotSpoken` for a commit that is to be a pull request."""
    if call.request.query_params.get("create_pr") in ("1", "true", "True"):
        raise NotSpoken(
            detail="Lockgate has no pull requests: commit, then ask for a promotion of the version."
        )


def _address(request: Request, path: str) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{PREFIX}/{path}"


def transfers_of(request: Request) -> Transfers:
    """Return the turns of the application's transfers."""
    transfers: Transfers = request.app.state.transfers
    return transfers
