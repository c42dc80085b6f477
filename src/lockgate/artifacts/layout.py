"""Where things lie in a store: digest → path. The same in a local folder and in a bucket.

    <root>/
    ├ blobs/ab/abcdef…            a chunk: the 64 digits of its BLAKE3, under the first two
    ├ manifests/12/123456….json   a manifest: the 64 digits of its SHA-256, under the first two
    ├ incoming/abcdef….<sender>   sent straight to the bucket by a client, not yet verified
    ├ corrupt/abcdef….<unique>    set aside because its bytes no longer have their digest
    ├ tmp/<unique>                a write in progress (local folder only)
    ├ clock                       rewritten to learn what time the store thinks it is
    └ owner.json                  which database the store belongs to

Only ``blobs`` and ``manifests`` are content. Everything else may be deleted when no program uses
the store; without ``owner.json`` it belongs to the first database that opens it.
"""

from __future__ import annotations

import hashlib
from typing import Final

from lockgate.domain.digests import digest_hex, is_hex

BLOBS: Final = "blobs"
MANIFESTS: Final = "manifests"
INCOMING: Final = "incoming"
CORRUPT: Final = "corrupt"
TEMPORARY: Final = "tmp"
CLOCK: Final = "clock"
OWNER: Final = "owner.json"
# What may be left behind by a program that was stopped, and is swept by age.
STRAY_FOLDERS: Final = (INCOMING, CORRUPT, TEMPORARY)

_MANIFEST_SUFFIX: Final = ".json"


def blob_path(digest: str) -> str:
    """Return the path of the blob ``blake3:<64 hex>``; InvalidInput for any other text."""
    digits = digest_hex(digest, "blake3")
    return f"{BLOBS}/{digits[:2]}/{digits}"


def incoming_path(digest: str, sender: str) -> str:
    """Return the path at which a sender may leave the blob ``blake3:<64 hex>``.

    Each sender has a place of their own, so that what one has sent is nothing that another can
    have admitted. A name may be of any length, and its hash is not.
    """
    place = hashlib.sha256(sender.encode()).hexdigest()[:32]
    return f"{INCOMING}/{digest_hex(digest, 'blake3')}.{place}"


def manifest_path(digest: str) -> str:
    """Return the path of the manifest ``sha256:<64 hex>``; InvalidInput for any other text."""
    digits = digest_hex(digest, "sha256")
    return f"{MANIFESTS}/{digits[:2]}/{digits}{_MANIFEST_SUFFIX}"


def find_digest(path: str) -> str | None:
    """Return the digest of the blob or manifest that lies at ``path``; None for other paths."""
    kind, _, name = path.partition("/")
    shard, _, name = name.partition("/")
    if kind == BLOBS:
        algorithm = "blake3"
    elif kind == MANIFESTS and name.endswith(_MANIFEST_SUFFIX):
        algorithm, name = "sha256", name.removesuffix(_MANIFEST_SUFFIX)
    else:
        return None
    return f"{algorithm}:{name}" if is_hex(name) and name.startswith(shard) else None
