"""Paths and sources (lines 1 to 13): nothing beside the data folder is read or written."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from attacked import CHURN, FIRST, V1, Target, hostile_server, told
from lockgate.artifacts.pushing import hash_tree
from lockgate.artifacts.store import blob_digest
from lockgate.domain.manifests import SCHEMA
from lockgate.errors import InvalidManifest, RegistryError
from lockgate.sdk.client import Client
from lockgate.wire.frames import pack_blobs

BLOBS = {"Content-Type": "application/vnd.lockgate.blobs"}
MANIFEST = {"Content-Type": "application/vnd.lockgate.manifest+json"}

SOURCES = [
    "file:///etc/", "/etc", "C:\\x", "//h/s", "file:x", "file:///etc/passwd", "\\..\\..\\f",
    "http://169.254.169.254/latest/meta-data", "s3://b/../../x", "a;/../../x",
]  # fmt: skip


@pytest.mark.parametrize("uri", SOURCES)
def test_01_sources_are_recorded_and_never_followed(target: Target, uri: str) -> None:
    """Line 1 (and 2): a version's artifact_uri is a text; no read of that version opens it."""
    name = f"{V1}/projects/default/models/source/versions"
    made = target.http.post(name, json={"artifact_uri": uri})
    assert (made.status_code, made.json()["artifact_uri"]) == (201, uri)
    version = f"{name}/{made.json()['label']}"
    with target.unharmed():
        for method, path, body in [
            ("GET", "/files", None), ("GET", "/manifest", None), ("GET", "/files/passwd", None),
            ("POST", "/urls", {"digests": [f"blake3:{'0' * 64}"]}),
            ("POST", "/blobs", {"digests": [f"blake3:{'0' * 64}"]}),
        ]:  # fmt: skip
            answer = target.http.request(method, version + path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (404, "artifact_not_found")
        assert target.http.get(f"{version}/card").json() == {"text": ""}


ESCAPES = [
    "../x", "..%2fx", "%2e%2e/x", "%2e%2e%2fx", "..%5cx", "..\\x", "%252e%252e%252fx",
    "....//x", "..;/x", "a;/../../x", "a/../../../../etc/passwd", "/etc/passwd", "//etc/passwd",
    "%2fetc/passwd", "..%c0%afx", "%c0%ae%c0%ae/x", "..%ff", "%00", "config.json%00.txt", "%0a",
    "%0d%0aX:%20y", "%01", "%7f", ".%2e/x", "%uff0e%uff0e/x", "..%u2216x", "C:/x", "C%3a%5cx",
    "%5c%5ch%5cs", "config.json/", "./config.json", "config.json/.", "", "..", ".",
]  # fmt: skip


# What another reader of the path could take for a slash, an end or another letter.
MISREAD = re.compile(r"%2f|%0|%7f|%ff|%c0", re.IGNORECASE)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
@pytest.mark.parametrize("path", ESCAPES)
def test_03_to_06_paths_of_files(target: Target, method: str, path: str) -> None:
    """Lines 3 to 6: a file is a key of the manifest; no spelling of a path leads elsewhere."""
    with target.unharmed():
        answer = target.ask(f"{FIRST}/files/{path}", method)
        # Nothing else has a reading of the path to be refused for: it is no file's, or no method.
        other = 404 if method == "GET" else 405
        assert answer.status == (400 if MISREAD.search(path) else other)
        assert b"root:" not in answer.body


UNREADABLE = re.compile(r"%0|%7f|%ff|%c0", re.IGNORECASE)
NO_PATH = (404, "unknown_path")
NO_METHOD = (405, "method_not_allowed")
# What GET and DELETE of a name that nothing has are told. A model's name is looked at first.
PLACES = {
    f"{V1}/projects/": ((404, "project_not_found"), NO_METHOD),
    f"{V1}/projects/default/models/": ((400, "invalid_name"), (400, "invalid_name")),
    f"{CHURN}/versions/": ((404, "version_not_found"), (404, "version_not_found")),
    f"{CHURN}/aliases/": ((404, "alias_not_found"), (404, "alias_not_found")),
    f"{V1}/lifecycles/": ((404, "lifecycle_not_found"), NO_METHOD),
    "/docs/": (NO_PATH, NO_METHOD),
    "/": (NO_PATH, NO_PATH),
}


def told_of_name(place: str, path: str, method: str) -> tuple[int, str]:
    """Return what somebody is told who puts a path where a name belongs."""
    if UNREADABLE.search(path):
        return 400, "invalid_input"
    if "%2f" in path and "%252f" not in path:
        # Our own paths have no slash within a name; the pages have no such page.
        return (400, "invalid_input") if place.startswith(V1) else NO_PATH
    if "/" in path:
        return NO_PATH
    if place.endswith("/models/") and path == "..%u2216x":
        # A model may be called so: %u is no percent-encoding. None is.
        return 404, "model_not_found"
    return PLACES[place][method == "DELETE"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("path", [e for e in ESCAPES if e not in ("", ".", "./config.json")])
def test_04_paths_of_names(target: Target, path: str, place: str) -> None:
    """Lines 3 to 6: the same in the place of a project, a model and a version."""
    with target.unharmed():
        for method in ("GET", "DELETE"):
            found = target.ask(place + path, method).told
            assert (method, told_of_name(place, path, method)) == (method, found)


@pytest.mark.parametrize("reference", ["../x", "..", "/etc/passwd", "churn:../x", "a/b/c:1", "\\x"])
def test_05_references(target: Target, reference: str) -> None:
    """Line 5: a reference is words with marks between; a path is none."""
    with target.unharmed():
        answer = target.http.get(f"{V1}/resolve", params={"ref": reference})
        assert told(answer) == (400, "invalid_reference")


DIGESTS = [
    "sha256:../..", f"sha256:{'0' * 63}", f"sha256:{'0' * 65}", f"sha256:{'A' * 64}",
    f"sha256:{'0' * 64}\n", f"md5:{'0' * 32}", f"blake3:{'0' * 63}", f"blake3:{'0' * 64}\n",
    "blake3:../../x", f"blake3:{'g' * 64}", "", "blake3:", "\0", f"BLAKE3:{'0' * 64}",
    f"blake3:{'0' * 64}/../x", f"sha512:{'0' * 128}",
]  # fmt: skip


@pytest.mark.parametrize("digest", DIGESTS)
def test_07_digests(target: Target, digest: str) -> None:
    """Line 7: a digest is an algorithm and so many lower-case hex digits, wherever one is taken."""
    with target.unharmed():
        for place in ("missing", "uploads", "admissions"):
            answer = target.http.post(f"{V1}/artifacts/{place}", json={"digests": [digest]})
            assert told(answer) == (400, "invalid_input")
        for place in ("blobs", "urls"):
            answer = target.http.post(f"{FIRST}/{place}", json={"digests": [digest]})
            # Asked of a version, what is no digest is none of its chunks.
            no_text = digest == "\0" or len(digest) > 100
            assert told(answer) == ((400, "invalid_input") if no_text else (404, "blob_not_found"))
        sealed = target.http.post(f"{CHURN}/seals", json={"manifest": digest})
        assert told(sealed) == (400, "invalid_input")
        found = target.http.get(f"{V1}/resolve", params={"ref": f"churn@{digest}"})
        assert told(found) == (400, "invalid_input" if digest == "\0" else "invalid_reference")


def test_08_other_bytes_than_declared(target: Target) -> None:
    """Line 8: a blob that is not its digest is refused, and those beside it are not named."""
    wrong = b"".join(map(bytes, pack_blobs([(blob_digest(b"a"), b"b")])))
    whole = b"".join(map(bytes, pack_blobs([(blob_digest(b"a"), b"a")])))
    with target.unharmed():
        answer = target.http.post(f"{V1}/artifacts/blobs", content=wrong, headers=BLOBS)
        assert (answer.status_code, answer.json()["code"]) == (422, "digest_mismatch")
        for body in (whole[:-1], whole + b"x", whole[:35], whole[:32] + b"\xff" * 4, b"\0" * 36):
            answer = target.http.post(f"{V1}/artifacts/blobs", content=body, headers=BLOBS)
            # The last is in good order, but empty, which has another digest.
            assert answer.status_code == (422 if body == b"\0" * 36 else 400)


def manifest_of(**words: Any) -> bytes:
    """A manifest in canonical form, of one small file unless told."""
    chunk = {"digest": blob_digest(b"a"), "size": 1}
    file = {"path": "a.bin", "size": 1, "sha256": hashlib.sha256(b"a").hexdigest(),
            "chunks": [chunk], "tensors": None}  # fmt: skip
    files = words.pop("files", None) or [{**file, **words}]
    files = [{**file, **each} for each in files]
    document = {"files": files, "schema": SCHEMA}
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_09_a_good_manifest_is_taken(target: Target) -> None:
    """So that what the next test sees refused is refused for its fault."""
    kept = target.http.post(f"{V1}/artifacts/manifests", content=manifest_of(), headers=MANIFEST)
    assert kept.status_code == 200, kept.text


@pytest.mark.parametrize(
    "files",
    [
        [{"path": "../x"}], [{"path": "a/../../x"}], [{"path": "/etc/x"}], [{"path": ""}],
        [{"path": "a"}, {"path": "a"}], [{"path": "A"}, {"path": "a"}],
        [{"path": "\xe9"}, {"path": "e\u0301"}], [{"path": "e\u0301"}],
        [{"path": "ß"}, {"path": "ss"}],
        [{"path": "a"}, {"path": "a/b"}], [{"path": "CON"}], [{"path": "con.txt"}],
        [{"path": "x/NUL"}], [{"path": "a" * 4096}], [{"path": "a\0b"}], [{"path": "a\\b"}],
        [{"path": "C:x"}], [{"path": "a:stream"}], [{"path": "a "}], [{"path": "a."}],
        [{"path": "a//b"}], [{"path": "a/"}], [{"path": "./a"}], [{"path": "a\nb"}],
        [{"path": "a‮gpj.exe"}], [{"path": "a​b"}], [{"path": "/".join("a" * 40)}],
        [{"size": -1}], [{"size": 2**64}], [{"size": 1.5}], [{"size": True}], [{"size": 2}],
        [{"sha256": "0" * 63}], [{"sha256": "A" * 64}], [{"chunks": []}], [{"extra": 1}],
        [{"chunks": [{"digest": "blake3:../..", "size": 1}]}], [{"path": 5}], [{"path": None}],
    ],
)  # fmt: skip
def test_09_manifests(target: Target, files: list[dict[str, Any]]) -> None:
    """Line 9: a manifest names files that can lie in one folder on every disk, or is refused."""
    with target.unharmed():
        answer = target.http.post(
            f"{V1}/artifacts/manifests", content=manifest_of(files=files), headers=MANIFEST
        )
        assert told(answer) == (400, "invalid_manifest")


@pytest.mark.parametrize("kind", ["file", "folder", "parent", "fifo", "socket-like"])
def test_10_links_and_devices(target: Target, tmp_path: Path, kind: str) -> None:
    """Line 10: links, pipes and devices are refused at push, before a byte is read."""
    secret, out = tmp_path / "secret", tmp_path / "out"
    secret.mkdir()
    (secret / "key").write_text("secret")
    out.mkdir()
    (out / "good.json").write_text("{}")
    if kind == "file":
        (out / "link").symlink_to(secret / "key")
    elif kind == "folder":
        (out / "link").symlink_to(secret)
    elif kind == "parent":
        (out / "link").symlink_to("../..")
    elif kind == "fifo":
        os.mkfifo(out / "link")
    else:
        (out / "link").symlink_to("/dev/zero")
    with target.unharmed(out), pytest.raises(InvalidManifest, match="regular files only"):
        target.registry.push(out, "links", "1")


@pytest.mark.parametrize("what", ["symlink", "parent", "hard link"])
def test_10_write_through_a_link(target: Target, tmp_path: Path, what: str) -> None:
    """Line 10: a pull into a folder with links prepared in it writes through none of them."""
    victim, place = tmp_path / "victim", tmp_path / "place"
    victim.mkdir()
    (victim / "config.json").write_text("mine")
    place.mkdir()
    if what == "symlink":
        (place / "config.json").symlink_to(victim / "config.json")
    elif what == "parent":
        place.rmdir()
        place.symlink_to(victim)
    else:
        os.link(victim / "config.json", place / "config.json")
    with pytest.raises(RegistryError):
        target.registry.pull("churn:1.0", place)
    assert (victim / "config.json").read_text() == "mine"


def bombs() -> dict[str, bytes]:
    """Archives that would be large, or that name places elsewhere."""
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 20_000_000)
        archive.writestr("../../evil", b"x")
    with tarfile.open(fileobj=tarred, mode="w:gz") as archive:
        entry = tarfile.TarInfo("/etc/evil")
        entry.size = 20_000_000
        archive.addfile(entry, io.BytesIO(b"\0" * entry.size))
    return {"bomb.zip": zipped.getvalue(), "bomb.tar.gz": tarred.getvalue()}


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.tar.gz"])
def test_11_archives_stay_shut(target: Target, tmp_path: Path, name: str) -> None:
    """Line 11: an archive is bytes: nothing is unpacked, and it is never called data only."""
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_bytes(bombs()[name])
    made = target.registry.push(out, "bombs")
    [file] = target.registry.files(made.reference).files
    assert file.verdict != "data-only"
    assert file.size == len(bombs()[name])
    assert not Path("/etc/evil").exists()


FILTERS = [
    "name = 'x' OR 1=1 --", "name = 'x'; DROP TABLE versions", "name = 'x' UNION SELECT 1",
    "metrics.`a\"b` > 1; --", "1=1", "tags.\"x' OR '1'='1\" = 'y", "name LIKE '%' ESCAPE '\\'",
    "name = x'00'", "metrics.auc > 1e999999", "name = 'a' AND", "(" * 5_000, "NOT " * 5_000 + "x",
]  # fmt: skip


@pytest.mark.parametrize("filter_", FILTERS)
def test_13_injection_in_filters(target: Target, filter_: str) -> None:
    """Line 13: what the grammar does not know is refused; values never become SQL."""
    with target.unharmed():
        for what in ("versions", "models"):
            answer = target.http.get(
                f"{V1}/search/{what}", params={"filter": filter_[:6_000], "limit": 5}
            )
            assert answer.status_code == (414 if filter_.startswith("((") else 400)


def test_13_values_that_look_like_sql(target: Target) -> None:
    """Line 13: a quoted value is a value, whatever is in it."""
    with target.unharmed():
        for value in ("x'' OR ''1''=''1", "%", "_", "x; DROP TABLE models", "\\"):
            quoted = "name = '" + value + "'"
            answer = target.http.get(f"{V1}/search/models", params={"filter": quoted})
            assert (answer.status_code, answer.json()["items"]) == (200, [])


@pytest.mark.parametrize("order", ["name; DROP TABLE models", "(SELECT 1)", "1", "name, (SELECT 1)",
                                   "name ASC --", "metrics.x' DESC", "\0"])  # fmt: skip
def test_13_injection_in_order_by(target: Target, order: str) -> None:
    """Line 13: an order is a known field and a direction."""
    with target.unharmed():
        answer = target.http.get(f"{V1}/search/models?order_by={quote(order)}")
        assert answer.status_code == 400


@pytest.mark.parametrize("path", ["../../.ssh/x", "/etc/cron.d/x", "a\\..\\..\\x", "CON", "a\0b"])
def test_12_a_hostile_server(target: Target, tmp_path: Path, path: str) -> None:
    """Line 12: a server that names other paths has our client write nothing at all."""
    (tmp_path / "place").mkdir()
    with hostile_server(target, manifest_of(path=path)) as url, Client(url) as client:
        with pytest.raises(InvalidManifest):
            client.pull("churn:1.0", tmp_path / "place" / "dest")
        assert [each.name for each in tmp_path.rglob("*") if each.is_file()] == []


def test_12_a_server_with_other_bytes(target: Target, tmp_path: Path) -> None:
    """Line 12: a chunk that is not what its digest says never reaches the destination."""
    with hostile_server(target, manifest_of(path="a.bin")) as url, Client(url) as client:
        with pytest.raises(RegistryError):
            client.pull("churn:1.0", tmp_path / "dest")
        assert not (tmp_path / "dest").exists()


def test_12_names_of_attachments(target: Target) -> None:
    """Line 12: a download's file name is the last part of its path, percent-encoded."""
    answer = target.http.get(f"{FIRST}/files/README.md")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''README.md"


def test_the_folder_is_as_it_was_pushed(target: Target, tmp_path: Path) -> None:
    """After all of this the version's files are what they were."""
    target.registry.pull("churn:1.0", tmp_path / "back")
    assert hash_tree(tmp_path / "back").digest == target.registry.resolve("churn:1.0").digest
