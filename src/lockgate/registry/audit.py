"""The audit log: the verbs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockgate.auditor import verified_checkpoint
from lockgate.domain.audit import AuditEvent
from lockgate.domain.moments import parse_moment
from lockgate.domain.outcomes import SignedCheckpoint
from lockgate.domain.pages import Page
from lockgate.domain.verification import Verdict, Verified
from lockgate.registry.desk import Desk, Moment
from lockgate.services import auditing, checkpointing, watching


class AuditVerbs(Desk):
    """Reading and verifying the log."""

    def audit(
        self,
        *,
        project: str | None = None,
        model: str | None = None,
        version: str | int | None = None,
        actor: str | None = None,
        action: str | None = None,
        forced: bool | None = None,
        since: Moment = None,
        until: Moment = None,
        newest_first: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[AuditEvent]:
        """Return a page of a project's log, oldest first unless told.

        ``forced`` asks for passages for which a gate was forced open, or for all else.
        """
        owner, bare = (project or self.project, None) if model is None else self._split(model)
        wanted = auditing.EventFilter(
            model=bare,
            version=None if version is None else str(version),
            actor=actor,
            action=action,
            forced=forced,
            since=None if since is None else parse_moment(since, "since"),
            until=None if until is None else parse_moment(until, "until"),
        )
        return auditing.list_events(self._store, owner, wanted, limit, cursor, newest_first)

    def verify_audit(
        self,
        *,
        project: str | None = None,
        checkpoints: Sequence[str] = (),
        verifier_key: str | None = None,
    ) -> Verdict:
        """Recompute a project's log and compare it with the tables; name the first bad event.

        ``checkpoints`` are signed notes that were kept elsewhere, verified with
        ``verifier_key`` (this installation's own, unless told).
        """
        if checkpoints and verifier_key is None:
            owner = project or self.project
            verifier_key = str(checkpointing.verifier_of(owner, self._signer()))
        earlier = [verified_checkpoint(note, verifier_key or "") for note in checkpoints]
        return auditing.verify_log(self._store, project or self.project, earlier)

    def verified_audit(self, *, project: str | None = None) -> Verified:
        """Return how far a project's log is verified, looking only at what is new since then."""
        return watching.verified_log(self._store, project or self.project)

    def checkpoint(self, *, project: str | None = None) -> SignedCheckpoint:
        """Sign what a project's log is now; keep the note elsewhere."""
        owner = project or self.project
        return checkpointing.make_checkpoint(self._store, self._who, owner, self._signer)

    def list_checkpoints(self, *, project: str | None = None) -> tuple[SignedCheckpoint, ...]:
        """Return the newest checkpoints of a project's log, newest first."""
        return checkpointing.list_checkpoints(self._store, project or self.project)

    def export_audit(self, *, project: str | None = None) -> Iterator[str]:
        """Yield the lines of an export that `lockgate.auditor` verifies offline."""
        owner = project or self.project
        return checkpointing.export_log(self._store, self._who, owner, self._signer)
