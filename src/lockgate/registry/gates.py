"""Gates: asking, deciding and reporting evidence: the verbs."""

from __future__ import annotations

from lockgate.domain.approvals import PromotionRequest
from lockgate.domain.checks import CheckResult
from lockgate.domain.gates import GateReport
from lockgate.domain.lifecycles import PROMOTE, TRANSITION
from lockgate.domain.moments import parse_moment
from lockgate.domain.outcomes import Asked, Preview
from lockgate.domain.pages import Page
from lockgate.domain.requirements.evidence import Waiver
from lockgate.registry.desk import Desk, Moment
from lockgate.registry.policies import PolicyLike, as_policy
from lockgate.services import approval, checking, gates, inboxes, settling
from lockgate.services.approval import Asking, Wish


class GateVerbs(Desk):
    """What a gate says, who asked to pass it, and what is known for and against."""

    def explain(self, name: str, version: str | int, to: str | None = None) -> GateReport:
        """Return what a transition to ``to`` (the next stage, unless told) would meet.

        The verdict is the one that the transition itself would get. Writes nothing.
        """
        project, bare = self._split(name)
        verb = PROMOTE if to is None else TRANSITION
        return gates.preview(self._store, project, bare, str(version), to, verb).report

    def preview(self, name: str, version: str | int, to: str | None = None) -> Preview:
        """Return what a transition to ``to`` (the next stage, unless told) would change.

        Beside what `explain` says, it names every version that would move. Writes nothing.
        """
        project, bare = self._split(name)
        verb = PROMOTE if to is None else TRANSITION
        return gates.preview(self._store, project, bare, str(version), to, verb)

    def check_promotion_policy(
        self, name: str, version: str | int, policy: PolicyLike, to: str | None = None
    ) -> GateReport:
        """Return what a policy in hand says of a version. Writes nothing."""
        project, bare = self._split(name)
        return gates.check_policy(self._store, project, bare, str(version), as_policy(policy), to)

    def request_promotion(
        self,
        name: str,
        version: str | int,
        to: str,
        *,
        comment: str = "",
        auto_promote: bool = False,
        expires_at: Moment = None,
    ) -> Asked:
        """Ask that a version be let into a stage; return the request and the gate's report.

        With ``auto_promote`` it is promoted when the last requirement is met.
        """
        project, bare = self._split(name)
        wish = Wish(
            to=to,
            comment=comment,
            auto_promote=auto_promote,
            expires_at=None if expires_at is None else parse_moment(expires_at, "expires_at"),
        )
        return approval.request_promotion(self._store, self._who, project, bare, str(version), wish)

    def approve(self, request: str, *, comment: str = "") -> Asked:
        """Approve what a request (by its uid) asks for, as it is now."""
        return approval.decide(self._store, self._who, request, "approve", comment)

    def reject(self, request: str, *, comment: str = "") -> Asked:
        """Reject what a request (by its uid) asks for."""
        return approval.decide(self._store, self._who, request, "reject", comment)

    def withdraw(self, request: str, *, comment: str = "") -> PromotionRequest:
        """Take a request back."""
        return approval.withdraw(self._store, self._who, request, comment)

    def get_request(self, request: str) -> Asked:
        """Return a request, and what the gate says of it now. Raises `RequestNotFound`."""
        return approval.get_request(self._store, request)

    def list_requests(
        self,
        *,
        model: str | None = None,
        version: str | int | None = None,
        project: str | None = None,
        status: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[PromotionRequest]:
        """Return a page of requests, newest first; ``version`` is one of ``model``."""
        owner, bare = (project, None) if model is None else self._split(model)
        label = None if version is None else str(version)
        return approval.list_requests(
            self._store, Asking(owner, bare, label, status), limit, cursor
        )

    def inbox(
        self,
        *,
        project: str | None = None,
        mine: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[PromotionRequest]:
        """Return a page of the requests that wait for a decision, newest first.

        With ``mine`` only those that the caller may approve and has not decided yet.
        """
        if mine:
            return inboxes.list_mine(self._store, self._who, project, limit, cursor)
        return approval.list_requests(self._store, Asking(project, status="open"), limit, cursor)

    def settle_requests(self) -> int:
        """Carry out the requests that only time kept waiting; return how many were closed.

        `lockgate serve` does this now and then by itself.
        """
        return settling.settle_waiting(self._store, self._who)

    def report_check(
        self,
        name: str,
        version: str | int,
        check: str,
        status: str,
        *,
        url: str | None = None,
        expires_at: Moment = None,
    ) -> CheckResult:
        """Report a check as ``passed``, ``failed`` or ``running``; the last report counts."""
        project, bare = self._split(name)
        return checking.report_check(
            self._store,
            self._who,
            project,
            bare,
            str(version),
            check,
            status,
            url,
            None if expires_at is None else parse_moment(expires_at, "expires_at"),
        )

    def list_checks(self, name: str, version: str | int) -> tuple[CheckResult, ...]:
        """Return every result that was reported on a version, oldest first."""
        project, bare = self._split(name)
        return checking.list_checks(self._store, project, bare, str(version))

    def waive_scan(self, name: str, version: str | int, path: str = "*", *, reason: str) -> Waiver:
        """Answer, on record, for a file that is not proved to be harmless data."""
        project, bare = self._split(name)
        return checking.waive_scan(
            self._store, self._who, project, bare, str(version), path, reason
        )
