"""What servers of models ask of a hub when they load one, asked here by the same client.

The servers themselves want a GPU. Each function asks what one of them asks, in its order: vLLM and
TGI's launcher in Rust as their sources have it, the others as far as it could be learned; see
docs/how-to/serve.md.
"""

from __future__ import annotations

import fnmatch
import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from huggingface_hub import (
    _CACHED_NO_EXIST,
    HfApi,
    HfFileSystem,
    snapshot_download,
    try_to_load_from_cache,
)
from huggingface_hub.errors import EntryNotFoundError

from hub_world import CONFIG, Hub, contents
from lockgate.dialects.huggingface.snapshots import commit_of

REPO = "default/served"
INDEX = "model.safetensors.index.json"


def tensor(name: str, value: int = 0) -> bytes:
    """A safetensors file with one tensor of eight bytes."""
    header = json.dumps({name: {"dtype": "U8", "shape": [8], "data_offsets": [0, 8]}}).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + bytes([value]) * 8


def weights(value: int) -> bytes:
    """Weights that differ."""
    return tensor("w", value)


FILES = {
    "config.json": json.dumps(CONFIG).encode(),
    "generation_config.json": b"{}",
    "tokenizer.json": b"{}",
    "model-00001-of-00002.safetensors": weights(1),
    "model-00002-of-00002.safetensors": weights(2),
    "original/consolidated.safetensors": weights(3),
    "README.md": b"# Served\n",
}


@pytest.fixture(scope="module")
def commit(hub: Hub) -> str:
    """The commit of a version in production; a later one is not."""
    hub.push("served", "1.0.0", FILES)
    hub.push("served", "2.0.0", {"config.json": b"{}", "model.safetensors": weights(4)})
    for _ in range(2):
        hub.registry.promote("served", "1.0.0")
    return commit_of(hub.registry.get_version("served", "1.0.0"))


def test_vllm_and_sglang(hub: Hub, commit: str, cache: Path) -> None:
    """The revision is resolved once; a listing decides which weights are fetched, and how."""
    api = HfApi(hub.endpoint, token="hf_x", library_name="vllm", library_version="0.11.0")
    revision = api.resolve_revision(REPO, revision="production", cache_dir=cache)
    assert (str(revision), revision.resolved) == ("production", commit)
    assert sorted(FILES) == sorted(api.list_repo_files(REPO, revision=revision))
    assert api.file_exists(REPO, "config.json", revision=revision)
    assert not api.file_exists(REPO, "params.json", revision=revision)
    files = HfFileSystem(endpoint=hub.endpoint, token="hf_x", skip_instance_cache=True)
    for asked in (revision, "production", commit):
        listed = files.ls(REPO, detail=False, revision=asked)
        found = fnmatch.filter(listed, "*.safetensors")
        assert len(found) == 2, listed
    hub.wire.seen.clear()
    for patterns in (["*.safetensors"], "*.json"):
        folder = api.snapshot_download(
            REPO,
            allow_patterns=patterns,
            ignore_patterns=["original/*"],
            revision=revision,
            cache_dir=cache,
        )
    wanted = {path for path in FILES if path.endswith((".safetensors", ".json"))}
    wanted -= {"original/consolidated.safetensors"}
    assert set(contents(folder)) == wanted
    with pytest.raises(EntryNotFoundError):
        api.hf_hub_download(REPO, INDEX, revision=revision, cache_dir=cache)
    told = api.get_safetensors_metadata(REPO, revision="2.0.0")
    assert told.parameter_count == {"U8": 8}


def test_shards_by_their_index(hub: Hub) -> None:
    """The metadata of shards is read by the index that names them, with ranges of each file."""
    shards = {f"model-0000{n}-of-00002.safetensors": tensor(f"w{n}") for n in (1, 2)}
    index = {"metadata": {"total_size": 16}, "weight_map": {}}
    index["weight_map"] = {f"w{n}": name for n, name in enumerate(shards, 1)}
    hub.push("sharded", "1", {**shards, INDEX: json.dumps(index).encode()})
    script = """
import json
from huggingface_hub import HfApi
told = HfApi().get_safetensors_metadata("default/sharded", revision="1")
print(json.dumps([told.sharded, told.parameter_count, sorted(told.weight_map)]))
"""
    assert hub.run(script) == [True, {"U8": 16}, ["w1", "w2"]]


def test_what_is_not_there_is_remembered(hub: Hub, commit: str, cache: Path) -> None:
    """Loaders try files that few models have: the client keeps in its cache that there are none."""
    for name in ("adapter_config.json", "chat_template.jinja"):
        for revision in ("production", commit):
            with pytest.raises(EntryNotFoundError):
                hub.api.hf_hub_download(REPO, name, revision=revision, cache_dir=cache)
        kept = try_to_load_from_cache(REPO, name, cache_dir=cache, revision="production")
        assert kept is _CACHED_NO_EXIST


def test_text_generation_inference(hub: Hub, commit: str, cache: Path) -> None:
    """Siblings with an extension are fetched one by one, and found again in the cache."""
    info = hub.api.model_info(REPO, revision="production")
    assert info.sha == commit
    names = [
        each.rfilename
        for each in info.siblings or ()
        if each.rfilename.endswith(".safetensors") and "/" not in each.rfilename
    ]
    assert len(names) == 2
    for name in names:
        hub.api.hf_hub_download(REPO, name, revision="production", cache_dir=cache)
        kept = try_to_load_from_cache(REPO, name, cache_dir=cache, revision="production")
        assert isinstance(kept, str)
        assert Path(kept).read_bytes() == FILES[name]


def test_the_client_in_rust(hub: Hub, commit: str) -> None:
    """Its first byte tells everything: the commit, the entity tag, and the size by its range."""
    headers = {"Authorization": "Bearer hf_x", "User-Agent": "unkown/None; hf-hub/0.4.3; rust/x"}
    with httpx.Client(headers=headers, trust_env=False, follow_redirects=True) as http:
        told = http.get(f"{hub.endpoint}/api/models/{REPO}/revision/production").json()
        assert (told["sha"], {"rfilename": "config.json"} in told["siblings"]) == (commit, True)
        for name, content in FILES.items():
            url = f"{hub.endpoint}/{REPO}/resolve/production/{name}"
            first = http.get(url, headers={"Range": "bytes=0-0"})
            assert (first.status_code, first.content) == (206, content[:1])
            assert first.headers["x-repo-commit"] == commit
            assert len(first.headers["x-linked-etag"].strip('"')) == 64
            size = int(first.headers["content-range"].split("/")[1])
            assert size == len(content)
            rest = http.get(url, headers={"Range": f"bytes=0-{size - 1}"})
            assert rest.content == content
            assert first.url.host == rest.url.host


def test_bentoml(hub: Hub, commit: str, cache: Path) -> None:
    """The stage is resolved to a commit when the Bento is built, and that is what is fetched."""
    url = f"{hub.endpoint}/api/models/{REPO}/revision/production"
    built = httpx.get(url, trust_env=False).json()["sha"]
    assert built == commit
    folder = snapshot_download(REPO, revision=built, endpoint=hub.endpoint, cache_dir=cache)
    assert contents(folder) == dict(sorted(FILES.items()))


def ran(hub: Hub, *words: str) -> Any:
    """Run the hub's own program."""
    program = Path(sys.executable).with_name("hf")
    told = subprocess.run(
        [str(program), *words],
        env={
            "PATH": str(program.parent),
            "HF_ENDPOINT": hub.endpoint,
            "HF_HOME": str(hub.home / "program"),
            "HF_TOKEN": "hf_anybody",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "NO_PROXY": "*",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    return told.stdout


def test_the_hubs_program(hub: Hub, commit: str, tmp_path: Path) -> None:
    """``hf``: who asks, a download of a stage, and an upload that makes the next version."""
    assert "ana" in ran(hub, "auth", "whoami")
    ran(hub, "download", REPO, "--revision", "production", "--local-dir", str(tmp_path / "got"))
    assert contents(tmp_path / "got") == dict(sorted(FILES.items()))
    ran(hub, "upload", REPO, str(tmp_path / "got"), ".", "--delete", "model.safetensors")
    first, latest = hub.registry.get_version("served", "1.0.0"), hub.registry.get_latest("served")
    assert (latest.seq, latest.digest) == (3, first.digest)
    ran(hub, "upload", REPO, str(tmp_path / "got"), ".", "--revision", "1.0.1")
    assert hub.registry.get_version("served", "1.0.1").digest == first.digest
