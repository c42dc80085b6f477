"""Load (lines 48 and 49): too much has an end, and a full disk leaves nothing half done."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from access_world import Access
from attacked import CHURN, FIRST, V1, Target, a_target, peak_bytes, read_answer
from lockgate.artifacts.pushing import hash_tree
from lockgate.artifacts.store import blob_digest
from lockgate.dialects import dialects_named
from lockgate.domain.names import Limits
from lockgate.http.app import build_app
from lockgate.http.connections import ConnectionLimits
from lockgate.settings import Settings
from lockgate.wire.frames import BATCH_BYTES_MAX, pack_blobs
from registries import running

BLOBS = {"Content-Type": "application/vnd.lockgate.blobs"}
MPU = "/api/2.0/mlflow-artifacts/mpu/create"
LFS = "/hf/risk/churn.git/info/lfs/objects/batch"
UPLOADS_MAX = 20


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server that waits for nobody for long."""
    quick = ConnectionLimits(connections_max=40, head_s=0.5, stall_s=0.5)
    with a_target(tmp_path_factory.mktemp("impatient"), quick, silence_s=0.5) as made:
        yield made


def test_48_bodies_too_large(target: Target) -> None:
    """Line 48: what is larger than a limit is refused when announced, or when it gets there."""
    before = peak_bytes()
    large, broken = (413, "limit_exceeded"), (400, "invalid_input")
    with target.unharmed():
        for path, kind, most, refused in (
            ("/projects", "application/json", 4_000_000, large),
            # That these spaces are no blob shows before there are too many of them.
            ("/artifacts/blobs", BLOBS["Content-Type"], BATCH_BYTES_MAX, broken),
        ):
            head = f"POST {V1}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
            announced = head + f"Content-Length: {most + 1}\r\n\r\n"
            assert target.raw(announced.encode()).told == large
            chunked = (head + "Transfer-Encoding: chunked\r\n\r\n").encode()
            piece = b"100000\r\n" + b" " * 2**20 + b"\r\n"
            # The server hangs up on what it does not read. When that meets pieces on their way,
            # the system resets the connection, and may drop the answer before we read it.
            assert target.raw(chunked, *[piece] * 80).told in (refused, (0, ""))
    assert peak_bytes() - before < 300_000_000


def test_48_many_open_uploads(impatient: Target) -> None:
    """Line 48: uploads that were begun and not ended hold a connection each, and are let go."""
    head = b"POST /api/v1/artifacts/blobs HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    head += b"Content-Type: application/vnd.lockgate.blobs\r\nContent-Length: 8000000\r\n\r\n"
    before = peak_bytes()
    with impatient.unharmed():
        held = [socket.create_connection(impatient.address, timeout=30) for _ in range(30)]
        for connection in held:
            connection.sendall(head + b"x" * 1_000)
        told = {read_answer(connection).told for connection in held}
        for connection in held:
            connection.close()
        assert told == {(408, "too_slow")}
    assert peak_bytes() - before < 200_000_000


def test_48_too_many_at_once(target: Target) -> None:
    """Line 48: more digests than a question may have are refused."""
    with target.unharmed():
        for count, status in ((1_001, 400), (50_000, 400)):
            body = {"digests": [f"blake3:{n:064x}" for n in range(count)]}
            answer = target.http.post(f"{V1}/artifacts/missing", json=body)
            assert answer.status_code == status


def test_48_uploads_begun_and_left(tmp_path: Path) -> None:
    """Line 48: who begins uploads and ends none is refused at a limit of their own, by each door.

    Nobody else is: not even who may send files to the same project.
    """
    access = Access(artifacts=str(tmp_path / "files"), limits=Limits(open_uploads_max=UPLOADS_MAX))
    access.furnish()
    app = build_app(
        access.registry,
        Settings(database="memory://"),
        dialects=dialects_named("mlflow,huggingface"),
    )

    def begin(number: int, person: str) -> tuple[int, int]:
        headers = {**access.headers(person), "X-MLFLOW-WORKSPACE": "risk"}
        parts = http.post(MPU, json={"path": f"big-{number}.bin"}, headers=headers)
        one = {"oid": f"{number:064x}", "size": 5}
        asked = {"operation": "upload", "objects": [one]}
        return parts.status_code, http.post(LFS, json=asked, headers=headers).status_code

    with running(app) as url, httpx.Client(base_url=url, trust_env=False, timeout=30) as http:
        answers = [begin(number, "contributor") for number in range(UPLOADS_MAX + 5)]
        # MLflow's clients know no 413.
        assert answers == [(200, 200)] * UPLOADS_MAX + [(400, 413)] * 5
        many = [{"oid": f"{n:064x}", "size": 5} for n in range(100, 101 + UPLOADS_MAX)]
        at_once = http.post(
            LFS, json={"operation": "upload", "objects": many}, headers=access.headers("admin")
        )
        assert (at_once.status_code, begin(99, "maintainer")) == (413, (200, 200))


def test_49_a_full_disk(target: Target, tmp_path: Path) -> None:
    """Line 49: in mid-upload and in mid-commit: 503, nothing is half there, reads go on.

    Once there is room the very same requests succeed.
    """
    out = tmp_path / "out"
    out.mkdir()
    (out / "config.json").write_bytes(b"[" + b"1," * 50_000 + b"1]")
    manifest = hash_tree(out).encoded
    data = (out / "config.json").read_bytes()
    body = b"".join(map(bytes, pack_blobs([(blob_digest(data), data)])))
    seal = {"version": "full", "manifest": "", "description": "x" * 90_000}

    def send() -> httpx.Response:
        return target.http.post(f"{V1}/artifacts/blobs", content=body, headers=BLOBS)

    with target.unharmed(), full_disk():
        refused = send()
        assert (refused.status_code, refused.json()["code"]) == (503, "blob_store_unavailable")
        assert target.http.get(f"{FIRST}/files/config.json").content == b'{"layers": 3}'
    assert send().status_code == 204
    kept = target.http.post(
        f"{V1}/artifacts/manifests",
        content=manifest,
        headers={"Content-Type": "application/vnd.lockgate.manifest+json"},
    )
    seal["manifest"] = kept.json()["digest"]
    before = target.state()
    with full_disk():
        for path, words in ((f"{CHURN}/seals", seal), (f"{V1}/projects", {"name": "full"})):
            refused = target.http.post(path, json=words)
            told = refused.json()
            assert (refused.status_code, told["code"]) == (503, "database_unavailable")
            assert "full" in told["detail"] or "I/O" in told["detail"]
        assert target.http.get(FIRST).status_code == 200
    assert target.http.get(f"{CHURN}/versions/full").status_code == 404
    assert target.http.get(f"{V1}/projects/full").status_code == 404
    assert target.http.post(f"{V1}/audit/verify", json={}).json()["ok"] is True
    assert before == target.state()
    assert target.http.post(f"{CHURN}/seals", json=seal).status_code == 201
    assert target.http.get(f"{CHURN}/versions/full/files/config.json").content == data


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow any more, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
