"""What the hub has and we have not: every call is refused by a sentence that says what there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from hub_world import Hub

REPO = "default/lacking"
CALLS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "branch": (lambda api: api.delete_branch(REPO, branch="x"), "`lockgate alias set`"),
    "tag": (lambda api: api.create_tag(REPO, tag="x"), "`lockgate alias set`"),
    "settings": (lambda api: api.update_repo_settings(REPO, private=True), "`lockgate model"),
    "squash": (lambda api: api.super_squash_history(REPO), "versions stay as they are"),
    "discussions": (lambda api: list(api.get_repo_discussions(REPO)), "`lockgate promote`"),
    "pull request": (lambda api: api.create_pull_request(REPO, "t"), "`lockgate promote`"),
    "duplicate": (lambda api: api.duplicate_repo(REPO, "default/two"), "`lockgate bundle export`"),
    "large files": (lambda api: list(api.list_lfs_files(REPO)), "`lockgate gc`"),
    "access": (lambda api: list(api.list_pending_access_requests(REPO)), "`lockgate member`"),
    "metadata": (lambda api: api.get_sharded_safetensors_metadata(REPO), "reads it from the files"),
    "likes": (lambda api: api.unlike(REPO), "nobody counts"),
    "datasets": (lambda api: list(api.list_datasets()), "it keeps models"),
    "spaces": (lambda api: api.pause_space(REPO), "it keeps models"),
    "buckets": (lambda api: api.create_bucket(REPO), "it keeps models"),
    "jobs": (lambda api: api.run_job(image="i", command=["x"]), "it keeps models"),
    "webhooks": (lambda api: api.list_webhooks(), "`lockgate webhook add`"),
    "users": (lambda api: api.get_user_overview("ana"), "`hf auth whoami`"),
    "organizations": (lambda api: api.get_organization_overview("x"), "`lockgate project list`"),
    "repositories": (lambda api: list(api.list_user_repos()), "`hf models ls`"),
}


@pytest.mark.parametrize("what", CALLS)
def test_what_we_have_not_is_refused_with_advice(hub: Hub, what: str) -> None:
    """The client raises one sentence, once, that names what there is instead."""
    if not hub.api.repo_exists(REPO):
        hub.registry.create_model("lacking")
    call, advice = CALLS[what]
    with pytest.raises(HfHubHTTPError) as refused:
        call(hub.api)
    assert str(refused.value).count(advice) == 1, str(refused.value)
    assert "Lockgate" in str(refused.value)


@pytest.mark.parametrize("kind", ["dataset", "space"])
def test_there_is_no_repository_of_another_kind(hub: Hub, kind: str) -> None:
    """A client that asks for a dataset or a Space learns that there is none."""
    assert not hub.api.repo_exists("default/any", repo_type=kind)
    with pytest.raises(RepositoryNotFoundError, match="it keeps models"):
        hf_hub_download("default/any", "a", repo_type=kind, endpoint=hub.endpoint)


def test_a_model_may_be_called_like_what_we_have_not(hub: Hub) -> None:
    """A model named like a word of the hub's own paths is a model like any other."""
    for name in ("tag", "like", "discussions"):
        hub.registry.create_model(name)
        assert hub.api.model_info(f"default/{name}").id == f"default/{name}"
        assert hub.api.list_repo_files(f"default/{name}") == []
