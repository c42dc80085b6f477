"""Browser (lines 34 to 39): no page of another site, and no text of a user's, runs as ours."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from attacked import CHURN, FIRST, V1, Target, told
from cli_runner import run_program

SCRIPT = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "a b",
     "127.0.0.1@evil.example", "evil.example/127.0.0.1", "", "[::1", "127.0.0.1:99999999", "[::]",
     "169.254.169.254", "LOCALHOST.", "xn--lcalhost-54a"],
)  # fmt: skip
def test_34_foreign_hosts(target: Target, host: str) -> None:
    """Line 34: a page whose name was made to resolve to 127.0.0.1 (DNS rebinding) is refused."""
    with target.unharmed():
        for method in ("GET", "POST"):
            request = f"{method} {FIRST} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            assert target.raw(request.encode()).status == 400
        assert target.raw(f"GET {FIRST} HTTP/1.1\r\n\r\n".encode(), close=True).status == 400


FORMS = {
    "form": ("application/x-www-form-urlencoded", b"name=x"),
    "text": ("text/plain", b'{"name": "x"}'),
    "multipart": ("multipart/form-data; boundary=x", b"--x--"),
    "nothing": (None, b'{"name": "x"}'),
    "JSON in disguise": ("text/plain; application/json", b'{"name": "x"}'),
    "a beacon": ("application/csp-report", b'{"name": "x"}'),
}
OTHERS = [
    "http://evil.example",
    "null",
    "http://127.0.0.1:1",
    "https://127.0.0.1",
    "file://",
    "x",
    "",
]


@pytest.mark.parametrize("form", FORMS)
def test_35_forms(target: Target, form: str) -> None:
    """Line 35: what a form can send without being asked is no request of ours."""
    kind, body = FORMS[form]
    with target.unharmed():
        for path in (f"{V1}/projects", f"{FIRST}/transitions", f"{V1}/artifacts/gc"):
            answer = target.http.post(
                path, content=body, headers={} if kind is None else {"Content-Type": kind}
            )
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


@pytest.mark.parametrize("origin", OTHERS)
def test_35_other_sites(target: Target, origin: str) -> None:
    """Line 35: a write that a page of another origin has a browser send is 403, before its body."""
    with target.unharmed():
        for method, path in (
            ("POST", f"{V1}/projects"), ("DELETE", CHURN), ("PATCH", FIRST),
            ("PUT", f"{CHURN}/aliases/a"),
            ("DELETE", f"{CHURN}/aliases/a"), ("POST", f"{V1}/artifacts/gc"),
        ):  # fmt: skip
            answer = target.http.request(
                method, path, json={"name": "x"}, headers={"Origin": origin}
            )
            assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")
            fetched = target.http.request(method, path, headers={"Sec-Fetch-Site": "cross-site"})
            assert fetched.status_code == 403


def test_35_our_own_pages_may_write(target: Target) -> None:
    """Line 35: the same origin passes, whatever its case, and programs, which name none."""
    own = target.url.upper().replace("HTTP", "http")
    for headers in (
        {"Origin": own, "Sec-Fetch-Site": "same-origin"},
        {},
        {"Sec-Fetch-Site": "none"},
    ):
        answer = target.http.post(f"{V1}/projects", json={"name": ""}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_name")


@pytest.mark.parametrize("origin", OTHERS)
def test_35_no_sharing(target: Target, origin: str) -> None:
    """Line 35: no answer, preflight or other, lets a page of another site read it."""
    with target.unharmed():
        asked = {"Origin": origin, "Access-Control-Request-Method": "DELETE"}
        for answer in (
            target.http.options(CHURN, headers=asked),
            target.http.get(CHURN, headers=asked),
            target.http.get("/openapi.json", headers=asked),
        ):
            found = [name for name in answer.headers if name.startswith("access-control")]
            assert found == []


@pytest.mark.parametrize("path", ["page.html", "drawing.svg", "README.md", "config.json"])
def test_36_files_are_attachments(target: Target, path: str) -> None:
    """Line 36: a file of a version is bytes to be saved, whatever is in it."""
    with target.unharmed():
        headers = target.http.get(f"{FIRST}/files/{path}").headers
        assert headers["content-type"] == "application/octet-stream"
        assert headers["content-disposition"].startswith("attachment;")
        assert headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in headers["content-security-policy"]


def test_36_names_of_files(target: Target, tmp_path: Path) -> None:
    """Line 36: a file's name never becomes a header or markup."""
    out = tmp_path / "out"
    out.mkdir()
    name = 'a"; filename="evil.exe <img src=x onerror=alert(1)>;é.bin'.replace("/", "")
    (out / name).write_bytes(b"x")
    target.registry.push(out, "named", "1")
    with target.unharmed():
        [file] = target.http.get(f"{V1}/projects/default/models/named/versions/1/files").json()[
            "files"
        ]
        assert file["path"] == name
        answer = target.http.get(
            httpx.URL(f"{V1}/projects/default/models/named/versions/1/files/").join(
                "./" + httpx.QueryParams({"": name}).__str__()[1:].replace("+", "%20")
            )
        )
        shown = answer.headers["content-disposition"]
        assert answer.status_code == 200
        assert '"' not in shown
        assert "<" not in shown
        assert ";" not in shown.removeprefix("attachment;")


def test_36_cards_are_data(target: Target) -> None:
    """Line 36: a card's markup is a JSON text, never a page."""
    with target.unharmed():
        answer = target.http.get(f"{FIRST}/card")
        assert answer.headers["content-type"] == "application/json"
        assert SCRIPT in answer.json()["text"]


REFLECTING = {
    f"/{SCRIPT}": (404, "unknown_path"),
    f"{V1}/projects/{SCRIPT}": (404, "unknown_path"),  # there is a slash in it
    f"{V1}/resolve?ref={SCRIPT}": (400, "invalid_reference"),
    f"/docs/{SCRIPT}": (404, "unknown_path"),
    f"{V1}/search/models?filter={SCRIPT}": (400, "invalid_filter"),
    f"{V1}/models?limit={SCRIPT}": (400, "invalid_input"),
    f"{FIRST}/files/{SCRIPT}": (404, "not_found"),
}


@pytest.mark.parametrize("path", REFLECTING)
def test_37_reflected_input(target: Target, path: str) -> None:
    """Line 37: what an error repeats is JSON, and no browser takes it for more."""
    with target.unharmed():
        answer = target.http.get(path)
        assert told(answer) == REFLECTING[path]
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_37_no_header_repeats_input(target: Target) -> None:
    """Line 37: nor does a header: a request id is a plain word or a new one."""
    with target.unharmed():
        for given in (f"a{SCRIPT}", "a b", "x" * 65, "é"):
            answer = target.http.get(FIRST, headers={"X-Request-Id": given.encode()})
            assert answer.headers["x-request-id"] != given
        split = target.ask(f"{V1}/resolve?ref=a%0d%0aSet-Cookie:%20x=1")
        assert "set-cookie" not in split.head


@pytest.mark.parametrize(
    "path", ["/docs", "/", "/ui/", "/docs/start.js", "/metrics", f"{FIRST}/files/page.html"]
)
def test_38_framing(target: Target, path: str) -> None:
    """Line 38: nothing that a browser would show can be framed or runs script of another's."""
    headers = target.http.get(path, follow_redirects=False).headers
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert headers["x-frame-options"] == "DENY"
    assert "unsafe-eval" not in policy
    assert "script-src 'self';" in policy or "default-src 'none'" in policy
    assert policy.startswith("default-src 'none'")


SHOWN = {"/": 307, "/ws": 404, f"{V1}/projects": 200, "/docs": 200}


@pytest.mark.parametrize("path", SHOWN)
def test_38_websockets(target: Target, path: str) -> None:
    """Line 38: nothing here speaks websocket; a handshake is a request like any other."""
    with target.unharmed():
        answer = target.ask(
            path, "GET", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Origin: http://evil.example",
        )  # fmt: skip
        assert answer.status == SHOWN[path]


FORMULAS = [
    '=HYPERLINK("http://evil")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "line\nbreak",
    "a,b",
    '"q"',
]


@pytest.mark.parametrize("text", FORMULAS)
def test_39_exports_and_logs(target: Target, text: str) -> None:
    """Line 39: an export of the log is JSON, a line an event, whatever a comment says."""
    target.http.post(
        f"{V1}/projects/default/models/formulas/versions",
        json={"description": text, "tags": {"t": text}},
    )
    export = target.http.post(f"{V1}/audit/export")
    assert all(isinstance(json.loads(line), dict) for line in export.text.splitlines())
    assert "csv" not in export.headers["content-type"]


def test_39_a_terminal_is_not_told_what_to_do(tmp_path: Path) -> None:
    """Line 39: control characters in a text are shown, not obeyed, and break no line."""
    database = f"sqlite:///{tmp_path}/lockgate.db"
    made = run_program(
        "--url", database, "version", "register", "churn:1",
        "--description", "a\x1b]0;owned\x07b\x1b[2Jc",
        cwd=tmp_path, HOME=str(tmp_path),
    )  # fmt: skip
    assert made.code != 0 or "\x1b" not in made.out
    shown = run_program(
        "--url", database, "version", "show", "churn:1", cwd=tmp_path, HOME=str(tmp_path)
    )
    assert "\x1b" not in shown.out
    assert "\x07" not in shown.out
