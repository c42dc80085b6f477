"""How the commands of the cache show what they found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lockgate.cli.output import Cell, Column, counted, moment_text
from lockgate.cli.progress import size_text
from lockgate.cli.session import Session

if TYPE_CHECKING:
    from lockgate.coordination.eviction import EvictionReport
    from lockgate.domain.claims import ModelKey, ModelRecord

ID_CHARS = 12
_STYLES = {"DOWNLOADED": "green", "DOWNLOADING": "yellow", "ERROR": "red"}


def record_value(record: ModelRecord) -> dict[str, Any]:
    from lockgate.wire.cache import record_to_wire

    return {"id": record.key.id, **record_to_wire(record)}


def tell(session: Session, value: dict[str, Any], sentence: str) -> None:
    """Write one line: a JSON object, or a sentence."""
    if session.output.as_json:
        session.output.write(json.dumps(value, ensure_ascii=False) + "\n")
    else:
        session.output.line(sentence)


def sentence(record: ModelRecord) -> str:
    how = f" ({record.message})" if record.message else ""
    return f"{record.status.value.lower()} {record.key}{_progress(record)}{how}"


def _progress(record: ModelRecord) -> str:
    told = record.progress
    if told is None or record.status != "DOWNLOADING":
        return ""
    of = "" if told.bytes_total is None else f" of {size_text(told.bytes_total)}"
    return f" {size_text(told.bytes_done)}{of}"


def draw_records(session: Session, records: list[ModelRecord]) -> None:
    columns = [
        Column("Id", whole=True),
        Column("Model"),
        Column("Status", whole=True),
        Column("Used", whole=True),
        Column("Message"),
    ]
    rows = [
        (
            record.key.id[:ID_CHARS],
            str(record.key),
            Cell(record.status.value + _progress(record), _STYLES[record.status.value]),
            moment_text(record.last_used_at),
            record.message,
        )
        for record in records
    ]
    if rows:
        session.output.table(columns, rows)
    session.output.remark(f"{counted(len(records), 'model')}.")


def draw_status(
    session: Session, key: ModelKey, record: ModelRecord | None, path: str | None
) -> None:
    pairs: list[tuple[str, Cell | str | None]] = [("Model", str(key)), ("Id", key.id[:ID_CHARS])]
    if record is not None:
        status = record.status.value
        pairs += [
            ("Status", Cell(status + _progress(record), _STYLES[status])),
            ("Message", record.message),
            ("Owner", record.holder if status == "DOWNLOADING" else None),
            ("Asked for", moment_text(record.created_at)),
            ("Used", moment_text(record.last_used_at)),
        ]
    pairs.append(("Path", path or "not on this disk"))
    session.output.card(pairs)


def report_value(report: EvictionReport) -> dict[str, Any]:
    return {
        "evicted": [{"id": key.id, "model": str(key), "reason": r} for key, r in report.evicted],
        "in_use": [{"id": key.id, "model": str(key)} for key in report.in_use],
        "bytes_freed": report.bytes_freed,
    }


def draw_report(session: Session, report: EvictionReport) -> None:
    for key, reason in report.evicted:
        session.output.line(f"evicted  {key}: {reason}")
    for key in report.in_use:
        session.output.line(f"in use   {key}")
    session.output.remark(
        f"{counted(len(report.evicted), 'model')} evicted, {size_text(report.bytes_freed)} freed."
    )


def draw_stats(session: Session, value: dict[str, Any]) -> None:
    session.output.card(
        [
            *((name.capitalize(), str(number)) for name, number in value["models"].items()),
            (
                "On this disk",
                f"{counted(value['on_disk']['models'], 'model')}, "
                f"{size_text(value['on_disk']['bytes'])}",
            ),
            *((name.replace("_", " "), str(number)) for name, number in value["totals"].items()),
        ]
    )
