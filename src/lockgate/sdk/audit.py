"""The audit log: the verbs, over HTTP."""

from __future__ import annotations

from lockgate.domain.audit import AuditEvent
from lockgate.domain.pages import Page
from lockgate.domain.verification import Verdict
from lockgate.sdk.calls import Calls, Moment


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
        since: Moment = None,
        until: Moment = None,
        newest_first: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[AuditEvent]:
        """Return a page of a project's log, oldest first unless told."""
        owner, bare = (project or self.project, None) if model is None else self._split(model)
        return self._page(
            AuditEvent,
            "/audit",
            project=owner,
            model=bare and f"{owner}/{bare}",
            version=version,
            actor=actor,
            action=action,
            since=since,
            until=until,
            newest_first=newest_first,
            limit=limit,
            cursor=cursor,
        )

    def verify_audit(self, *, project: str | None = None) -> Verdict:
        """Recompute a project's log and compare it with the tables; name the first bad event."""
        return self._load(Verdict, "/audit/verify", project=project or self.project)
