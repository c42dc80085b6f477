"""Representations: the JSON of a domain object, its entity tag, and what was encoded before.

Versions that storage hands out are shared and never change, so their JSON is kept: the same
object is the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any
from zlib import crc32

import msgspec

from lockgate.domain.models import RegisteredModel
from lockgate.domain.pages import Page
from lockgate.domain.versions import ModelVersion
from lockgate.wire.records import to_wire

KEPT_BYTES_MAX = 64_000_000
KEPT_ENTRY_BYTES_MAX = 64_000
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Representation:
    """The JSON of an answer, and its entity tag if it has one."""

    body: bytes
    etag: str | None = None


Represent = Callable[[Any], Representation]


class KeptVersions:
    """The JSON of versions by uid, the oldest dropped first once they take too much room."""

    def __init__(self, bytes_max: int = KEPT_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._kept: dict[str, tuple[ModelVersion, Representation]] = {}
        self._lock = Lock()

    def represent(self, version: ModelVersion) -> Representation:
        """Return the JSON of ``version`` and its tag, encoded now or before."""
        kept = self._kept.get(version.uid)
        if kept is not None and kept[0] is version:
            return kept[1]
        made = Representation(_encode(to_wire(version)), version_tag(version))
        if len(made.body) <= KEPT_ENTRY_BYTES_MAX:
            self._keep(version, made)
        return made

    def _keep(self, version: ModelVersion, made: Representation) -> None:
        with self._lock:
            self._drop(version.uid)
            while self._kept and self._bytes + len(made.body) > self._bytes_max:
                self._drop(next(iter(self._kept)))
            self._kept[version.uid] = (version, made)
            self._bytes += len(made.body)

    def _drop(self, uid: str) -> None:
        gone = self._kept.pop(uid, None)
        if gone is not None:
            self._bytes -= len(gone[1].body)

    def represent_page(self, page: Page[ModelVersion]) -> Representation:
        """Return the JSON of a page of versions."""
        items = [msgspec.Raw(self.represent(version).body) for version in page]
        return Representation(_encode({"items": items, "next_cursor": page.next_cursor}))


def represent(value: Any) -> Representation:
    """Return the JSON of any domain object, page or tuple of them."""
    return Representation(_encode(to_wire(value)))


def represent_model(model: RegisteredModel) -> Representation:
    """Return the JSON of a model and its tag."""
    return Representation(_encode(to_wire(model)), f'"{model.uid[:12]}-{model.revision}"')


def represent_then(version: ModelVersion) -> Representation:
    """Return the JSON of a version as it stood in the past; that is no state to be changed."""
    return Representation(_encode(to_wire(version)))


def represent_nothing(_: None) -> Representation:
    """Return the empty body of a deletion."""
    return Representation(b"")


def version_tag(version: ModelVersion) -> str:
    """Return the entity tag of a version; its model's name is part of what it shows."""
    return f'"{version.uid[:12]}-{version.revision}-{crc32(version.model.encode()):x}"'
