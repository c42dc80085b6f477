"""The files in `deploy/` that start servers: what they name is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from lockgate.cli.main import command
from lockgate.domain.permissions import PERMISSIONS
from lockgate.http.app import build_app
from lockgate.settings import Settings
from registries import embedded

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "docker/compose.yaml").read_text())
SERVER = list(yaml.safe_load_all((DEPLOY / "kubernetes/server.yaml").read_text()))
POD = SERVER[1]["spec"]["template"]["spec"]
MIGRATE = POD["initContainers"][0]


def test_every_variable_is_a_setting() -> None:
    """A file sets no variable that the server would refuse."""
    places = [*DEPLOY.rglob("*"), ROOT / "docs/how-to/run-a-server.md"]
    texts = [path.read_text() for path in places if path.is_file()]
    named = {name for text in texts for name in re.findall(r"LOCKGATE_[A-Z_]+[A-Z]", text)}
    assert named == {
        name for name in named if name.removeprefix("LOCKGATE_").lower() in Settings.__annotations__
    }
    assert {"LOCKGATE_DATABASE", "LOCKGATE_ARTIFACTS", "LOCKGATE_AUDIT_KEY"} <= named


def test_every_command_is_one() -> None:
    """What a container runs are commands of the command line."""
    run = [COMPOSE["services"][name]["command"] for name in ("migrate", "lockgate")]
    run += [each["args"] for each in (MIGRATE, *POD["containers"])]
    assert [words[0] for words in run] == ["migrate", "serve", "migrate", "serve"]
    assert all(words[0] in command().commands for words in run)


def test_what_is_probed_is_served() -> None:
    """Probes ask for paths that are there and need no token."""
    paths = set(build_app(embedded(), Settings()).openapi()["paths"])
    dockerfile = (DEPLOY / "docker/Dockerfile").read_text()
    (container,) = POD["containers"]
    probed = {container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("readiness", "liveness")}
    probed |= set(re.findall(r"8000(/\w+)", dockerfile))
    assert probed == {"/healthz", "/readyz"}
    assert probed <= paths


def test_servers_share_what_must_be_shared() -> None:
    """Migration and server of a file work on the same database, files and key."""
    services = COMPOSE["services"]
    assert services["migrate"]["environment"] == services["lockgate"]["environment"]
    (server,) = POD["containers"]
    assert MIGRATE["env"] == server["env"]
    assert set(_secrets(SERVER)) == {"database", "artifacts"}


def test_the_page_of_access_names_every_permission() -> None:
    """Whoever writes a role finds there every word that it may be made of."""
    page = (ROOT / "docs/how-to/access.md").read_text()
    assert [each for each in PERMISSIONS if f"`{each}`" not in page] == []


def _secrets(found: Any) -> Iterator[str]:
    """Yield every key of a secret that a document takes a variable from."""
    if isinstance(found, dict):
        if "secretKeyRef" in found:
            yield found["secretKeyRef"]["key"]
        found = list(found.values())
    if isinstance(found, list):
        for each in found:
            yield from _secrets(each)
