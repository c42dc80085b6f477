"""Exported logs: one header, then one line an event."""

from __future__ import annotations

import pytest

from lockgate.domain.audit import leaf_hash
from lockgate.domain.exports import ExportHeader, exported_events, read_header
from lockgate.errors import InvalidInput

HEADER = ExportHeader(project="default", size=2, checkpoint="a note\nof lines\n")


def test_header_reads_back() -> None:
    """A header is one line, whatever the checkpoint in it, and reads back as it was."""
    assert "\n" not in HEADER.line()
    assert read_header(HEADER.line()) == HEADER


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        "null",
        "{}",
        HEADER.line()[:-1],
        HEADER.line().replace('export":1', 'export":2'),
        HEADER.line().replace('"size":2', '"size":"two"'),
        HEADER.line().replace('"size":2', '"size":1e999'),
        HEADER.line().replace('"size":2', '"sise":2'),
        "[" * 100_000,
    ],
)
def test_any_other_line_is_refused(line: str) -> None:
    """What is no header is refused, with the command that makes one."""
    with pytest.raises(InvalidInput, match="lockgate audit export"):
        read_header(line)


def test_events_are_their_lines() -> None:
    """Every line is an event, counted from 1, hashed as its bytes are."""
    events = list(exported_events(['{"a":1}\n', '{"b":"ü"}']))
    assert [(event.seq, event.body) for event in events] == [
        (1, b'{"a":1}'),
        (2, '{"b":"ü"}'.encode()),
    ]
    assert [event.leaf_hash for event in events] == [leaf_hash(event.body) for event in events]
    assert all(event.columns is None for event in events)
