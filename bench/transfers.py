"""Files in and out, against the simplest loops over the same bytes, all in one run.

    python bench/transfers.py [--mib 1024] [--folder /tmp]

Prints seconds, MB/s and the ratio to its yardstick for each: hashing the file (SHA-256) for a
push; reading, hashing and writing it for a pull; `cp -r` and a hash for many small files.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import lockgate
from lockgate.settings import Settings

PIECE = 2**20


def main() -> None:
    """Measure everything once."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--mib", type=int, default=1024)
    arguments.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder, prefix="lockgate-bench-") as name:
        folder = Path(name)
        large = make_large(folder / "large", chosen.mib)
        small = make_small(folder / "small")
        for kind in ("embedded", "http"):
            measure(folder / kind, kind, large, small)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"peak memory of this process: {peak} MiB")


def make_large(folder: Path, mib: int) -> Path:
    """One safetensors file of so many tensors of 4 MiB, of random bytes."""
    folder.mkdir()
    count = mib // 4
    size = 4 * 2**20
    tensors = ",".join(
        f'"layer.{i}":{{"dtype":"F32","shape":[{size // 4}],'
        f'"data_offsets":[{i * size},{(i + 1) * size}]}}'
        for i in range(count)
    )
    header = ("{" + tensors + "}").encode()
    header += b" " * (-len(header) % 8)
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for _ in range(count):
            file.write(os.urandom(size))
    return folder


def make_small(folder: Path) -> Path:
    """A thousand files of 64 KiB of random bytes."""
    folder.mkdir()
    for number in range(1000):
        (folder / f"{number:04}.bin").write_bytes(os.urandom(64 * 2**10))
    return folder


def measure(home: Path, kind: str, large: Path, small: Path) -> None:
    """Push and pull through one kind of registry."""
    home.mkdir()
    settings = Settings(cache=str(home / "cache"), timeout_s=600)
    server = None
    url = f"sqlite:///{home}/registry.db"
    if kind == "http":
        server, url = serve(home, url)
    try:
        with lockgate.connect(url, actor="bench", settings=settings) as registry:
            size = tree_bytes(large)
            hashing = timed(lambda: hash_file(large / "model.safetensors"))
            report("SHA-256 of the file", size, hashing, hashing)
            first = timed(lambda: registry.push(large, "large", "1"))
            report(f"{kind}: push", size, first, hashing)
            again = timed(lambda: registry.push(large, "again", "1"))
            report(f"{kind}: push again", size, again, first)
            loop = timed(lambda: copy_file(large / "model.safetensors", home / "copied"))
            report("read, hash, write, sync", size, loop, loop)
            pull = timed(lambda: registry.pull("large:1", home / "pulled"))
            report(f"{kind}: pull", size, pull, loop)
            size = tree_bytes(small)
            copying = timed(lambda: copy_tree(small, home / "small-copy"))
            report("cp -r and a hash of each", size, copying, copying)
            many = timed(lambda: registry.push(small, "small", "1"))
            report(f"{kind}: push 1000 files", size, many, copying)
            many = timed(lambda: registry.pull("small:1", home / "small-pulled"))
            report(f"{kind}: pull 1000 files", size, many, copying)
        if server is not None:
            status = Path(f"/proc/{server.pid}/status").read_text()
            print("server", next(line for line in status.splitlines() if "VmHWM" in line))
    finally:
        if server is not None:
            server.terminate()
            server.wait()
        shutil.rmtree(home)


def serve(home: Path, database: str) -> tuple[subprocess.Popen[str], str]:
    """Start a server on a free port; return it and its URL."""
    program = str(Path(sys.executable).with_name("lockgate"))
    server = subprocess.Popen(
        [program, "serve", "--port", "0", "--database", database],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "LOCKGATE_CACHE": str(home / "server-cache")},
    )
    assert server.stdout is not None
    line = server.stdout.readline()
    return server, line.split(" on ")[1].strip()


def timed(work: Callable[[], object]) -> float:
    """Return how many seconds ``work`` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def report(what: str, size: int, seconds: float, yardstick: float) -> None:
    """Print one line; the ratio is speed against the yardstick's."""
    speed = size / seconds / 1e6
    print(f"{what:28} {seconds:8.3f} s {speed:8.0f} MB/s  {yardstick / seconds:6.2f}x")


def hash_file(path: Path) -> str:
    """Hash a file by the simplest loop."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def copy_file(source: Path, target: Path) -> None:
    """Read, hash and write a file, and wait for the disk."""
    digest = hashlib.sha256()
    with source.open("rb") as old, target.open("wb") as new:
        while piece := old.read(PIECE):
            digest.update(piece)
            new.write(piece)
        new.flush()
        os.fsync(new.fileno())
    target.unlink()


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder and hash its files."""
    subprocess.run(["cp", "-r", str(source), str(target)], check=True)
    for path in target.iterdir():
        hash_file(path)
    shutil.rmtree(target)


def tree_bytes(folder: Path) -> int:
    """Return the bytes of all files under a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
