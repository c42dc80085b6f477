"""Bytes on their way out: ranges, broken downloads, clients that leave, hostile paths."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from huggingface_hub import hf_hub_download

from hub_world import Hub
from lockgate.dialects.huggingface.snapshots import commit_of
from lockgate.http.transfers import TRANSFERS_MAX

BIG = os.urandom(1_000) * 20_000


def pinned(hub: Hub, model: str, path: str) -> str:
    """Return the address of a file at the commit of version 1."""
    commit = commit_of(hub.registry.get_version(model, "1"))
    return f"{hub.endpoint}/default/{model}/resolve/{commit}/{path}"


def test_a_revision_that_moves_leads_to_its_commit(hub: Hub) -> None:
    """HEAD and GET redirect to the commit, with the headers that the client's cache needs."""
    hub.push("lead", "1", {"a b/ü.txt": b"text"})
    url = f"{hub.endpoint}/default/lead/resolve/main/a%20b/%C3%BC.txt"
    sha256 = hub.registry.manifest("lead:1").files[0].sha256
    for method in ("HEAD", "GET"):
        answer = httpx.request(method, url)
        assert answer.status_code == 307
        target = pinned(hub, "lead", "a%20b/%C3%BC.txt")
        assert target == hub.url + answer.headers["location"]
        assert f'"{sha256}"' == answer.headers["x-linked-etag"]
        assert answer.headers["x-linked-size"] == "4"
    found = httpx.head(target)
    assert (200, "4", f'"{sha256}"') == (
        found.status_code,
        found.headers["content-length"],
        found.headers["etag"],
    )
    assert httpx.get(url, follow_redirects=True).content == b"text"
    assert not [header for header in found.headers if "xet" in header]


@pytest.mark.parametrize(
    ("asked", "status", "expected", "told"),
    [
        ("bytes=0-3", 206, BIG[:4], f"bytes 0-3/{len(BIG)}"),
        ("bytes=9999990-10000009", 206, BIG[9_999_990:10_000_010], None),
        ("bytes=-5", 206, BIG[-5:], None),
        (f"bytes={len(BIG) - 1}-", 206, BIG[-1:], None),
        (f"bytes={len(BIG)}-", 416, None, f"bytes */{len(BIG)}"),
        ("pages=1-2", 200, BIG, None),
    ],
    ids=range(6),
)
def test_ranges(hub: Hub, asked: str, status: int, expected: bytes | None, told: str) -> None:
    """A range is 206 with its bytes, one outside the file 416, a meaningless one all of it."""
    if not hub.api.repo_exists("default/ranges"):
        hub.push("ranges", "1", {"big.bin": BIG})
    answer = httpx.get(pinned(hub, "ranges", "big.bin"), headers={"range": asked})
    assert status == answer.status_code
    assert expected is None or expected == answer.content
    assert told is None or told == answer.headers["content-range"]


def test_who_has_the_file_is_told_so(hub: Hub) -> None:
    """A known entity tag is 304 and no bytes; a part of another file is no reason for a range."""
    hub.push("known-tag", "1", {"config.json": b"{}", "other": b"other"})
    url = pinned(hub, "known-tag", "config.json")
    etag = httpx.get(url).headers["etag"]
    for given in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = httpx.get(url, headers={"If-None-Match": given})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
    assert httpx.head(url, headers={"If-None-Match": etag}).status_code == 304
    assert httpx.get(url, headers={"If-None-Match": '"other"'}).content == b"{}"
    part = {"Range": "bytes=1-1"}
    assert httpx.get(url, headers={**part, "If-Range": etag}).content == b"}"
    whole = httpx.get(url, headers={**part, "If-Range": '"other"'})
    assert (whole.status_code, whole.content) == (200, b"{}")


def test_a_download_that_breaks_off_goes_on_where_it_was(hub: Hub, cache: Path) -> None:
    """The client resumes a file whose answer was cut, by a range, and gets the same bytes."""
    hub.push("cut", "1", {"big.bin": BIG})
    hub.wire.ranges.clear()
    hub.wire.cut_after = 12_000_000
    path = hf_hub_download("default/cut", "big.bin", endpoint=hub.endpoint, cache_dir=cache)
    assert Path(path).read_bytes() == BIG
    assert len(hub.wire.ranges) == 1
    assert hub.wire.ranges[0] != "bytes=0-"


def test_a_download_goes_on_with_the_version_that_it_began_with(hub: Hub) -> None:
    """Where a moving revision led stays readable, whatever the stage names by now."""
    hub.push("drift", "1", {"big.bin": BIG})
    url = f"{hub.endpoint}/default/drift/resolve/main/big.bin"
    first = httpx.head(url).headers["location"]
    hub.push("drift", "2", {"big.bin": BIG[::-1]})
    rest = httpx.get(hub.url + first, headers={"range": f"bytes={len(BIG) - 10}-"})
    assert BIG[-10:] == rest.content
    assert first != httpx.head(url).headers["location"]


def test_clients_that_leave_give_their_turns_back(hub: Hub) -> None:
    """More clients than there are turns ask for a file and hang up; the next one is served."""
    hub.push("leave", "1", {"big.bin": BIG * 2})
    parts = urlsplit(pinned(hub, "leave", "big.bin"))
    request = f"GET {parts.path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    for _ in range(TRANSFERS_MAX + 1):
        with socket.create_connection((parts.hostname or "", parts.port or 0)) as gone:
            gone.sendall(request)
            assert gone.recv(100)
    answer = httpx.get(pinned(hub, "leave", "big.bin"), timeout=30)
    assert len(BIG) * 2 == len(answer.content)


HOSTILE = [
    "..%2f..%2fetc%2fpasswd",
    "../../etc/passwd",
    "%2e%2e/%2e%2e/etc/passwd",
    "..%5c..%5cwin.ini",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "config.json/",
    "config.json%20",
    "CONFIG.JSON",
    "%ef%bb%bfconfig.json",
    "x" * 3_000,
]


@pytest.mark.parametrize("path", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_paths_are_files_that_are_not_there(hub: Hub, path: str) -> None:
    """A path is a key: one that leads elsewhere is 404 in the hub's words and nothing else."""
    if not hub.api.repo_exists("default/hostile"):
        hub.push("hostile", "1", {"config.json": b"{}"})
    prefix = urlsplit(pinned(hub, "hostile", "")).path
    status, headers, body = raw_get(hub, prefix + path)
    assert (status, headers.get("x-error-code")) == (404, "EntryNotFound")
    assert body.startswith(b'{"error":')


def test_a_line_break_in_a_path_breaks_no_header(hub: Hub) -> None:
    """A path with a line break is refused, and no header shows it."""
    status, headers, _ = raw_get(hub, "/hf/default/any/resolve/main/a%0d%0aX-Evil: 1")
    assert status == 400
    assert "x-evil" not in headers


@pytest.mark.parametrize("path", ["config%00.json", "%ff%fe"])
def test_what_is_no_text_is_refused_at_the_gate(hub: Hub, path: str) -> None:
    """NUL and broken UTF-8 in a path are 400 before any dialect looks at it."""
    status, _, _ = raw_get(hub, f"/hf/default/any/resolve/main/{path}")
    assert status == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/hf"),
        ("GET", "/hf/"),
        ("GET", "/hf/api/datasets/default/x"),
        ("POST", "/hf/api/models/default/x/unheard-of"),
        ("DELETE", "/hf/default/x/resolve/main/a"),
        ("GET", "/hf/api/spaces"),
    ],
)
def test_unknown_paths_are_answered_in_the_hubs_shape(hub: Hub, method: str, path: str) -> None:
    """What the dialect does not know is 404 with an error, a header and no problem+json."""
    answer = httpx.request(method, hub.url + path)
    assert answer.status_code == 404
    assert list(answer.json()) == ["error"]
    assert path in answer.headers["x-error-message"]


def raw_get(hub: Hub, path: str) -> tuple[int, dict[str, str], bytes]:
    """Ask for a path exactly as it is written, and return status, headers and body."""
    parts = urlsplit(hub.url)
    line = path.encode("latin-1").replace(b" ", b"%20")
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as wire:
        wire.sendall(b"GET " + line + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := wire.recv(65_536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    named = (each.split(": ", 1) for each in rest)
    headers = {name.lower(): value for name, value in named}
    return int(first.split()[1]), headers, body
