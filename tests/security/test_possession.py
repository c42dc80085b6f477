"""Bytes that are kept once for everybody are whose they are: a digest alone opens nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from access_world import ROOT, STRANGER, Access
from attacked import told
from lockgate.artifacts.store import blob_digest
from lockgate.domain.access import Actor
from lockgate.domain.manifests import Manifest
from lockgate.keys import new_key
from lockgate.registry.desk import store_of
from lockgate.sdk.client import Client
from lockgate.services.checkpointing import verifier_of
from lockgate.services.portable import describe
from lockgate.storage.store import Caller
from lockgate.wire.frames import pack_blobs
from registries import Server, a_server, embedded

V1 = "/api/v1"
ARTIFACTS = f"{V1}/artifacts"
SEALS = f"{V1}/projects/secret/models/mine/seals"
BLOBS = {"Content-Type": "application/vnd.lockgate.blobs"}
MANIFEST = {"Content-Type": "application/vnd.lockgate.manifest+json"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with a_server() as made:
        yield made


@pytest.fixture
def access(server: Server, tmp_path: Path) -> Iterator[Access]:
    """Everybody in every role; the files of risk/churn 1 are nobody's business elsewhere."""
    made = Access(artifacts=str(tmp_path / "files"))
    made.furnish(tmp_path, files=True)
    with server.serving(made.registry):
        yield made


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
        yield client


def secret_of(access: Access) -> Manifest:
    """Return what only those who see risk should be able to have."""
    return access.registry.manifest("risk/churn:1")


def test_what_is_here_is_told_to_nobody_else(access: Access, http: httpx.Client) -> None:
    """Who asks about a chunk of others is told what is told of one that is nowhere."""
    there = list(secret_of(access).chunk_sizes)
    nowhere = "blake3:" + "0" * 64
    eve, ours = access.headers(STRANGER), access.headers("contributor")
    body = {"digests": [*there, nowhere]}
    for headers, expected in ((eve, [*there, nowhere]), (ours, [nowhere])):
        answer = http.post(f"{ARTIFACTS}/missing", json=body, headers=headers)
        assert sorted(expected) == answer.json()["missing"]


def test_a_known_digest_is_no_file(access: Access, http: httpx.Client) -> None:
    """Who knows the digest of a version, or all of its manifest, gets none of its bytes by it."""
    manifest, eve = secret_of(access), access.headers(STRANGER)
    seal = {"manifest": manifest.digest}
    unseen = http.post(SEALS, json=seal, headers=eve)
    absent = http.post(SEALS, json={"manifest": "sha256:" + "0" * 64}, headers=eve)
    assert told(unseen) == told(absent) == (404, "blob_not_found")
    assert unseen.json().keys() == absent.json().keys()
    kept = http.post(
        f"{ARTIFACTS}/manifests", content=manifest.encoded, headers={**eve, **MANIFEST}
    )
    assert kept.status_code == 200
    named = http.post(SEALS, json=seal, headers=eve)
    assert (*told(named), named.json()["missing"]) == (
        404, "blob_not_found", sorted(manifest.chunk_sizes)
    )  # fmt: skip
    sent = b"".join(map(bytes, pack_blobs([(next(iter(manifest.chunk_sizes)), b'{"a": 1}')])))
    assert http.post(f"{ARTIFACTS}/blobs", content=sent, headers={**eve, **BLOBS}).is_success
    # Who sends the bytes has them, and what they make of them is theirs.
    assert http.post(SEALS, json=seal, headers=eve).status_code == 201


def test_nobody_has_what_another_sent(access: Access, http: httpx.Client) -> None:
    """What one has sent and not yet named is no more to others than what is nowhere."""
    data = b"on its way"
    digest = blob_digest(data)
    body = b"".join(map(bytes, pack_blobs([(digest, data)])))
    contributor = access.headers("contributor")
    assert http.post(
        f"{ARTIFACTS}/blobs", content=body, headers={**contributor, **BLOBS}
    ).is_success
    found = {}
    for person in (STRANGER, "maintainer", "contributor"):
        answer = http.post(
            f"{ARTIFACTS}/missing", json={"digests": [digest]}, headers=access.headers(person)
        )
        found[person] = answer.json()["missing"]
    assert found == {STRANGER: [digest], "maintainer": [digest], "contributor": []}


def test_a_bundle_brings_its_own_bytes(access: Access, server: Server, tmp_path: Path) -> None:
    """A bundle's words, taken apart and signed anew, open no files that are here."""
    store = store_of(access.registry)
    version = access.registry.get_version("risk/churn", "1")
    key = new_key()
    head = describe(
        store, access.registry.depot, Caller(actor=Actor("operator")), version, lambda: key
    )
    trusted = [str(verifier_of("risk", key))]
    eve = http_of(server, access, STRANGER)
    body = {"index": head.index, "note": head.note, "trust": trusted}
    answer = eve.post(f"{V1}/projects/secret/bundles", json=body)
    assert told(answer) == (404, "blob_not_found")
    eve.close()


def http_of(server: Server, access: Access, person: str) -> httpx.Client:
    """Return a client of somebody's."""
    headers = access.headers(person)
    return httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=30)


def test_pushing_is_what_it_was(access: Access, server: Server, tmp_path: Path) -> None:
    """Our client sends what it must: nothing again within a project, all of it to a stranger's."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "weights.json").write_text('{"a": 1}')
    sent = {}
    for person, name in (
        ("contributor", "risk/other"), (STRANGER, "secret/mine"), (ROOT, "default/mine"),
    ):  # fmt: skip
        with Client(server.url, token=access.tokens[person]) as client:
            made = client.push(out, name, "1", progress=lambda told: sent.update(last=told))
            assert made.digest == secret_of(access).digest
            sent[person] = sent.pop("last").bytes_sent
    assert sent == {"contributor": 0, STRANGER: 8, ROOT: 0}


def test_without_access_control_everything_is_everybodys(server: Server, tmp_path: Path) -> None:
    """Before access control is on nobody is asked, and nothing is written down."""
    registry = embedded(artifacts=str(tmp_path / "files"))
    (tmp_path / "a.json").write_text("{}")
    made = registry.push(tmp_path / "a.json", "churn", "1")
    with server.serving(registry), Client(server.url, actor="eve") as client:
        assert client.missing(list(registry.manifest("churn:1").chunk_sizes)) == set()
        assert client.seal("other", made.digest or "").digest == made.digest
