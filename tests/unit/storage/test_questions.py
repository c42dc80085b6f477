"""A question's text is compiled once for its shape; its values are its own."""

from __future__ import annotations

import pytest
from sqlalchemy import Select, select

from lockgate.storage import statements, tables
from lockgate.storage.statements import Question, Statement, among

_V = tables.versions


def asked(label: str, ids: tuple[int, ...], limit: int = 5) -> Select[tuple[str]]:
    """A question with an equality, a list and a limit."""
    chosen = select(_V.c.label).where(_V.c.label == label, among(_V.c.model_id, ids))
    return chosen.order_by(_V.c.id).limit(limit)


def values(question: Statement, dialect: str) -> list[object]:
    """What the database is handed, in its order."""
    _, names, built_in = question.text(dialect)
    return [built_in[name] for name in names]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_same_shape_has_its_own_values(dialect: str) -> None:
    """Text and values are those of a construct that is compiled for itself."""
    for label, ids, limit in (("a", (1, 2), 5), ("b", (3, 2**40), 6), ("c", (5, 6, 7), 5)):
        construct = asked(label, ids, limit)
        question, alone = Question(construct), Statement(construct)
        assert question.text(dialect)[0] == alone.text(dialect)[0]
        assert values(question, dialect) == values(alone, dialect)
    first, again = (Question(asked(label, (1, 2))).text(dialect)[0] for label in "xy")
    assert first is again


def test_an_expanding_list_is_compiled_for_itself() -> None:
    """A list that is one parameter has as many places as values."""
    for ids in ((1, 2), (3, 4, 5)):
        question = Question(select(_V.c.label).where(_V.c.model_id.in_(ids)))
        assert values(question, "sqlite") == list(ids)


def test_texts_are_kept_within_bounds() -> None:
    """However many shapes there are, no more than so many are kept."""
    for count in range(2, statements.SHAPES_MAX + 10):
        Question(select(_V.c.label.label(f"l{count}"))).text("sqlite")
    assert len(statements._shapes) <= statements.SHAPES_MAX
