"""Files in and out, against the simplest loops over the same bytes, all in one run.

    python bench/transfers.py [--mib 1024] [--rounds 3] [--folder /tmp]

Each step takes turns with its yardstick: hashing the file (SHA-256) for a push; reading, hashing
and writing it for a pull; `cp -r` and a hash for many small files. Prints for each the best round
and the median one, MB/s, and the ratio of the best rounds beside what is wanted of it.

No file is deleted before the end: on an ext4 without a journal, making one is many times dearer
for minutes after others were deleted, whoever makes it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import lockgate
from lockgate.settings import Settings

PIECE = 2**20
SMALL_BYTES = 64 * 2**10
HASH, LOOP, COPY = "SHA-256 of the file", "read, hash, write, sync", "cp -r and a hash of each"
YARDSTICKS = {
    "push": HASH,
    "push again": "push",
    "pull": LOOP,
    "push 1000 files": COPY,
    "pull 1000 files": COPY,
}
WANTED: dict[str, dict[str, float]] = {
    "embedded": {
        "push": 0.5,
        "push again": 10,
        "pull": 0.5,
        "push 1000 files": 1 / 3,
        "pull 1000 files": 1 / 3,
    },
    "http": {"push": 0.35, "push again": 10, "pull": 0.5},
}


def main() -> None:
    """Measure everything in rounds, each on a registry of its own."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--mib", type=int, default=1024)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder, prefix="lockgate-bench-") as name:
        folder = Path(name)
        large = make_large(folder / "large", chosen.mib)
        small = make_small(folder / "small")
        sizes = {"large": tree_bytes(large), "small": tree_bytes(small)}
        taken: dict[str, dict[str, list[float]]] = {kind: {} for kind in ("embedded", "http")}
        for number in range(chosen.rounds):
            for kind, seconds in taken.items():
                home = folder / f"{kind}-{number}"
                for step, took in measure(home, kind, large, small).items():
                    seconds.setdefault(step, []).append(took)
    for kind, seconds in taken.items():
        report(kind, seconds, sizes)
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
        (folder / f"{number:04}.bin").write_bytes(os.urandom(SMALL_BYTES))
    return folder


def measure(home: Path, kind: str, large: Path, small: Path) -> dict[str, float]:
    """Push and pull through one kind of registry; return the seconds of each step, limits too."""
    home.mkdir()
    settings = Settings(cache=str(home / "cache"), timeout_s=600)
    server = None
    url = f"sqlite:///{home}/registry.db"
    if kind == "http":
        server, url = serve(home, url)
    file = large / "model.safetensors"
    try:
        with lockgate.connect(url, actor="bench", settings=settings) as registry:
            steps: dict[str, Callable[[], object]] = {
                HASH: lambda: hash_file(file),
                "push": lambda: registry.push(large, "large", "1"),
                "push again": lambda: registry.push(large, "again", "1"),
                LOOP: lambda: copy_file(file, home / "copied"),
                "pull": lambda: registry.pull("large:1", home / "pulled"),
                COPY: lambda: copy_tree(small, home / "small-copy"),
                "push 1000 files": lambda: registry.push(small, "small", "1"),
                "pull 1000 files": lambda: registry.pull("small:1", home / "small-pulled"),
            }
            return {step: timed(work) for step, work in steps.items()}
    finally:
        if server is not None:
            print(peak_memory(server))
            server.terminate()
            server.wait()
        empty_large(home)


def peak_memory(server: subprocess.Popen[str]) -> str:
    """Return how much memory a server has held at most, in words."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    held = next(line for line in status.splitlines() if "VmHWM" in line)
    return f"peak memory of the server: {int(held.split()[1]) // 1024} MiB"


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
    """Return how many seconds ``work`` takes; what others wrote before is on the disk by then."""
    os.sync()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def report(kind: str, seconds: dict[str, list[float]], sizes: dict[str, int]) -> None:
    """Print a line for each step of one kind of registry, its yardstick's above it."""
    print(f"\n{kind:26}{'best':>10}{'median':>10}{'MB/s':>8}{'ratio':>8}")
    for step, took in seconds.items():
        best = min(took)
        rate = sizes["small" if step == COPY or "files" in step else "large"] / best / 1e6
        line = f"{step:26}{best:>8.3f} s{statistics.median(took):>8.3f} s{rate:>8.0f}"
        if step in YARDSTICKS:
            wanted = WANTED[kind].get(step)
            line += f"{min(seconds[YARDSTICKS[step]]) / best:>8.2f}"
            line += "" if wanted is None else f"  (wanted: {wanted:.2g} or more)"
        print(line)


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
    os.truncate(target, 0)


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder, to where there is none yet, and hash its files."""
    subprocess.run(["cp", "-r", str(source), str(target)], check=True)
    for path in target.iterdir():
        hash_file(path)


def empty_large(folder: Path) -> None:
    """Give back the room that the large files of a folder take, and leave them there."""
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size > SMALL_BYTES:
            os.truncate(path, 0)


def tree_bytes(folder: Path) -> int:
    """Return the bytes of all files under a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
