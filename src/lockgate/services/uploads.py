"""Uploads: whole files, sent one by one before the version that will name them.

Our own clients send chunks. Clients of other registries send files: to an address that they were
given for each, which takes no credentials but a ticket in the address itself. A ticket is handed
out to whoever may add versions to a model, takes one file of one hash, and is of use for a day, for
as long as whoever opened it may still do so by the token that opened it.

    open ──► ticket ──► receive: spooled file ──► chunks, and a manifest of this file alone
                                                       └► find, when a version is made of it
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lockgate.artifacts.pushing import push_tree
from lockgate.domain.manifests import FileEntry, Manifest, ManifestLimits
from lockgate.domain.moments import to_micros
from lockgate.domain.permissions import PUSH
from lockgate.errors import BlobNotFound, DigestMismatch, InvalidInput, LimitExceeded, NotFound
from lockgate.services.depot import Depot
from lockgate.storage import guard
from lockgate.storage import models as model_rows
from lockgate.storage import uploads as rows
from lockgate.storage.database import Session
from lockgate.storage.store import Caller, Store
from lockgate.storage.uploads import Upload

TICKET_BYTES = 32
KEPT_S = 24 * 3600
OPEN_MAX = 1_000
SPOOLED = "file"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TENSOR_SUFFIXES = (".safetensors", ".gguf")
_GGUF = b"GGUF"


class Uploads:
    """Files on their way into one registry, for whoever acts there."""

    def __init__(self, store: Store, depot: Depot, who: Caller) -> None:
        self._store = store
        self._depot = depot
        self._who = who

    def require(self, project: str, name: str) -> None:
        """Raise `Forbidden` for whoever may not send files for a model, before they are read."""

        def use_case(session: Session) -> None:
            guard.require_here(session, PUSH, model_rows.load_model(session, project, name))

        self._store.read(use_case)

    def open(self, project: str, name: str, wanted: Sequence[tuple[str, int]]) -> list[str | None]:
        """Return a ticket for each file (SHA-256 in hex, bytes), None for one that is here.

        Raises `ModelNotFound`, `InvalidInput`.
        """
        if len(wanted) > OPEN_MAX:
            raise InvalidInput(detail=f"At most {OPEN_MAX} files at once", field="objects")
        files_max = ManifestLimits().file_bytes_max
        for sha256, size in wanted:
            if not _SHA256.fullmatch(sha256) or not 0 <= size <= files_max:
                raise InvalidInput(
                    detail=f"A file is 64 hexadecimal digits and 0 to {files_max} bytes",
                    field="objects",
                )
        here = [self.find(project, name, sha256) is not None for sha256, _ in wanted]
        tickets = [None if each else secrets.token_urlsafe(TICKET_BYTES) for each in here]
        token = None if self._who.grant is None else self._who.grant.token

        def use_case(session: Session) -> None:
            stored = model_rows.load_model(session, project, name)
            guard.require_here(session, PUSH, stored)
            moment = session.settle_time(0)
            rows.forget_uploads(session, moment - KEPT_S * 1_000_000)
            most = self._store.limits.open_uploads_max
            count = rows.count_uploads(session, self._who.name) + len(tickets) - sum(here)
            if count > most:
                raise LimitExceeded(
                    what=f"The number of uploads that {self._who.name} has under way",
                    observed=count,
                    limit=most,
                )
            for ticket, (sha256, size) in zip(tickets, wanted, strict=True):
                if ticket is not None:
                    upload = Upload(model=stored.model.uid, sha256=sha256, size=size)
                    rows.open_upload(session, _hashed(ticket), upload, self._who.name, token)

        self._store.write(self._who, use_case)
        return tickets

    def expected(self, ticket: str) -> Upload:
        """Return what a ticket is for. Raises `NotFound`, whatever is wrong with it."""
        return self._store.snapshot(lambda session: _expected(session, ticket))

    def receive(self, ticket: str, spooled: Path) -> None:
        """Keep a file that was sent for a ticket.

        Raises `DigestMismatch` when it is not the file that was announced, `NotFound` when the
        ticket is no longer good, even if it was when the file began to come.
        """
        upload = self.expected(ticket)
        with spooled.open("rb") as file:
            is_gguf = file.read(len(_GGUF)) == _GGUF
        # By its name a file is cut at its tensors; one that has none is cut by content.
        named = spooled.with_suffix(".gguf" if is_gguf else ".safetensors")
        spooled.rename(named)
        [entry] = push_tree(named, self._depot.blobs).manifest.files
        if (entry.sha256, entry.size) != (upload.sha256, upload.size):
            raise DigestMismatch(
                subject=f"The uploaded file of {entry.size} bytes",
                observed=entry.sha256,
                expected=f"{upload.sha256} of {upload.size} bytes",
            )
        manifest = Manifest((replace(entry, path=SPOOLED),))
        self._depot.keep_manifest(manifest)

        def use_case(session: Session) -> None:
            _expected(session, ticket)
            rows.close_upload(session, _hashed(ticket), manifest.digest)

        self._store.write(self._who, use_case)

    def find(self, project: str, name: str, sha256: str) -> FileEntry | None:
        """Return a file that was sent for a model; None when it is not (or no longer) here."""

        def use_case(session: Session) -> str | None:
            model = model_rows.load_model(session, project, name).model
            return rows.find_arrived(session, model.uid, sha256)

        digest = self._store.snapshot(use_case)
        if digest is None:
            return None
        try:
            manifest = self._depot.manifest(digest)
        except BlobNotFound:
            return None
        blobs = self._depot.blobs
        return None if blobs.missing(list(manifest.chunk_sizes)) else manifest.files[0]

    def take(self, folder: Path, paths: Mapping[str, str]) -> list[FileEntry]:
        """Keep the files of a folder; ``paths`` says what each (by name) is called in a version."""
        if not paths:
            return []
        pushed = push_tree(folder, self._depot.blobs)
        return [named(entry, paths[entry.path]) for entry in pushed.manifest.files]


def _expected(session: Session, ticket: str) -> Upload:
    """Return what a ticket is for, while whoever opened it may still send files."""
    since_us = to_micros(session.clock()) - KEPT_S * 1_000_000
    found = rows.find_upload(session, _hashed(ticket), since_us)
    if found is not None:
        upload, opened = found
        if guard.may_still_by(session, opened.by, opened.token, PUSH, opened.project):
            return upload
    raise NotFound(
        detail="There is no such upload, its time is over, or whoever started it may no longer "
        "send files there; start again."
    )


def named(entry: FileEntry, path: str) -> FileEntry:
    """Return a file under another path: with its tensors if that says that it has any."""
    tensors = entry.tensors if path.lower().endswith(_TENSOR_SUFFIXES) else None
    return replace(entry, path=path, tensors=tensors)


def spool_name(number: int, path: str) -> str:
    """Return what a file is called in a folder for `Uploads.take`: nothing of its own name."""
    suffix = next((each for each in _TENSOR_SUFFIXES if path.lower().endswith(each)), "")
    return f"{number}{suffix}"


def _hashed(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
