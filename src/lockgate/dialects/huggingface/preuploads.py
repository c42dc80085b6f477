"""Before a commit: how each file is to be sent, and which need not be sent at all.

A file comes within the commit, or is uploaded before, by LFS. Clients that ask how to send large
files (all before 2.0) send them by LFS. Later ones, where they have Xet, ask nobody and try nothing
else: what they are to send within the commit is all that reaches a server without Xet, so that is
much more.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from lockgate.dialects.huggingface.answers import answer, read_json, spoken
from lockgate.dialects.huggingface.commit_lines import check_path
from lockgate.dialects.huggingface.commits import find_target
from lockgate.dialects.huggingface.files import repository
from lockgate.dialects.huggingface.ignoring import GITIGNORE, Ignoring
from lockgate.dialects.huggingface.shapes import Shape
from lockgate.dialects.huggingface.snapshots import Snapshot
from lockgate.dialects.huggingface.unchanged import Ids
from lockgate.dialects.huggingface.writing import (
    FILES_MAX,
    refuse_pull_request,
    require_push,
    transfers_of,
)
from lockgate.errors import InvalidInput
from lockgate.http.calls import Call
from lockgate.registry import Registry
from lockgate.services.downloads import FileRange, read_range

INLINE_BYTES_MAX = 32 * 2**20
INLINE_BYTES_MAX_XET = 2**30
"""Room for one such file and what goes with it, in base64."""
XET_SINCE = 2
"""The major version of the client that does not ask any more."""
NO_XET = (
    "large-files; Lockgate has no Xet storage. If the upload of files of more than 1 GiB fails, "
    "set HF_HUB_DISABLE_XET=1, or use lockgate push."
)
"""The client shows no sentence of what refuses it Xet."""
GITIGNORE_BYTES_MAX = 256 * 2**10
_CLIENT = re.compile(r"\bhf_hub/(\d{1,4})\.")


@dataclass(frozen=True)
class _Announced:
    """A file that a client has; ``sample`` are its first bytes."""

    path: str
    size: int
    sample: bytes


@spoken
async def preupload(call: Call) -> Response:
    """Say how each file is to be sent; refuse early what the commit would refuse."""
    refuse_pull_request(call)
    name, revision = repository(call), call.request.path_params["revision"]
    body = await read_json(call)
    said = body if isinstance(body, dict) else {}
    files = said.get("files")
    if not isinstance(files, list) or len(files) > FILES_MAX:
        raise InvalidInput(detail=f"files must be a list of at most {FILES_MAX}", field="files")
    announced = [_announced(file) for file in files]
    most = _inline_bytes_max(call.request)

    def find_base(registry: Registry) -> Snapshot:
        require_push(registry, name)
        return find_target(registry, name, revision).base

    base = await call.run(lambda: find_base(call.registry))
    transfers = transfers_of(call.request)
    async with transfers.turn():
        modes = await transfers.run(
            lambda: _modes(call.registry, base, announced, most, said.get("gitIgnore"))
        )
    large = any(mode["uploadMode"] == "lfs" for mode in modes)
    return answer({"files": modes}, headers={"x-hf-warning": NO_XET} if large else {})


def _modes(
    registry: Registry,
    base: Snapshot,
    files: list[_Announced],
    inline_bytes_max: int,
    gitignore: Any,
) -> list[Shape]:
    ids, ignoring = Ids(registry.depot), Ignoring(_rules(registry, base, gitignore))
    shapes = []
    for file in files:
        here = None if base.manifest is None else base.manifest.find_file(file.path)
        mode = "regular" if file.size <= inline_bytes_max else "lfs"
        ignored = ignoring.leaves_out(file.path)
        oid = None
        if here is not None and here.size == file.size and not ignored:
            oid = here.sha256 if mode == "lfs" else ids.find(here, file.sample)
        shapes.append({"path": file.path, "uploadMode": mode, "shouldIgnore": ignored, "oid": oid})
    return shapes


def _rules(registry: Registry, base: Snapshot, gitignore: Any) -> str:
    """Return the text of the .gitignore of a commit, else that of what it builds on."""
    if gitignore is not None:
        if not isinstance(gitignore, str):
            raise InvalidInput(detail="gitIgnore must be text", field="gitIgnore")
        return gitignore
    file = None if base.manifest is None else base.manifest.find_file(GITIGNORE)
    if file is None:
        return ""
    part = FileRange(file, 0, min(file.size, GITIGNORE_BYTES_MAX))
    return b"".join(read_range(registry.depot, part)).decode(errors="replace")


def _announced(file: Any) -> _Announced:
    if not isinstance(file, dict) or type(file.get("size")) is not int:
        raise InvalidInput(detail="A file has a path and a size", field="files")
    sample = file.get("sample") or ""
    try:
        if not isinstance(sample, str):
            raise ValueError("it is no text")
        first = base64.b64decode(sample, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(detail=f"sample is not base64: {error}", field="files") from None
    return _Announced(check_path(file.get("path")), file["size"], first)


def _inline_bytes_max(request: Request) -> int:
    """Return the size of the largest file that whoever asks is to send within a commit."""
    found = _CLIENT.search(request.headers.get("user-agent", ""))
    asks = found is None or int(found[1]) < XET_SINCE
    return INLINE_BYTES_MAX if asks else INLINE_BYTES_MAX_XET
