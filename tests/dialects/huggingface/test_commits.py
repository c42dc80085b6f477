"""The real client makes repositories and versions."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, snapshot_download
from huggingface_hub.errors import (
    BadRequestError,
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
)

from hub_world import Hub, contents
from lockgate.dialects.huggingface.commit_lines import LINE_BYTES_MAX
from lockgate.dialects.huggingface.preuploads import INLINE_BYTES_MAX, INLINE_BYTES_MAX_XET

FILES = {
    "README.md": b"# A model\n",
    "config.json": b"{}",
    "sub/weights.bin": os.urandom(700_000),
    "empty": b"",
}
LONG = bytes(LINE_BYTES_MAX)
LFS = {"HF_HUB_DISABLE_XET": "1"}


def labels(hub: Hub, model: str) -> list[str]:
    """Return the labels of a model's versions, oldest first."""
    return [version.label for version in reversed(hub.registry.list_versions(model))]


def test_a_folder_comes_back_as_it_was(hub: Hub, cache: Path) -> None:
    """upload_folder makes a version with the digest that our own push makes, and it comes back."""
    hub.api.create_repo("default/round")
    folder = hub.folder("round", FILES)
    made = hub.api.upload_folder(
        repo_id="default/round", folder_path=folder, commit_message="The first"
    )
    version = hub.registry.get_version("round", "1")
    assert version.description == "The first"
    assert hub.registry.push(folder, "round", "native").digest == version.digest
    path = snapshot_download(
        "default/round", revision=made.oid, endpoint=hub.endpoint, cache_dir=cache
    )
    assert contents(path) == FILES


def test_the_same_files_again_are_no_new_version(hub: Hub) -> None:
    """A commit that changes nothing answers with the version that is there."""
    hub.api.create_repo("default/same")
    folder = hub.folder("same", FILES)
    words: dict[str, Any] = {"repo_id": "default/same", "folder_path": folder}
    first = hub.api.upload_folder(**words)
    stored = sum(1 for _ in hub.registry.depot.blobs.list_blobs())
    assert first.oid == hub.api.upload_folder(**words).oid
    assert labels(hub, "same") == ["1"]
    assert stored == sum(1 for _ in hub.registry.depot.blobs.list_blobs())


def test_a_commit_changes_the_latest_version_into_a_new_one(hub: Hub) -> None:
    """Adding, replacing, copying and deleting files each make the next version of main."""
    api, repo = hub.api, "default/edit"
    api.create_repo(repo)
    api.upload_folder(repo_id=repo, folder_path=hub.folder("edit", FILES))
    api.upload_file(repo_id=repo, path_or_fileobj=b"new", path_in_repo="config.json")
    api.delete_folder(repo_id=repo, path_in_repo="sub")
    api.delete_file(repo_id=repo, path_in_repo="empty")
    api.create_commit(
        repo,
        [CommitOperationCopy("config.json", "copy.json")],
        commit_message="Copy",
    )
    assert labels(hub, "edit") == ["1", "2", "3", "4", "5"]
    observed = [sorted(api.list_repo_files(repo, revision=label)) for label in labels(hub, "edit")]
    every = sorted(FILES)
    assert [
        every,
        every,
        ["README.md", "config.json", "empty"],
        ["README.md", "config.json"],
        ["README.md", "config.json", "copy.json"],
    ] == observed
    with pytest.raises(RemoteEntryNotFoundError, match="has no file 'never'"):
        api.delete_file(repo_id=repo, path_in_repo="never")


def test_a_revision_is_the_label_of_the_new_version(hub: Hub) -> None:
    """A free label is a version of these files alone; a sealed one is refused before any byte."""
    api, repo = hub.api, "default/label"
    api.create_repo(repo)
    folder = hub.folder("label", FILES)
    api.upload_file(repo_id=repo, path_or_fileobj=b"x", path_in_repo="other")
    api.upload_folder(repo_id=repo, folder_path=folder, revision="1.2.0")
    assert sorted(FILES) == sorted(api.list_repo_files(repo, revision="1.2.0"))
    hub.wire.seen.clear()
    with pytest.raises(HfHubHTTPError, match=r"sealed: its files never change.*`lockgate push`"):
        api.upload_folder(repo_id=repo, folder_path=folder, revision="1.2.0")
    assert not [path for _, path, _ in hub.wire.seen if "/commit/" in path]


def test_a_version_without_files_gets_them_by_a_commit(hub: Hub) -> None:
    """A commit to the label of a version that was registered alone seals that version."""
    hub.registry.register_model("later", "1.0.0", metrics={"accuracy": 0.9})
    hub.api.upload_file(
        repo_id="default/later", path_or_fileobj=b"x", path_in_repo="w", revision="1.0.0"
    )
    version = hub.registry.get_version("later", "1.0.0")
    assert version.digest is not None
    assert dict(version.metrics) == {"accuracy": 0.9}


def test_what_cannot_be_committed_is_refused_with_a_reason(hub: Hub) -> None:
    """Stages, aliases, pull requests, an old parent, an unknown model: each has its sentence."""
    api, repo = hub.api, "default/refuse"
    words: dict[str, Any] = {"path_or_fileobj": b"x", "path_in_repo": "w"}
    with pytest.raises(RepositoryNotFoundError, match="create_repo"):
        api.upload_file(repo_id=repo, **words)
    api.create_repo(repo)
    first = api.upload_file(repo_id=repo, **words)
    hub.registry.set_alias("refuse", "champion", "1")
    words["path_or_fileobj"] = b"y"
    for word in ("production", "champion"):
        with pytest.raises(HfHubHTTPError, match="is a stage or an alias"):
            api.upload_file(repo_id=repo, revision=word, **words)
    with pytest.raises(HfHubHTTPError, match="no pull requests"):
        api.upload_file(repo_id=repo, create_pr=True, **words)
    api.upload_file(repo_id=repo, parent_commit=first.oid, **words)
    words["path_or_fileobj"] = b"z"
    with pytest.raises(HfHubHTTPError, match="has changed"):
        api.upload_file(repo_id=repo, parent_commit=first.oid, **words)
    assert labels(hub, "refuse") == ["1", "2"]


def test_a_branch_is_the_label_of_a_version_to_come(hub: Hub) -> None:
    """Clients make a branch before they commit to it: a free label may be, and makes nothing."""
    api, repo = hub.api, "default/branching"
    api.create_repo(repo)
    api.create_branch(repo, branch="2.0.0")
    api.create_branch(repo, branch="2.0.0")
    assert labels(hub, "branching") == []
    api.upload_file(repo_id=repo, revision="2.0.0", path_in_repo="a", path_or_fileobj=b"a")
    assert labels(hub, "branching") == ["2.0.0"]
    hub.registry.set_alias("branching", "champion", "2.0.0")
    for taken in ("2.0.0", "champion", "Production", "main"):
        api.create_branch(repo, branch=taken, exist_ok=True)
        with pytest.raises(HfHubHTTPError, match="409"):
            api.create_branch(repo, branch=taken)
    with pytest.raises(HfHubHTTPError, match="files of its commit and no others"):
        api.create_branch(repo, branch="3.0.0", revision="2.0.0")
    with pytest.raises(BadRequestError, match="must not contain"):
        api.create_branch(repo, branch="a:b")


def test_a_repository_is_given_another_name(hub: Hub) -> None:
    """move_repo renames a model with its versions, within its project."""
    hub.push("before", "1", {"a": b"a"})
    hub.api.move_repo("default/before", "default/after")
    assert hub.api.list_repo_files("default/after") == ["a"]
    assert not hub.api.repo_exists("default/before")
    with pytest.raises(HfHubHTTPError, match=r"keeps its project here.*`lockgate bundle`"):
        hub.api.move_repo("default/after", "other/after")
    with pytest.raises(RepositoryNotFoundError):
        hub.api.move_repo("default/before", "default/again")


def test_repositories_are_made_and_deleted(hub: Hub) -> None:
    """create_repo makes a model once, exist_ok is heard, datasets are refused, delete deletes."""
    api = hub.api
    assert api.create_repo("default/made").repo_id == "default/made"
    assert api.create_repo("made", exist_ok=True).repo_id == "default/made"
    with pytest.raises(HfHubHTTPError, match="already exists"):
        api.create_repo("default/made")
    with pytest.raises(HfHubHTTPError, match="keeps models, no 'dataset'"):
        api.create_repo("default/made", repo_type="dataset")
    with pytest.raises(RepositoryNotFoundError, match="Project 'nowhere' not found"):
        api.create_repo("nowhere/made", exist_ok=True)
    api.delete_repo("default/made")
    assert not api.repo_exists("default/made")
    hub.registry.restore_model("made")


@pytest.fixture(scope="module")
def large(hub: Hub) -> Path:
    """A folder with a file that is too large for a commit to an older client."""
    size = 40 * 2**20
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    header += b" " * (-len(header) % 8)
    big = len(header).to_bytes(8, "little") + header + os.urandom(2**20) * 40
    assert len(big) > INLINE_BYTES_MAX
    return hub.folder("large", {"model.safetensors": big, "config.json": b"{}"})


def test_large_files_with_xet_installed(hub: Hub, cache: Path, large: Path) -> None:
    """A client with Xet and no setting at all sends 40 MiB and gets them back."""
    assert importlib.util.find_spec("hf_xet") is not None
    hub.api.create_repo("default/xet")
    script = f"""
import json
from huggingface_hub import snapshot_download, upload_file, upload_folder
upload_folder(repo_id="default/xet", folder_path={str(large)!r}, revision="1.0")
file = {str(large / "model.safetensors")!r}
upload_file(repo_id="default/xet", path_or_fileobj=file, path_in_repo="sub/m.safetensors")
print(json.dumps(snapshot_download("default/xet", cache_dir={str(cache)!r})))
"""
    hub.wire.seen.clear()
    path = Path(hub.run(script))
    asked = {(method, path.rpartition("/")[2]) for method, path, _ in hub.wire.seen}
    assert not {name for method, name in asked if method == "PUT" or "xet" in name}
    assert labels(hub, "xet") == ["1.0", "2"]
    first = hub.registry.get_version("xet", "1.0")
    assert hub.registry.push(large, "xet", "native").digest == first.digest
    big = (large / "model.safetensors").read_bytes()
    assert big == (path / "sub/m.safetensors").read_bytes()
    assert big == (path / "model.safetensors").read_bytes()


def test_what_is_too_large_without_xet_is_refused_by_a_sentence(hub: Hub, tmp_path: Path) -> None:
    """A file of more than 1 GiB: the error of Xet's client, which is all it shows, says the way."""
    hub.api.create_repo("default/huge")
    with (tmp_path / "huge.bin").open("wb") as file:
        file.truncate(INLINE_BYTES_MAX_XET + 1)
    script = f"""
import json
from huggingface_hub import upload_file
file = {str(tmp_path / "huge.bin")!r}
try:
    upload_file(repo_id="default/huge", path_or_fileobj=file, path_in_repo="huge.bin")
except ConnectionError as error:
    print(json.dumps(str(error)))
"""
    told = hub.run(script)
    assert "Lockgate-has-no-Xet-storage/set-HF_HUB_DISABLE_XET=1-or-use-lockgate-push" in told
    assert labels(hub, "huge") == []


def test_large_files_of_older_clients_go_by_lfs(hub: Hub, cache: Path, large: Path) -> None:
    """A client that asks how sends a large file once, by LFS; the digest is that of our push."""
    hub.api.create_repo("default/large")
    script = f"""
import json
from huggingface_hub.utils import _headers
_headers.get_hf_hub_version = lambda: "1.9.0"
from huggingface_hub import upload_folder
first = upload_folder(repo_id="default/large", folder_path={str(large)!r}, revision="1.0")
again = upload_folder(repo_id="default/large", folder_path={str(large)!r}, revision="1.1")
print(json.dumps([first.oid, again.oid]))
"""
    hub.wire.seen.clear()
    assert len(set(hub.run(script, **LFS))) == 2
    sent = [path for method, path, _ in hub.wire.seen if method == "PUT"]
    assert len(sent) == 1
    one, two = (hub.registry.get_version("large", label) for label in ("1.0", "1.1"))
    assert hub.registry.push(large, "large", "native").digest == one.digest == two.digest
    path = snapshot_download("default/large", endpoint=hub.endpoint, cache_dir=cache)
    name = "model.safetensors"
    assert (large / name).read_bytes() == (Path(path) / name).read_bytes()


def test_how_a_file_is_to_be_sent(hub: Hub) -> None:
    """By its size, and by whether the client would ask; what only Xet could send has advice."""
    hub.api.create_repo("default/modes")
    url = f"{hub.endpoint}/api/models/default/modes"

    def modes(client: str) -> tuple[list[str], str | None]:
        sizes = (INLINE_BYTES_MAX, INLINE_BYTES_MAX + 1, INLINE_BYTES_MAX_XET + 1)
        body = {"files": [{"path": "w.bin", "size": size, "sample": ""} for size in sizes]}
        headers = {"User-Agent": client}
        answer = httpx.post(f"{url}/preupload/main", json=body, headers=headers)
        told = [file["uploadMode"] for file in answer.json()["files"]]
        return told, answer.headers.get("x-hf-warning")

    for asking in ("unknown/None; hf_hub/1.9.0; python/3.11", "hf_hub/0.36.2", "curl/8"):
        assert modes(asking)[0] == ["regular", "lfs", "lfs"]
    told, warning = modes("unknown/None; hf_hub/2.4.0; python/3.11")
    assert told == ["regular", "regular", "lfs"]
    assert warning is not None
    assert "HF_HUB_DISABLE_XET=1" in warning
    refused = httpx.get(f"{url}/xet-write-token/main", follow_redirects=True)
    assert refused.status_code == 501
    assert "`lockgate push`" in refused.json()["error"]


def batch(hub: Hub, model: str, sha256: str, size: int) -> httpx.Response:
    """Ask where a large file is to be sent."""
    return httpx.post(
        f"{hub.endpoint}/default/{model}.git/info/lfs/objects/batch",
        json={"operation": "upload", "objects": [{"oid": sha256, "size": size}]},
    )


def test_an_upload_takes_the_file_that_was_announced_and_no_other(hub: Hub) -> None:
    """A ticket opens for one hash; other bytes, more bytes and other tickets are refused."""
    hub.api.create_repo("default/ticket")
    sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # of hello
    href = batch(hub, "ticket", sha256, 5).json()["objects"][0]["actions"]["upload"]["href"]
    statuses = [
        httpx.put(href, content=b"hallo").status_code,
        httpx.put(href, content=b"hello!").status_code,
        httpx.put(href[:-1] + "!", content=b"hello").status_code,
        httpx.put(href, content=b"hello").status_code,
    ]
    assert statuses == [422, 413, 404, 200]
    assert "actions" not in batch(hub, "ticket", sha256, 5).json()["objects"][0]
    # A file that another model has is not given away to whoever knows its hash.
    hub.api.create_repo("default/stranger")
    assert "actions" in batch(hub, "stranger", sha256, 5).json()["objects"][0]


def lines(*said: Any) -> bytes:
    """Return the body of a commit."""
    return b"".join(json.dumps(each).encode() + b"\n" for each in said)


def file_line(path: Any, data: bytes = b"x") -> dict[str, Any]:
    """Return the line of a commit that carries a file."""
    content = base64.b64encode(data).decode()
    return {"key": "file", "value": {"path": path, "content": content, "encoding": "base64"}}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (lines(file_line("../evil")), 400),
        (lines(file_line("/etc/passwd")), 400),
        (lines(file_line("a\\b")), 400),
        (lines(file_line("a\0b")), 400),
        (lines(file_line("con")), 400),
        (lines(file_line(7)), 400),
        (lines(file_line("a"), file_line("A")), 400),
        (lines(file_line("a"), file_line("a/b")), 400),
        (lines({"key": "lfsFile", "value": {"path": "w", "oid": "0" * 64}}), 400),
        (lines({"key": "file", "value": {"path": "w", "content": "*", "encoding": "base64"}}), 400),
        (lines({"key": "rebase", "value": {"path": "w"}}), 501),
        (lines({"key": "header", "value": {"summary": 1}}), 400),
        (b"not json\n", 400),
        (b'{"key": "file"}\n', 400),
        (b"[" * 100_000, 400),
        (b"", 400),
        (lines(file_line("a", LONG))[:-9], 400),
        (lines(file_line("a", LONG))[:-9_000], 400),
        (lines({"key": "header", "value": {"summary": "x" * LINE_BYTES_MAX}}), 413),
        (lines({"key": "header", "value": {"content": "x" * LINE_BYTES_MAX}}), 400),
        (lines({"key": "file", "value": {"path": "w", "content": "x" * LINE_BYTES_MAX}}), 400),
        (lines(file_line("a", LONG)).replace(b"A", b"*", 1), 400),
    ],
    ids=range(22),
)
def test_a_hostile_commit_is_refused_and_makes_nothing(hub: Hub, body: bytes, status: int) -> None:
    """Paths that leave the version, twins, unknown hashes and broken lines make no version."""
    if not hub.api.repo_exists("default/evil"):
        hub.api.create_repo("default/evil")
    answer = httpx.post(f"{hub.endpoint}/api/models/default/evil/commit/main", content=body)
    assert status == answer.status_code, answer.text
    assert answer.json()["error"]
    assert labels(hub, "evil") == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda url: httpx.post(f"{url}/api/repos/create", content=b"{"),
        lambda url: httpx.post(f"{url}/api/repos/create", json={"name": 3}),
        lambda url: httpx.post(f"{url}/api/models/default/odd/preupload/main", json=[]),
        lambda url: httpx.post(f"{url}/api/models/default/odd/preupload/main", json={"files": [1]}),
        lambda url: httpx.post(f"{url}/api/models/default/odd/paths-info/main", json={"paths": 1}),
        lambda url: httpx.get(f"{url}/api/models/default/odd/tree/main?cursor=-1"),
        lambda url: httpx.get(f"{url}/api/models?limit=many"),
        lambda url: httpx.get(f"{url}/api/models?cursor=made-up"),
    ],
    ids=range(8),
)
def test_malformed_questions_are_400_in_the_hubs_shape(
    hub: Hub, ask: Callable[[str], httpx.Response]
) -> None:
    """Whatever is not as the client sends it is the caller's fault, never the server's."""
    if not hub.api.repo_exists("default/odd"):
        hub.api.create_repo("default/odd")
    answer = ask(hub.endpoint)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]


def test_many_operations_in_one_commit(hub: Hub) -> None:
    """create_commit with several files is one version; a bad one leaves nothing behind."""
    hub.api.create_repo("default/many")
    operations = [CommitOperationAdd(f"f/{n}", str(n).encode()) for n in range(30)]
    hub.api.create_commit("default/many", operations, commit_message="Thirty")
    assert labels(hub, "many") == ["1"]
    assert len(hub.api.list_repo_files("default/many")) == 30
    with pytest.raises(BadRequestError, match="cannot be a file of a version"):
        hub.api.upload_file(repo_id="default/many", path_or_fileobj=b"", path_in_repo="a:b")


def test_a_long_line_among_others(hub: Hub) -> None:
    """A file that comes in pieces is whole, is named as it says, and what follows it is read."""
    hub.api.create_repo("default/long")
    sent = {"big.bin": os.urandom(LINE_BYTES_MAX + 5), "last.txt": b"last", "first.txt": b"first"}
    body = lines(
        file_line("first.txt", sent["first.txt"]),
        file_line("big.bin", os.urandom(LINE_BYTES_MAX)),
        file_line("big.bin", sent["big.bin"]),
        file_line("last.txt", sent["last.txt"]),
    )
    for each in (body, body.rstrip(b"\n")):
        answer = httpx.post(f"{hub.endpoint}/api/models/default/long/commit/main", content=each)
        assert answer.status_code == 200, answer.text
    path = snapshot_download("default/long", endpoint=hub.endpoint, cache_dir=hub.home / "long")
    assert contents(path) == dict(sorted(sent.items()))
