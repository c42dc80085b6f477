"""Where the dialect lies, and where a model does whose name was written in other letters.

The hub makes no difference between large and small letters, and clients rely on that: BentoML
writes names down in small ones. Who reads under such a name is led to the model's own, if no other
differs from it by letters alone; who writes must call it by its name.
"""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from lockgate.errors import InvalidInput, NotFound
from lockgate.http.calls import Call
from lockgate.registry import Registry

PREFIX = "/hf"
_ROOTS = (f"{PREFIX}/api/models/", f"{PREFIX}/")


async def find_own_address(call: Call) -> Response | None:
    """Return what leads a reader to the model that is called so in other letters, if one is."""
    words = call.request.path_params
    if call.request.method not in ("GET", "HEAD") or "model" not in words:
        return None
    name: str = words["model"]

    def look(registry: Registry) -> list[str]:
        project = str(words.get("project", registry.project)).lower()
        pattern = name.translate({ord(each): f"\\{each}" for each in "\\%_"}).replace("'", "''")
        with suppress(NotFound, InvalidInput):
            found = registry.list_models(project=project, filter=f"name ILIKE '{pattern}'", limit=2)
            return [f"{project}/{model.name}" for model in found]
        return []

    found = await call.run(lambda: look(call.registry))
    asked = f"{words.get('project', call.registry.project)}/{name}"
    if len(found) != 1 or found[0] == asked:
        return None
    return RedirectResponse(_at(call.request, found[0], 2 if "project" in words else 1))


def _at(request: Request, full_name: str, segments: int) -> str:
    """Return a request's address with another name, which took so many segments of it."""
    path = (request.scope.get("raw_path") or request.scope["path"].encode()).decode("ascii")
    root = next(root for root in _ROOTS if path.startswith(root))
    rest = path.removeprefix(root).split("/")[segments:]
    address = root + "/".join([quote(full_name), *rest])
    query = request.url.query
    return f"{address}?{query}" if query else address
