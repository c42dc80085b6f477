"""What the hub has and we have not: refused by a sentence that says what there is instead."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from lockgate.dialects.huggingface.addresses import PREFIX
from lockgate.dialects.huggingface.answers import Handler, NotSpoken, answer, refusal

OF_MODELS: Mapping[str, str] = {
    "branch": "a version's label never moves; a commit to a label that is free makes the version, "
    "and `lockgate alias set` names one",
    "tag": "name a version with `lockgate alias set`",
    "discussions": "ask for a promotion with `lockgate promote`",
    "settings": "change a model with `lockgate model update`",
    "super-squash": "versions stay as they are",
    "duplicate": "carry a version over with `lockgate bundle export` and `import`",
    "lfs-files": "files go with their versions, see `lockgate version delete` and `lockgate gc`",
    "user-access-request": "let people in with `lockgate member`",
    "resource-group": "let people in with `lockgate member`",
    "safetensors-metadata": "`get_safetensors_metadata` reads it from the files",
    "like": "nobody counts",
    "likers": "nobody counts",
}
"""Things of a repository, by the word after its name in the path."""
_KEEPS_MODELS = "it keeps models"
_REPOSITORIES = ("datasets", "spaces", "kernels")
OF_THE_HUB: Mapping[str, str] = {
    **dict.fromkeys(_REPOSITORIES, _KEEPS_MODELS),
    **dict.fromkeys(("buckets", "collections", "papers", "daily_papers"), _KEEPS_MODELS),
    **dict.fromkeys(("jobs", "scheduled-jobs"), _KEEPS_MODELS),
    "models-tags-by-type": "`list_models` shows the tags of each",
    "settings/webhooks": "see `lockgate webhook add`",
    "settings/repositories": "`hf models ls` lists the models",
    "users": "`hf auth whoami` says who you are",
    "organizations": "`lockgate project list` lists the projects",
}
"""What the hub keeps beside models, by the beginning of its path."""
NO_XET_PATH = f"{PREFIX}/Lockgate-has-no-Xet-storage/set-HF_HUB_DISABLE_XET=1-or-use-lockgate-push"


async def unknown(request: Request) -> Response:
    """Answer a path that the hub may have and we have not."""
    path = request.url.path
    sentence = f"Lockgate does not speak {request.method} {path} of the Hugging Face Hub"
    words = path.removeprefix(PREFIX).removeprefix("/api").strip("/")
    instead = [told for what, told in OF_THE_HUB.items() if f"{words}/".startswith(f"{what}/")]
    sentence = ": ".join((sentence, *instead)) + "."
    headers = {"x-error-message": ascii(sentence)[1:-1]}
    kind, *name = words.split("/")
    if kind in _REPOSITORIES and len(name) > 1:
        headers["x-error-code"] = "RepoNotFound"  # so the client knows that there is none
    return answer({"error": sentence}, 404, headers)


def _refuse(sentence: str) -> Handler:
    async def refused(request: Request) -> Response:
        return refusal(request, NotSpoken(detail=sentence))

    return refused


def instead(what: str) -> Handler:
    """Return what refuses a thing of repositories, and says what to do instead."""
    return _refuse(f"Lockgate has no {what} of a repository: {OF_MODELS[what]}.")


async def no_xet(_request: Request) -> Response:
    """Lead to an address that is the sentence: of a refusal, Xet's client shows nothing else."""
    return RedirectResponse(NO_XET_PATH)


refuse_xet = _refuse(
    "Lockgate has no Xet storage: set HF_HUB_DISABLE_XET=1 to upload files of more than 1 GiB, "
    "or use `lockgate push`."
)
