"""Files from elsewhere: fetched by this process, verified, sealed, with their source on record."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import obstore
import pytest

from lockgate.domain.addresses import AddressRules
from lockgate.domain.imports import ImportRules
from lockgate.errors import (
    ArtifactNotFound,
    DigestMismatch,
    InvalidInput,
    InvalidManifest,
    LimitExceeded,
    ModelNotFound,
    RegistryError,
    Unavailable,
)
from lockgate.importing import bring
from registries import AnyRegistry

WEIGHTS = bytes(range(256)) * 4_000
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()
COMMIT = "c" * 40


class Origin(BaseHTTPRequestHandler):
    """A web server and a hub: what it serves is told by the test."""

    def do_HEAD(self) -> None:
        """Answer without the body."""
        self._answer(body=False)

    def do_GET(self) -> None:
        """Answer with the body, from where it is asked for."""
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = urlsplit(self.path).path
        self.server.seen.append((self.command, path, self.headers.get("Authorization")))
        answer = self.server.routes.get(path)
        if isinstance(answer, str):
            self.send_response(302)
            self.send_header("Location", answer)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if answer is None:
            self.send_error(404)
            return
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(answer) - start))
        self.send_header("ETag", f'"{hashlib.md5(answer).hexdigest()}"')  # noqa: S324
        self.end_headers()
        if body:
            cut = self.server.cuts.pop(0) if self.server.cuts else len(answer)
            self.wfile.write(answer[start : start + cut])
            self.close_connection = cut < len(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Keep the tests' output clean."""


@pytest.fixture
def origin() -> Iterator[ThreadingHTTPServer]:
    """A server on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    server.routes, server.seen, server.cuts = {}, [], []
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def allowing(registry: AnyRegistry, **words: Any) -> AnyRegistry:
    """Return a registry with rules for its imports, and none that settings would give it."""
    return registry.importing_under(ImportRules(**words))


@pytest.fixture
def registry(registry: AnyRegistry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AnyRegistry:
    """What lies on loopback may be reached, and the user's cache is this test's own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return allowing(registry, reach=AddressRules.parse("127.0.0.1"))


def test_a_file_from_the_web(
    registry: AnyRegistry, origin: ThreadingHTTPServer, tmp_path: Path
) -> None:
    """One URL is a version of one file; its source, is on record and in the log."""
    origin.routes["/a/m.bin"] = WEIGHTS
    made = registry.import_files(
        f"{origin.url}/a/m.bin?X-Signature=secret", "churn", "1", tags=["from afar"]
    )
    assert made.artifact_uri == f"{origin.url}/a/m.bin#sha256={SHA256}"
    assert [(file.path, file.sha256) for file in registry.files("churn:1").files] == [
        ("m.bin", SHA256)
    ]
    registry.pull("churn:1", tmp_path / "back")
    assert (tmp_path / "back" / "m.bin").read_bytes() == WEIGHTS
    events = list(registry.audit(newest_first=True))
    event = events[0]
    assert (event.action, event.detail["artifact_uri"]) == ("register_version", made.artifact_uri)
    assert "secret" not in str(events)
    # What is on record can be imported again, and is the same version.
    assert registry.import_files(made.artifact_uri, "churn", "1") == made


def test_a_broken_connection_is_taken_up_again(
    registry: AnyRegistry, origin: ThreadingHTTPServer
) -> None:
    """What has arrived is not fetched again."""
    origin.routes["/m.bin"] = WEIGHTS
    origin.cuts = [500_000]
    registry.import_files(f"{origin.url}/m.bin#sha256={SHA256}", "churn", "1")
    assert [method for method, *_ in origin.seen].count("GET") == 2


def test_a_repository_of_a_hub(registry: AnyRegistry, origin: ThreadingHTTPServer) -> None:
    """A branch is pinned to its commit; the token goes to the hub and to nobody else."""
    files = {"model.safetensors": WEIGHTS, "sub/config.json": b"{}"}
    origin.routes = {
        "/api/models/org/bert/revision/main": json.dumps({"sha": COMMIT}).encode(),
        f"/api/models/org/bert/revision/{COMMIT}": json.dumps(
            {
                "sha": COMMIT,
                "siblings": [
                    {"rfilename": path, "size": len(data)} for path, data in files.items()
                ],
            }
        ).encode(),
        f"/org/bert/resolve/{COMMIT}/sub/config.json": b"{}",
        f"/org/bert/resolve/{COMMIT}/model.safetensors": origin.url.replace(
            "127.0.0.1", "localhost"
        )
        + "/bucket/1",
        "/bucket/1": WEIGHTS,
    }
    # The hub is where the operator said; where it leads to has to be allowed as well.
    registry = allowing(registry, hf_endpoint=origin.url, hf_token="t0ken",
        reach=AddressRules.parse("localhost"),
    )  # fmt: skip
    made = registry.import_files("hf://org/bert@main", "bert", "1")
    assert made.artifact_uri == f"hf://org/bert@{COMMIT}"
    assert sorted(files) == [file.path for file in registry.files("bert:1").files]
    told = {path: token for _, path, token in origin.seen}
    assert told["/bucket/1"] is None
    assert told[f"/org/bert/resolve/{COMMIT}/sub/config.json"] == "Bearer t0ken"


def test_a_bucket(registry: AnyRegistry, s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies under a prefix becomes a version."""
    endpoint = s3_url.partition("endpoint=")[2].partition("&")[0]
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    store = obstore.store.from_url("s3://bucket")
    obstore.put(store, "models/churn/m.bin", WEIGHTS)
    obstore.put(store, "models/churn/sub/config.json", b"{}")
    made = registry.import_files("s3://bucket/models/churn", "churn", "1")
    assert made.artifact_uri == "s3://bucket/models/churn"
    assert [file.path for file in registry.files("churn:1").files] == ["m.bin", "sub/config.json"]
    with pytest.raises(ArtifactNotFound):
        registry.import_files("s3://bucket/nothing", "churn", "2")
    for bad in ("s3://b?endpoint=http/x", "s3://bucket/../x", "s3://[::1]/x"):
        with pytest.raises(InvalidInput):
            registry.import_files(bad, "churn", "2")


# --- file ------------------------------------------------------------------------------------


def test_files_below_a_root(registry: AnyRegistry, tmp_path: Path) -> None:
    """A folder or file below an allowed root is taken, as it lies there, by way of links too."""
    root = tmp_path / "share"
    (root / "churn" / "sub").mkdir(parents=True)
    (root / "churn" / "m.bin").write_bytes(WEIGHTS)
    (root / "churn" / "sub" / "config.json").write_text("{}")
    (tmp_path / "way").symlink_to(root / "churn")
    registry = allowing(registry, roots=(str(root),))
    made = registry.import_files(f"file://{tmp_path}/way", "churn", "1")
    assert made.artifact_uri == f"file://{root}/churn"
    assert [file.path for file in registry.files("churn:1").files] == ["m.bin", "sub/config.json"]
    registry.import_files(f"file://localhost{root}/churn/m.bin", "churn", "2")
    assert [file.path for file in registry.files("churn:2").files] == ["m.bin"]
    registry.import_files(f"file://{root}", "all", "1")
    with pytest.raises(ArtifactNotFound):
        registry.import_files(f"file://{root}/nothing", "churn", "3")


def test_nothing_beside_a_root(registry: AnyRegistry, tmp_path: Path) -> None:
    """Without a root nothing is taken; with one, no spelling and no link leads out of it."""
    root, secret = tmp_path / "share", tmp_path / "share-secret"
    root.mkdir()
    secret.write_text("secret")
    (root / "link").symlink_to(secret)
    (root / "up").symlink_to("..")
    for roots in ((), (str(root),)):
        registry = allowing(registry, roots=roots)
        for uri in (
            f"file://{secret}", f"file://{root}/../share-secret", f"file://{root}/%2e%2e/share-secret",
            f"file://{root}/link", f"file://{root}/up/share-secret", "file:///etc/passwd",
            "file:///proc/self/environ", "file://host/etc/passwd", "file:x", "file:etc/passwd",
            f"file://{root}%00/x", "FILE:///etc/passwd",
        ):  # fmt: skip
            with pytest.raises(InvalidInput):
                registry.import_files(uri, "churn", "1")
    # A link, a pipe or a device within a folder is refused as it is for any push.
    (root / "sub").mkdir()
    os.mkfifo(root / "sub" / "pipe")
    (root / "sub" / "link").symlink_to(secret)
    with pytest.raises(InvalidManifest, match="symbolic link"):
        registry.import_files(f"file://{root}/sub", "churn", "1")
    with pytest.raises(ModelNotFound):
        registry.get_model("churn")


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "gopher://127.0.0.1/x", "unix:/run/docker.sock", "ftp://h/f", "data:,x", "jar:file:///x!/y",
        "", "x", "/etc/passwd", "C:\\x", "//h/s", "http:x", "http://user:pw@h/f", "http:///f",
        "https://h/", "hf://../../etc", "hf://a/b/c", "hf://a@b@c", "http://h/f#sha256=xx",
        "http://a\r\nHost: b/f", "http://h/f\r\nX: y", "http://[::1", "memory://x", "lockgate://c:1",
    ],
)  # fmt: skip
def test_other_uris_are_refused(registry: AnyRegistry, uri: str) -> None:
    """Other schemes, credentials, line ends and broken URLs are InvalidInput, and fetch nothing."""
    with pytest.raises(InvalidInput):
        registry.import_files(uri, "churn", "1")


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "169.254.169.254", "[::1]"])
def test_inner_addresses_are_refused(
    registry: AnyRegistry, origin: ThreadingHTTPServer, host: str
) -> None:
    """Directly and by a redirect from a host that is allowed; nobody there hears of it."""
    port = origin.server_address[1]
    origin.routes = {"/away/m.bin": f"http://{host}:{port}/m.bin", "/m.bin": WEIGHTS}
    registry = allowing(registry)
    with pytest.raises(InvalidInput, match=r"which is (loopback|link-local)"):
        registry.import_files(f"http://{host}:{port}/m.bin", "churn", "1")
    registry = allowing(registry, reach=AddressRules(hosts=frozenset({f"127.0.0.1:{port}"})))
    with pytest.raises(InvalidInput, match=r"which is (loopback|link-local)"):
        registry.import_files(f"{origin.url}/away/m.bin", "churn", "1")
    assert "/m.bin" not in [path for _, path, _ in origin.seen]


def test_limits(registry: AnyRegistry, origin: ThreadingHTTPServer) -> None:
    """More bytes than allowed, announced or not, end an import."""
    origin.routes["/m.bin"] = WEIGHTS
    registry = allowing(registry, reach=AddressRules.parse("127.0.0.1"), bytes_max=1000)
    with pytest.raises(LimitExceeded, match="bytes of the import"):
        registry.import_files(f"{origin.url}/m.bin", "churn", "1")
    with pytest.raises(LimitExceeded, match="length of the URI"):
        registry.import_files(f"{origin.url}/{'a' * 5_000}", "churn", "1")


def test_other_bytes_than_promised(registry: AnyRegistry, origin: ThreadingHTTPServer) -> None:
    """A digest that does not hold, and nothing is registered; nor is anything left on the disk."""
    origin.routes["/m.bin"] = WEIGHTS
    with pytest.raises(DigestMismatch):
        registry.import_files(f"{origin.url}/m.bin#sha256={'0' * 64}", "churn", "1")
    with pytest.raises(ArtifactNotFound):
        registry.import_files(f"{origin.url}/nothing", "churn", "1")
    with pytest.raises(ModelNotFound):
        registry.get_model("churn")
    assert list((registry._own_folder() / "imports").iterdir()) == []


class Hostile:
    """A hub whose word is not to be taken."""

    def __init__(self, path: str, size: object = 2) -> None:
        self.document = {"sha": COMMIT, "siblings": [{"rfilename": path, "size": size}]}


@pytest.mark.parametrize(
    "path",
    ["../../.ssh/authorized_keys", "/etc/cron.d/x", "a\\..\\b", "a\0b", "CON", "", "a//b", 7],
)
def test_a_hub_names_no_path_of_ours(
    registry: AnyRegistry,
    origin: ThreadingHTTPServer,
    path: str,
) -> None:
    """File names of another server are checked before anything is written."""
    origin.routes[f"/api/models/org/m/revision/{COMMIT}"] = json.dumps(
        Hostile(path).document
    ).encode()
    registry = allowing(registry, hf_endpoint=origin.url)
    with pytest.raises((InvalidInput, Unavailable)):
        registry.import_files(f"hf://org/m@{COMMIT}", "churn", "1")


@pytest.mark.parametrize("size", [-1, "2", 1e300, True, [2], 2**70])
def test_a_hub_lies_about_sizes(
    registry: AnyRegistry,
    origin: ThreadingHTTPServer,
    size: object,
) -> None:
    """A size that is none, or not that of the bytes, is an error of the registry's own kinds."""
    origin.routes[f"/api/models/org/m/revision/{COMMIT}"] = json.dumps(
        Hostile("a.json", size).document
    ).encode()
    origin.routes[f"/org/m/resolve/{COMMIT}/a.json"] = b"{}"
    registry = allowing(registry, hf_endpoint=origin.url)
    with pytest.raises((Unavailable, LimitExceeded)):
        registry.import_files(f"hf://org/m@{COMMIT}", "churn", "1")


def test_a_link_that_comes_too_late(tmp_path: Path) -> None:
    """What is swapped for a link after it was looked at is an error, never another file."""
    root, outside = tmp_path / "share", tmp_path / "outside"
    (root / "m").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret").write_text("secret")

    class Swapping:
        def missing(self, digests: object) -> set[str]:
            raise AssertionError(f"read {digests}")

        def put_many(self, blobs: object) -> None:
            raise AssertionError(f"sent {blobs}")

    rules = ImportRules(roots=(str(root),))
    (root / "m").rmdir()
    (root / "m").symlink_to(outside)
    with pytest.raises(RegistryError):
        bring(f"file://{root}/m", rules, Swapping(), tmp_path)
