"""What a model has under names, in SQL: one row for each name of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, bindparam, delete, select, update

from lockgate.storage import tables
from lockgate.storage.database import Session
from lockgate.storage.statements import Statement, inserting

_M = tables.models
_P = tables.projects


class Named:
    """The rows of a table whose key is ``model_id`` and its second column, the name."""

    def __init__(self, table: Table) -> None:
        model_id, name, *others = table.columns
        self._name = name.name
        self._of_model = Statement(
            select(table).where(model_id == bindparam("model_id")).order_by(name)
        )
        self._everywhere = Statement(
            select(_P.c.name, _M.c.name, name)
            .select_from(table.join(_M, _M.c.id == model_id).join(_P, _P.c.id == _M.c.project_id))
            .where(_M.c.deleted_at.is_(None))
            .order_by(model_id, name)
        )
        one = (model_id == bindparam("key"), name == bindparam("sought"))
        self._add = inserting(table)
        self._change = Statement(
            update(table)
            .where(*one)
            .values({column.name: bindparam(f"new_{column.name}") for column in others})
        )
        self._remove = Statement(delete(table).where(*one))

    def of_model(self, session: Session, model_id: int) -> list[Any]:
        """Return the rows of a model, by name."""
        return session.all(self._of_model, model_id=model_id)

    def everywhere(self, session: Session) -> list[tuple[str, str, str]]:
        """Return project, model and name of every row there is."""
        return [(row[0], row[1], row[2]) for row in session.all(self._everywhere)]

    def add(self, session: Session, model_id: int, name: str, columns: Mapping[str, Any]) -> None:
        """Add a row."""
        session.run(self._add, model_id=model_id, **{self._name: name}, **columns)

    def change(
        self, session: Session, model_id: int, name: str, columns: Mapping[str, Any]
    ) -> None:
        """Write a row anew."""
        new = {f"new_{column}": value for column, value in columns.items()}
        session.run(self._change, key=model_id, sought=name, **new)

    def remove(self, session: Session, model_id: int, name: str) -> None:
        """Take a row away."""
        session.run(self._remove, key=model_id, sought=name)
