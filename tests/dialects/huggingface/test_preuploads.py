"""The real client is told what it need not send: what is here already, and what is left out."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import httpx
import pytest
from huggingface_hub import CommitOperationAdd

from hub_world import Hub
from lockgate.dialects.huggingface.ignoring import RULES_MAX, Ignoring
from lockgate.dialects.huggingface.preuploads import INLINE_BYTES_MAX
from lockgate.dialects.huggingface.unchanged import Ids
from lockgate.errors import LimitExceeded

FILES = {"config.json": b"{}", "empty": b"", "sub/weights.bin": bytes(range(256)) * 40}


def commits_asked(hub: Hub) -> int:
    """Return how many commits were asked for since the wire was looked at."""
    return sum(1 for _, path, _ in hub.wire.seen if "/commit/" in path)


@pytest.mark.parametrize("xet", ["0", "1"])
def test_what_is_here_already_is_not_sent_again(hub: Hub, xet: str) -> None:
    """The second upload of a folder asks and sends nothing, whichever way the client goes."""
    repo = f"default/still-{xet}"
    folder = hub.folder("still", FILES)
    script = f"""
from huggingface_hub import create_repo, upload_folder
create_repo({repo!r}, exist_ok=True)
print('"' + upload_folder(repo_id={repo!r}, folder_path={str(folder)!r}).oid + '"')
"""
    first = hub.run(script, HF_HUB_DISABLE_XET=xet)
    hub.wire.seen.clear()
    assert hub.run(script, HF_HUB_DISABLE_XET=xet) == first
    assert any("/preupload/" in path for _, path, _ in hub.wire.seen)
    assert commits_asked(hub) == 0


def test_what_changed_is_sent(hub: Hub) -> None:
    """A file of the same size and beginning that is another one is sent, and so is a moved one."""
    repo = "default/changed"
    hub.api.create_repo(repo)
    hub.api.upload_folder(repo_id=repo, folder_path=hub.folder("changed", FILES))
    changed = {**FILES, "sub/weights.bin": FILES["sub/weights.bin"][:-1] + b"!"}
    hub.api.upload_folder(repo_id=repo, folder_path=hub.folder("changed", changed))
    path = hub.api.hf_hub_download(repo, "sub/weights.bin", cache_dir=hub.home / "changed-cache")
    assert Path(path).read_bytes() == changed["sub/weights.bin"]
    operation = CommitOperationAdd("weights.bin", changed["sub/weights.bin"])
    hub.api.create_commit(repo, [operation], commit_message="Elsewhere")
    assert sorted([*FILES, "weights.bin"]) == sorted(hub.api.list_repo_files(repo))


def test_a_label_starts_with_nothing(hub: Hub) -> None:
    """What the latest version has is sent all the same for a version of another label."""
    repo = "default/anew"
    hub.api.create_repo(repo)
    folder = hub.folder("anew", FILES)
    hub.api.upload_folder(repo_id=repo, folder_path=folder)
    hub.api.upload_folder(repo_id=repo, folder_path=folder, revision="2.0")
    assert sorted(FILES) == sorted(hub.api.list_repo_files(repo, revision="2.0"))


def asked(hub: Hub, model: str, *files: dict[str, Any], **body: Any) -> httpx.Response:
    """Ask as a client of version 1 does how files are to be sent."""
    return httpx.post(
        f"{hub.endpoint}/api/models/default/{model}/preupload/main",
        json={"files": files, **body},
        headers={"User-Agent": "hf_hub/1.9.0"},
    )


def test_ids_of_what_is_here(hub: Hub) -> None:
    """Git's id for what comes within the commit, SHA-256 for LFS, none for what must differ."""
    data = FILES["sub/weights.bin"]
    hub.push("ids", "1", {"w": data, "large": bytes(INLINE_BYTES_MAX + 1)})
    sample = base64.b64encode(data[:512]).decode()
    other = base64.b64encode(b"other").decode()
    files = [
        {"path": "w", "size": len(data), "sample": sample},
        {"path": "w", "size": len(data), "sample": other},
        {"path": "w", "size": len(data) + 1, "sample": sample},
        {"path": "new", "size": len(data), "sample": sample},
        {"path": "large", "size": INLINE_BYTES_MAX + 1},
    ]
    git = hashlib.sha1(f"blob {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()
    sha256 = hashlib.sha256(bytes(INLINE_BYTES_MAX + 1)).hexdigest()
    observed = [file["oid"] for file in asked(hub, "ids", *files).json()["files"]]
    assert observed == [git, None, None, None, sha256]


def test_ids_are_made_while_a_client_waits(hub: Hub) -> None:
    """What would take too long to hash is told no id: by its bytes, all of them, or by time."""
    hub.push("patience", "1", {"a": b"aaaa", "b": b"bbbb", "empty": b""})
    a, b, empty = hub.registry.manifest("patience:1").files
    git = hashlib.sha1(b"blob 4\0aaaa", usedforsecurity=False).hexdigest()
    ids = Ids(hub.registry.depot, bytes_max=7)
    assert [ids.find(a, b"a"), ids.find(a, b"b"), ids.find(b, b"b")] == [git, None, None]
    assert ids.find(empty, b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert Ids(hub.registry.depot, s_max=0).find(a, b"a") is None


@pytest.mark.parametrize(
    ("files", "body"),
    [
        ([{"path": "w", "size": 1, "sample": "*"}], {}),
        ([{"path": "w", "size": 1, "sample": 1}], {}),
        ([{"path": "w", "size": "1"}], {}),
        ([], {"gitIgnore": 1}),
    ],
    ids=range(4),
)
def test_a_malformed_question_is_400(hub: Hub, files: Any, body: dict[str, Any]) -> None:
    """Samples are base64, sizes are numbers, a .gitignore is text."""
    if not hub.api.repo_exists("default/askew"):
        hub.api.create_repo("default/askew")
    answer = asked(hub, "askew", *files, **body)
    assert answer.status_code == 400, answer.text


def test_what_gitignore_names_is_not_sent(hub: Hub) -> None:
    """The .gitignore of a commit counts, else that of the repository."""
    repo = "default/ignore"
    hub.api.create_repo(repo)
    secret = {"keep.txt": b"keep", ".env": b"SECRET=1", "cache/a": b"a", "sub/cache/b": b"b"}
    folder = hub.folder("ignore", {**secret, ".gitignore": b".env\ncache/\n"})
    hub.api.upload_folder(repo_id=repo, folder_path=folder)
    assert sorted(hub.api.list_repo_files(repo)) == [".gitignore", "keep.txt"]
    hub.api.upload_folder(repo_id=repo, folder_path=hub.folder("ignore-later", secret))
    assert sorted(hub.api.list_repo_files(repo)) == [".gitignore", "keep.txt"]


@pytest.mark.parametrize(
    ("text", "left_out", "kept"),
    [
        ("", [], ["a", "sub/a"]),
        ("# a\n\n   \n/\n!\n", [], ["a", "# a"]),
        ("a\n", ["a", "sub/a", "a/deep/b"], ["ab", "sub/b"]),
        ("/a\n", ["a", "a/b"], ["sub/a"]),
        ("sub/a\n", ["sub/a", "sub/a/b"], ["a", "x/sub/a"]),
        ("a/\n", ["a/b", "sub/a/b"], ["a", "sub/a"]),
        ("*.log\n!keep.log\n", ["x.log", "sub/y.log"], ["keep.log", "sub/keep.log", "log"]),
        ("sub/*\n!sub/a\n", ["sub/b", "sub/c/a"], ["sub/a"]),
        ("sub\n!sub/a\n", ["sub/a", "sub/b"], ["a"]),
        ("!keep.log\n*.log\n", ["keep.log"], []),
        ("a?c\n", ["abc"], ["ac", "a/c"]),
        ("a[bc]d\na[!x]e\n", ["abd", "acd", "aye"], ["aad", "axe"]),
        ("**/a\n", ["a", "x/a", "x/y/a"], ["b"]),
        ("a/**\n", ["a/b", "a/b/c"], ["a", "x/a/b"]),
        ("a/**/z\n", ["a/z", "a/b/z", "a/b/c/z"], ["z", "a/zz"]),
        ("a/*/z\n", ["a/b/z"], ["a/z", "a/b/c/z"]),
        ("\\#a\n\\!b\n", ["#a", "!b"], ["a", "b"]),
        ("a\\*\n", ["a*"], ["ab"]),
        ("a  \n", ["a"], ["a  "]),
        ("A\n", ["A"], ["a"]),
    ],
)
def test_gitignore_is_read_as_git_reads_it(text: str, left_out: list[str], kept: list[str]) -> None:
    """Comments, folders, anchors, wildcards, exceptions: what git leaves out is left out."""
    ignoring = Ignoring(text)
    assert left_out == [path for path in [*left_out, *kept] if ignoring.leaves_out(path)]


def test_a_gitignore_has_a_limit() -> None:
    """A file of more rules than anybody writes is refused."""
    with pytest.raises(LimitExceeded):
        Ignoring("a\n" * (RULES_MAX + 1))
