"""Entity tags are compared as HTTP says."""

from __future__ import annotations

import pytest

from lockgate.errors import InvalidInput, StaleRevision
from lockgate.http.conditions import require_same, revision_wanted, unchanged

TAG = '"0123456789ab-7-deadbeef"'


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, False),
        (TAG, True),
        (f"W/{TAG}", True),
        (f'"other", {TAG}', True),
        ("*", True),
        ('"other"', False),
    ],
)
def test_if_none_match_is_a_list_of_tags(header: str | None, expected: bool) -> None:
    """Any tag of the list counts, weak ones too; * is any."""
    assert unchanged(header, TAG) == expected


def test_what_has_no_tag_has_always_changed() -> None:
    """Without a tag there is nothing to compare."""
    assert unchanged("*", None) is False


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("*", None),
        (TAG, ("0123456789ab", 7)),
        ('"0123456789ab-7"', ("0123456789ab", 7)),
        ('"7"', ("", 7)),
    ],
)
def test_if_match_names_a_revision(header: str | None, expected: tuple[str, int] | None) -> None:
    """A tag as it was received, or a bare revision."""
    assert revision_wanted(header) == expected


@pytest.mark.parametrize("header", ["7", '"x"', '""', '"0"', f"{TAG}, {TAG}", f"W/{TAG}", '"-7"'])
def test_what_is_no_tag_of_ours_is_refused(header: str) -> None:
    """Another form would be a guard that guards nothing."""
    with pytest.raises(InvalidInput):
        revision_wanted(header)


def test_a_tag_of_a_thing_that_was_replaced_is_stale() -> None:
    """A model made again under its old name is not the one that was read."""
    require_same("0123", "0123456789", "Model", "m", 1)
    with pytest.raises(StaleRevision):
        require_same("0123", "9999456789", "Model", "m", 1)
