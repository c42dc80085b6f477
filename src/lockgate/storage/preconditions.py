"""Preconditions: a write that is wanted only while a thing is as its caller last saw it."""

from __future__ import annotations

from dataclasses import dataclass

from lockgate.errors import StaleRevision
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session


@dataclass(frozen=True, kw_only=True)
class Unchanged:
    """A model (or with ``version``, one of its versions) is still at ``revision``.

    ``uid`` is the beginning of its uid, so that what took its name does not count; empty for any.
    """

    project: str
    model: str
    version: str | None = None
    uid: str = ""
    revision: int

    def require(self, session: Session) -> None:
        """Raise `StaleRevision` unless it is, and keep it so until the transaction ends.

        Raises `ModelNotFound`, `VersionNotFound`.
        """
        stored = model_rows.lock_model(session, self.project, self.model)
        if self.version is None:
            self._require("Model", stored.model.full_name, stored.model.uid, stored.model.revision)
            return
        _, found = version_rows.load_version(session, stored, self.version)
        self._require("Version", found.reference, found.uid, found.revision)

    def _require(self, kind: str, name: str, uid: str, revision: int) -> None:
        if revision != self.revision or not uid.startswith(self.uid):
            raise StaleRevision(kind=kind, name=name, revision=revision, expected=self.revision)
