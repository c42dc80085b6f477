"""What is wanted of each figure, and the figures as ratios: pure, from the rows of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.peers.words import (
    ALIAS,
    BY_METRIC,
    BY_TAG,
    GET,
    LATEST,
    REGISTER,
    TRANSITION,
    Question,
)

Row = dict[str, Any]
READS = (GET, ALIAS, LATEST)
WRITES = (REGISTER, TRANSITION)
SEARCHES = (BY_TAG, BY_METRIC)
AT_LEAST, AT_MOST = "≥", "≤"


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """One figure in proportion to another, and what is wanted of it."""

    what: str
    reached: float
    sign: str
    wanted: float

    @property
    def held(self) -> bool:
        """Whether it is as wanted."""
        if self.sign == AT_LEAST:
            return self.reached >= self.wanted
        return self.reached <= self.wanted


def ratios(results: dict[str, Any]) -> list[Ratio]:
    """Return every ratio that the rows of a run allow."""
    found = [*_of_requests(results["requests"]), *_of_limits(results)]
    found += [*_of_bytes(results["bytes"]), *_of_resting(results["resting"])]
    return [*found, *_of_promoters(results["promoters"])]


def _of_requests(rows: list[Row]) -> Iterator[Ratio]:
    for database, size in sorted({(row["database"], row["size"]) for row in rows}):
        place = f"{database}, {size:,} versions"
        here = [row for row in rows if (row["database"], row["size"]) == (database, size)]
        for speaker, cpu, rate in (("Lockgate", 40, 100), ("Lockgate, as MLflow", 20, None)):
            for question in READS:
                ours, theirs = _pair(here, speaker, question)
                yield _less("CPU", place, speaker, question, ours, theirs, cpu)
                if rate is not None:
                    what = f"{question.name}, one client, requests/s ({place})"
                    reached = ours["per_s"] / theirs["per_s"]
                    yield Ratio(what=what, reached=reached, sign=AT_LEAST, wanted=rate)
        for speaker in ("Lockgate", "Lockgate, as MLflow"):
            for question in (*WRITES, *SEARCHES):
                ours, theirs = _pair(here, speaker, question)
                yield _less("CPU", place, speaker, question, ours, theirs, 20)
    yield from _growth(rows)


def _less(
    kind: str, place: str, speaker: str, question: Question, ours: Row, theirs: Row, wanted: float
) -> Ratio:
    accent = "" if speaker == "Lockgate" else ", in MLflow's words"
    return Ratio(
        what=f"{question.name}{accent}, less {kind} a request ({place})",
        reached=theirs["cpu_ms"] / ours["cpu_ms"],
        sign=AT_LEAST,
        wanted=wanted,
    )


def _growth(rows: list[Row]) -> Iterator[Ratio]:
    """How much longer a page takes in the largest registry than in the smallest."""
    for database in sorted({row["database"] for row in rows}):
        sizes = sorted({row["size"] for row in rows if row["database"] == database})
        if len(sizes) < 2:
            continue
        for question in SEARCHES:
            small, large = (
                _row(rows, database=database, size=size, speaker="Lockgate", question=question.name)
                for size in (sizes[0], sizes[-1])
            )
            yield Ratio(
                what=f"{question.name}, time at {sizes[-1]:,} over {sizes[0]:,} ({database})",
                reached=large["p50_ms"] / small["p50_ms"],
                sign=AT_MOST,
                wanted=1.5,
            )


def _of_limits(results: dict[str, Any]) -> Iterator[Ratio]:
    rows = [row for row in results["requests"] if row["database"] == "sqlite"]
    for size in sorted({row["size"] for row in rows}):
        for questions, limit, wanted in (
            (READS, "bare answer", 0.4),
            (WRITES, "bare durable commit", 0.3),
        ):
            bare = _row(results["limits"], question=limit, connections=1)
            for question in questions:
                ours = _row(
                    rows, size=size, speaker="Lockgate", question=question.name, connections=1
                )
                yield Ratio(
                    what=f"{question.name}, requests/s of the {limit} (sqlite, {size:,} versions)",
                    reached=ours["per_s"] / bare["per_s"],
                    sign=AT_LEAST,
                    wanted=wanted,
                )


def _of_bytes(rows: list[Row]) -> Iterator[Ratio]:
    if not rows:
        return
    loops = {row["what"]: row for row in rows if row["speaker"] == "the limit"}
    for kind, beyond in (("large", 3.0), ("small", 20.0)):
        for step in ("push", "pull"):
            ours, theirs = (_row(rows, speaker=s, what=f"{step} {kind}") for s in _BOTH)
            reached = theirs["seconds"] / ours["seconds"]
            yield Ratio(what=f"{step} {kind}", reached=reached, sign=AT_LEAST, wanted=beyond)
    for step, wanted in (("push", 0.35), ("pull", 0.5)):
        ours = _row(rows, speaker="Lockgate", what=f"{step} large")
        reached = loops["large"]["seconds"] / ours["seconds"]
        what = f"{step} large, speed of read + hash + write"
        yield Ratio(what=what, reached=reached, sign=AT_LEAST, wanted=wanted)
    tuned = {row["speaker"]: row["bytes"] for row in rows if row["what"] == "ten fine-tunes"}
    if not tuned:
        return
    what = "ten fine-tunes on disk"
    yield Ratio(what=what, reached=tuned["Lockgate"] / tuned["MLflow"], sign=AT_MOST, wanted=0.25)
    yield Ratio(
        what=f"{what}, of the changed bytes",
        reached=tuned["Lockgate"] / tuned["the limit"],
        sign=AT_MOST,
        wanted=1.1,
    )


def _of_resting(rows: list[Row]) -> Iterator[Ratio]:
    if not rows:
        return
    ours, theirs = (_row(rows, speaker=speaker) for speaker in _BOTH)
    for key, what, wanted in (
        ("ready_s", "start to first answer", 0.1),
        ("resident_bytes", "memory at rest", 0.05),
    ):
        yield Ratio(what=what, reached=ours[key] / theirs[key], sign=AT_MOST, wanted=wanted)


def _of_promoters(rows: list[Row]) -> Iterator[Ratio]:
    for row in rows:
        if row["speaker"] == "Lockgate":
            place = f"sixteen promoters at once ({row['database']})"
            standing, refused = float(row["standing"]), float(row["refused"])
            yield Ratio(what=f"{place}: in production", reached=standing, sign=AT_MOST, wanted=1)
            yield Ratio(what=f"{place}: errors", reached=refused, sign=AT_MOST, wanted=0)


_BOTH = ("Lockgate", "MLflow")


def _pair(rows: Iterable[Row], speaker: str, question: Question) -> tuple[Row, Row]:
    listed = list(rows)
    ours = _row(listed, speaker=speaker, question=question.name, connections=1)
    return ours, _row(listed, speaker="MLflow", question=question.name, connections=1)


def _row(rows: Iterable[Row], **wanted: Any) -> Row:
    return next(row for row in rows if all(row[key] == value for key, value in wanted.items()))
