"""What projects are said to have goes with their last version of it, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from access_world import Access
from bare import run
from lockgate.artifacts.pushing import hash_tree
from lockgate.artifacts.store import blob_digest
from lockgate.domain.manifests import Manifest
from lockgate.registry import Registry
from lockgate.sdk.client import Client
from lockgate.services import possession
from lockgate.services.depot import Depot
from registries import Server, a_server

HELD = "SELECT digest, name FROM project_content JOIN projects ON projects.id = project_id"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with a_server() as made:
        yield made


@pytest.fixture
def access(database_url: str, tmp_path: Path) -> Iterator[Access]:
    """Everybody in every role, on a database of its own; what is deleted cannot be restored."""
    made = Access(database_url, artifacts=str(tmp_path / "store"), restore_days=0)
    with made.registry:
        yield made


def folder(tmp_path: Path, name: str, *texts: str) -> Path:
    """A folder with a small file for each text."""
    made = tmp_path / name
    made.mkdir()
    for text in texts:
        (made / f"{text}.txt").write_text(text)
    return made


def held(database_url: str, project: str = "risk") -> set[str]:
    """Return the digests that a project is said to have."""
    return {digest for digest, name in run(database_url, HELD) if name == project}


def whole(path: Path) -> set[str]:
    """Return the digests of a folder: its manifest's, and its chunks'."""
    manifest = hash_tree(path)
    return {manifest.digest, *manifest.chunk_sizes}


def lose(registry: Registry, name: str, label: str) -> None:
    """Delete a version for good."""
    registry.delete_version(name, label)
    registry.gc()


def test_what_no_version_of_a_project_needs_is_forgotten(
    access: Access, database_url: str, tmp_path: Path
) -> None:
    """A project has what its versions consist of, and no longer what those did that are gone."""
    registry = access.registry
    both = folder(tmp_path, "both", "shared", "first")
    other = folder(tmp_path, "other", "shared", "second")
    registry.push(both, "risk/churn", "1")
    registry.push(other, "risk/churn", "2")
    registry.push(both, "secret/churn", "1")
    registry.gc()
    assert (held(database_url), held(database_url, "secret")) == (
        whole(both) | whole(other), whole(both),
    )  # fmt: skip
    lose(registry, "risk/churn", "1")
    # Its bytes are here still, of another project: this one has them no more.
    assert (held(database_url), held(database_url, "secret")) == (whole(other), whole(both))
    lose(registry, "risk/churn", "2")
    assert (held(database_url), held(database_url, "secret")) == (set(), whole(both))
    assert registry.verify_artifacts().ok


def test_what_can_be_restored_is_had(database_url: str, tmp_path: Path) -> None:
    """A deleted version keeps what it consists of for as long as it can come back."""
    path = folder(tmp_path, "a", "first")
    patient = Access(database_url, artifacts=str(tmp_path / "store"), restore_days=1)
    with patient.registry as registry:
        registry.push(path, "risk/churn", "1")
        lose(registry, "risk/churn", "1")
        assert held(database_url) == whole(path)
        assert registry.restore_version("risk/churn", "1").digest == hash_tree(path).digest


def test_a_push_that_counted_on_it_sends_it(
    access: Access, server: Server, database_url: str, tmp_path: Path
) -> None:
    """Between asking and naming, gc forgets: what was not sent is sent then, and nothing lacks."""
    registry = access.registry
    path = folder(tmp_path, "a", "first", "second")
    registry.push(path, "risk/churn", "1")
    registry.push(path, "secret/churn", "1")
    told: list[int] = []

    class Losing(Client):
        """A client whose first question is answered before gc runs, and whose push goes on."""

        def seal(self, *words: object, **named: object) -> object:
            if not told:
                lose(registry, "risk/churn", "1")
                assert held(database_url) == set()
            told.append(1)
            return super().seal(*words, **named)  # type: ignore[arg-type]

    sent: list[int] = []
    with (
        server.serving(registry),
        Losing(server.url, token=access.tokens["contributor"], cache=tmp_path / "c") as client,
    ):
        made = client.push(
            path, "risk/other", "1", progress=lambda each: sent.append(each.bytes_sent)
        )
        client.pull("risk/other:1", tmp_path / "back")
    assert (made.digest, sent[-1]) == (hash_tree(path).digest, len("firstsecond"))
    assert held(database_url) == whole(path)
    assert registry.verify_artifacts().ok


class Late(Depot):
    """A depot that does something when gc reads a manifest for the second time."""

    def __init__(self, depot: Depot, do: Callable[[], object]) -> None:
        super().__init__(lambda: depot.blobs, depot.rules)
        # The first time to see what has to stay in the store, the second what the project has.
        self._rounds = [lambda: None, do]

    def manifest(self, digest: str) -> Manifest:
        """Return a manifest, and do what is due."""
        found = super().manifest(digest)
        if self._rounds:
            self._rounds.pop(0)()
        return found


def test_a_version_sealed_meanwhile_keeps_its_own(
    access: Access, database_url: str, tmp_path: Path
) -> None:
    """What is sealed after gc has looked and before it forgets is not forgotten."""
    registry = access.registry
    path, other = folder(tmp_path, "a", "first", "second"), folder(tmp_path, "b", "third")
    registry.push(path, "risk/churn", "1")
    registry.push(other, "risk/churn", "2")
    depot, sealed = registry.depot, []
    access.store.depot = Late(
        depot, lambda: sealed.append(registry.push(path, "risk/churn", "3").digest)
    )
    lose(registry, "risk/churn", "1")
    access.store.depot = depot
    assert sealed == [hash_tree(path).digest]
    assert held(database_url) == whole(path) | whole(other)
    assert registry.verify_artifacts().ok


def test_what_was_sent_long_ago_is_forgotten(database_url: str, tmp_path: Path) -> None:
    """Who sent something has it for a week; gc forgets it then, though nobody sends any more."""
    access = Access(database_url, artifacts=str(tmp_path / "store"))
    data = b"never named"
    with access.registry as registry:
        access.as_("contributor").put_blobs([(blob_digest(data), data)])
        count = "SELECT count(*) FROM sent_content"
        registry.gc()
        assert run(database_url, count) == [(1,)]
        run(database_url, f"UPDATE sent_content SET at = at - {possession.KEPT_US + 1_000_000}")
        registry.gc()
        assert run(database_url, count) == [(0,)]
