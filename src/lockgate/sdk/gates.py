"""Gates: asking, deciding and reporting evidence: the verbs, over HTTP."""

from __future__ import annotations

from lockgate.domain.approvals import PromotionRequest
from lockgate.domain.checks import CheckResult
from lockgate.domain.gates import GateReport
from lockgate.domain.outcomes import Asked, Preview
from lockgate.domain.pages import Page
from lockgate.domain.requirements.evidence import Waiver
from lockgate.sdk.calls import Calls, Moment, given, moment_text, segment
from lockgate.sdk.policies import PolicyLike, policy_document


class GateVerbs(Calls):
    """What a gate says, who asked to pass it, and what is known for and against."""

    def explain(self, name: str, version: str | int, to: str | None = None) -> GateReport:
        """Return what a transition to ``to`` (the next stage, unless told) would meet.

        The verdict is the one that the transition itself would get. Writes nothing.
        """
        return self._load(GateReport, self._version(name, version, "gate"), to=to)

    def preview(self, name: str, version: str | int, to: str | None = None) -> Preview:
        """Return what a transition to ``to`` (the next stage, unless told) would change.

        Beside what `explain` says, it names every version that would move. Writes nothing.
        """
        return self._load(Preview, self._version(name, version, "preview"), to=to)

    def check_promotion_policy(
        self, name: str, version: str | int, policy: PolicyLike, to: str | None = None
    ) -> GateReport:
        """Return what a policy in hand says of a version. Writes nothing."""
        body = given(policy=policy_document(policy), to=to)
        return self._change(GateReport, "POST", self._version(name, version, "gate"), body)

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
        body = given(
            to=to,
            comment=comment,
            auto_promote=auto_promote,
            expires_at=moment_text(expires_at, "expires_at"),
        )
        return self._change(Asked, "POST", self._version(name, version, "requests"), body)

    def approve(self, request: str, *, comment: str = "") -> Asked:
        """Approve what a request (by its uid) asks for, as it is now."""
        return self._change(Asked, "POST", _request(request, "approve"), {"comment": comment})

    def reject(self, request: str, *, comment: str = "") -> Asked:
        """Reject what a request (by its uid) asks for."""
        return self._change(Asked, "POST", _request(request, "reject"), {"comment": comment})

    def withdraw(self, request: str, *, comment: str = "") -> PromotionRequest:
        """Take a request back."""
        body = {"comment": comment}
        return self._change(PromotionRequest, "POST", _request(request, "withdraw"), body)

    def get_request(self, request: str) -> Asked:
        """Return a request, and what the gate says of it now. Raises `RequestNotFound`."""
        return self._load(Asked, _request(request))

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
        named = model and "/".join(self._split(model))
        return self._page(
            PromotionRequest,
            "/requests",
            model=named,
            version=None if version is None else str(version),
            project=project,
            status=status,
            limit=limit,
            cursor=cursor,
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
        return self._page(
            PromotionRequest,
            "/inbox",
            project=project,
            mine=mine or None,
            limit=limit,
            cursor=cursor,
        )

    def settle_requests(self) -> int:
        """Carry out the requests that only time kept waiting; return how many were closed.

        `lockgate serve` does this now and then by itself.
        """
        return int(self._write("POST", "/requests/settle")["closed"])

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
        body = given(
            check=check,
            status=status,
            url=url,
            expires_at=moment_text(expires_at, "expires_at"),
        )
        return self._change(CheckResult, "POST", self._version(name, version, "checks"), body)

    def list_checks(self, name: str, version: str | int) -> tuple[CheckResult, ...]:
        """Return every result that was reported on a version, oldest first."""
        return self._all(CheckResult, self._version(name, version, "checks"))

    def waive_scan(self, name: str, version: str | int, path: str = "*", *, reason: str) -> Waiver:
        """Answer, on record, for a file that is not proved to be harmless data."""
        body = {"path": path, "reason": reason}
        return self._change(Waiver, "POST", self._version(name, version, "waivers"), body)


def _request(uid: str, *rest: str) -> str:
    return "/".join((f"/requests/{segment(uid, 'request')}", *rest))
