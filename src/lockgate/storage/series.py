"""Series in SQL: what is kept of a metric of a version, by stretches of time of some length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, bindparam, delete, select, update

from lockgate.storage.database import Session
from lockgate.storage.statements import Statement, inserting

KEY = ("version_id", "metric", "grain_s", "at")


class Series:
    """The rows of a table whose key is `KEY`: the other columns are what a stretch holds."""

    def __init__(self, table: Table) -> None:
        columns = table.c
        held = [column for column in columns if column.name not in KEY]
        self.of_metric = tuple(columns[name] == bindparam(name) for name in KEY[:3])
        """The conditions of one metric of one version in one length, for further statements."""
        self.between = (columns.at >= bindparam("since"), columns.at < bindparam("until"))
        within = select(columns.at, *held).where(*self.of_metric, *self.between)
        self._within = Statement(within.order_by(columns.at))
        # One by one: SQLite answers each from an end of the index, and both at once by reading
        # all of it.
        one = select(columns.at).where(*self.of_metric).limit(1)
        self._first = Statement(one.order_by(columns.at))
        self._last = Statement(one.order_by(columns.at.desc()))
        self._add = inserting(table)
        self._change = Statement(
            update(table)
            .where(*(columns[name] == bindparam(f"key_{name}") for name in KEY))
            .values({column.name: bindparam(f"new_{column.name}") for column in held})
        )
        self._forget = Statement(
            delete(table).where(
                columns.grain_s == bindparam("grain_s"), columns.at < bindparam("at")
            )
        )

    def rows(
        self,
        session: Session,
        version_id: int,
        metric: str,
        grain_s: int,
        since_us: int,
        until_us: int,
    ) -> list[Any]:
        """Return beginning and contents of the stretches that begin in a span, oldest first."""
        return session.all(
            self._within,
            version_id=version_id,
            metric=metric,
            grain_s=grain_s,
            since=since_us,
            until=until_us,
        )

    def put(
        self,
        session: Session,
        version_id: int,
        metric: str,
        grain_s: int,
        held: Mapping[int, Mapping[str, Any]],
        there: Mapping[int, Any],
    ) -> None:
        """Write what stretches hold, by their beginnings; ``there`` are those that have a row."""
        made, changed = [], []
        for at_us, contents in held.items():
            key = dict(zip(KEY, (version_id, metric, grain_s, at_us), strict=True))
            if at_us in there:
                values = {f"new_{name}": value for name, value in contents.items()}
                changed.append({f"key_{name}": value for name, value in key.items()} | values)
            else:
                made.append({**key, **contents})
        session.many(self._add, made)
        session.many(self._change, changed)

    def span_of(
        self, session: Session, version_id: int, metric: str, grain_s: int
    ) -> tuple[int, int] | None:
        """Return when the oldest and the newest stretch of a metric begin, or None without any."""
        key = {"version_id": version_id, "metric": metric, "grain_s": grain_s}
        first = session.value(self._first, **key)
        return None if first is None else (first, session.value(self._last, **key))

    def forget_before(self, session: Session, grain_s: int, before_us: int) -> int:
        """Forget the stretches of a length that began before a moment; return how many."""
        return session.run(self._forget, grain_s=grain_s, at=before_us)
