"""The peer, installed from PyPI into an environment of its own: its needs are not ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

MLFLOW = "mlflow==3.17.2"
POSTGRES = "psycopg2-binary==2.9.12"
DONE = ".installed"


def peer_python(folder: Path) -> Path:
    """Return the interpreter of the environment in ``folder``, made unless it is there."""
    python = folder / "bin" / "python"
    mark = folder / DONE
    wanted = f"{MLFLOW} {POSTGRES}"
    if mark.exists() and mark.read_text() == wanted:
        return python
    print(f"installing {wanted} into {folder}", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    subprocess.run([*installer(python), MLFLOW, POSTGRES], check=True)
    mark.write_text(wanted)
    return python


def installed_bytes(folder: Path) -> int:
    """Return what an environment's packages weigh on disk."""
    packages = next((folder / "lib").glob("python*")) / "site-packages"
    return sum(path.stat().st_size for path in packages.rglob("*") if path.is_file())


def installer(python: Path) -> list[str]:
    """Return the command that installs into an environment: uv where it is, else pip."""
    for uv in (".uv/bin/uv", shutil.which("uv")):
        if uv is not None and Path(uv).exists():
            os.environ.setdefault("UV_SYSTEM_CERTS", "1")
            return [uv, "pip", "install", "--quiet", "--python", str(python)]
    return [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
