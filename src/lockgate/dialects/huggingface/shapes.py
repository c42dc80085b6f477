"""What the registry holds, in the hub's JSON.

Every file is shown as one in large file storage: its sha256 is then its entity tag and its key in
the client's cache, whatever its size.
"""

from __future__ import annotations

import hashlib
import html
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from lockgate.dialects.huggingface.snapshots import Snapshot, commit_of
from lockgate.domain.manifests import FileEntry
from lockgate.domain.models import RegisteredModel
from lockgate.domain.versions import ModelVersion

Shape = dict[str, Any]
PROPERTIES = frozenset(
    {
        "author", "baseModels", "cardData", "childrenModelCount", "config", "createdAt",
        "disabled", "downloads", "downloadsAllTime", "evalResults", "gated", "gguf", "inference",
        "inferenceProviderMapping", "lastModified", "library_name", "likes", "mask_token",
        "model-index", "pipeline_tag", "private", "resourceGroup", "safetensors", "sha",
        "siblings", "spaces", "tags", "transformersInfo", "trendingScore", "usedStorage",
        "widgetData", "xetEnabled", "gitalyUid",
    }
)  # fmt: skip
"""What the hub may be asked of a model; what we do not know of one is left out."""
_FROM_TAGS = ("pipeline_tag", "library_name")


def model_shape(model: RegisteredModel, snapshot: Snapshot | None, *, blobs: bool) -> Shape:
    """Return a repository; with ``blobs``, sizes and hashes of its files as well."""
    shape: Shape = {
        "_id": model.uid,
        "id": model.full_name,
        "modelId": model.full_name,
        "author": model.project,
        "createdAt": moment(model.created_at),
        "lastModified": moment(model.updated_at),
        "private": False,
        "gated": False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [f"{key}:{value}" if value else key for key, value in model.tags.items()],
    }
    shape |= {word: model.tags[word] for word in _FROM_TAGS if model.tags.get(word)}
    if snapshot is None:
        return shape
    shape["sha"] = snapshot.commit
    shape["siblings"] = [_sibling(file, blobs=blobs) for file in snapshot.files]
    shape["usedStorage"] = sum(file.size for file in snapshot.files)
    version = snapshot.version
    if version is not None:
        shape["lastModified"] = moment(version.updated_at)
        shape["lockgate"] = {
            "reference": version.reference,
            "stage": version.stage,
            "digest": version.digest,
        }
    return shape


def only(shape: Shape, wanted: Sequence[str], files: Sequence[FileEntry] = ()) -> Shape:
    """Return a repository with no more than these properties; with all if none are given.

    Parameters are counted only for who asks: that looks at every tensor.
    """
    if not wanted:
        return shape
    if "safetensors" in wanted and (parameters := _parameters(files)):
        shape["safetensors"] = {"parameters": parameters, "total": sum(parameters.values())}
    return {word: value for word, value in shape.items() if word in ("_id", "id", *wanted)}


def file_shape(file: FileEntry) -> Shape:
    """Return an entry of a tree that is a file."""
    pointer, oid = _pointer(file.sha256, file.size)
    return {
        "type": "file",
        "path": file.path,
        "size": file.size,
        "oid": oid,
        "lfs": {"oid": file.sha256, "size": file.size, "pointerSize": pointer},
    }


def folder_shape(path: str, files: Iterable[FileEntry]) -> Shape:
    """Return an entry of a tree that is a folder; its id changes with what is under it."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.path}\n{file.sha256}\n".encode())
    return {"type": "directory", "path": path, "size": 0, "oid": digest.hexdigest()[:40]}


def tree_of(files: Iterable[FileEntry], folder: str, *, recursive: bool) -> Iterator[Shape]:
    """Yield what lies in a folder (``""``: the root), by path; with ``recursive``, all of it."""
    prefix = f"{folder}/" if folder else ""
    below: dict[str, list[FileEntry]] = {}
    entries: dict[str, FileEntry] = {}
    for file in files:
        if not file.path.startswith(prefix):
            continue
        parts = file.path[len(prefix) :].split("/")
        depth_max = len(parts) if recursive else min(len(parts), 2)
        for depth in range(1, depth_max):
            below.setdefault(prefix + "/".join(parts[:depth]), []).append(file)
        if recursive or len(parts) == 1:
            entries[file.path] = file
    for path in sorted({*below, *entries}):
        yield file_shape(entries[path]) if path in entries else folder_shape(path, below[path])


def version_shape(version: ModelVersion, *, formatted: bool = False) -> Shape:
    """Return a version as a commit in a history; ``formatted``: with its words as HTML, too."""
    first, _, rest = version.description.partition("\n")
    title, message = first or f"Version {version.label}", rest.strip()
    shape: Shape = {
        "id": commit_of(version),
        "title": title,
        "message": message,
        "authors": [{"user": version.created_by}],
        "date": moment(version.created_at),
    }
    if formatted:
        shape["formatted"] = {"title": html.escape(title), "message": html.escape(message)}
    return shape


def ref_shape(kind: str, name: str, commit: str) -> Shape:
    """Return a branch (``heads``) or tag (``tags``)."""
    return {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": commit}


def moment(at: datetime) -> str:
    """Return a time as the hub writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _parameters(files: Iterable[FileEntry]) -> dict[str, int]:
    """Return how many numbers of each type the safetensors files hold."""
    counted: Counter[str] = Counter()
    for file in files:
        if file.path.endswith(".safetensors"):
            for tensor in file.tensors or ():
                counted[tensor.dtype] += math.prod(tensor.shape)
    return dict(counted)


def _sibling(file: FileEntry, *, blobs: bool) -> Shape:
    if not blobs:
        return {"rfilename": file.path}
    pointer, oid = _pointer(file.sha256, file.size)
    return {
        "rfilename": file.path,
        "size": file.size,
        "blobId": oid,
        "lfs": {"sha256": file.sha256, "size": file.size, "pointerSize": pointer},
    }


@lru_cache(maxsize=4_096)
def _pointer(sha256: str, size: int) -> tuple[int, str]:
    """Return the length and git id of the pointer that stands for a large file in git."""
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n"
    blob = f"blob {len(text)}\0{text}".encode()
    return len(text), hashlib.sha1(blob, usedforsecurity=False).hexdigest()
