"""``python -m bench``: every measurement in one run, as ratios.

python -m bench                                  small and quick
python -m bench --models 1000 --versions 1000    a million versions
python -m bench --only reads writes              some of them
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from bench import filling, gates, pages, reads, serving, starting, writes

PARTS = ("reads", "writes", "gates", "pages", "http", "starting")
SMALL = (100, 10)


def main() -> None:
    """Fill registries in a temporary folder (or a given one, to fill it once) and measure."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--models", type=int, default=1_000)
    parser.add_argument("--versions", type=int, default=1_000)
    parser.add_argument("--quick", action="store_true", help="100 × 100 versions, less patience")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each measurement")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--folder", type=Path, help="keep the filled databases here")
    asked = parser.parse_args()
    if asked.quick:
        asked.models, asked.versions, asked.seconds = 100, 100, 0.5
    with tempfile.TemporaryDirectory(prefix="lockgate-bench-") as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"filled-{asked.models}x{asked.versions}.db"
        begin = time.perf_counter()
        large = filling.fill(path, asked.models, asked.versions)
        print(f"{asked.models:,} × {asked.versions:,} in {time.perf_counter() - begin:.1f} s")
        if "reads" in asked.only:
            reads.run(large, asked.models, asked.versions, asked.seconds)
        if "writes" in asked.only:
            writes.run(Path(temporary), asked.seconds)
        if "gates" in asked.only:
            gates.run(Path(temporary), asked.seconds)
        if "pages" in asked.only:
            small = filling.fill(folder / "filled-small.db", *SMALL)
            sizes = SMALL[0] * SMALL[1], asked.models * asked.versions
            pages.run(small, sizes[0], large, sizes[1], asked.seconds / 3)
            small.close()
        large.close()
        if "http" in asked.only:
            serving.run(path, asked.seconds)
        if "starting" in asked.only:
            starting.run(Path(temporary))


if __name__ == "__main__":
    main()
