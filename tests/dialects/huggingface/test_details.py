"""The real client asks for more than it is told unasked: histories, properties, parameters."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfFileSystem
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RemoteEntryNotFoundError

from hub_world import Hub
from lockgate.dialects.huggingface.history import add_last_commits
from lockgate.dialects.huggingface.shapes import Shape
from lockgate.dialects.huggingface.snapshots import commit_of, load_snapshot


def commits(hub: Hub, model: str, *changes: dict[str, bytes | None]) -> list[str]:
    """Make a version of each change (None: deleted), and return their commits."""
    repo = f"default/{model}"
    hub.api.create_repo(repo)
    made = []
    for number, files in enumerate(changes, 1):
        operations = [
            CommitOperationDelete(path) if data is None else CommitOperationAdd(path, data)
            for path, data in files.items()
        ]
        made.append(hub.api.create_commit(repo, operations, commit_message=f"Change {number}").oid)
    return made


def last_changes(hub: Hub, model: str, **words: Any) -> dict[str, str]:
    """Return by path which commit the client is told to be the last."""
    found = hub.api.list_repo_tree(f"default/{model}", recursive=True, expand=True, **words)
    return {each.path: each.last_commit.oid for each in found}


def test_which_commit_changed_a_file_last(hub: Hub) -> None:
    """Files and folders are of the version that changed them, at the revision that is asked."""
    one, two, three, four = commits(
        hub,
        "blame",
        {"a": b"a", "sub/b": b"b", "sub/deep/c": b"c"},
        {"sub/b": b"B", "gone": b"x"},
        {"gone": None},
        {"sub/b": b"b"},
    )
    assert last_changes(hub, "blame") == {
        "a": one, "sub": four, "sub/b": four, "sub/deep": one, "sub/deep/c": one
    }  # fmt: skip
    assert last_changes(hub, "blame", revision="3") == {
        "a": one, "sub": two, "sub/b": two, "sub/deep": one, "sub/deep/c": one
    }  # fmt: skip
    (info,) = hub.api.get_paths_info("default/blame", ["sub"], expand=True, revision=three)
    assert info.last_commit is not None
    version = hub.registry.get_version("blame", "2")
    assert (info.last_commit.oid, info.last_commit.title) == (two, "Change 2")
    assert abs(info.last_commit.date - version.created_at) < timedelta(milliseconds=1)
    assert [each.last_commit for each in hub.api.list_repo_tree("default/blame")] == [None, None]


def test_a_version_without_files_stands_between_no_others(hub: Hub) -> None:
    """A version that was registered alone changed nothing."""
    hub.push("gap", "1", {"a": b"a"})
    hub.registry.register_model("gap", "2")
    hub.push("gap", "3", {"a": b"a", "b": b"b"})
    one, three = (commit_of(hub.registry.get_version("gap", label)) for label in ("1", "3"))
    assert last_changes(hub, "gap") == {"a": one, "b": three}


def test_the_history_that_is_looked_at_ends_somewhere(hub: Hub) -> None:
    """What is older than that is said to be of the oldest version that was looked at."""
    changes = ({"a": b"a"}, {"b": b"b"}, {"b": b"B"})
    _, two, three = commits(hub, "long-ago", *changes)
    shapes: list[Shape] = [{"path": "a"}, {"path": "b"}]
    snapshot = load_snapshot(hub.registry, "long-ago", "main")
    add_last_commits(hub.registry, snapshot, shapes, versions_max=2)
    assert [two, three] == [shape["lastCommit"]["id"] for shape in shapes]


def test_the_file_system_knows_when_a_file_changed(hub: Hub) -> None:
    """HfFileSystem.modified is the time of the version that changed the file."""
    commits(hub, "modified", {"a": b"a"}, {"b": b"b"})
    fs = HfFileSystem(endpoint=hub.endpoint, token=False, skip_instance_cache=True)
    made = hub.registry.get_version("modified", "1").created_at
    assert abs(fs.modified("default/modified/a") - made) < timedelta(milliseconds=1)


def test_a_model_is_told_by_the_properties_that_are_asked(hub: Hub) -> None:
    """Only these come back; parameters are counted by type; what the hub has not is refused."""
    import numpy as np
    from safetensors.numpy import save

    tensors = {"w": np.zeros((2, 3), np.float32), "b": np.zeros(4, np.float16)}
    hub.registry.create_model("props", tags={"pipeline_tag": "fill-mask", "library_name": "keras"})
    hub.push("props", "1", {"model.safetensors": save(tensors), "x.bin": b"x"})
    repo = "default/props"
    info = hub.api.model_info(repo, expand=["safetensors", "author", "gguf"])
    assert info.safetensors is not None
    assert info.safetensors.parameters == {"F32": 6, "F16": 4}
    assert info.safetensors.total == 10
    assert (info.author, info.sha, info.created_at, info.tags) == ("default", None, None, None)
    assert hub.api.model_info(repo, expand=["sha"]).sha == hub.api.model_info(repo).sha
    whole = hub.api.model_info(repo)
    assert (whole.pipeline_tag, whole.library_name) == ("fill-mask", "keras")
    (listed,) = hub.api.list_models(search="props", expand=["tags", "downloads"])
    assert (listed.author, listed.downloads) == (None, 0)
    unknown: Any = ["everything"]
    with pytest.raises(BadRequestError, match=r'"expand" must be one of \[author, baseModels'):
        hub.api.model_info(repo, expand=unknown)
    with pytest.raises(BadRequestError, match=r'"expand" must be one of \[author, baseModels'):
        list(hub.api.list_models(expand=unknown))


def test_a_history_comes_as_html_if_asked(hub: Hub) -> None:
    """list_repo_commits(formatted=True) has the words of each commit, escaped."""
    hub.api.create_repo("default/html")
    hub.api.upload_file(
        repo_id="default/html",
        path_or_fileobj=b"a",
        path_in_repo="a",
        commit_message="a < b",
        commit_description="& more",
    )
    (commit,) = hub.api.list_repo_commits("default/html", formatted=True)
    assert (commit.title, commit.message) == ("a < b", "& more")
    assert (commit.formatted_title, commit.formatted_message) == ("a &lt; b", "&amp; more")
    (plain,) = hub.api.list_repo_commits("default/html")
    assert plain.formatted_title is None


def test_a_project_has_a_full_name(hub: Hub) -> None:
    """whoami's organisations are named as the client's own tests have them."""
    assert [(org["name"], org["fullname"]) for org in hub.api.whoami()["orgs"]] == [
        ("default", "default")
    ]


def test_a_commit_on_an_old_one_is_a_failed_precondition(hub: Hub) -> None:
    """parent_commit that is not the latest is 412, as programs that try again expect."""
    one, _ = commits(hub, "parent", {"a": b"a"}, {"a": b"b"})
    with pytest.raises(HfHubHTTPError, match="has changed") as refused:
        hub.api.upload_file(
            repo_id="default/parent", path_or_fileobj=b"c", path_in_repo="a", parent_commit=one
        )
    assert refused.value.response.status_code == 412


def test_a_folder_is_deleted_by_its_name_alone(hub: Hub) -> None:
    """The client sends a path without a slash at its end as a file's; a folder is meant."""
    commits(hub, "slash", {"sub/a": b"a", "sub/b/c": b"c", "subject": b"s"})
    operations = [CommitOperationDelete("sub")]
    hub.api.create_commit("default/slash", operations, commit_message="Without it")
    assert hub.api.list_repo_files("default/slash") == ["subject"]
    with pytest.raises(RemoteEntryNotFoundError, match="has no file 'sub'"):
        hub.api.create_commit("default/slash", operations, commit_message="Again")


def test_paths_are_asked_for_in_json_as_well(hub: Hub) -> None:
    """What the form says with ``expand`` is said in JSON by a flag."""
    (one,) = commits(hub, "json", {"a": b"a"})
    url = f"{hub.endpoint}/api/models/default/json/paths-info/main"
    told, bare = (
        httpx.post(url, json={"paths": ["a"], "expand": flag}).json()[0] for flag in (True, False)
    )
    assert told["lastCommit"]["id"] == one
    assert "lastCommit" not in bare
