"""Requests on a caller's behalf (lines 18 to 22): the server makes none, our client few.

What an import does with addresses, redirects and slow answers is in `tests/unit/test_outbound.py`
and `tests/conformance/registry/test_imports.py`; here the running server is asked to go somewhere.
"""

from __future__ import annotations

import json

import pytest

from attacked import CHURN, FIRST, JSON, V1, Target, told
from lockgate.domain.imports import ImportRules
from lockgate.errors import InvalidInput
from lockgate.importing import bring

ADDRESSES = [
    "http://169.254.169.254/latest/meta-data/iam", "http://metadata.google.internal/",
    "http://127.0.0.1:22",
    "http://localhost/", "http://[::1]/", "http://[::ffff:169.254.169.254]/", "http://127.1/",
    "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://0/",
    "http://127.0.0.1.nip.io/",
    "http://[64:ff9b::a9fe:a9fe]/", "http://[2002:7f00:1::]/", "http://[fd00:ec2::254]/",
    "http://①②⑦.⓪.⓪.①/", "http://user:pw@169.254.169.254/", "http://169.254.169.254%2f@example.org/",
    "http://example.org\\@169.254.169.254/", "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "unix:///run/docker.sock", "http://a\r\nHost: b/", "jar:http://127.0.0.1!/",
    "dict://127.0.0.1:11211/",
    "//169.254.169.254/", "ldap://127.0.0.1/x",
]  # fmt: skip


@pytest.mark.parametrize("url", ADDRESSES)
def test_18_to_21_the_server_goes_nowhere(target: Target, url: str) -> None:
    """Lines 18 to 21: whatever field a URL is put into, nothing is called and nothing opened."""
    with target.unharmed():
        for path, body, refused in (
            (f"{CHURN}/seals", {"manifest": url}, (400, "invalid_input")),
            (f"{FIRST}/checks", {"check": "ci", "status": "unknown", "url": url},
             (400, "invalid_input")),
            (f"{V1}/artifacts/uploads", {"digests": [url]}, (400, "invalid_input")),
            (f"{V1}/artifacts/admissions", {"digests": [url]}, (400, "invalid_input")),
            # Asked of a version, what is no digest is none of its chunks.
            (f"{FIRST}/urls", {"digests": [url]}, (404, "blob_not_found")),
            (f"{V1}/projects", {"name": url}, (400, "invalid_name")),
        ):  # fmt: skip
            answer = target.http.post(path, content=json.dumps(body), headers=JSON)
            assert (path, refused) == (path, told(answer))
        for path, word, refused in (
            ("/resolve", "ref", (400, "invalid_reference")),
            ("/search/models", "filter", (400, "invalid_filter")),
            ("/audit", "project", (404, "project_not_found")),
        ):
            answer = target.http.get(V1 + path, params={word: url})
            assert (path, refused) == (path, told(answer))
    # Where a version's files lie elsewhere is a text that is kept as it was said.
    kept = f"{V1}/projects/default/models/kept/versions"
    recorded = target.http.post(kept, json={"artifact_uri": url, "code": url})
    assert (recorded.status_code, recorded.json()["artifact_uri"]) == (201, url)
    version = f"{kept}/{recorded.json()['label']}"
    with target.unharmed():
        for path in ("", "/card", "/gate"):
            assert (path, 200) == (path, target.http.get(version + path).status_code)
        for path in ("/files", "/manifest"):
            answer = target.http.get(version + path)
            assert (path, (404, "artifact_not_found")) == (path, told(answer))


@pytest.mark.parametrize(
    "url", [url for url in ADDRESSES if not url.endswith((".nip.io/", ".internal/"))]
)
def test_18_to_21_nor_does_our_client(target: Target, url: str) -> None:
    """Lines 18 to 21: an import of it is refused before a packet leaves."""
    with target.unharmed(), pytest.raises(InvalidInput):
        bring(url + "x.bin", ImportRules(wall_s=5), target.registry.depot.blobs, target.folder)


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-Host", "X-Original-URL", "X-Rewrite-URL", "Forwarded", "X-Forwarded-Prefix",
     "X-HTTP-Method-Override", "Via"],
)  # fmt: skip
def test_21_headers_that_lead_elsewhere(target: Target, header: str) -> None:
    """Lines 21 and 29: headers that name another host, path or method change nothing."""
    with target.unharmed():
        plain = target.http.get(FIRST)
        led = target.http.get(FIRST, headers={header: "http://169.254.169.254/x"})
        assert (led.status_code, led.content) == (plain.status_code, plain.content)
        for answer in (
            target.http.get("/", headers={header: "evil.example"}, follow_redirects=False),
            target.http.get("/nothing", headers={header: "evil.example"}),
        ):
            assert "evil.example" not in str(answer.headers) + answer.text
        posted = target.http.post(FIRST, headers={header: "DELETE"})
        assert posted.status_code == 405
