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
    PAGE_OF,
    REGISTER,
    TRANSITION,
    Question,
)

Row = dict[str, Any]
READS = (GET, ALIAS, LATEST)
WRITES = (REGISTER, TRANSITION)
SEARCHES = (BY_TAG, BY_METRIC)
AT_LEAST, AT_MOST = "≥", "≤"
ANSWER, COMMIT = "bare answer", "bare durable commit"


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """One figure in proportion to another, what is wanted of it, and the figures themselves.

    ``limit`` is what the limit itself reaches in the same proportion, where there is one: how much
    of what is wanted can be had at all.
    """

    what: str
    reached: float
    sign: str
    wanted: float
    ours: str
    beside: str
    limit: float | None = None

    @property
    def held(self) -> bool:
        """Whether it is as wanted."""
        if self.sign == AT_LEAST:
            return self.reached >= self.wanted
        return self.reached <= self.wanted

    @property
    def verdict(self) -> str:
        """``met``, or by how much it is missed."""
        if self.held:
            return "met"
        if self.wanted == 0 or self.reached == 0:
            return "missed"
        off = self.wanted / self.reached if self.sign == AT_LEAST else self.reached / self.wanted
        return f"missed by {(off - 1):.0%}" if off < 2 else f"missed {off:.1f} times over"


def ratios(results: dict[str, Any]) -> list[Ratio]:
    """Return every ratio that the rows of a run allow: what failed has none."""
    found = [*_of_requests(results["requests"], results["limits"]), *_of_limits(results)]
    found += [*_of_bytes(results["bytes"]), *_of_resting(results["resting"])]
    return [*found, *_of_promoters(results["promoters"])]


def _of_requests(rows: list[Row], limits: list[Row]) -> Iterator[Ratio]:
    answer = _row(limits, question=ANSWER, connections=1)
    commit = _row(limits, question=COMMIT, connections=1)
    for database, size in sorted({(row["database"], row["size"]) for row in rows}):
        place = f"{database}, {size:,} versions"
        here = [row for row in rows if (row["database"], row["size"]) == (database, size)]
        for speaker, cpu, rate in (("Lockgate", 40, 100), ("Lockgate, as MLflow", 20, None)):
            for question in READS:
                yield from _less(here, place, speaker, question, cpu, answer)
                if rate is not None:
                    yield from _faster(here, place, speaker, question, rate, answer)
        for speaker in ("Lockgate", "Lockgate, as MLflow"):
            for question in WRITES:
                bare = commit if database == "sqlite" else None
                yield from _less(here, place, speaker, question, 20, bare)
            for question in SEARCHES:
                yield from _less(here, place, speaker, question, 20, None)
    yield from _growth(rows)


def _less(
    rows: list[Row],
    place: str,
    speaker: str,
    question: Question,
    wanted: float,
    bare: Row | None,
) -> Iterator[Ratio]:
    accent = "" if speaker == "Lockgate" else ", in MLflow's words"
    for ours, theirs in _pair(rows, speaker, question):
        yield Ratio(
            what=f"{question.name}{accent}, less CPU a request ({place})",
            reached=theirs["cpu_ms"] / ours["cpu_ms"],
            sign=AT_LEAST,
            wanted=wanted,
            ours=f"{ours['cpu_ms']:.2f} ms",
            beside=f"{theirs['cpu_ms']:.2f} ms",
            limit=None if bare is None else theirs["cpu_ms"] / bare["cpu_ms"],
        )


def _faster(
    rows: list[Row],
    place: str,
    speaker: str,
    question: Question,
    wanted: float,
    bare: Row | None,
) -> Iterator[Ratio]:
    for ours, theirs in _pair(rows, speaker, question):
        yield _rate(
            f"{question.name}, one client, requests/s ({place})",
            ours,
            theirs,
            wanted,
            None if bare is None else bare["per_s"] / theirs["per_s"],
        )


def _rate(what: str, ours: Row, beside: Row, wanted: float, limit: float | None = None) -> Ratio:
    return Ratio(
        what=what,
        reached=ours["per_s"] / beside["per_s"],
        sign=AT_LEAST,
        wanted=wanted,
        ours=f"{ours['per_s']:,.0f}/s",
        beside=f"{beside['per_s']:,.0f}/s",
        limit=limit,
    )


def _growth(rows: list[Row]) -> Iterator[Ratio]:
    """How much longer a page takes in the largest registry than in the smallest."""
    for database in sorted({row["database"] for row in rows}):
        ours = [r for r in rows if r["database"] == database and r["speaker"] == "Lockgate"]
        for question in (PAGE_OF, *SEARCHES):
            asked = [r for r in ours if r["question"] == question.name and r["connections"] == 1]
            small, large = (
                pick(asked, key=lambda row: row["size"], default=None) for pick in (min, max)
            )
            if small is None or large is None or small["size"] == large["size"]:
                continue
            yield Ratio(
                what=f"{question.name}, time at {large['size']:,} versions over {small['size']:,} "
                f"({database})",
                reached=large["p50_ms"] / small["p50_ms"],
                sign=AT_MOST,
                wanted=1.5,
                ours=f"{large['p50_ms']:.2f} ms",
                beside=f"{small['p50_ms']:.2f} ms",
            )


def _of_limits(results: dict[str, Any]) -> Iterator[Ratio]:
    rows = [row for row in results["requests"] if row["database"] == "sqlite"]
    for size in sorted({row["size"] for row in rows}):
        for questions, limit, wanted in (
            (READS, ANSWER, 0.4),
            (WRITES, COMMIT, 0.3),
        ):
            bare = _row(results["limits"], question=limit, connections=1)
            for question in questions:
                ours = _row(
                    rows, size=size, speaker="Lockgate", question=question.name, connections=1
                )
                what = f"{question.name}, requests/s of the {limit} (sqlite, {size:,} versions)"
                if ours is not None and bare is not None:
                    yield _rate(what, ours, bare, wanted)


def _of_bytes(rows: list[Row]) -> Iterator[Ratio]:
    for kind, beyond in (("large", 3.0), ("small", 20.0)):
        plain = _row(rows, speaker="the limit", what=kind)
        for step in ("push", "pull"):
            ours, theirs = (_row(rows, speaker=s, what=f"{step} {kind}") for s in _BOTH)
            yield from _sooner(f"{step} {kind}", ours, theirs, beyond, plain)
    loop = _row(rows, speaker="the limit", what="large")
    for step, wanted in (("push", 0.35), ("pull", 0.5)):
        ours = _row(rows, speaker="Lockgate", what=f"{step} large")
        yield from _sooner(f"{step} large, speed of read + hash + write", ours, loop, wanted)
    tuned = {row["speaker"]: row["bytes"] for row in rows if row["what"] == "ten fine-tunes"}
    for what, beside, most in (
        ("ten fine-tunes on disk", "MLflow", 0.25),
        ("ten fine-tunes on disk, of the changed bytes", "the limit", 1.1),
    ):
        if "Lockgate" in tuned and beside in tuned:
            yield _share(what, tuned["Lockgate"], tuned[beside], most, 1e6, "MB")


def _sooner(
    what: str, ours: Row | None, beside: Row | None, wanted: float, plain: Row | None = None
) -> Iterator[Ratio]:
    """``plain`` is the loop that does nothing but read, hash and write the same bytes."""
    if ours is not None and beside is not None:
        yield Ratio(
            what=what,
            reached=beside["seconds"] / ours["seconds"],
            sign=AT_LEAST,
            wanted=wanted,
            ours=f"{ours['seconds']:.2f} s",
            beside=f"{beside['seconds']:.2f} s",
            limit=None if plain is None else beside["seconds"] / plain["seconds"],
        )


def _share(what: str, ours: float, beside: float, wanted: float, scale: float, unit: str) -> Ratio:
    return Ratio(
        what=what,
        reached=ours / beside,
        sign=AT_MOST,
        wanted=wanted,
        ours=f"{ours / scale:,.3g} {unit}",
        beside=f"{beside / scale:,.3g} {unit}",
    )


def _of_resting(rows: list[Row]) -> Iterator[Ratio]:
    ours, theirs = (_row(rows, speaker=speaker) for speaker in _BOTH)
    if ours is None or theirs is None:
        return
    for key, what, wanted, scale, unit in (
        ("ready_s", "start to first answer", 0.1, 1.0, "s"),
        ("resident_bytes", "memory at rest", 0.05, 1e6, "MB"),
    ):
        yield _share(what, ours[key], theirs[key], wanted, scale, unit)


def _of_promoters(rows: list[Row]) -> Iterator[Ratio]:
    for row in rows:
        if row["speaker"] == "Lockgate":
            place = f"sixteen promoters at once ({row['database']})"
            theirs = _row(rows, speaker="MLflow", database=row["database"])
            for what, key, most in (("in production", "standing", 1), ("errors", "refused", 0)):
                yield Ratio(
                    what=f"{place}: {what}",
                    reached=float(row[key]),
                    sign=AT_MOST,
                    wanted=most,
                    ours=str(row[key]),
                    beside="" if theirs is None else str(theirs[key]),
                )


_BOTH = ("Lockgate", "MLflow")


def _pair(rows: list[Row], speaker: str, question: Question) -> list[tuple[Row, Row]]:
    """Return the rows of both at one client; nothing where one of them has none."""
    ours = _row(rows, speaker=speaker, question=question.name, connections=1)
    theirs = _row(rows, speaker="MLflow", question=question.name, connections=1)
    return [] if ours is None or theirs is None else [(ours, theirs)]


def _row(rows: Iterable[Row], **wanted: Any) -> Row | None:
    return next(
        (row for row in rows if all(row.get(key) == value for key, value in wanted.items())), None
    )
