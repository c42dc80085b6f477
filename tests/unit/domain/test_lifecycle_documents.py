"""Lifecycle documents: both forms, the round trip, and every fault at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lockgate.domain.lifecycle_documents import (
    DOCUMENT_CHARS_MAX,
    STAGES_MAX,
    lifecycle_document,
    parse_lifecycle,
    read_document,
)
from lockgate.domain.presets import PRESET_DOCUMENTS, preset
from lockgate.errors import InvalidLifecycle

TOML = """
name = "release-train"
initial = "dev"
initial_choice = true
same_stage = "noop_audit"
version_scheme = "semver"
latest_by = "created"
on_duplicate_version = "return_existing"

[[stages]]
name = "Dev"

[[stages]]
name = "Live"
aliases = ["prod"]
colour = "#00ff00"
exclusive = true
incumbent = "demote:Dev"
serving = true
on_enter = ["stamp_approval"]

[[stages]]
name = "Gone"
archive = true

[[edges]]
from = "Dev"
to = "Live"
verbs = ["promote"]

[[edges]]
from = "live"
to = "dev"

[[edges]]
from = "Live"
to = "Gone"

[policies.prod]
mode = "advisory"
"""


def valid() -> dict[str, Any]:
    """A document without faults, for a test to spoil."""
    return read_document(TOML)


def faults(document: Any) -> list[str]:
    """Every fault of a document."""
    with pytest.raises(InvalidLifecycle) as caught:
        parse_lifecycle(document)
    found: list[str] = caught.value.fields["faults"]
    assert str(caught.value).endswith("; ".join(found))
    return found


def test_toml_and_json_are_one() -> None:
    """The same document in TOML and in JSON is the same lifecycle."""
    from_toml = parse_lifecycle(read_document(TOML))
    from_json = parse_lifecycle(read_document(json.dumps(valid()), form="json"))
    assert from_toml == from_json


def test_names_become_canonical() -> None:
    """Stages named in any case or by an alias become the stage's own spelling."""
    lifecycle = parse_lifecycle(valid())
    assert lifecycle.initial == "Dev"
    assert [(edge.source, edge.target) for edge in lifecycle.edges] == [
        ("Dev", "Live"),
        ("Live", "Dev"),
        ("Live", "Gone"),
    ]
    assert list(lifecycle.policies) == ["Live"]
    assert lifecycle.policies["Live"].mode == "advisory"


@pytest.mark.parametrize("name", PRESET_DOCUMENTS)
def test_round_trip_of_presets(name: str) -> None:
    """The document of a preset, through JSON, is the preset again."""
    document = json.loads(json.dumps(lifecycle_document(preset(name))))
    assert parse_lifecycle(document) == preset(name)


def test_round_trip_of_a_user_s_own() -> None:
    """The document of a lifecycle is the lifecycle again, under its revision."""
    lifecycle = parse_lifecycle(valid(), revision=7)
    assert parse_lifecycle(lifecycle_document(lifecycle), revision=7) == lifecycle


def test_every_fault_at_once() -> None:
    """All faults are reported together, each naming where it is and what would be right."""
    document = {
        "name": "Not A Name",
        "colour": "red",
        "initial": "Nowhere",
        "initial_choice": "yes",
        "same_stage": "maybe",
        "version_scheme": "roman",
        "stages": [
            {"name": "Dev", "on_enter": ["explode"], "colour": "##"},
            {"name": "Live", "aliases": ["DEV"], "incumbent": "archive"},
            {"name": "latest"},
            {"name": "A", "archive": True, "size": 3},
            {"name": "B", "archive": True},
        ],
        "edges": [
            {"from": "Dev", "to": "Moon"},
            {"from": "Live", "to": "B", "verbs": ["launch"]},
            {"from": "Live", "to": "A", "verbs": []},
        ],
        "policies": {"Mars": {}},
    }
    assert faults(document) == [
        "name must be lower-case letters, digits and . _ - , at most 63, got 'Not A Name'",
        "the document: unknown field 'colour'; known: description, edges, initial, "
        "initial_choice, latest_by, name, on_duplicate_model, on_duplicate_version, policies, "
        "policy_mode, same_stage, stages, version_scheme",
        "stage 'Dev': colour must be a word or #rrggbb, got '##'",
        "stage 'Dev': on_enter knows 'stamp_approval', not 'explode'",
        "stage 'Live': incumbent means nothing unless exclusive = true",
        "stage 'latest': name 'latest' is reserved: 'latest' and version numbers mean something "
        "already",
        "stage 'A': unknown field 'size'; known: aliases, archive, colour, description, "
        "exclusive, incumbent, name, on_enter, serving",
        "stage name or alias 'DEV' is used twice",
        "only one stage may be archive, not A, B",
        "initial names the unknown stage 'Nowhere'",
        "edge Dev → Moon names the unknown stage 'Moon'",
        "edge Live → B: unknown verb 'launch'; known: promote, demote, archive, rollback, "
        "transition",
        "edge Live → A: verbs must not be empty; leave it out to allow any",
        "same_stage must be one of reject, noop, noop_audit, record, got 'maybe'",
        "version_scheme must be one of auto, int, semver, string, got 'roman'",
        "the document: initial_choice must be true or false, got 'yes'",
        "policies names the unknown stage 'Mars'",
    ]


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        ({"stages": []}, "stages must be a list with at least one stage"),
        ({"stages": "Dev"}, "stages must be a list with at least one stage"),
        (
            {"stages": [{"name": f"s{i}"} for i in range(STAGES_MAX + 1)]},
            f"{STAGES_MAX + 1} stages are more than {STAGES_MAX}",
        ),
        ({"stages": ["Dev"]}, "a stage must be an object with a name, got 'Dev'"),
        ({"edges": {}}, "edges must be a list of {from, to, verbs}"),
        ({"edges": ["Dev>Live"]}, "an edge must be an object with from and to, got 'Dev>Live'"),
        ({"initial": None}, "initial is missing"),
        (
            {"name": None},
            "name must be lower-case letters, digits and . _ - , at most 63, got None",
        ),
        ({"policies": []}, "policies must map stages to policies"),
        (
            {"policies": {"Live": 3}},
            "policies.Live: a policy is an object with mode and requirements, got 3",
        ),
        ({"latest_by": ["seq"]}, "latest_by must be one of created, seq, got ['seq']"),
        ({"description": 3}, "description must be text, got int: 3"),
        (
            {"description": "x" * 1_001},
            "The length of description is 1001, more than the limit of 1000.",
        ),
    ],
)
def test_faults_of_the_document(spoil: dict[str, Any], fault: str) -> None:
    """A field of the wrong kind is a fault that says what it must be."""
    assert fault in faults({**valid(), **spoil})


@pytest.mark.parametrize(
    ("edge", "fault"),
    [
        (
            {"from": "Live", "to": "Dev", "verbs": ["promote"]},
            "edge Live → Dev: promote leads to a later stage, Dev is not later",
        ),
        (
            {"from": "Dev", "to": "Live", "verbs": ["demote"]},
            "edge Dev → Live: demote leads to an earlier stage, Live is not",
        ),
        (
            {"from": "Dev", "to": "Live", "verbs": ["archive"]},
            "edge Dev → Live: archive leads to a stage with archive = true",
        ),
        ({"from": "Live", "to": "Gone", "colour": "red"}, "edge Live → Gone: unknown field"),
        ({"to": "Gone"}, "edge None → Gone is missing"),
        ({"from": "dev", "to": "live"}, "edge dev → live is listed twice"),
    ],
)
def test_faults_of_edges(edge: dict[str, Any], fault: str) -> None:
    """An edge in the wrong direction, unknown or listed twice is a fault."""
    document = valid()
    document["edges"].append(edge)
    assert any(found.startswith(fault) for found in faults(document))


@pytest.mark.parametrize(
    ("incumbent", "fault"),
    [
        ("demote:Nowhere", "names a stage that does not exist"),
        ("demote:Live", "leads to another exclusive stage"),
        ("evict", "must be demote:<stage>, archive or reject"),
        ("demote:Far", "needs the edge Live → Far"),
    ],
)
def test_faults_of_incumbents(incumbent: str, fault: str) -> None:
    """An incumbent must have a stage to go to, and an edge that leads there."""
    document = valid()
    document["stages"].append({"name": "Far"})
    document["stages"][1]["incumbent"] = incumbent
    assert [f"stage 'Live': incumbent = {incumbent!r} {fault}"] == faults(document)


def test_archive_incumbent_needs_an_archive() -> None:
    """`incumbent = "archive"` without an archive stage is a fault."""
    document = valid()
    document["stages"][1]["incumbent"] = "archive"
    document["stages"][2]["archive"] = False
    assert faults(document) == [
        "stage 'Live': incumbent = 'archive' names a stage that does not exist"
    ]


def test_unreachable_stage() -> None:
    """A stage that no edge leads to is a fault, unless a creator may begin there."""
    document = valid()
    document["stages"].append({"name": "Island"})
    assert parse_lifecycle(document).stage("island").name == "Island"
    document["initial_choice"] = False
    assert faults(document) == ["stage 'Island' cannot be reached from 'Dev'"]


def test_the_initial_stage_is_not_exclusive() -> None:
    """Versions begin in a stage that has room for the next one."""
    document = valid()
    document["initial"] = "Live"
    assert faults(document) == [
        "initial stage 'Live' is exclusive: a second version could not be registered"
    ]


def test_syntax_errors_say_where() -> None:
    """A text that is neither TOML nor JSON is refused with line and column."""
    with pytest.raises(InvalidLifecycle) as caught:
        read_document('name = "x"\nstages = ]')
    assert "not valid TOML" in str(caught.value)
    assert "line 2" in str(caught.value)
    with pytest.raises(InvalidLifecycle) as caught:
        read_document('{"name": \n oops}', form="json")
    assert "not valid JSON" in str(caught.value)
    assert "line 2 column 2" in str(caught.value)


@pytest.mark.parametrize("text", ["[]", "3", '"name"', "null"])
def test_a_document_is_an_object(text: str) -> None:
    """JSON that is no object is refused."""
    with pytest.raises(InvalidLifecycle, match="must be an object"):
        read_document(text, form="json")


def test_documents_have_a_limit() -> None:
    """A document that is too long or nested too deep is refused, not read."""
    with pytest.raises(InvalidLifecycle, match=str(DOCUMENT_CHARS_MAX)):
        read_document("#" * (DOCUMENT_CHARS_MAX + 1))
    with pytest.raises(InvalidLifecycle, match="not valid JSON"):
        read_document("[" * 100_000, form="json")
