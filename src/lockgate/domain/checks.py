"""Checks: results that machines report on a version, as evidence for its gates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from lockgate.domain import names
from lockgate.errors import InvalidInput

CheckStatus = Literal["passed", "failed", "running"]
CHECK_STATUSES: tuple[str, ...] = get_args(CheckStatus)


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What one automated check said of a version.

    ``files_digest`` is what `approvals.files_digest` gave when the result was reported; the result
    counts only for these files. Empty means that it is not bound to any. From ``expires_at`` on
    it no longer counts.
    """

    name: str
    status: CheckStatus
    reported_by: str
    at: datetime
    url: str | None = None
    expires_at: datetime | None = None
    files_digest: str = ""

    def __post_init__(self) -> None:
        names.key_name(self.name, "check name")
        if self.status not in CHECK_STATUSES:
            raise InvalidInput(
                detail=f"The status of a check is {', '.join(CHECK_STATUSES)}, "
                f"got {self.status!r:.60}",
                field="status",
            )
        if self.url is not None:
            names.plain_text(self.url, "url", names.LIMITS.uri_chars_max)
            # It becomes a link in a browser: nothing but a page may stand there.
            page = self.url.casefold().startswith(("https://", "http://"))
            if not page or not self.url.isprintable() or " " in self.url:
                raise InvalidInput(
                    detail=f"The url of a check begins with https:// or http:// and has no "
                    f"spaces, got {self.url[:60]!r}",
                    field="url",
                )
        if self.expires_at is not None and self.expires_at <= self.at:
            raise InvalidInput(
                detail="A check expires after it was reported, not before", field="expires_at"
            )


def latest_result(results: Iterable[CheckResult], name: str) -> CheckResult | None:
    """Return the last result called ``name``; ``results`` stand in the order of reporting."""
    found = None
    for result in results:
        if result.name == name:
            found = result
    return found
