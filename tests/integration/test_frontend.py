"""The web UI's own checks, its weight, and how the server hands it out."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fcntl import LOCK_EX, flock
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from lockgate.http import web
from registries import Server, a_server

ROOT = Path(__file__).parent.parent.parent
BUILD = ROOT / "hatch_build.py"
TYPES = ("../tests/golden/openapi.json", "--output", "src/api/schema.d.ts", "--alphabetize")


def build_program() -> ModuleType:
    """The program that builds the UI."""
    spec = importlib.util.spec_from_file_location("hatch_build", BUILD)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "command",
    [
        ("tsc", "--noEmit", "--incremental", "--tsBuildInfoFile", "node_modules/.types"),
        ("vitest", "run"),
        ("openapi-typescript", *TYPES, "--check"),
    ],
    ids=["types", "units", "generated from the API's document"],
)
def test_the_frontends_own_checks(command: tuple[str, ...]) -> None:
    """The UI's sources are well typed, their units hold, their API is the published one."""
    # Two processes of the tests must not install the tools at the same time.
    with (ROOT / "frontend" / "package-lock.json").open() as lock:
        flock(lock, LOCK_EX)
        done = subprocess.run(
            [sys.executable, BUILD, "check", *command],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_lock_file_names_no_place_but_the_public_registry() -> None:
    """Whoever builds the UI gets the packages from their own npm registry."""
    places = re.findall(r'"resolved": "([^"]+)"', (ROOT / "frontend/package-lock.json").read_text())
    assert [each for each in places if not each.startswith("https://registry.npmjs.org/")] == []


def test_the_first_page_is_light() -> None:
    """The scripts that the first page loads stay within their budget."""
    program = build_program()
    assert program.is_fresh(ROOT), "build it: python hatch_build.py"
    assert program.first_page_bytes(web.WEB, ".js") <= program.FIRST_PAGE_BYTES_MAX


def test_a_build_without_the_npm_registry_says_what_to_do(tmp_path: Path) -> None:
    """Where npm reaches nothing the build ends, naming its registry and the way around."""
    shutil.copy(BUILD, tmp_path)
    shutil.copytree(
        ROOT / "frontend",
        tmp_path / "frontend",
        ignore=shutil.ignore_patterns("node_modules", "dist"),
    )
    done = subprocess.run(
        [sys.executable, tmp_path / BUILD.name],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "npm_config_registry": "http://127.0.0.1:1",
            "npm_config_fetch_retries": "0",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "npm_config_registry" in done.stderr
    assert "HATCH_BUILD_NO_HOOKS=true" in done.stderr
    assert not (tmp_path / "src").exists()


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    """A client of a server with the UI."""

    def client(server: Server) -> httpx.Client:
        return httpx.Client(base_url=server.url, trust_env=False)

    with a_server() as server, client(server) as asking:
        yield asking


def test_the_front_door_leads_to_the_pages(http: httpx.Client) -> None:
    """The redirects are relative, so that they hold below a proxy's path."""
    assert [http.get(path).headers["location"] for path in ("/", "/ui")] == ["ui/", "ui/"]


@pytest.mark.parametrize(
    ("path", "up"),
    [("/ui/", "./"), ("/ui/p", "./"), ("/ui/p/default/models", "../../"), ("/ui/p/a/", "../../")],
)
def test_a_deep_link_is_the_page(http: httpx.Client, path: str, up: str) -> None:
    """Every address below /ui/ is answered with the page, which finds its parts relatively."""
    answer = http.get(path)
    assert answer.status_code == 200
    assert f'name="lockgate-ui" content="{up}"' in answer.text
    assert f'src="{up}assets/' in answer.text


def test_the_page_runs_nothing_but_its_own_files(http: httpx.Client) -> None:
    """The policy is strict, a nonce serves once, and no other site may frame the page."""
    first, second = http.get("/ui/"), http.get("/ui/")
    policy = first.headers["content-security-policy"]
    assert policy != second.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert first.headers["x-content-type-options"] == "nosniff"
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce is not None
    assert f'name="lockgate-nonce" content="{nonce[1]}"' in first.text


@pytest.mark.parametrize(
    ("accepted", "encoding"), [("gzip, br", "br"), ("gzip", "gzip"), ("identity", None)]
)
def test_parts_are_kept_and_compressed(
    http: httpx.Client, accepted: str, encoding: str | None
) -> None:
    """A part is named by its content, so it is kept for ever; it comes as small as one takes it."""
    part = re.search(r'src="\./(assets/[^"]+\.js)"', http.get("/ui/").text)
    assert part is not None
    with http.stream("GET", f"/ui/{part[1]}", headers={"accept-encoding": accepted}) as answer:
        assert answer.headers.get("content-encoding") == encoding
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["vary"] == "accept-encoding"
        assert answer.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("name", ["nothing.js", "..%2findex.html", "%2e%2e", ".built-from"])
def test_only_parts_are_handed_out(http: httpx.Client, name: str) -> None:
    """Whatever a path says, nothing but a part of the page comes back from among the parts."""
    answer = http.get(f"/ui/assets/{name}")
    assert (answer.status_code, "lockgate-ui" in answer.text) in {(404, False), (200, True)}
