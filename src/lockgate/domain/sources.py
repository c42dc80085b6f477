"""Sources: where a metric of whatever stands in a stage is asked for, in PromQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from lockgate.domain import names
from lockgate.errors import InvalidInput

URL_CHARS_MAX = 2_000
QUERY_CHARS_MAX = 5_000
STEP_S_MIN, STEP_S_MAX = 10, 3_600
CATCH_UP_S = 3_600
"""How far back a source is asked at once, after it did not answer for a time."""
WORDS = ("project", "model", "version")


@dataclass(frozen=True, kw_only=True)
class MetricSource:
    """A Prometheus server and what it is asked, a value every ``step_s``.

    ``query`` may have ``$version``, ``$model`` and ``$project`` within its strings. ``read_until``
    is how far it was read; ``error`` says what went wrong the last time, if anything did.
    """

    project: str
    model: str
    metric: str
    stage: str
    url: str
    query: str
    step_s: int
    read_until: datetime
    error: str
    set_by: str
    set_at: datetime

    def __post_init__(self) -> None:
        names.key_name(self.metric, "metric")
        names.plain_text(self.query, "query", QUERY_CHARS_MAX)
        if not self.query.strip():
            raise InvalidInput(detail="A source has a query in PromQL", field="query")
        names.plain_text(self.url, "url", URL_CHARS_MAX)
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise InvalidInput(
                detail="url is that of a Prometheus server, such as http://prometheus:9090, "
                "without a user",
                field="url",
            )
        if parts.query or parts.fragment:
            raise InvalidInput(detail="url ends with its path: the query is apart", field="url")
        step_s = self.step_s
        whole = isinstance(step_s, int) and not isinstance(step_s, bool)
        if not whole or not STEP_S_MIN <= step_s <= STEP_S_MAX:
            raise InvalidInput(
                detail=f"step_s is a whole number from {STEP_S_MIN} to {STEP_S_MAX}",
                field="step_s",
            )


def query_for(source: MetricSource, version: str) -> str:
    """Return what is asked about a version: words are filled in, as PromQL writes strings."""
    told = {"project": source.project, "model": source.model, "version": version}
    query = source.query
    for word in WORDS:
        query = query.replace(f"${word}", _in_string(told[word]))
    return query


def _in_string(text: str) -> str:
    """Return a text as it stands in a string of PromQL, whichever quotes are about it."""
    return "".join(f"\\u{ord(char):04x}" if char in "\"'\\`" else char for char in text)


def steps_due(source: MetricSource, since_s: int, now_s: int) -> tuple[int, int] | None:
    """Return the first and the last moment to ask for, in seconds, or None when none is due.

    ``since_s`` is when the version came to its stage. Moments are multiples of ``step_s``; the
    latest is left to settle for a step.
    """
    step_s = source.step_s
    read_s = max(now_s - CATCH_UP_S, int(source.read_until.timestamp()))
    first = max(read_s // step_s + 1, -(-since_s // step_s)) * step_s
    last = (now_s // step_s - 1) * step_s
    return (first, last) if first <= last else None
