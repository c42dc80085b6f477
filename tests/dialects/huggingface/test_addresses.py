"""The real client reads models whose names it writes in other letters, large or small."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from huggingface_hub import hf_hub_download, snapshot_download
from huggingface_hub.errors import RepositoryNotFoundError

from hub_world import Hub, contents

FILES = {"config.json": b"{}", "sub folder/w%41.bin": b"w"}


@pytest.fixture(scope="module")
def mixed(hub: Hub) -> str:
    """A model with capitals, in production."""
    hub.push("Mixed-Case", "1", FILES)
    for _ in range(2):
        hub.registry.promote("Mixed-Case", "1")
    return "default/Mixed-Case"


@pytest.mark.parametrize("name", ["default/mixed-case", "DEFAULT/MIXED-CASE", "mixed-case"])
def test_a_name_in_other_letters_leads_to_the_model(
    hub: Hub, cache: Path, mixed: str, name: str
) -> None:
    """Whatever is read is the model's that is called so, at the revision that is asked."""
    assert hub.api.model_info(name, revision="production").id == mixed
    assert sorted(hub.api.list_repo_files(name)) == sorted(FILES)
    assert [each.name for each in hub.api.list_repo_refs(name).tags] == ["1"]
    assert hub.api.file_exists(name, "sub folder/w%41.bin")
    words: dict[str, Any] = {"revision": "production", "endpoint": hub.endpoint, "cache_dir": cache}
    assert contents(snapshot_download(name, **words)) == FILES
    assert Path(hf_hub_download(name, "config.json", **words)).read_bytes() == b"{}"


def test_a_name_as_it_is_written_comes_first(hub: Hub) -> None:
    """Of models that differ by letters alone each has its own; a third spelling has none."""
    for name in ("Twin", "TWIN"):
        hub.push(name, "1", {"name": name.encode()})
        path = hub.api.hf_hub_download(f"default/{name}", "name", cache_dir=hub.home / name)
        assert Path(path).read_text() == name
    with pytest.raises(RepositoryNotFoundError, match="Model 'twin' not found"):
        hub.api.model_info("default/twin")


@pytest.mark.parametrize("name", ["default/mixed_case", "default/mixed%case", "other/mixed-case"])
def test_another_name_leads_nowhere(hub: Hub, mixed: str, name: str) -> None:
    """What stands for any letter in a pattern stands for itself in a name."""
    assert hub.api.repo_exists(mixed)
    url = f"{hub.endpoint}/api/models/{quote(name)}"
    assert httpx.get(url, follow_redirects=True).status_code == 404


def test_who_writes_calls_a_model_by_its_name(hub: Hub, mixed: str) -> None:
    """No version is made of a model by a name that is not its own."""
    with pytest.raises(RepositoryNotFoundError, match="Model 'mixed-case' not found"):
        hub.api.upload_file(
            repo_id=mixed.lower(), path_or_fileobj=b"x", path_in_repo="x", revision="2"
        )
    with pytest.raises(RepositoryNotFoundError):
        hub.api.delete_repo(mixed.lower())
    assert hub.api.repo_exists(mixed)
