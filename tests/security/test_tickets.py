"""A ticket to send a file by ends with the rights of whoever opened it, and of their token."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from access_world import Access
from lockgate.dialects import dialects_named
from lockgate.domain.access import Actor
from lockgate.errors import NotFound
from lockgate.http.app import build_app
from lockgate.registry.desk import store_of
from lockgate.services.tokens import make_first_administrator
from lockgate.settings import Settings
from lockgate.storage.store import Caller
from registries import Server, embedded, running

LFS = "/hf/risk/churn.git/info/lfs/objects/batch"
DATA = b"large"
HASH = hashlib.sha256(DATA).hexdigest()
LOSSES: dict[str, Callable[[Access], object]] = {
    "the member is removed": lambda it: it.registry.remove_member("contributor", project="risk"),
    "the role is taken": lambda it: it.registry.set_member(
        "contributor", ["viewer"], project="risk"
    ),
    "the account is disabled": lambda it: it.registry.disable_account("contributor"),
    "the token is revoked": lambda it: it.registry.revoke_token(it.ids["contributor"]),
    "the model is deleted": lambda it: it.registry.delete_model("risk/churn", force=True),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that speaks to clients of Hugging Face."""
    app = build_app(
        embedded(), Settings(database="memory://"), dialects=dialects_named("huggingface")
    )
    with running(app) as url:
        yield Server(app, url)


@pytest.fixture
def access(database_url: str, server: Server, tmp_path: Path) -> Iterator[Access]:
    """Everybody in every role; the model has versions and no files."""
    made = Access(database_url, artifacts=str(tmp_path / "files"))
    made.furnish()
    with made.registry, server.serving(made.registry):
        yield made


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
        yield client


def ticket_of(http: httpx.Client, access: Access) -> str:
    """Open an upload as a contributor; return the path that takes the file."""
    asked = {"operation": "upload", "objects": [{"oid": HASH, "size": len(DATA)}]}
    answer = http.post(LFS, json=asked, headers=access.headers("contributor"))
    assert answer.status_code == 200, answer.text
    [told] = answer.json()["objects"]
    return urlsplit(told["actions"]["upload"]["href"]).path


def stored(access: Access) -> list[str]:
    """Return the names of all that is in the store."""
    blobs = access.registry.depot.blobs
    return [item.name for item in (*blobs.list_blobs(), *blobs.list_manifests())]


def test_a_good_ticket(http: httpx.Client, access: Access) -> None:
    """So that what the next tests see refused is refused for the loss of a right."""
    assert http.put(ticket_of(http, access), content=DATA).status_code == 200
    assert len(stored(access)) == 2


@pytest.mark.parametrize("loss", LOSSES)
def test_a_right_lost_before_the_file_comes(http: httpx.Client, access: Access, loss: str) -> None:
    """The file is refused as for a ticket that never was, and nothing of it is kept."""
    path = ticket_of(http, access)
    LOSSES[loss](access)
    refused = http.put(path, content=DATA)
    unknown = http.put(path[:-1] + ("a" if path[-1] != "a" else "b"), content=DATA)
    assert (refused.status_code, refused.text) == (404, unknown.text)
    assert stored(access) == []


@pytest.mark.parametrize("loss", LOSSES)
def test_a_right_lost_while_the_file_comes(access: Access, tmp_path: Path, loss: str) -> None:
    """No model has the file; what came of it is nobody's, and goes with the next sweep."""
    [ticket] = access.as_("contributor").uploads.open("risk", "churn", [(HASH, len(DATA))])
    assert ticket is not None
    assert access.registry.uploads.expected(ticket).size == len(DATA)
    LOSSES[loss](access)
    body = tmp_path / "body"
    body.write_bytes(DATA)
    with pytest.raises(NotFound, match="may no longer send files"):
        access.registry.uploads.receive(ticket, body)
    if loss == "the model is deleted":
        access.registry.restore_model("risk/churn")
    assert access.registry.uploads.find("risk", "churn", HASH) is None


def test_a_ticket_from_before_access_control(
    server: Server, http: httpx.Client, tmp_path: Path
) -> None:
    """What nobody in particular opened ends when access control begins."""
    registry = embedded(artifacts=str(tmp_path / "open"))
    registry.create_project("risk")
    registry.create_model("risk/churn")
    with server.serving(registry):
        asked = {"operation": "upload", "objects": [{"oid": HASH, "size": len(DATA)}]}
        [told] = http.post(LFS, json=asked).json()["objects"]
        path = urlsplit(told["actions"]["upload"]["href"]).path
        make_first_administrator(store_of(registry), Caller(actor=Actor("operator")), "root")
        assert http.put(path, content=DATA).status_code == 404
