"""Tags, metadata, model cards and lineage: there, and saying what they should."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lockgate.domain.requirements.presence import (
    CardPresent,
    LineagePresent,
    MetadataPresent,
    TagPresent,
)
from lockgate.domain.versions import Sources
from lockgate.errors import InvalidPolicy

Build = Callable[..., Any]


@pytest.mark.parametrize(
    ("fields", "tags", "verdict", "sentence"),
    [
        ({}, {}, "missing", "Missing required tag 'team'"),
        ({}, {"team": ""}, "passed", "Tag 'team' is present"),
        ({"value": "risk"}, {"team": "risk"}, "passed", "Tag 'team' is 'risk'"),
        ({"value": "risk"}, {"team": "ops"}, "failed", "Tag 'team' is 'ops', required = 'risk'"),
        ({"value": ""}, {"team": "ops"}, "failed", "Tag 'team' is 'ops', required = ''"),
        ({"matches": "r*"}, {"team": "risk"}, "passed", "Tag 'team' is 'risk'"),
        ({"matches": "r?"}, {"team": "risk"}, "failed", "Tag 'team' is 'risk', required like 'r?'"),
    ],
)
def test_tag(
    evidence: Build,
    version: Build,
    fields: dict[str, Any],
    tags: dict[str, str],
    verdict: str,
    sentence: str,
) -> None:
    """A tag must be there, have the value, or fit the pattern."""
    row = TagPresent("team", **fields).verdict(evidence(version(tags=tags)))
    assert (row.verdict, row.sentence) == (verdict, sentence)


@pytest.mark.parametrize(
    ("name", "fields", "verdict"),
    [
        ("license", {}, "passed"),
        ("license", {"value": "mit"}, "passed"),
        ("license", {"value": "gpl"}, "failed"),
        ("eval.rows", {"value": 10}, "passed"),
        ("eval.rows", {"value": 10.0}, "passed"),
        ("eval.rows", {"matches": "1*"}, "failed"),
        ("eval.done", {"value": True}, "passed"),
        ("eval.done", {"value": 1}, "failed"),
        ("eval.nothing", {}, "missing"),
        ("license.deeper", {}, "missing"),
        ("a.b", {"value": "dotted"}, "passed"),
        ("null", {}, "passed"),
    ],
)
def test_metadata(
    evidence: Build, version: Build, name: str, fields: dict[str, Any], verdict: str
) -> None:
    """A metadata entry is found by its key or along dots, and compared as the JSON it is."""
    metadata = {
        "license": "mit",
        "eval": {"rows": 10, "done": True},
        "a.b": "dotted",
        "null": None,
    }
    row = MetadataPresent(name, **fields).verdict(evidence(version(metadata=metadata)))
    assert row.verdict == verdict


@pytest.mark.parametrize(
    ("fields", "card", "verdict", "sentence"),
    [
        ({}, "  \n", "missing", "Missing required model card"),
        ({}, "x", "passed", "Model card has 1 characters"),
        ({"chars_min": 5}, "four", "failed", "Model card has 4 characters, required 5"),
        (
            {"sections": ("Limits", "Data")},
            "# limits\ntext\n## Other",
            "failed",
            "Model card lacks the sections 'Data'",
        ),
        (
            {"sections": ("Limits",)},
            "## LIMITS\ntext",
            "passed",
            "Model card has 14 characters and the sections Limits",
        ),
    ],
)
def test_card(
    evidence: Build, fields: dict[str, Any], card: str, verdict: str, sentence: str
) -> None:
    """A card must have text, enough of it, and the headings asked for."""
    row = CardPresent(**fields).verdict(evidence(card=card))
    assert (row.verdict, row.sentence) == (verdict, sentence)


def test_description_is_the_card(evidence: Build, version: Build) -> None:
    """A version without a card of its own is described by its description."""
    assert CardPresent().verdict(evidence(version(description="words"))).verdict == "passed"
    assert CardPresent().verdict(evidence(version(description="words"), card="")).verdict == (
        "missing"
    )


@pytest.mark.parametrize(
    ("asked", "sources", "verdict", "sentence"),
    [
        ((), Sources(), "missing", "Missing required lineage: one of run, dataset, code, parents"),
        ((), Sources(code="git"), "passed", "Lineage says code"),
        (("run", "dataset"), Sources(run_id="r"), "missing", "Missing required lineage: dataset"),
        (("parents",), Sources(parents=("a:1",)), "passed", "Lineage says parents"),
    ],
)
def test_lineage(
    evidence: Build,
    version: Build,
    asked: tuple[str, ...],
    sources: Sources,
    verdict: str,
    sentence: str,
) -> None:
    """Each source asked for must be named, or any one where none is asked for."""
    row = LineagePresent(asked).verdict(evidence(version(sources=sources)))
    assert (row.verdict, row.sentence) == (verdict, sentence)


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: TagPresent(""), "name"),
        (lambda: TagPresent("t", value=1), "value"),
        (lambda: TagPresent("t", value="a", matches="b"), "matches"),
        (lambda: TagPresent("t", matches="*" * 2000), "matches"),
        (lambda: MetadataPresent("m", value=float("nan")), "value"),
        (lambda: MetadataPresent("m", value=[]), "value"),
        (lambda: CardPresent(0), "chars_min"),
        (lambda: CardPresent(True), "chars_min"),
        (lambda: CardPresent(1, "Limits"), "sections"),
        (lambda: CardPresent(1, ("",)), "sections[0]"),
        (lambda: LineagePresent(("runs",)), "sources"),
        (lambda: LineagePresent("run"), "sources"),
    ],
)
def test_faults(build: Callable[[], Any], field: str) -> None:
    """What makes no sense is refused by the name of its field."""
    with pytest.raises(InvalidPolicy) as caught:
        build()
    assert [fault.partition(":")[0] for fault in caught.value.fields["faults"]] == [field]
