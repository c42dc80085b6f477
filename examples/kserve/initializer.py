"""Fetches a model for KServe: `initializer lockgate://project/model@sha256:… /mnt/models`.

KServe starts it before the server with the storageUri and a folder. LOCKGATE_URL says where the
registry is. The files are pulled beside their place, verified, and then moved into the folder,
which is a volume and so cannot itself be put in place by a rename.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from urllib.parse import unquote

import lockgate

SCHEME = "lockgate://"


def main(uri: str, folder: str) -> None:
    """Fill ``folder`` with the files of the version that ``uri`` names."""
    if not uri.startswith(SCHEME):
        sys.exit(f"{uri} is no {SCHEME} address")
    reference = unquote(uri.removeprefix(SCHEME))
    destination = Path(folder)
    arriving = destination / ".arriving"
    # A container that was started again begins where it stopped, or finds nothing left to do.
    with lockgate.connect() as registry:
        version = registry.pull(reference, arriving)
    for each in sorted(arriving.iterdir()):
        place = destination / each.name
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        each.replace(place)
    arriving.rmdir()
    print(f"{version.reference} ({version.digest}) is in {destination}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: initializer lockgate://project/model@sha256:… FOLDER")
    main(*sys.argv[1:])
