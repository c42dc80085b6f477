"""A server that speaks the hub's dialect, its registry, and what the real clients asked of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lockgate.dialects import dialects_named
from lockgate.http.app import build_app
from lockgate.registry import Registry
from lockgate.settings import Settings
from registries import embedded, running

CONFIG = {
    "model_type": "bert",
    "hidden_size": 8,
    "num_attention_heads": 2,
    "num_hidden_layers": 1,
    "intermediate_size": 8,
}


class Wire:
    """Middleware that writes down every request, and can cut one answer off."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.seen: list[tuple[str, str, int]] = []
        self.ranges: list[str] = []
        self.cut_after: int | None = None

    def files(self, method: str = "GET") -> list[str]:
        """Return the paths of files whose bytes (or headers, for HEAD) were sent, in order."""
        found = [path for verb, path, status in self.seen if verb == method and status < 300]
        return [
            path.split("/resolve/")[1].partition("/")[2] for path in found if "/resolve/" in path
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = 0
        self.ranges += [v.decode() for k, v in scope["headers"] if k == b"range"]

        async def watched(message: Message) -> None:
            nonlocal sent
            if message["type"] == "http.response.start":
                self.seen.append((scope["method"], scope["path"], message["status"]))
            else:
                sent += len(message.get("body", b""))
            if self.cut_after is not None and sent > self.cut_after:
                self.cut_after = None
                raise OSError("the cable is pulled")
            await send(message)

        await self._app(scope, receive, watched)


class Hub:
    """The server's registry, its address, its wire, and a client of it."""

    def __init__(self, registry: Registry, url: str, wire: Wire, home: Path) -> None:
        self.registry = registry
        self.url = url
        self.wire = wire
        self.home = home
        self.endpoint = f"{url}/hf"
        self.api = HfApi(endpoint=self.endpoint, token="hf_anybody")

    def folder(self, name: str, files: dict[str, bytes]) -> Path:
        """Write files into a folder of this name."""
        root = self.home / name
        for path, data in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
        return root

    def push(self, model: str, version: str, files: dict[str, bytes]) -> None:
        """Push files as a version, as our own client does."""
        self.registry.push(self.folder(f"{model}-{version}", files), model, version)

    def run(self, script: str, **environ: str) -> Any:
        """Run a script with nothing but its environment set up, and return the JSON it prints."""
        told = {
            **os.environ,
            "HF_ENDPOINT": self.endpoint,
            "HF_HOME": str(self.home / "hf-home"),
            "HF_TOKEN": "hf_anybody",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            **environ,
        }
        ran = subprocess.run(
            [sys.executable, "-c", script], env=told, capture_output=True, text=True, timeout=120
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout.splitlines()[-1])


@contextmanager
def a_hub(home: Path, dialects: str = "huggingface") -> Iterator[Hub]:
    """Run a server on an empty registry with a folder for its files."""
    registry = embedded(f"sqlite:///{home}/registry.db")
    settings = Settings(database=f"sqlite:///{home}/registry.db")
    wire = Wire(build_app(registry, settings, dialects=dialects_named(dialects)))
    with running(wire) as url:
        yield Hub(registry, url, wire, home)


def contents(root: str | Path) -> dict[str, bytes]:
    """Return the files under a folder by path."""
    base = Path(root)
    return {
        path.relative_to(base).as_posix(): path.read_bytes()
        for path in sorted(base.rglob("*"))
        if path.is_file() and ".cache" not in path.parts
    }
