"""Hashing: what a manifest claims of its files is computed here before a version may say it.

Chunks were verified when they came; that the file they make has the SHA-256 (and its tensors the
digests) that the manifest says is the word of whoever made it. A content is read once: from then
on its hash is known.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from lockgate.artifacts.store import BlobStore
from lockgate.artifacts.verification import FaultKind, verify_files
from lockgate.domain.files import content_key
from lockgate.domain.manifests import FileEntry, Manifest
from lockgate.errors import BlobNotFound, Corrupt
from lockgate.services.depot import Depot
from lockgate.storage import artifact_truths as rows
from lockgate.storage.store import Store

AHEAD_CHUNKS = 2
"""How many chunks are read while one is hashed."""


def claimed_hashes(manifest: Manifest) -> dict[str, str]:
    """Return the SHA-256 (hex) that a manifest claims of each content, tensors included.

    Raises `Corrupt` when it claims two of the same bytes.
    """
    claimed: dict[str, str] = {}
    for file in manifest.files:
        if claimed.setdefault(_claim(file), file.sha256) != file.sha256:
            raise _false(file.path, f"sha256:{file.sha256}")
    return claimed


def check_hashes(store: Store, depot: Depot, manifest: Manifest) -> dict[str, str]:
    """Return the hashes of a manifest's files, once each of them is known to be true.

    Reads what was not read before, and not hashed here when it came; call it outside every
    transaction. Raises `Corrupt` naming the file whose bytes are not what the manifest says,
    `BlobNotFound` for a chunk that is missing or damaged (which is set aside).
    """
    claimed = claimed_hashes(manifest)
    known = store.snapshot(lambda session: rows.list_hashes(session, claimed))
    unread: dict[str, FileEntry] = {}
    for file in manifest.files:
        claim = _claim(file)
        if claim not in known:
            if not depot.passing.vouch(file):
                unread.setdefault(claim, file)
        elif known[claim] != file.sha256:
            raise _false(file.path, f"sha256:{file.sha256}")
    if unread:
        _read(depot.blobs, list(unread.values()))
    return claimed


def _claim(file: FileEntry) -> str:
    """Return what tells apart bytes, and what is said of the tensors in them."""
    tensors = [(each.start, each.size, each.digest) for each in file.tensors or ()]
    return hashlib.sha256(f"{content_key(file)} {tensors}".encode()).hexdigest()


def _read(blobs: BlobStore, files: Sequence[FileEntry]) -> None:
    digests = [chunk.digest for file in files for chunk in file.chunks]
    with ThreadPoolExecutor(AHEAD_CHUNKS, thread_name_prefix="hash") as pool:
        ahead = _ahead(pool, blobs.read, digests)
        try:
            for fault in verify_files(Manifest(tuple(files)), lambda _digest: next(ahead)):
                if fault.chunk is None:
                    raise _false(fault.path, fault.digest)
                if fault.kind is FaultKind.DAMAGED:
                    blobs.set_aside(fault.digest)
                raise BlobNotFound(digest=fault.digest, missing=[fault.digest], count=1)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _ahead(
    pool: ThreadPoolExecutor, read: Callable[[str], bytes], digests: Sequence[str]
) -> Iterator[bytes]:
    """Yield chunks in order, while the next ones are being read."""
    under_way: deque[Future[bytes]] = deque()
    for digest in digests:
        under_way.append(pool.submit(read, digest))
        if len(under_way) > AHEAD_CHUNKS:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()


def _false(path: str, digest: str) -> Corrupt:
    return Corrupt(
        detail=f"The manifest says of {path[:200]!r} that it is {digest}, and it is not: nothing "
        "was sealed.",
        path=path,
        digest=digest,
    )
