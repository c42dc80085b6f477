"""Scans and signatures: proof about these files, not about others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from lockgate.domain.requirements.artifact import ScanProved, SignatureVerified
from lockgate.domain.requirements.evidence import ScannedFile, SignatureResult, Waiver

Build = Callable[..., Any]
DIGEST = "ab" * 32
GOOD = ScannedFile("model.safetensors", "data-only")
CODE = ScannedFile("run.pkl", "code")
ODD = ScannedFile("odd.bin", "unknown")


def waiver(now: datetime, path: str = "run.pkl", digest: str | None = DIGEST) -> Waiver:
    """Return ana's waiver for a file."""
    return Waiver(path, "reviewed", "ana", now, digest)


def test_files_without_proof(evidence: Build, version: Build) -> None:
    """No files, no scan: nothing is proved."""
    rows = [
        ScanProved().verdict(evidence(version(digest=None), scanned=())),
        ScanProved().verdict(evidence()),
    ]
    assert [(row.verdict, row.sentence) for row in rows] == [
        ("missing", "The version has no files that could be scanned"),
        ("missing", "The files have not been scanned"),
    ]


def test_scan(evidence: Build) -> None:
    """Every file must be data-only; the others are named with what they are."""
    rows = [
        ScanProved().verdict(evidence(scanned=scanned)) for scanned in ((GOOD,), (GOOD, CODE, ODD))
    ]
    assert [(row.verdict, row.sentence) for row in rows] == [
        ("passed", "All 1 files are proved data-only"),
        (
            "failed",
            "2 of 3 files are not proved data-only: run.pkl (code), odd.bin (unknown)",
        ),
    ]


def test_long_lists_are_cut(evidence: Build) -> None:
    """Five files are named, the others counted."""
    scanned = tuple(ScannedFile(f"{index}.pkl", "code") for index in range(9))
    row = ScanProved().verdict(evidence(scanned=scanned))
    assert row.sentence.endswith("4.pkl (code), and 4 more")


@pytest.mark.parametrize(
    ("path", "digest", "allow", "verdict"),
    [
        ("run.pkl", DIGEST, True, "passed"),
        ("*", DIGEST, True, "passed"),
        ("other.pkl", DIGEST, True, "failed"),
        ("run.pkl", "cd" * 32, True, "failed"),
        ("run.pkl", None, True, "failed"),
        ("run.pkl", DIGEST, False, "failed"),
    ],
)
def test_waivers(
    evidence: Build, now: datetime, path: str, digest: str | None, allow: bool, verdict: str
) -> None:
    """A waiver holds for the file, of these very bytes, where the policy allows waivers."""
    row = ScanProved(allow).verdict(
        evidence(scanned=(GOOD, CODE), waivers=(waiver(now, path, digest),))
    )
    assert row.verdict == verdict
    if verdict == "passed":
        assert row.sentence == "1 of 2 files are proved data-only, 1 waived by ana"


def test_signatures(evidence: Build) -> None:
    """A signature must verify, be of these files, and be by an identity asked for."""
    good = SignatureResult("ci@example.com", True, DIGEST)
    other = SignatureResult("ci@example.com", True, "cd" * 32)
    broken = SignatureResult("ci@example.com", False, DIGEST, "the certificate expired")
    nobody = SignatureResult("x@evil.example", True, DIGEST)
    requirement = SignatureVerified(("*@example.com",))
    rows = [
        requirement.verdict(evidence(signatures=signatures))
        for signatures in ((), (other, broken, nobody), (broken, good))
    ]
    assert [(row.verdict, row.sentence) for row in rows] == [
        ("missing", "The artifact is not signed"),
        (
            "failed",
            "No signature verifies (ci@example.com: it is of other files; "
            "ci@example.com: the certificate expired; x@evil.example: it is by another identity)",
        ),
        ("passed", "Signature by ci@example.com verifies"),
    ]
    assert SignatureVerified().verdict(evidence(signatures=(nobody,))).verdict == "passed"


def test_signature_over_no_digest(evidence: Build, version: Build) -> None:
    """A signature of nothing does not pass for a version without files."""
    unsigned = SignatureResult("ci@example.com", True, None)
    row = SignatureVerified().verdict(evidence(version(digest=None), signatures=(unsigned,)))
    assert row.verdict == "failed"


def test_implies() -> None:
    """Without waivers is stricter than with; fewer identities are stricter than more."""
    assert ScanProved(False).implies(ScanProved(True))
    assert not ScanProved(True).implies(ScanProved(False))
    assert SignatureVerified(("a",)).implies(SignatureVerified(("a", "b")))
    assert SignatureVerified(("a",)).implies(SignatureVerified())
    assert not SignatureVerified().implies(SignatureVerified(("a",)))
