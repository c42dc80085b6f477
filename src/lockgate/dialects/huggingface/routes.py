"""Which path is answered by what. A repository is named with its project or without."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lockgate.dialects.huggingface import files, reading, writing
from lockgate.dialects.huggingface.answers import Handler, NotSpoken, answer, refusal
from lockgate.dialects.huggingface.files import PREFIX

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
NAMES = ("{project}/{model}", "{model}")
MODELS = f"{PREFIX}/api/models"
UPLOADS = {f"{PREFIX}/uploads/": 2**44, f"{MODELS}/": writing.COMMIT_BYTES_MAX}
"""Large files; and commits, with the small ones in them."""
_INSTEAD = {
    "branch": "a version's label never moves; commit to a label that is free without making it "
    "(`upload_folder(…, revision=…)`), or name a version with `lockgate alias set`",
    "tag": "name a version with `lockgate alias set`",
    "discussions": "ask for a promotion with `lockgate promote`",
    "settings": "change a model with `lockgate model update`",
    "super-squash": "versions stay as they are",
    "xet storage": "set HF_HUB_DISABLE_XET=1 to upload files of more than 1 GiB, or use "
    "`lockgate push`",
}


async def unknown(request: Request) -> Response:
    """Answer a path that the hub may have and we have not."""
    path = request.url.path
    sentence = f"Lockgate does not speak {request.method} {path} of the Hugging Face Hub."
    return answer({"error": sentence}, 404, {"x-error-message": ascii(sentence)[1:-1]})


def instead(what: str) -> Handler:
    """Return what refuses a thing of git repositories, and says what to do instead."""
    detail = f"Lockgate has no {what} of a repository: {_INSTEAD[what]}."

    async def refused(request: Request) -> Response:
        return refusal(request, NotSpoken(detail=detail))

    return refused


def _of_models(path: str, handle: Handler, methods: Sequence[str] = ("GET",)) -> list[Route]:
    """Return the routes of a path below a repository's own."""
    return [Route(f"{MODELS}/{name}{path}", handle, methods=methods) for name in NAMES]


routes: list[Route] = [
    Route(f"{PREFIX}/api/whoami-v2", reading.whoami),
    Route(f"{PREFIX}/api/repos/create", writing.create_repository, methods=("POST",)),
    Route(f"{PREFIX}/api/repos/delete", writing.delete_repository, methods=("DELETE",)),
    Route(f"{PREFIX}/api/validate-yaml", writing.validate_card, methods=("POST",)),
    Route(f"{PREFIX}/uploads/{{ticket}}", writing.upload, methods=("PUT",)),
    *(
        Route(f"{PREFIX}/{name}.git/info/lfs/objects/batch", writing.lfs_batch, methods=("POST",))
        for name in NAMES
    ),
    Route(MODELS, reading.list_models),
    # The longer ones first: a name in two parts looks like a name and a word.
    *_of_models("/revision/{revision}", reading.model_info),
    *_of_models("/tree/{revision}", reading.tree),
    *_of_models("/tree/{revision}/{path:path}", reading.tree),
    *_of_models("/paths-info/{revision}", reading.paths_info, ("POST",)),
    *_of_models("/commits/{revision}", reading.commits),
    *_of_models("/refs", reading.refs),
    *_of_models("/auth-check", reading.auth_check),
    *_of_models("/preupload/{revision}", writing.preupload, ("POST",)),
    *_of_models("/commit/{revision}", writing.commit, ("POST",)),
    *_of_models("/xet-write-token/{revision}", instead("xet storage"), METHODS),
    *_of_models("/xet-read-token/{revision}", instead("xet storage"), METHODS),
    *(
        route
        for what in ("branch", "tag", "discussions", "settings", "super-squash")
        for route in (
            *_of_models(f"/{what}", instead(what), METHODS[2:]),
            *_of_models(f"/{what}/{{rest:path}}", instead(what), METHODS[2:]),
        )
    ),
    *_of_models("", reading.model_info),
    *(
        Route(f"{PREFIX}/{name}/{verb}/{{revision}}/{{path:path}}", files.resolve)
        for name in NAMES
        for verb in ("resolve", "raw")
    ),
    Route(PREFIX, unknown, methods=METHODS),
    Route(f"{PREFIX}/{{rest:path}}", unknown, methods=METHODS),
]
