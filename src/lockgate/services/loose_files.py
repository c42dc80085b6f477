"""Loose files: paths in a project under which files lie that belong to no version yet.

    put      bytes ──► chunks, the manifest of one file ──► a row: path → manifest
    gather   the rows below a folder ──► the manifest of a version; no byte is moved

MLflow's clients send a model's files one by one, and only then register it. Paths are keys in the
database and lead to no disk. Like chunks without a name, loose files are no state of the registry:
what is done to them is not in its log. What a version was made of stays, whatever becomes of them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from lockgate.artifacts.streaming import keep_stream
from lockgate.domain.manifests import (
    Manifest,
    ManifestLimits,
    build_manifest,
    check_paths,
)
from lockgate.domain.permissions import PUSH
from lockgate.errors import (
    BlobNotFound,
    BlobStoreUnavailable,
    Conflict,
    Contended,
    InvalidInput,
    LimitExceeded,
    NotFound,
)
from lockgate.services.depot import Depot
from lockgate.services.publishing import SEALS_MAX, EpochMoved, quiet_epoch, require_blobs
from lockgate.storage import artifacts as epoch_rows
from lockgate.storage import guard
from lockgate.storage import loose_files as rows
from lockgate.storage.artifacts import Epoch
from lockgate.storage.database import Session
from lockgate.storage.loose_files import LooseFile, Part
from lockgate.storage.projects import project_id
from lockgate.storage.store import Caller, Store

FILE_BYTES_MAX = 5 * 2**40
FILES_LISTED_MAX = 10_000
PARTS_MAX = 10_000
_PAGE_ROWS = 1_000
# What stands behind a path and before all that it begins: no path holds control characters.
_NEXT = "\x01"
_PART_NAME = "part"
_LOGGED_MODEL = re.compile(r"(?:^|/)models/(m-[0-9a-f]{32})/artifacts/")

More = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Listed:
    """A file or folder in a folder: its own name, and a file's size in bytes."""

    name: str
    size: int | None


class LooseFiles:
    """The loose files of every project, for one caller."""

    def __init__(self, store: Store, depot: Depot, who: Caller) -> None:
        self._store = store
        self._depot = depot
        self._who = who

    def put(self, project: str, path: str, size: int, more: More) -> None:
        """Keep a file of ``size`` bytes under a path, in place of the one that is there.

        ``more`` is that of `keep_stream`. Raises what that does, `ProjectNotFound`, `Conflict`
        when the path is a folder or leads through a file.
        """
        self._check(path)
        if size > FILE_BYTES_MAX:
            raise LimitExceeded(what="A file's size in bytes", observed=size, limit=FILE_BYTES_MAX)
        self._store.read(lambda session: _writable(session, project))
        epoch = quiet_epoch(self._store)
        manifest = self._take_in(path.rpartition("/")[2], size, more)
        logged = _LOGGED_MODEL.search(path)
        file = LooseFile(path, manifest.digest, size)

        def use_case(session: Session) -> None:
            key = _writable(session, project)
            _check_place(session, key, path)
            rows.keep_file(session, key, file, logged[1] if logged else None, self._who.name)

        self._name(manifest, epoch, use_case)

    def find(self, project: str, path: str) -> Manifest:
        """Return the manifest of the one file at a path. Raises `NotFound`."""
        self._check(path)
        found = self._store.read(
            lambda session: rows.find_file(session, project_id(session, project), path)
        )
        if found is None:
            raise _absent(path)
        return self._depot.manifest(found.digest)

    def list_folder(self, project: str, folder: str) -> list[Listed]:
        """Return what lies in a folder, by name; ``""`` is the whole tree, an absent one empty."""
        if folder:
            self._check(folder)

        def use_case(session: Session) -> list[Listed]:
            return _children(session, project_id(session, project), folder)

        return self._store.snapshot(use_case)

    def delete(self, project: str, path: str) -> None:
        """Forget the file at a path, or a folder with all that is in it."""
        self._check(path)
        self._store.write(
            self._who, lambda session: rows.forget(session, _writable(session, project), path)
        )

    def gather(self, project: str, folder: str) -> Manifest | None:
        """Return the manifest of all files below a folder (or of the file); None for none.

        Raises `InvalidManifest` when a version cannot hold them together.
        """
        self._check(folder)
        found = self._store.snapshot(
            lambda session: _tree(session, project_id(session, project), folder)
        )
        cut = len(folder) + 1 if found[0:1] and found[0].path != folder else folder.rfind("/") + 1
        entries = [
            replace(self._depot.manifest(each.digest).files[0], path=each.path[cut:])
            for each in found
        ]
        return build_manifest(entries) if entries else None

    def find_logged_model(self, project: str, logged_model: str) -> str | None:
        """Return the folder of a logged model; None when it is nowhere here, or in two places."""

        def use_case(session: Session) -> tuple[str, str] | None:
            return rows.find_span(session, project_id(session, project), logged_model)

        span = self._store.snapshot(use_case)
        if span is None:
            return None
        folders = {path[: _LOGGED_MODEL.search(path).end() - 1] for path in span}  # type: ignore[union-attr]
        return folders.pop() if len(folders) == 1 else None

    # --- in parts ----------------------------------------------------------------------------

    def begin(self, project: str, path: str, parts: int) -> str:
        """Begin to take a file in parts, and return the upload's name."""
        self._check(path)
        if not 1 <= parts <= PARTS_MAX:
            raise LimitExceeded(what="The number of parts", observed=parts, limit=PARTS_MAX)
        upload, limits = secrets.token_hex(16), self._store.limits

        def use_case(session: Session) -> None:
            count, most = rows.count_uploads(session, self._who.name), limits.open_uploads_max
            if count >= most:
                raise LimitExceeded(
                    what=f"The number of uploads that {self._who.name} has under way",
                    observed=count + 1,
                    limit=most,
                )
            key = _writable(session, project)
            _check_place(session, key, path)
            rows.begin_upload(session, key, upload, path, self._who.name)

        self._store.write(self._who, use_case)
        return upload

    def put_part(self, project: str, upload: str, number: int, size: int, more: More) -> str:
        """Keep a part, in place of one of that number; return its digest."""
        if not 1 <= number <= PARTS_MAX:
            raise LimitExceeded(what="The number of a part", observed=number, limit=PARTS_MAX)
        self._store.snapshot(lambda session: _load_upload(session, project, upload))
        epoch = quiet_epoch(self._store)
        manifest = self._take_in(_PART_NAME, size, more)
        part = Part(number, manifest.digest, size)

        def use_case(session: Session) -> None:
            _load_upload(session, project, upload)
            rows.keep_part(session, upload, part)

        self._name(manifest, epoch, use_case)
        return manifest.digest

    def complete(self, project: str, upload: str, path: str, numbers: list[int]) -> None:
        """Put parts together, in the order of their numbers, and keep the file."""

        def use_case(session: Session) -> tuple[str, list[Part]]:
            return _load_upload(session, project, upload), rows.list_parts(session, upload)

        begun, parts = self._store.snapshot(use_case)
        arrived = {part.number: part for part in parts}
        lacking = sorted(set(numbers) - arrived.keys())
        if begun != path or lacking or sorted(set(numbers)) != numbers:
            raise InvalidInput(
                detail=f"The upload is of {begun!r}; its parts are numbers in rising order"
                + (f", and {lacking[:10]} have not arrived." if lacking else "."),
                field="parts",
            )
        wanted = [arrived[number] for number in numbers]
        self.put(project, path, sum(part.size for part in wanted), _Joined(self._depot, wanted))
        self.abort(project, upload)

    def abort(self, project: str, upload: str) -> None:
        """Forget an upload and its parts; nothing happens when there is none of that name."""

        def use_case(session: Session) -> None:
            if rows.find_upload(session, _writable(session, project), upload) is not None:
                rows.end_upload(session, upload)

        self._store.write(self._who, use_case)

    # --- pieces ------------------------------------------------------------------------------

    def _check(self, path: str) -> None:
        check_paths([path], ManifestLimits())

    def _take_in(self, name: str, size: int, more: More) -> Manifest:
        manifest = keep_stream(name, size, more, self._depot.blobs)
        self._depot.remember(manifest)
        return manifest

    def _name(self, manifest: Manifest, epoch: Epoch, use_case: Callable[[Session], None]) -> None:
        """Run the transaction that names a manifest, so that no sweep passes it unseen.

        ``epoch`` was read before any of it was kept.
        """
        for _ in range(SEALS_MAX):
            try:
                self._store.write(self._who, _in_epoch(epoch, use_case))
            except EpochMoved:
                epoch = quiet_epoch(self._store)
            else:
                return
            try:
                require_blobs(self._depot.blobs, manifest)
            except BlobNotFound as error:
                raise BlobStoreUnavailable(
                    detail="What was sent was swept before it had a name; send it again."
                ) from error
            self._depot.keep_manifest(manifest)
        raise Contended(detail=f"Sweeps came between {SEALS_MAX} attempts to keep a file.")


def _in_epoch(epoch: Epoch, use_case: Callable[[Session], None]) -> Callable[[Session], None]:
    def held(session: Session) -> None:
        if epoch_rows.hold_epoch(session) != epoch:
            raise EpochMoved
        use_case(session)

    return held


def _writable(session: Session, project: str) -> int:
    """Return the key of a project that the caller may send files to. Raises `Forbidden`."""
    key = project_id(session, project)
    guard.require(session, PUSH, key, project)
    return key


def _check_place(session: Session, key: int, path: str) -> None:
    """Raise `Conflict` when a path is a folder, or leads through a file."""
    if rows.list_below(session, key, path, "", 1):
        raise Conflict(detail=f"{path!r} is a folder; no file can take its place.", path=path)
    above = path
    while above := above.rpartition("/")[0]:
        if rows.find_file(session, key, above) is not None:
            raise Conflict(detail=f"{above!r} is a file; nothing can lie in it.", path=path)


def _children(session: Session, key: int, folder: str) -> list[Listed]:
    """Return what lies in a folder, jumping over what lies deeper."""
    prefix = f"{folder}/" if folder else ""
    children: list[Listed] = []
    after = ""
    while found := rows.list_below(session, key, folder, after, _PAGE_ROWS):
        for file in found:
            if file.path < after:
                continue
            name, deeper, _ = file.path[len(prefix) :].partition("/")
            children.append(Listed(name, None if deeper else file.size))
            # Behind the file, or behind all of the folder.
            after = f"{prefix}{name}0" if deeper else f"{file.path}{_NEXT}"
        if len(children) > FILES_LISTED_MAX:
            raise LimitExceeded(
                what=f"The number of files in {folder!r}",
                observed=len(children),
                limit=FILES_LISTED_MAX,
            )
    return sorted(children, key=lambda each: each.name)


def _tree(session: Session, key: int, folder: str) -> list[LooseFile]:
    alone = rows.find_file(session, key, folder)
    return [alone] if alone else list(_below(session, key, folder))


def _below(session: Session, key: int, folder: str) -> Iterator[LooseFile]:
    after, count, most = "", 0, ManifestLimits().files_max
    while found := rows.list_below(session, key, folder, after, _PAGE_ROWS):
        yield from found
        after = f"{found[-1].path}{_NEXT}"
        count += len(found)
        if count > most:
            raise LimitExceeded(what=f"The files in {folder!r}", observed=count, limit=most)


def _load_upload(session: Session, project: str, upload: str) -> str:
    path = rows.find_upload(session, _writable(session, project), upload)
    if path is None:
        raise NotFound(detail=f"There is no upload {upload[:64]!r}; it may have been ended.")
    return path


def _absent(path: str) -> NotFound:
    return NotFound(detail=f"There is no file {path[:200]!r}.", path=path[:200])


class _Joined:
    """The bytes of parts, one after the other, each chunk verified."""

    def __init__(self, depot: Depot, parts: list[Part]) -> None:
        self._pieces = (
            depot.blobs.read(chunk.digest)
            for part in parts
            for file in depot.manifest(part.digest).files
            for chunk in file.chunks
        )

    def __call__(self, _about: int) -> bytes:
        return next(self._pieces, b"")
