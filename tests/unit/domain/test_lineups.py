"""Lineups: which files and tensors differ between several manifests."""

from __future__ import annotations

from datetime import UTC, datetime

from lockgate.domain.lineups import line_up
from lockgate.domain.manifests import FileEntry, Manifest, TensorEntry
from lockgate.domain.versions import ModelVersion

NOW = datetime(2026, 10, 1, tzinfo=UTC)


def _version(label: str) -> ModelVersion:
    return ModelVersion(
        uid=label,
        project="default",
        model="churn",
        label=label,
        seq=int(label),
        stage="None",
        stage_since=NOW,
        created_by="ana",
        created_at=NOW,
        updated_at=NOW,
        revision=1,
    )


def _file(path: str, content: str, *tensors: TensorEntry) -> FileEntry:
    return FileEntry(path, len(content), content * 64, (), tensors or None)


def _tensor(name: str, digest: str, *shape: int) -> TensorEntry:
    return TensorEntry(name, "F32", shape, 0, 0, digest)


def test_only_what_differs_is_listed() -> None:
    """What is the same in all versions is counted; what one lacks is None there."""
    a = Manifest((_file("a", "1"), _file("w", "1", _tensor("b", "x", 2), _tensor("c", "y", 3))))
    b = Manifest((_file("a", "1"), _file("w", "2", _tensor("b", "x", 2), _tensor("c", "z", 4))))
    lineup = line_up([_version("1"), _version("2"), _version("3")], [a, b, a])
    assert [each.path for each in lineup.files] == ["w"]
    assert [digest and digest[0] for digest in lineup.files[0].sha256s] == ["1", "2", "1"]
    assert [(each.name, each.forms) for each in lineup.tensors] == [
        ("c", ("F32 [3]", "F32 [4]", "F32 [3]"))
    ]
    assert (lineup.files_same, lineup.files_differ) == (1, 1)
    assert (lineup.tensors_same, lineup.tensors_differ) == (1, 1)


def test_versions_without_files_lack_them_all() -> None:
    """A version that nothing was pushed for has none of the others' files."""
    lineup = line_up([_version("1"), _version("2")], [Manifest((_file("a", "1"),)), None])
    assert lineup.files[0].sizes == (1, None)
