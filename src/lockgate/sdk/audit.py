"""The audit log: the verbs, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockgate.domain.audit import AuditEvent
from lockgate.domain.outcomes import SignedCheckpoint
from lockgate.domain.pages import Page
from lockgate.domain.verification import Verdict, Verified
from lockgate.sdk.calls import Calls, Moment, given


class AuditVerbs(Calls):
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
        return self._page(
            AuditEvent,
            "/audit",
            project=owner,
            model=bare and f"{owner}/{bare}",
            version=version,
            actor=actor,
            action=action,
            forced=None if forced is None else str(forced).lower(),
            since=since,
            until=until,
            newest_first=newest_first,
            limit=limit,
            cursor=cursor,
        )

    def verify_audit(
        self,
        *,
        project: str | None = None,
        checkpoints: Sequence[str] = (),
        verifier_key: str | None = None,
    ) -> Verdict:
        """Recompute a project's log and compare it with the tables; name the first bad event.

        ``checkpoints`` are signed notes that were kept elsewhere, verified with
        ``verifier_key`` (the server's own, unless told).
        """
        body = given(
            project=project or self.project, checkpoints=checkpoints, verifier_key=verifier_key
        )
        return self._change(Verdict, "POST", "/audit/verify", body)

    def verified_audit(self, *, project: str | None = None) -> Verified:
        """Return how far a project's log is verified, looking only at what is new since then."""
        return self._load(Verified, "/audit/verified", project=project or self.project)

    def checkpoint(self, *, project: str | None = None) -> SignedCheckpoint:
        """Sign what a project's log is now; keep the note elsewhere."""
        owner = project or self.project
        return self._change(SignedCheckpoint, "POST", "/audit/checkpoints", project=owner)

    def list_checkpoints(self, *, project: str | None = None) -> tuple[SignedCheckpoint, ...]:
        """Return the newest checkpoints of a project's log, newest first."""
        return self._all(SignedCheckpoint, "/audit/checkpoints", project=project or self.project)

    def export_audit(self, *, project: str | None = None) -> Iterator[str]:
        """Yield the lines of an export that `lockgate.auditor` verifies offline."""
        return self._lines("/audit/export", project=project or self.project)
