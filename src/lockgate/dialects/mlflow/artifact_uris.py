"""Where a version's files are, in MLflow's words, and which of these places are ours.

http(s)://<us>/api/2.0/mlflow-artifacts/artifacts/<path>    a folder of loose files
models:/m-<32 hex>                                          a logged model: its files lie in
                                                            …/models/m-<32 hex>/artifacts
…/artifacts/.lockgate/versions/<project>/<model>/<number>   a version's own files, for good
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlsplit

from lockgate.dialects.mlflow.namespace import Namespace
from lockgate.domain.manifests import Manifest
from lockgate.domain.versions import ModelVersion
from lockgate.errors import ArtifactNotFound, InvalidInput, InvalidSetting

ROOT = "/api/2.0/mlflow-artifacts/artifacts"
SEALED = ".lockgate/versions"
_LOGGED_MODEL = re.compile(r"models:/(m-[0-9a-f]{32})/?")


def find_files(namespace: Namespace, source: str) -> Manifest | None:
    """Return the manifest of the files that a source means, None when they are not kept here.

    Raises `InvalidManifest` when no version can hold them together.
    """
    try:
        loose = namespace.registry.loose_files
    except InvalidSetting:  # this server keeps no files at all
        return None
    logged = _LOGGED_MODEL.fullmatch(source)
    if logged is not None:
        folder = loose.find_logged_model(namespace.project, logged[1])
    else:
        folder = path_here(namespace, source)
    return loose.gather(namespace.project, folder) if folder else None


def path_here(namespace: Namespace, source: str) -> str | None:
    """Return the path of a source in the tree of this server; None when it is elsewhere."""
    try:
        parts = urlsplit(source)
    except ValueError:
        return None
    ours = parts.scheme in ("http", "https") and parts.netloc.lower() == namespace.host
    if not ours or not parts.path.startswith(f"{ROOT}/"):
        return None
    return unquote(parts.path[len(ROOT) :]).strip("/") or None


def sealed_uri(namespace: Namespace, version: ModelVersion) -> str:
    """Return where MLflow's clients find the files of a version that has its own."""
    names = (version.project, version.model, str(version.seq))
    path = "/".join(quote(name, safe="") for name in names)
    return f"{namespace.origin}{ROOT}/{SEALED}/{path}"


def sealed_at(namespace: Namespace, path: str) -> tuple[Manifest, str] | None:
    """Return the manifest that a path leads into, and the path in it; None for loose files.

    Raises what looking up a version raises, `ArtifactNotFound`.
    """
    if path.partition("/")[0] != SEALED.partition("/")[0]:
        return None
    segments = path.split("/", 5)
    if "/".join(segments[:2]) != SEALED or len(segments) < 5 or not segments[4].isdigit():
        raise InvalidInput(
            detail=f"{path[:200]!r} is no version: {SEALED}/<project>/<model>/<number>/…",
            field="path",
        )
    project, model, number = segments[2:5]
    version = Namespace(namespace.registry, project).version(model, number)
    if version.digest is None:
        raise ArtifactNotFound(reference=version.reference, artifact_uri=version.artifact_uri)
    return namespace.registry.manifest(version.reference), "/".join(segments[5:])
