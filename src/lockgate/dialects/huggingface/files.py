"""Files out: ``/{repository}/resolve/{revision}/{path}``, HEAD and GET.

A revision that may move is answered with a redirect to its commit, which the client follows
before it downloads: a download that is resumed after the stage moved goes on with the same bytes.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from lockgate.dialects.huggingface.addresses import PREFIX
from lockgate.dialects.huggingface.answers import COMMIT_HEADER, answer, spoken
from lockgate.dialects.huggingface.snapshots import Snapshot, is_commit, load_snapshot
from lockgate.domain.manifests import FileEntry
from lockgate.errors import InvalidInput
from lockgate.http.calls import Call
from lockgate.http.downloads import send_file
from lockgate.registry import Registry


def repository(call: Call) -> str:
    """Return the name of the repository in a request's path."""
    words = call.request.path_params
    project = words.get("project")
    return words["model"] if project is None else f"{project}/{words['model']}"


@spoken
async def resolve(call: Call) -> Response:
    """Send a file, or say where it lies."""
    registry, name = call.registry, repository(call)
    revision, path = call.request.path_params["revision"], call.request.path_params["path"]

    def load(registry: Registry) -> tuple[Snapshot, FileEntry]:
        snapshot = load_snapshot(registry, name, revision)
        return snapshot, snapshot.load_file(path)

    snapshot, file = await call.run(lambda: load(registry))
    headers = {
        COMMIT_HEADER: snapshot.commit,
        "x-linked-etag": f'"{file.sha256}"',
        "x-linked-size": str(file.size),
    }
    if not is_commit(revision):
        here = f"{PREFIX}/{quote(name)}/resolve/{snapshot.commit}/{quote(path)}"
        return Response(status_code=307, headers={"location": here, **headers})
    last = quote(file.path.rpartition("/")[2], safe="")
    headers["content-disposition"] = f"attachment; filename*=UTF-8''{last}; filename=\"{last}\";"
    try:
        return send_file(call.request, registry, file, headers)
    except InvalidInput as error:
        return answer({"error": str(error)}, 416, {"content-range": f"bytes */{file.size}"})
