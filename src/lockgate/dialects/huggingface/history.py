"""Which version last changed what a repository holds."""

from __future__ import annotations

from collections.abc import Iterable

from lockgate.dialects.huggingface.shapes import Shape, version_shape
from lockgate.dialects.huggingface.snapshots import Snapshot
from lockgate.domain.versions import ModelVersion
from lockgate.registry import Registry

VERSIONS_MAX = 100
"""How many of a model's latest versions are looked at; what is as old as the last is of that."""


def add_last_commits(
    registry: Registry,
    snapshot: Snapshot,
    shapes: Iterable[Shape],
    versions_max: int = VERSIONS_MAX,
) -> None:
    """Write into entries of a tree which commit last changed each."""
    changed = _last_changes(registry, snapshot, versions_max)
    for shape in shapes:
        commit = version_shape(changed[shape["path"]])
        shape["lastCommit"] = {word: commit[word] for word in ("id", "title", "date")}


def _last_changes(
    registry: Registry, snapshot: Snapshot, versions_max: int
) -> dict[str, ModelVersion]:
    """Return by path which version changed a file last, or any of the files in a folder."""
    if snapshot.version is None:
        return {}
    version = snapshot.version
    changed = dict.fromkeys((file.path for file in snapshot.files), version)
    same = {file.path: file.sha256 for file in snapshot.files}
    for older in registry.list_versions(snapshot.name, limit=versions_max):
        if older.seq >= version.seq or older.digest is None:
            continue
        manifest = registry.depot.manifest(older.digest)
        for path, sha256 in list(same.items()):
            file = manifest.find_file(path)
            if file is not None and file.sha256 == sha256:
                changed[path] = older
            else:
                del same[path]
        if not same:
            break
    for path, last in list(changed.items()):
        folder = path.rpartition("/")[0]
        while folder:
            newest = changed.get(folder, last)
            changed[folder] = max(newest, last, key=lambda each: each.seq)
            folder = folder.rpartition("/")[0]
    return changed
