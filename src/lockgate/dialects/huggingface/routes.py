"""Which path is answered by what. A repository is named with its project or without."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import Route

from lockgate.dialects.huggingface import files, preuploads, reading, writing
from lockgate.dialects.huggingface.addresses import PREFIX
from lockgate.dialects.huggingface.answers import Handler
from lockgate.dialects.huggingface.refusing import (
    NO_XET_PATH,
    OF_MODELS,
    instead,
    no_xet,
    refuse_xet,
    unknown,
)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
NAMES = ("{project}/{model}", "{model}")
MODELS = f"{PREFIX}/api/models"
UPLOADS = {f"{PREFIX}/uploads/": 2**44, f"{MODELS}/": writing.COMMIT_BYTES_MAX}
"""Large files; and commits, with the small ones in them."""


def _of_models(path: str, handle: Handler, methods: Sequence[str] = ("GET",)) -> list[Route]:
    """Return the routes of a path below a repository's own."""
    return [Route(f"{MODELS}/{name}{path}", handle, methods=methods) for name in NAMES]


routes: list[Route] = [
    Route(f"{PREFIX}/api/whoami-v2", reading.whoami),
    Route(f"{PREFIX}/api/repos/create", writing.create_repository, methods=("POST",)),
    Route(f"{PREFIX}/api/repos/delete", writing.delete_repository, methods=("DELETE",)),
    Route(f"{PREFIX}/api/repos/move", writing.move_repository, methods=("POST",)),
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
    *_of_models("/preupload/{revision}", preuploads.preupload, ("POST",)),
    *_of_models("/commit/{revision}", writing.commit, ("POST",)),
    *_of_models("/branch/{label}", writing.make_branch, ("POST",)),
    *_of_models("/xet-write-token/{revision}", no_xet, METHODS),
    *_of_models("/xet-read-token/{revision}", no_xet, METHODS),
    *(
        route
        for what in OF_MODELS
        # A name alone and a word look like the name of a model in a project, which is asked for.
        for name, methods in zip(NAMES, (METHODS, METHODS[2:]), strict=True)
        for route in (
            Route(f"{MODELS}/{name}/{what}", instead(what), methods=methods),
            Route(f"{MODELS}/{name}/{what}/{{rest:path}}", instead(what), methods=methods),
        )
    ),
    *_of_models("", reading.model_info),
    *(
        Route(f"{PREFIX}/{name}/{verb}/{{revision}}/{{path:path}}", files.resolve)
        for name in NAMES
        for verb in ("resolve", "raw")
    ),
    Route(NO_XET_PATH, refuse_xet, methods=METHODS),
    Route(PREFIX, unknown, methods=METHODS),
    Route(f"{PREFIX}/{{rest:path}}", unknown, methods=METHODS),
]
