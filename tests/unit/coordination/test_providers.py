"""Every kind of origin: what it pins, what it lists, what it gives from an offset on."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import obstore
import pytest
from obstore.store import MemoryStore

from lockgate.coordination.folders import FolderProvider
from lockgate.coordination.huggingface import HuggingFaceProvider
from lockgate.coordination.objects import ObjectProvider
from lockgate.coordination.origins import default_providers
from lockgate.coordination.providers import Providers
from lockgate.coordination.web import WebFiles, WebProvider
from lockgate.domain.claims import ModelKey
from lockgate.errors import (
    ArtifactNotFound,
    BlobStoreUnavailable,
    Conflict,
    Forbidden,
    InvalidInput,
    ServerUnreachable,
    Unauthenticated,
    Unavailable,
)

DATA = bytes(range(256)) * 40
COMMIT = "a" * 40


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        route = self.server.routes.get(urlsplit(self.path).path, (404, b"", {}))
        status, body, headers = route
        tag = headers.get("ETag", "")
        if self.headers.get("If-Match", tag) != tag:
            status, body = 412, b""
        wanted = self.headers.get("Range")
        if wanted and status == 200 and not self.server.knows_no_ranges:
            status, body = 206, body[int(wanted.removeprefix("bytes=").rstrip("-")) :]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Keep the tests' output clean."""


@pytest.fixture
def web():
    with closing(WebProvider("http")) as provider:
        yield provider


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.routes, server.seen, server.knows_no_ranges = {}, [], False
    server.host = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


# --- file ------------------------------------------------------------------------------------


def test_folder_is_pinned_by_what_is_in_it(tmp_path):
    """A folder's key changes with its files, and leaving weights out is another key."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.json").write_bytes(b"{}")
    (tmp_path / "w.safetensors").write_bytes(DATA)
    provider, url = FolderProvider(), f"file://{tmp_path}"
    key = provider.resolve(url, ignore_weights=False)
    assert key == provider.resolve(url, ignore_weights=False)
    assert [(f.path, f.size) for f in provider.list_files(key)] == [
        ("sub/a.json", 2),
        ("w.safetensors", len(DATA)),
    ]
    small = provider.resolve(url, ignore_weights=True)
    assert [f.path for f in provider.list_files(small)] == ["sub/a.json"]
    file = provider.list_files(key)[1]
    assert b"".join(provider.read(key, file, 100)) == DATA[100:]
    os.utime(tmp_path / "w.safetensors", (1, 1))
    assert provider.resolve(url, ignore_weights=False) != key
    with pytest.raises(Conflict, match="has changed while it was fetched"):
        list(provider.read(key, file, 0))


def test_single_file_is_a_model(tmp_path):
    """A path to one file is a model of that file."""
    (tmp_path / "m.onnx").write_bytes(DATA)
    provider = FolderProvider()
    key = provider.resolve(f"file://{tmp_path}/m.onnx", ignore_weights=False)
    [file] = provider.list_files(key)
    assert (file.path, b"".join(provider.read(key, file, 0))) == ("m.onnx", DATA)


def test_bad_file_references(tmp_path):
    """A relative or foreign path is refused, an absent one is not there."""
    for reference in ("file://host/x", "file:x"):
        with pytest.raises(InvalidInput, match="is not file:///ABSOLUTE/PATH"):
            FolderProvider().resolve(reference, ignore_weights=False)
    with pytest.raises(ArtifactNotFound):
        FolderProvider().resolve(f"file://{tmp_path}/nothing", ignore_weights=False)


def test_vanished_file_is_unavailable(tmp_path):
    """A file that goes away while it is read is said to be so, not a crash."""
    (tmp_path / "m").write_bytes(DATA)
    provider = FolderProvider()
    key = provider.resolve(f"file://{tmp_path}/m", ignore_weights=False)
    [file] = provider.list_files(key)
    (tmp_path / "m").unlink()
    with pytest.raises(Unavailable, match="Cannot read"):
        list(provider.read(key, file, 0))


# --- http ------------------------------------------------------------------------------------


def test_web_file_is_pinned_by_its_tag(server, web):
    """The ETag is the revision; bytes are read from any offset, and only under that tag."""
    server.routes["/m/model.gguf"] = (200, DATA, {"ETag": '"one"'})
    key = web.resolve(f"http://{server.host}/m/model.gguf", ignore_weights=False)
    assert key.model == f"{server.host}/m/model.gguf"
    [file] = web.list_files(key)
    assert (file.path, file.size, file.version) == ("model.gguf", len(DATA), '"one"')
    assert b"".join(web.read(key, file, 0)) == DATA
    assert b"".join(web.read(key, file, 77)) == DATA[77:]
    server.routes["/m/model.gguf"] = (200, DATA[::-1], {"ETag": '"two"'})
    assert web.resolve(f"http://{server.host}/m/model.gguf", ignore_weights=False) != key
    with pytest.raises(Conflict):
        list(web.read(key, file, 0))


def test_server_without_ranges_is_read_from_its_beginning(server, web):
    """What was fetched already is skipped when the server cannot skip it."""
    server.routes["/m"] = (200, DATA, {"ETag": '"one"'})
    server.knows_no_ranges = True
    key = web.resolve(f"http://{server.host}/m", ignore_weights=False)
    [file] = web.list_files(key)
    assert b"".join(web.read(key, file, 5000)) == DATA[5000:]


def test_pinned_web_file_is_resolved_without_asking(server, web):
    """A digest in the reference is the revision, and is what the bytes are checked against."""
    digest = hashlib.sha256(DATA).hexdigest()
    key = web.resolve(f"http://{server.host}/m#sha256={digest}", ignore_weights=False)
    assert (key.revision, server.seen) == (f"sha256={digest}", [])
    server.routes["/m"] = (200, DATA, {})
    assert [file.sha256 for file in web.list_files(key)] == [digest]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, ArtifactNotFound),
        (401, Unauthenticated),
        (403, Forbidden),
        (500, ServerUnreachable),
        (429, ServerUnreachable),
    ],
)
def test_web_errors_are_told_apart(server, web, status, error):
    """Only an origin that says so has no such file; no error shows what may be secret."""
    server.routes["/m"] = (status, b"", {})
    with pytest.raises(error) as caught:
        web.resolve(f"http://{server.host}/m?key=s3cret", ignore_weights=False)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "reference", ["https://me:s3cret@host/x", "https:///x", "https://host/x/", "https://h/x#md5=1"]
)
def test_bad_web_references(reference):
    """A URL that names no file, or carries a password, is refused without showing it."""
    with pytest.raises(InvalidInput) as caught:
        WebProvider("https").resolve(reference, ignore_weights=False)
    assert "s3cret" not in str(caught.value)


def test_absent_server_is_unreachable():
    """No connection is no answer."""
    with pytest.raises(ServerUnreachable, match="No answer from http"):
        WebFiles().head("http://127.0.0.1:9/x")


# --- hf --------------------------------------------------------------------------------------


@pytest.fixture
def hub(server):
    document = {
        "sha": COMMIT,
        "siblings": [
            {"rfilename": "config.json", "size": 2},
            {"rfilename": "d/m.safetensors", "lfs": {"sha256": "b" * 64, "size": len(DATA)}},
        ],
    }
    body = json.dumps(document).encode()
    for revision in ("main", COMMIT):
        server.routes[f"/api/models/org/name/revision/{revision}"] = (200, body, {})
    server.routes[f"/org/name/resolve/{COMMIT}/d/m.safetensors"] = (200, DATA, {"ETag": '"x"'})
    url = f"http://{server.host}"
    with closing(HuggingFaceProvider(endpoint=url, token="t0ken")) as provider:
        yield provider


def test_hub_branch_is_pinned_to_its_commit(server, hub):
    """A branch becomes a commit; files come with the digests that the hub knows."""
    key = hub.resolve("hf://org/name", ignore_weights=False)
    assert key == ModelKey("hf", "org/name", COMMIT)
    files = hub.list_files(key)
    assert [(f.path, f.size, f.sha256) for f in files] == [
        ("config.json", 2, None),
        ("d/m.safetensors", len(DATA), "b" * 64),
    ]
    assert b"".join(hub.read(key, files[1], 9)) == DATA[9:]
    assert server.seen[-1][2]["Authorization"] == "Bearer t0ken"
    small = hub.resolve("hf://org/name@main", ignore_weights=True)
    assert [f.path for f in hub.list_files(small)] == ["config.json"]


def test_hub_commit_is_resolved_without_asking(server, hub):
    """A full commit is pinned already."""
    key = hub.resolve(f"hf://org/name@{COMMIT}", ignore_weights=False)
    assert (key.revision, server.seen) == (COMMIT, [])


@pytest.mark.parametrize("reference", ["hf://", "hf://a/b/c", "hf://../x", "hf://a/b@", "hf:a/b"])
def test_bad_hub_references(reference):
    """What is no repository is refused before anybody is asked."""
    with pytest.raises(InvalidInput, match="is not hf://ORG/NAME"):
        HuggingFaceProvider().resolve(reference, ignore_weights=False)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"sha": 1}', b'{"sha": "x"}'],
)
def test_strange_hub_answers_are_unavailable(server, hub, body):
    """An answer that is not a hub's is told as such."""
    server.routes["/api/models/org/name/revision/main"] = (200, body, {})
    with pytest.raises(ServerUnreachable):
        hub.resolve("hf://org/name", ignore_weights=False)


def test_hostile_hub_paths_are_refused(server, hub):
    """A hub that names files outside the model's folder gets nothing written."""
    body = json.dumps({"sha": COMMIT, "siblings": [{"rfilename": "../../.ssh/x"}]}).encode()
    server.routes[f"/api/models/org/name/revision/{COMMIT}"] = (200, body, {})
    with pytest.raises(InvalidInput):
        hub.list_files(ModelKey("hf", "org/name", COMMIT))


# --- s3, gs ----------------------------------------------------------------------------------


@pytest.fixture
def objects() -> tuple[ObjectProvider, MemoryStore]:
    store = MemoryStore()
    obstore.put(store, "models/m/config.json", b"{}")
    obstore.put(store, "models/m/d/w.bin", DATA)
    obstore.put(store, "models/mm/other.bin", b"no")
    return ObjectProvider("s3", open_store=lambda _: store), store


def test_prefix_is_pinned_by_what_is_under_it(objects):
    """The objects under a prefix are a model, and nothing that merely begins like it."""
    provider, store = objects
    key = provider.resolve("s3://bucket/models/m/", ignore_weights=False)
    assert key.model == "bucket/models/m"
    files = provider.list_files(key)
    assert [(f.path, f.size) for f in files] == [("config.json", 2), ("d/w.bin", len(DATA))]
    assert b"".join(provider.read(key, files[1], 0)) == DATA
    assert b"".join(provider.read(key, files[1], 300)) == DATA[300:]
    assert b"".join(provider.read(key, files[1], len(DATA))) == b""
    obstore.put(store, "models/m/d/w.bin", DATA[::-1])
    assert provider.resolve("s3://bucket/models/m", ignore_weights=False) != key
    with pytest.raises(Conflict):
        list(provider.read(key, files[1], 0))


def test_empty_prefix_is_not_found(objects):
    """A prefix with nothing under it is no model."""
    with pytest.raises(ArtifactNotFound):
        objects[0].resolve("s3://bucket/nothing", ignore_weights=False)


@pytest.mark.parametrize("reference", ["s3://", "s3:///x", "s3://b/../x", "s3://b//x"])
def test_bad_object_references(objects, reference):
    """What is no bucket and prefix is refused."""
    with pytest.raises(InvalidInput, match="is not s3://BUCKET/PREFIX"):
        objects[0].resolve(reference, ignore_weights=False)


def test_every_scheme_has_its_provider():
    """The default providers answer to their schemes, whatever the case."""
    providers = Providers(default_providers())
    schemes = ["file", "http", "https", "hf", "s3", "gs"]
    assert [providers.of_reference(f"{s.upper()}://x").name for s in schemes] == schemes


def test_a_bucket_that_fails_is_told_in_one_line() -> None:
    """What the library says for its own authors is not told to whoever asked for a model."""

    def fails(_url: str) -> MemoryStore:
        raise OSError("Generic S3 error: 403 Forbidden\n\nDebug source:\nGeneric { … }")

    with pytest.raises(BlobStoreUnavailable) as caught:
        ObjectProvider("s3", open_store=fails).resolve("s3://bucket/m", ignore_weights=False)
    assert str(caught.value).endswith("s3://bucket: Generic S3 error: 403 Forbidden")
