"""`snapshot_download` from Lockgate and from a plain file server, the same files, in one run.

    python -m bench.hub [--mib 1024] [--files 4] [--rounds 3] [--folder /tmp]

The plain server answers the hub's questions from memory and sends files with Starlette's
FileResponse under uvicorn, one process each: nothing is looked up, nothing is verified. The client
is the same, `huggingface_hub` in a fresh process with an empty cache. Its own work is most of the
time, so the files are also read by a bare loop that throws them away.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import lockgate
from bench.serving import free_port
from bench.transfers import make_large, serve
from lockgate.settings import Settings

WANTED = 1.3
COMMIT = "0123456789" * 4
FOLDER = "LOCKGATE_TEST_PLAIN_FOLDER"
NAME = "default/large"
CLIENT = """
import sys, time
import huggingface_hub
began = time.perf_counter()
huggingface_hub.snapshot_download(sys.argv[1])
print(time.perf_counter() - began)
"""


def plain() -> Any:
    """Return the plain file server, on the folder that the environment names."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import FileResponse, JSONResponse, Response
    from starlette.routing import Route

    folder = Path(os.environ[FOLDER])
    sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}

    async def info(_: Request) -> Response:
        siblings = [{"rfilename": name} for name in sizes]
        return JSONResponse({"id": NAME, "sha": COMMIT, "siblings": siblings})

    async def tree(_: Request) -> Response:
        return JSONResponse(
            [
                {"type": "file", "path": name, "size": size, "oid": COMMIT}
                for name, size in sizes.items()
            ]
        )

    async def resolve(request: Request) -> Response:
        name = request.path_params["path"]
        etag = hashlib.sha256(name.encode()).hexdigest()
        return FileResponse(folder / name, headers={"x-repo-commit": COMMIT, "etag": f'"{etag}"'})

    model = "/hf/api/models/{project}/{model}"
    return Starlette(
        routes=[
            Route(model + "/revision/{revision}", info),
            Route(model + "/tree/{revision}", tree),
            Route("/hf/{project}/{model}/resolve/{revision}/{path:path}", resolve),
        ]
    )


def main() -> None:
    """Push the files, then download them from both servers in turn."""
    arguments = argparse.ArgumentParser(prog="python -m bench.hub", description=__doc__)
    arguments.add_argument("--mib", type=int, default=1024)
    arguments.add_argument("--files", type=int, default=4)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder, prefix="lockgate-bench-") as name:
        home = Path(name)
        files = make_files(home, asked.mib, asked.files)
        ours, url = serve(home, f"sqlite:///{home}/registry.db")
        try:
            settings = Settings(cache=str(home / "cache"), timeout_s=600)
            with lockgate.connect(url, actor="bench", settings=settings) as registry:
                commit = push(registry, files)
            with plain_server(files) as other:
                compare(home, asked, {"plain": (other, COMMIT), "lockgate": (url, commit)}, files)
            print("lockgate", peak_memory(ours))
        finally:
            ours.terminate()
            ours.wait()


def make_files(home: Path, mib: int, count: int) -> Path:
    """Return a folder of so many safetensors files, together of so many MiB."""
    folder = home / "files"
    folder.mkdir()
    for number in range(count):
        made = make_large(home / f"part-{number}", mib // count)
        (made / "model.safetensors").rename(folder / f"model-{number}.safetensors")
    return folder


def push(registry: Any, files: Path) -> str:
    """Push the files and return the commit of their version."""
    from lockgate.dialects.huggingface.snapshots import commit_of

    return commit_of(registry.push(files, NAME, "1"))


def compare(
    home: Path, asked: argparse.Namespace, servers: dict[str, tuple[str, str]], files: Path
) -> None:
    """Print the best round of each server, and the ratio to the plain one."""
    mib = sum(path.stat().st_size for path in files.iterdir()) / 2**20
    measured: dict[str, Callable[[str, str], float]] = {
        "snapshot_download": lambda url, _: snapshot(home, url),
        "bare loop": lambda url, commit: drain(url, commit, files),
    }
    for what, measure in measured.items():
        best = {who: float("inf") for who in servers}
        for _ in range(asked.rounds):
            for who, (url, commit) in servers.items():
                best[who] = min(best[who], measure(url, commit))
        for who, seconds in best.items():
            ratio = seconds / best["plain"]
            print(f"{what:18} {who:9} {seconds:7.3f} s {mib / seconds:7.0f} MiB/s {ratio:6.2f}x")
        if what == "snapshot_download":
            verdict = "met" if best["lockgate"] <= WANTED * best["plain"] else "MISSED"
            print(f"wanted: at most {WANTED}x of the plain server: {verdict}")


def snapshot(home: Path, url: str) -> float:
    """Return the seconds that the client says it needed, with an empty cache."""
    cache = home / "hub"
    environ = {
        "HF_ENDPOINT": f"{url}/hf",
        "HF_HOME": str(cache),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    try:
        ran = subprocess.run(
            [sys.executable, "-c", CLIENT, NAME],
            env={**os.environ, **environ},
            check=True,
            capture_output=True,
            text=True,
        )
    finally:
        shutil.rmtree(cache, ignore_errors=True)
    return float(ran.stdout)


def drain(url: str, commit: str, files: Path) -> float:
    """Return the seconds to read every file and keep none of it."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    room = memoryview(bytearray(2**20))
    began = time.perf_counter()
    for path in sorted(files.iterdir()):
        connection.request("GET", f"/hf/{NAME}/resolve/{commit}/{path.name}")
        response = connection.getresponse()
        total = 0
        while count := response.readinto(room):
            total += count
        if (response.status, total) != (200, path.stat().st_size):
            raise SystemExit(f"{path.name}: {response.status}, {total} bytes")
    connection.close()
    return time.perf_counter() - began


@contextmanager
def plain_server(files: Path) -> Iterator[str]:
    """Run the plain server in a process of its own, and yield its URL."""
    port = free_port()
    command = ["-m", "uvicorn", "bench.hub:plain", "--factory", "--log-level", "error"]
    process = subprocess.Popen(
        [sys.executable, *command, "--port", str(port)], env={**os.environ, FOLDER: str(files)}
    )
    try:
        for _ in range(600):
            try:
                http.client.HTTPConnection("127.0.0.1", port).connect()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def peak_memory(process: subprocess.Popen[str]) -> str:
    """Return the line of the kernel about the most memory that a process had."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return next(line for line in status.splitlines() if "VmHWM" in line)


if __name__ == "__main__":
    main()
