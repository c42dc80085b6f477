"""``hf://ORG/NAME[@REVISION]``: models of a Hugging Face hub, or of anything that speaks like it.

A branch or tag is pinned to its commit. The hub gives the SHA-256 of large files; they are checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from lockgate.coordination.providers import (
    WITHOUT_WEIGHTS,
    SourceFile,
    require_files,
    without_weights,
)
from lockgate.coordination.web import Connect, WebFiles
from lockgate.domain.claims import ModelKey
from lockgate.errors import InvalidInput, ServerUnreachable

__all__ = ["HuggingFaceProvider"]

ENDPOINT = "https://huggingface.co"

_REFERENCE = re.compile(
    r"hf://(?P<repository>[\w.-]{1,96}(?:/[\w.-]{1,96})?)(?:@(?P<revision>[^@\s]{1,200}))?"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class HuggingFaceProvider:
    """Repositories of one hub. A token, if given, is sent to that hub alone."""

    name = "hf"

    def __init__(
        self, *, endpoint: str = "", token: str = "", connect: Connect | None = None
    ) -> None:
        self._endpoint = (endpoint or ENDPOINT).rstrip("/")
        self._files = WebFiles({"Authorization": f"Bearer {token}"} if token else None, connect)

    def resolve(self, reference: str, *, ignore_weights: bool) -> ModelKey:
        match = _REFERENCE.fullmatch(reference)
        if match is None or ".." in match["repository"]:
            raise InvalidInput(
                field="reference", detail=f"{reference!r} is not hf://ORG/NAME[@REVISION]"
            )
        repository, revision = match["repository"], match["revision"] or "main"
        if not _COMMIT.fullmatch(revision):
            revision = self._repository(repository, revision)["sha"]
            if not isinstance(revision, str) or not _COMMIT.fullmatch(revision):
                raise ServerUnreachable(url=self._endpoint, detail="it names no commit")
        return ModelKey("hf", repository, without_weights(revision, ignore_weights))

    def list_files(self, key: ModelKey) -> Sequence[SourceFile]:
        commit = key.revision.removesuffix(WITHOUT_WEIGHTS)
        siblings = self._repository(key.model, commit).get("siblings", [])
        return require_files(key, [self._source_file(sibling, commit) for sibling in siblings])

    def read(self, key: ModelKey, file: SourceFile, offset: int) -> Iterator[bytes]:
        commit = key.revision.removesuffix(WITHOUT_WEIGHTS)
        url = f"{self._endpoint}/{key.model}/resolve/{commit}/{quote(file.path)}"
        return self._files.read(url, file, offset)

    def close(self) -> None:
        self._files.close()

    def _repository(self, repository: str, revision: str) -> dict[str, Any]:
        path = f"/api/models/{repository}/revision/{quote(revision, safe='')}?blobs=true"
        answer = self._files.get(self._endpoint + path)
        try:
            document = json.loads(answer)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict) or "sha" not in document:
            raise self._strange()
        return document

    def _source_file(self, sibling: dict[str, Any], commit: str) -> SourceFile:
        try:
            large = sibling.get("lfs") or {}
            size, sha256 = large.get("size", sibling.get("size")), large.get("sha256")
            if not _is_size(size) or not (sha256 is None or _SHA256.fullmatch(sha256)):
                raise self._strange()
            # A commit's bytes never change, so the commit is their version.
            return SourceFile(sibling["rfilename"], size, sha256, commit)
        except (LookupError, TypeError, AttributeError):
            raise self._strange() from None

    def _strange(self) -> ServerUnreachable:
        return ServerUnreachable(
            url=self._endpoint, detail="the answer is not that of a Hugging Face hub"
        )


def _is_size(told: Any) -> bool:
    return told is None or (type(told) is int and told >= 0)
