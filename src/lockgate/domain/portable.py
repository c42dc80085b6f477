"""The index of a portable bundle: what a registry says of a version, and how that is verified.

    {"lockgate_bundle": 1,
     "key": "lockgate/7f3c…/default+ab12cd34+A…",       who signed (the public key)
     "version": {…}, "manifest": {"digest": …, "size": …},
     "decisions": […], "checks": […], "waivers": […], "signatures": […],
     "log": {"checkpoint": "…signed note…", "earlier": 0,
             "events": [{"index": 7, "body": "…", "proof": ["…", …]}, …]}}

It is canonical JSON, and a signed note beside it says its SHA-256. Whoever trusts the key trusts
the index; the index names the manifest by its digest, the manifest every chunk by its own. Keys
stay outside: verifying is a function that the caller passes in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lockgate.domain.audit import canonical_json, leaf_hash
from lockgate.domain.checkpoints import (
    VerifierKey,
    Verify,
    open_checkpoint,
    open_note,
    parse_note,
    parse_verifier_key,
)
from lockgate.domain.digests import is_digest, is_hex
from lockgate.domain.merkle import verify_inclusion
from lockgate.errors import Corrupt, InvalidInput, LimitExceeded

FORM: Final = 1
INDEX_BYTES_MAX: Final = 2_000_000
NOTE_BYTES_MAX: Final = 2_000
EVENTS_MAX: Final = 1_000
"""How many events of a version are in its bundle, the newest; it says how many were earlier."""
_CONTEXT: Final = "lockgate bundle v1"

Verifying = Callable[[VerifierKey], Verify]


@dataclass(frozen=True, kw_only=True)
class BundleHead:
    """The index of a bundle as it is written, and the signed note over it."""

    index: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Portable:
    """A verified index. ``document`` is all of it, ``index_digest`` the SHA-256 of its bytes."""

    document: Mapping[str, Any]
    index_digest: str
    key: VerifierKey
    log_size: int

    @property
    def version(self) -> Mapping[str, Any]:
        """What is said of the version."""
        found: Mapping[str, Any] = self.document["version"]
        return found

    @property
    def digest(self) -> str:
        """The digest of the manifest."""
        return str(self.document["manifest"]["digest"])

    @property
    def manifest_bytes(self) -> int:
        """How long the manifest is."""
        return int(self.document["manifest"]["size"])

    @property
    def reference(self) -> str:
        """What the version was called where it comes from."""
        version = self.version
        return f"{version['project']}/{version['model']}:{version['label']}"

    @property
    def origin(self) -> dict[str, Any]:
        """What is put on record of where an imported version comes from."""
        version = self.version
        return {
            "reference": self.reference,
            "uid": version["uid"],
            "digest": self.digest,
            "stage": version["stage"],
            "created_by": version["created_by"],
            "created_at": version["created_at"],
            "parents": version["parents"],
            "key": str(self.key),
            "bundle": self.index_digest,
            "log_size": self.log_size,
        }


def note_text(index: bytes) -> str:
    """Return the text that is signed over an index."""
    return f"{_CONTEXT}\nsha256:{hashlib.sha256(index).hexdigest()}\n"


def encode_index(document: Mapping[str, Any]) -> bytes:
    """Return the bytes of an index. Raises `LimitExceeded`."""
    data = canonical_json({"lockgate_bundle": FORM, **document})
    _check_size(data)
    return data


def verify_index(
    index: bytes, note: str, trusted_keys: Collection[str], verifying: Verifying
) -> Portable:
    """Return what an index says, once a trusted key signed it and its log proofs hold.

    ``trusted_keys`` are public keys in hex. Raises `InvalidInput` for what is no index, `Corrupt`
    for one that is not as it was signed, or not by whom is trusted.
    """
    _check_size(index)
    document = _parsed(index)
    key = parse_verifier_key(document["key"])
    if key.public_key.hex() not in trusted_keys:
        raise Corrupt(
            detail=f"The bundle is signed by {key}, which is not trusted. If you know by other "
            "means that this is the key of where it comes from, trust that"
        )
    verify = verifying(key)
    _check_note(index, note, key, verify)
    checkpoint = open_checkpoint(document["log"]["checkpoint"], key, verify)
    for event in document["log"]["events"]:
        _check_event(event, document["version"], checkpoint.size, checkpoint.root)
    digest = "sha256:" + hashlib.sha256(index).hexdigest()
    return Portable(document=document, index_digest=digest, key=key, log_size=checkpoint.size)


def _check_note(index: bytes, note: str, key: VerifierKey, verify: Verify) -> None:
    if len(note) > NOTE_BYTES_MAX:
        raise LimitExceeded(
            what="The length of a bundle's signature", observed=len(note), limit=NOTE_BYTES_MAX
        )
    # One signature, written in one way: nothing in a bundle may be changed unnoticed.
    parsed = parse_note(note)
    if str(parsed) != note or len(parsed.signatures) != 1:
        raise Corrupt(detail="The bundle's signature is not as it was written")
    if open_note(note, [(key, verify)]) != note_text(index):
        raise Corrupt(detail="The bundle's signature is of another index: one of them was changed")


def _check_event(event: Any, version: Mapping[str, Any], size: int, root: bytes) -> None:
    index, body = event["index"], event["body"]
    proof = [bytes.fromhex(each) for each in event["proof"]]
    if not verify_inclusion(leaf_hash(body.encode()), index, size, proof, root):
        raise Corrupt(detail=f"Event {index + 1} of the bundle is not in the log it was signed in")
    told = json.loads(body)
    about = (told.get("seq"), told.get("project"), told.get("model"), told.get("version"))
    if about != (index + 1, version["project"], version["model"], version["label"]):
        raise Corrupt(detail=f"Event {index + 1} of the bundle is about something else")


def _check_size(index: bytes) -> None:
    if len(index) > INDEX_BYTES_MAX:
        raise LimitExceeded(
            what="The size in bytes of what a bundle says of its version",
            observed=len(index),
            limit=INDEX_BYTES_MAX,
        )


_VERSION_TEXTS = ("uid", "project", "model", "label", "stage", "created_by", "created_at")
_VERSION_MAPPINGS = ("metrics", "params", "tags", "metadata")
_LISTS = ("decisions", "checks", "waivers", "signatures")


def _parsed(index: bytes) -> dict[str, Any]:
    """Return an index whose shape is right. Raises `InvalidInput`."""
    try:
        document = json.loads(index)
        if document["lockgate_bundle"] != FORM or canonical_json(document) != index:
            raise ValueError
        version, manifest, log = (document[part] for part in ("version", "manifest", "log"))
        good = (
            isinstance(document["key"], str)
            and all(isinstance(version[name], str) for name in _VERSION_TEXTS)
            and all(isinstance(version[name], dict) for name in _VERSION_MAPPINGS)
            and all(isinstance(each["reference"], str) for each in version["parents"])
            and is_digest(manifest["digest"], "sha256")
            and type(manifest["size"]) is int
            and all(isinstance(document[name], list) for name in _LISTS)
            and all(_is_signature(each) for each in document["signatures"])
            and isinstance(log["checkpoint"], str)
            and len(log["events"]) <= EVENTS_MAX
            and all(_is_event(each) for each in log["events"])
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        good = False
    if not good:
        raise InvalidInput(
            detail="This is no bundle's index, or of a form that this Lockgate does not know",
            field="index",
        )
    return dict(document)


def _is_signature(value: Any) -> bool:
    return isinstance(value["public_key"], str) and isinstance(value["signature"], str)


def _is_event(value: Any) -> bool:
    proof = value["proof"]
    return (
        type(value["index"]) is int
        and isinstance(value["body"], str)
        and isinstance(json.loads(value["body"]), dict)
        and isinstance(proof, list)
        and len(proof) <= 64
        and all(isinstance(each, str) and is_hex(each) for each in proof)
    )
