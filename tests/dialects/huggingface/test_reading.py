"""The real client reads repositories, revisions and trees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import (
    HfFileSystem,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    snapshot_download,
)
from huggingface_hub.errors import (
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile

from hub_world import CONFIG, Hub, contents
from lockgate.dialects.huggingface.snapshots import commit_of

OLD = {"config.json": b"{}", "sub/words.txt": b"one", "empty": b""}
NEW = {**OLD, "config.json": b'{"new": true}'}


def two_versions(hub: Hub, model: str) -> dict[str, dict[str, bytes]]:
    """Make 1.0.0 (in production, champion) and 1.1.0; return files by revision."""
    hub.push(model, "1.0.0", OLD)
    hub.push(model, "1.1.0", NEW)
    hub.registry.set_alias(model, "champion", "1.0.0")
    for _ in range(2):
        old = hub.registry.promote(model, "1.0.0")
    assert hub.registry.get_version(model, "1.0.0").stage == "Production", old
    found = hub.registry.get_version(model, "1.0.0")
    assert found.digest is not None
    return {
        "production": OLD,
        "Production": OLD,
        "champion": OLD,
        "1.0.0": OLD,
        "1": OLD,
        found.digest: OLD,
        found.digest.removeprefix("sha256:"): OLD,
        commit_of(found): OLD,
        "main": NEW,
        "latest": NEW,
        "1.1.0": NEW,
    }


def test_every_way_to_name_a_version_is_a_revision(hub: Hub, cache: Path) -> None:
    """A stage, alias, label, number, digest, commit and main give that version's files."""
    revisions = two_versions(hub, "named")
    observed = {
        revision: contents(
            snapshot_download(
                "default/named", revision=revision, endpoint=hub.endpoint, cache_dir=cache
            )
        )
        for revision in revisions
    }
    assert revisions == observed


def test_a_repository_without_a_project_is_of_the_default_one(hub: Hub, cache: Path) -> None:
    """`model` alone is the model in the registry's own project."""
    hub.push("alone", "1", OLD)
    path = hf_hub_download("alone", "sub/words.txt", endpoint=hub.endpoint, cache_dir=cache)
    assert Path(path).read_bytes() == b"one"


def test_a_moved_stage_downloads_only_what_changed(hub: Hub, cache: Path) -> None:
    """After production moved, the client asks for the bytes of the changed file alone."""
    two_versions(hub, "moving")
    words: dict[str, Any] = {
        "revision": "production", "endpoint": hub.endpoint, "cache_dir": cache,
    }  # fmt: skip
    snapshot_download("default/moving", **words)
    for _ in range(2):
        hub.registry.promote("moving", "1.1.0")
    hub.wire.seen.clear()
    path = snapshot_download("default/moving", **words)
    assert contents(path) == NEW
    assert hub.wire.files() == ["config.json"]


def test_a_snapshot_that_is_here_asks_for_no_file(hub: Hub, cache: Path) -> None:
    """A second snapshot of the same version asks what the revision is and nothing else."""
    hub.push("again", "1", OLD)
    snapshot_download("default/again", endpoint=hub.endpoint, cache_dir=cache)
    hub.wire.seen.clear()
    snapshot_download("default/again", endpoint=hub.endpoint, cache_dir=cache)
    expected = [("GET", "/hf/api/models/default/again/revision/main", 200)]
    assert expected == hub.wire.seen


def test_a_label_cannot_take_the_place_of_a_stage_or_an_alias(hub: Hub) -> None:
    """A version that is labelled 'production' or like an alias is not what the word means."""
    two_versions(hub, "hijack")
    expected = hub.api.model_info("default/hijack", revision="1.0.0").sha
    hub.push("hijack", "production", NEW)
    hub.push("hijack", "champion", NEW)
    observed = [
        hub.api.model_info("default/hijack", revision=word).sha
        for word in ("production", "champion")
    ]
    assert [expected, expected] == observed


def test_a_commit_names_one_version_of_one_model(hub: Hub) -> None:
    """A commit of another model, or with another digest, is no revision."""
    hub.push("mine", "1", OLD)
    hub.push("other", "1", OLD)
    other = commit_of(hub.registry.get_version("other", "1"))
    mine = commit_of(hub.registry.get_version("mine", "1"))
    wrong = mine[:32] + ("0" * 8)
    exists = [
        hub.api.revision_exists("default/mine", revision) for revision in (mine, other, wrong)
    ]
    assert exists == [True, False, False]


def test_what_is_not_there_raises_the_clients_own_errors(hub: Hub, cache: Path) -> None:
    """Unknown repository, revision and file are told apart, with our sentence."""
    hub.push("known", "1", OLD)
    words: dict[str, Any] = {"endpoint": hub.endpoint, "cache_dir": cache}
    with pytest.raises(RepositoryNotFoundError, match="Model 'no' not found"):
        hf_hub_download("default/no", "a", **words)
    with pytest.raises(RepositoryNotFoundError):
        hub.api.model_info("nowhere/no")
    with pytest.raises(RevisionNotFoundError, match="No version of model 'known' stands in stage"):
        snapshot_download("default/known", revision="production", **words)
    with pytest.raises(RevisionNotFoundError):
        hf_hub_download("default/known", "config.json", revision="a:b", **words)
    with pytest.raises(RemoteEntryNotFoundError, match=r"has no file 'no\.txt'"):
        hf_hub_download("default/known", "no.txt", **words)
    with pytest.raises(RemoteEntryNotFoundError, match="has no folder"):
        list(hub.api.list_repo_tree("default/known", "no"))
    api = hub.api
    observed = (
        api.file_exists("default/known", "config.json"),
        api.file_exists("default/known", "no"),
        api.file_exists("default/no", "no"),
        api.repo_exists("default/known"),
        api.repo_exists("default/no"),
        api.revision_exists("default/known", "1"),
        api.revision_exists("default/known", "2"),
    )
    assert observed == (True, False, False, True, False, True, False)


def test_info_has_files_with_their_hashes(hub: Hub) -> None:
    """model_info lists files; with metadata, their sizes and SHA-256."""
    hub.push("info", "1", OLD)
    info = hub.api.model_info("default/info", files_metadata=True)
    assert (info.id, info.author, info.private) == ("default/info", "default", False)
    siblings = {each.rfilename: each for each in info.siblings or []}
    assert sorted(OLD) == sorted(siblings)
    lfs = siblings["sub/words.txt"].lfs
    assert lfs is not None
    expected = {file.path: file.sha256 for file in hub.registry.manifest("info:1").files}[
        "sub/words.txt"
    ]
    assert (3, expected) == (lfs.size, lfs.sha256)
    meta = get_hf_file_metadata(
        hf_hub_url("default/info", "sub/words.txt", endpoint=hub.endpoint), token=False
    )
    assert (3, expected, info.sha) == (meta.size, meta.etag, meta.commit_hash)
    assert info.sha is not None
    assert info.sha in meta.location
    assert meta.xet_file_data is None


def test_trees_and_paths(hub: Hub) -> None:
    """A tree is listed flat or deep; paths are shown whether file or folder."""
    hub.push("tree", "1", {**OLD, "sub/deep/x": b"x"})
    api = hub.api

    def shown(found: Any) -> list[tuple[str, bool]]:
        return [(each.path, isinstance(each, RepoFile)) for each in found]

    flat = [("config.json", True), ("empty", True), ("sub", False)]
    below = [("sub/deep", False), ("sub/words.txt", True)]
    assert flat == shown(api.list_repo_tree("default/tree"))
    assert below == shown(api.list_repo_tree("default/tree", "sub"))
    deep = [*flat, below[0], ("sub/deep/x", True), below[1]]
    assert deep == shown(api.list_repo_tree("default/tree", recursive=True))
    infos = api.get_paths_info("default/tree", ["sub", "config.json", "no"])
    assert shown(infos) == [("sub", False), ("config.json", True)]
    assert sorted({**OLD, "sub/deep/x": b""}) == sorted(api.list_repo_files("default/tree"))


def test_a_large_tree_comes_in_pages(hub: Hub) -> None:
    """The client follows the pages of a tree of more than a thousand files."""
    files = {f"f/{number:04}": b"same" for number in range(1_010)}
    hub.push("wide", "1", files)
    hub.wire.seen.clear()
    assert sorted(files) == hub.api.list_repo_files("default/wide")
    assert len(hub.wire.seen) == 2


def test_refs_and_history(hub: Hub) -> None:
    """What moves is a branch, a label is a tag, a version is a commit of the history."""
    two_versions(hub, "refs")
    one, two = (commit_of(hub.registry.get_version("refs", label)) for label in ("1", "2"))
    refs = hub.api.list_repo_refs("default/refs")
    branches = {each.name: each.target_commit for each in refs.branches}
    assert {"main": two, "champion": one, "None": two, "Production": one} == branches
    tags = {each.name: each.target_commit for each in refs.tags}
    assert {"1.0.0": one, "1.1.0": two} == tags
    history = hub.api.list_repo_commits("default/refs")
    assert [two, one] == [each.commit_id for each in history]
    upto = hub.api.list_repo_commits("default/refs", revision="1.0.0")
    assert [one] == [each.commit_id for each in upto]


def test_listing_searching_and_who_asks(hub: Hub) -> None:
    """Models are found by a part of their name and by project; the caller is known."""
    hub.push("seek-a", "1", OLD)
    hub.push("seek-b", "1", OLD)
    names = [each.id for each in hub.api.list_models(search="seek-", author="default")]
    assert names == ["default/seek-a", "default/seek-b"]
    assert [m.id for m in hub.api.list_models(search="SEEK", limit=1)] == ["default/seek-a"]
    assert list(hub.api.list_models(search="'; --")) == []
    assert list(hub.api.list_models(search="seek_")) == []
    assert list(hub.api.list_models(author="nobody")) == []
    assert hub.api.whoami()["name"] == "ana"
    hub.api.auth_check("default/seek-a")


def test_models_are_found_by_their_tags_and_in_order(hub: Hub) -> None:
    """A filter is a tag as model_info shows it; what only the hub knows matches nothing."""
    hub.registry.create_model("tagged-a", tags={"task": "it's", "pipeline_tag": "fill-mask"})
    hub.registry.create_model("tagged-b", tags={"task": "other", "vetted": ""})
    assert hub.api.model_info("default/tagged-b").tags == ["task:other", "vetted"]

    def found(**words: Any) -> list[str]:
        return [each.id.removeprefix("default/") for each in hub.api.list_models(**words)]

    observed = [
        found(filter="task:it's"),
        found(filter=["task:other", "vetted"]),
        found(filter=["task:it's", "vetted"]),
        found(pipeline_tag="fill-mask"),
        found(apps="vllm", search="tagged"),
        found(gated=True),
        found(search="tagged", sort="created_at", gated=False),
    ]
    a, b = "tagged-a", "tagged-b"
    assert observed == [[a], [b], [], [a], [], [], [b, a]]


def test_the_file_system(hub: Hub) -> None:
    """HfFileSystem lists, and reads parts of files."""
    two_versions(hub, "fs")
    fs = HfFileSystem(endpoint=hub.endpoint, token=False)
    listed = fs.ls("default/fs@production", detail=False)
    assert sorted(each.rpartition("/")[2] for each in listed) == ["config.json", "empty", "sub"]
    with fs.open("default/fs@champion/sub/words.txt", "rb") as file:
        file.seek(1)
        assert file.read() == b"ne"


def test_a_model_without_versions_is_an_empty_repository(hub: Hub, cache: Path) -> None:
    """It has a commit and no files, and so has a version that points elsewhere."""
    hub.registry.create_model("bare")
    assert hub.api.list_repo_files("default/bare") == []
    empty = snapshot_download("default/bare", endpoint=hub.endpoint, cache_dir=cache)
    assert (contents(empty) if Path(empty).exists() else {}) == {}
    hub.registry.register_model("bare", "1", "s3://bucket/model")
    assert hub.api.list_repo_files("default/bare", revision="1") == []
    with pytest.raises(RemoteEntryNotFoundError):
        hf_hub_download("default/bare", "a", endpoint=hub.endpoint, cache_dir=cache)


def test_checksums_are_those_of_the_files(hub: Hub) -> None:
    """The client verifies a folder against what the server says of it."""
    hub.push("sums", "1", OLD)
    verified = hub.api.verify_repo_checksums("default/sums", local_dir=hub.home / "sums-1")
    assert (
        verified.checked_count,
        verified.mismatches,
        verified.missing_paths,
        verified.extra_paths,
    ) == (3, [], [], [])


def test_transformers_load_a_stage_by_environment_alone(hub: Hub) -> None:
    """HF_ENDPOINT is all that AutoConfig and safetensors' loader need."""
    import numpy as np
    from safetensors.numpy import save

    files = {
        "config.json": json.dumps(CONFIG).encode(),
        "model.safetensors": save({"w": np.arange(4, dtype=np.float32)}),
    }
    hub.push("bert", "1", files)
    for _ in range(2):
        hub.registry.promote("bert", "1")
    script = """
import json, sys
from huggingface_hub import hf_hub_download
from safetensors.numpy import load_file
from transformers import AutoConfig
config = AutoConfig.from_pretrained("default/bert", revision="production")
path = hf_hub_download("default/bert", "model.safetensors", revision="production")
print(json.dumps([config.hidden_size, load_file(path)["w"].tolist()]))
"""
    assert hub.run(script) == [8, [0.0, 1.0, 2.0, 3.0]]
