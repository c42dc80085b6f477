"""Versions kept on this machine by digest, verified once and checked cheaply ever after.

<root>/
├ versions/<64 hex>/…          a version's files, read-only
├ receipts/<64 hex>.json       the state each file had when it was verified
└ manifests/<64 hex>.json      its manifest, so that a hit needs no server
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

from lockgate.artifacts.pulling import Fetch, PullProgress, pull_tree
from lockgate.artifacts.pushing import hash_tree
from lockgate.artifacts.trees import list_tree, open_root
from lockgate.domain.digests import digest_hex
from lockgate.domain.manifests import Manifest, ManifestLimits, parse_manifest
from lockgate.errors import AlreadyExists, DigestMismatch, RegistryError, Unavailable


class ArtifactCache:
    """Folders of verified versions. Several processes may use one cache."""

    def __init__(self, root: Path, limits: ManifestLimits | None = None) -> None:
        self._root = root.absolute()
        self._limits = limits

    def find(self, digest: str) -> Path | None:
        """Return the folder of a version that is here and whole; None when it must be pulled.

        A file is compared with its receipt by size, times and inode, without being read. If any
        differs, the version is hashed again; if its bytes differ too, it is thrown away.
        """
        folder = self._folder(digest)
        try:
            states = _states(folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(detail=f"The cache {self._root} cannot be read: {error}.") from error
        if states is not None and states == self._receipt(digest):
            return folder
        manifest = self._find_manifest(digest)
        if states and manifest and _is_version(folder, manifest, self._limits):
            self._write_receipt(digest, states)
            return folder
        self.remove(digest)
        return None

    def ensure(
        self,
        digest: str,
        read_manifest: Callable[[], bytes],
        fetch: Fetch,
        *,
        on_progress: Callable[[PullProgress], None] | None = None,
    ) -> Path:
        """Return the folder of a version, pulling it if it is not here.

        ``read_manifest`` is asked only then; DigestMismatch when it returns something else.
        Other errors are those of `pull_tree`.
        """
        found = self.find(digest)
        if found is not None:
            return found
        folder = self._folder(digest)
        manifest = parse_manifest(read_manifest(), self._limits)
        if manifest.digest != digest:
            raise DigestMismatch(subject="The manifest", observed=manifest.digest, expected=digest)
        try:
            self._write("manifests", digest, manifest.encoded)
            pull_tree(
                manifest,
                fetch,
                folder,
                limits=self._limits,
                on_progress=on_progress,
                file_mode=0o444,
            )
            self._write_receipt(digest, _states(folder))
        except AlreadyExists:
            # Another process was faster; what it made is looked at like any other folder.
            found = self.find(digest)
            if found is None:
                raise
            return found
        except OSError as error:
            raise Unavailable(detail=f"The cache {self._root} does not work: {error}.") from error
        return folder

    def remove(self, digest: str) -> None:
        """Forget a version; nothing happens when it is not here."""
        folder = self._folder(digest)
        gone = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.gone")
        with contextlib.suppress(OSError):
            # Renamed first: nobody finds half a version.
            os.rename(folder, gone)
            shutil.rmtree(gone, ignore_errors=True)
        self._place("receipts", digest).unlink(missing_ok=True)

    def _folder(self, digest: str) -> Path:
        return self._root / "versions" / digest_hex(digest, "sha256")

    def _place(self, kind: str, digest: str) -> Path:
        return self._root / kind / f"{digest_hex(digest, 'sha256')}.json"

    def _receipt(self, digest: str) -> dict[str, list[int]] | None:
        try:
            receipt: dict[str, list[int]] = json.loads(self._place("receipts", digest).read_bytes())
        except (OSError, ValueError):
            return None
        return receipt

    def _find_manifest(self, digest: str) -> Manifest | None:
        try:
            manifest = parse_manifest(self._place("manifests", digest).read_bytes(), self._limits)
        except (OSError, RegistryError):
            return None
        return manifest if manifest.digest == digest else None

    def _write_receipt(self, digest: str, states: dict[str, list[int]] | None) -> None:
        self._write("receipts", digest, json.dumps(states).encode())

    def _write(self, kind: str, digest: str, data: bytes) -> None:
        place = self._place(kind, digest)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = place.with_name(f".{secrets.token_hex(8)}")
        temporary.write_bytes(data)
        os.replace(temporary, place)


def _states(folder: Path) -> dict[str, list[int]] | None:
    """Return the state of every file under a folder; None when anything else lies there."""
    with open_root(folder) as root:
        listing = list_tree(root)
    if listing.faults:
        return None
    return {path: list(astuple(state)) for path, state in listing.files.items()}


def _is_version(folder: Path, manifest: Manifest, limits: ManifestLimits | None) -> bool:
    """Hash a folder; how its files are cut does not matter, only what they are."""
    try:
        found = hash_tree(folder, limits=limits)
    except RegistryError:
        return False
    return [(file.path, file.sha256) for file in found.files] == [
        (file.path, file.sha256) for file in manifest.files
    ]
