"""The artifact proxy: files in one by one, listed, out in ranges, and nothing beside the tree."""

from __future__ import annotations

import os
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from lockgate.bootstrap import acting, open_store
from lockgate.dialects import dialects_named
from lockgate.http.app import build_app
from lockgate.registry import Registry
from lockgate.settings import Settings
from registries import running

ROOT = "/api/2.0/mlflow-artifacts"
LARGE = os.urandom(3 * 2**20) + bytes(2**20)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    folder = tmp_path_factory.mktemp("proxy")
    settings = Settings(database=f"sqlite:///{folder}/registry.db", artifacts=f"{folder}/files")
    return Registry(open_store(settings.database, settings), acting(settings, "ana"))


@pytest.fixture(scope="module")
def url(registry: Registry) -> Iterator[str]:
    app: FastAPI = build_app(
        registry, Settings(database="sqlite:"), dialects=dialects_named("mlflow")
    )
    with running(app) as base:
        yield base


@pytest.fixture
def web(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url + ROOT, trust_env=False, timeout=30) as client:
        yield client


def put(web: httpx.Client, path: str, data: bytes) -> None:
    answer = web.put(f"/artifacts/{path}", content=data)
    assert (answer.status_code, answer.json()) == (200, {})


def names(web: httpx.Client, folder: str) -> list[tuple[str, bool, int | None]]:
    files = web.get("/artifacts", params={"path": folder}).json()["files"]
    return [(file["path"], file["is_dir"], file.get("file_size")) for file in files]


def test_a_file_comes_back_whole_and_as_an_attachment(web: httpx.Client) -> None:
    """What was sent is what is answered, and no browser shows it."""
    put(web, "whole/model.bin", LARGE)
    answer = web.get("/artifacts/whole/model.bin")
    assert answer.content == LARGE
    told = Message()
    told["content-disposition"] = answer.headers["content-disposition"]
    assert (told.get_content_disposition(), told.get_filename()) == ("attachment", "model.bin")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "application/octet-stream"


def test_sent_again_it_takes_no_room(web: httpx.Client, registry: Registry) -> None:
    """The same bytes under another path share every chunk."""
    put(web, "twice/a.bin", LARGE)
    before = {item.name for item in registry.depot.blobs.list_blobs()}
    put(web, "twice/b.bin", LARGE)
    assert {item.name for item in registry.depot.blobs.list_blobs()} == before


def test_ranges(web: httpx.Client) -> None:
    """A range is answered with 206, one outside the file with 416, in MLflow's shape."""
    put(web, "ranges/file.txt", b"0123456789")
    answer = web.get("/artifacts/ranges/file.txt", headers={"Range": "bytes=2-4"})
    assert (answer.status_code, answer.content) == (206, b"234")
    assert answer.headers["content-range"] == "bytes 2-4/10"
    outside = web.get("/artifacts/ranges/file.txt", headers={"Range": "bytes=10-"})
    assert (outside.status_code, outside.headers["content-range"]) == (416, "bytes */10")
    assert outside.json()["error_code"] == "INVALID_PARAMETER_VALUE"


def test_folders_are_listed_level_by_level(web: httpx.Client) -> None:
    """A listing has the names in a folder, files with sizes; a file or nothing has none."""
    for path in ("tree/a/x.txt", "tree/a/y.txt", "tree/a.txt", "tree/a0", "tree/b/c/d.txt"):
        put(web, path, b"12")
    expected = [("a", True, None), ("a.txt", False, 2), ("a0", False, 2), ("b", True, None)]
    assert names(web, "tree") == expected
    assert names(web, "tree/a") == [("x.txt", False, 2), ("y.txt", False, 2)]
    assert names(web, "tree/a.txt") == names(web, "tree/absent") == []
    assert ("tree", True, None) in names(web, "")


def test_deleted_means_gone(web: httpx.Client) -> None:
    """A folder goes with all in it, and nothing beside it; deleting what is absent is fine."""
    for path in ("gone/a/x.txt", "gone/a0.txt"):
        put(web, path, b"1")
    assert web.delete("/artifacts/gone/a").status_code == 200
    assert web.delete("/artifacts/gone/a").status_code == 200
    assert names(web, "gone") == [("a0.txt", False, 1)]
    answer = web.get("/artifacts/gone/a/x.txt")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_files_and_folders_do_not_change_places(web: httpx.Client) -> None:
    """A file can neither lie in a file nor take the place of a folder."""
    put(web, "places/a", b"1")
    put(web, "places/b/c", b"1")
    for path in ("places/a/x", "places/b"):
        answer = web.put(f"/artifacts/{path}", content=b"2")
        assert (answer.status_code, answer.json()["error_code"]) == (409, "INVALID_STATE")


def test_an_empty_file(web: httpx.Client) -> None:
    """A body without a length, as clients send an empty file, is an empty file."""
    answer = web.put("/artifacts/empty/none.txt", content=iter([b""]))
    assert answer.status_code == 200
    assert names(web, "empty") == [("none.txt", False, 0)]
    assert web.get("/artifacts/empty/none.txt").content == b""


@pytest.mark.parametrize(
    "path",
    [
        "../../etc/passwd", "a/../../x", "a;/../../x", "%2e%2e/x", "..%2fx", "..%5c..%5cf",
        "%252e%252e%252fx", "%25252e%25252e/x", "/etc/passwd", "%2fetc", "C:%5cx", "C:/x", "a//b",
        "a%00b", "a%0ab", "%ff", "%c0%ae%c0%ae/x", "a/%E2%80%8Bb", "CON", "a/nul.txt", "x" * 300,
        ".lockgate/versions/x",
    ],
)  # fmt: skip
def test_no_path_leads_out(url: str, registry: Registry, path: str, tmp_path: Path) -> None:
    """Whatever is written in place of a path: a 4xx, no row, nothing on the disk, no file read."""
    (tmp_path / "x").write_bytes(b"secret")
    before = registry.loose_files.list_folder("default", "")
    for method, body in (("PUT", b"evil"), ("GET", None), ("DELETE", None)):
        answer = raw(url, method, f"{ROOT}/artifacts/{path}", body)
        assert 400 <= answer.status_code < 500, (method, answer.text)
    listed = raw(url, "GET", f"{ROOT}/artifacts?path={path}", None)
    assert 400 <= listed.status_code < 500 or listed.json() == {"files": []}
    assert registry.loose_files.list_folder("default", "") == before


def raw(url: str, method: str, target: str, body: bytes | None) -> httpx.Response:
    """Send a request whose path no client library has tidied."""
    request = httpx.Request(method, url, content=body)
    request.url = request.url.copy_with(raw_path=target.encode())
    with httpx.Client(trust_env=False) as client:
        return client.send(request)


def test_a_short_body_keeps_nothing(url: str, registry: Registry) -> None:
    """A client that breaks off in the middle leaves no file."""
    import socket

    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as line:
        head = f"PUT {ROOT}/artifacts/short.bin HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9999999"
        line.sendall(head.encode() + b"\r\n\r\n" + bytes(300_000))
    assert [
        e.name for e in registry.loose_files.list_folder("default", "") if "short" in e.name
    ] == []


def test_a_file_in_parts(web: httpx.Client, registry: Registry) -> None:
    """Parts that arrive in any order are one file in the end, and their traces go."""
    asked = {"path": "/home/ana/big.bin", "num_parts": 3}
    begun = web.post("/mpu/create/parts", json=asked, headers={"Authorization": "Bearer t"}).json()
    pieces = [LARGE[: 2**20], LARGE[2**20 : 2**21], LARGE[2**21 :]]
    done = []
    for credential, piece in reversed(list(zip(begun["credentials"], pieces, strict=True))):
        assert credential["headers"] == {"authorization": "Bearer t"}
        answer = httpx.put(credential["url"], content=piece, trust_env=False)
        done.append({"part_number": credential["part_number"], "etag": answer.headers["etag"]})
    whole = {"path": "/home/ana/big.bin", "upload_id": begun["upload_id"], "parts": done[::-1]}
    assert web.post("/mpu/complete/parts", json=whole).status_code == 200
    assert web.get("/artifacts/parts/big.bin").content == LARGE
    again = web.post("/mpu/complete/parts", json=whole)
    assert (again.status_code, again.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_parts_that_lack_or_are_aborted(web: httpx.Client) -> None:
    """A file is not made of parts that have not arrived; an aborted upload is gone."""
    begun = web.post("/mpu/create", json={"path": "f.bin", "num_parts": 2}).json()
    httpx.put(begun["credentials"][0]["url"], content=b"1", trust_env=False)
    parts = [{"part_number": 1}, {"part_number": 2}]
    whole = {"path": "f.bin", "upload_id": begun["upload_id"], "parts": parts}
    answer = web.post("/mpu/complete", json=whole)
    assert (answer.status_code, "[2] have not arrived" in answer.json()["message"]) == (400, True)
    assert web.post("/mpu/abort", json=whole).status_code == 200
    late = httpx.put(begun["credentials"][1]["url"], content=b"2", trust_env=False)
    assert late.status_code == 404
    assert web.get("/artifacts/f.bin").status_code == 404


def test_unknown_calls_are_answered_in_its_shape(web: httpx.Client) -> None:
    """What is no call of a proxy is said in MLflow's own error."""
    for method, path in (("POST", "/artifacts/x"), ("GET", "/nothing"), ("GET", "/mpu/create")):
        answer = web.request(method, path)
        assert (answer.status_code, answer.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")
    assert web.get("/presigned/x").json()["error_code"] == "NOT_IMPLEMENTED"


def test_projects_have_trees_of_their_own(web: httpx.Client, registry: Registry) -> None:
    """A workspace sees its own files and nobody else's; one that is not there is a 404."""
    registry.create_project("team")
    mine = {"X-MLFLOW-WORKSPACE": "team"}
    assert web.put("/artifacts/own/t.txt", content=b"1", headers=mine).status_code == 200
    assert web.get("/artifacts/own/t.txt", headers=mine).content == b"1"
    assert web.get("/artifacts/own/t.txt").status_code == 404
    nowhere = {"X-MLFLOW-WORKSPACE": "nowhere"}
    assert web.put("/artifacts/t.txt", content=b"1", headers=nowhere).status_code == 404


def test_gc_keeps_what_the_tree_names(web: httpx.Client, registry: Registry) -> None:
    """A sweep takes neither a file, nor the parts of one under way; it takes what was deleted."""
    put(web, "kept/file.bin", LARGE + b"kept")
    put(web, "kept/gone.bin", os.urandom(300_000))
    begun = web.post("/mpu/create/kept", json={"path": "p.bin", "num_parts": 1}).json()
    httpx.put(begun["credentials"][0]["url"], content=LARGE + b"part", trust_env=False)
    web.delete("/artifacts/kept/gone.bin")
    for item in Path(registry.depot.blobs.root).rglob("*"):  # type: ignore[attr-defined]
        os.utime(item, (0, 0))
    assert registry.gc().bytes_freed >= 300_000
    assert web.get("/artifacts/kept/file.bin").content == LARGE + b"kept"
    whole = {"path": "p.bin", "upload_id": begun["upload_id"], "parts": [{"part_number": 1}]}
    assert web.post("/mpu/complete/kept", json=whole).status_code == 200
    assert web.get("/artifacts/kept/p.bin").content == LARGE + b"part"


def test_a_version_of_a_folder_has_its_files(
    web: httpx.Client, url: str, registry: Registry, tmp_path: Path
) -> None:
    """A version whose source is a folder of the tree is sealed with its files, and keeps them."""
    put(web, "1/run/artifacts/model/MLmodel", b"flavors: {}\n")
    put(web, "1/run/artifacts/model/data/weights.bin", LARGE)
    calls = f"{url}/api/2.0/mlflow"
    source = f"{url}{ROOT}/artifacts/1/run/artifacts/model"
    httpx.post(f"{calls}/registered-models/create", json={"name": "churn"}, trust_env=False)
    body = {"name": "churn", "source": source}
    made = httpx.post(f"{calls}/model-versions/create", json=body, trust_env=False).json()
    assert made["model_version"]["source"] == source
    web.delete("/artifacts/1")
    version = registry.pull("churn:1", tmp_path / "out")
    assert version.digest is not None
    assert (tmp_path / "out/data/weights.bin").read_bytes() == LARGE
    query = {"name": "churn", "version": "1"}
    place = httpx.get(f"{calls}/model-versions/get-download-uri", params=query, trust_env=False)
    uri = place.json()["artifact_uri"]
    assert httpx.get(f"{uri}/data/weights.bin", trust_env=False).content == LARGE
    assert names(web, uri.split("/artifacts/", 1)[1]) == [
        ("MLmodel", False, 12), ("data", True, None),
    ]  # fmt: skip
    sealed = uri.split("/artifacts/", 1)[1]
    assert web.put(f"/artifacts/{sealed}/MLmodel", content=b"x").status_code == 400
    assert web.delete(f"/artifacts/{sealed}").status_code == 400


def test_sources_elsewhere_stay_text(url: str, registry: Registry) -> None:
    """A source on another host, or one that names nothing here, is kept as it is."""
    calls = f"{url}/api/2.0/mlflow"
    httpx.post(f"{calls}/registered-models/create", json={"name": "far"}, trust_env=False)
    for source in (
        f"http://elsewhere:5000{ROOT}/artifacts/whole",
        f"{url}{ROOT}/artifacts/absent",
        f"models:/m-{'0' * 32}",
    ):
        body = {"name": "far", "source": source}
        made = httpx.post(f"{calls}/model-versions/create", json=body, trust_env=False).json()
        found = registry.get_version("far", int(made["model_version"]["version"]))
        assert (found.artifact_uri, found.digest) == (source, None)
