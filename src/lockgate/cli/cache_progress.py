"""What goes on with a model, told to whoever waits for it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lockgate.cli.progress import size_text

if TYPE_CHECKING:
    from lockgate.cli.session import Session
    from lockgate.coordination.cache import CacheEvent
    from lockgate.domain.claims import ModelKey, ModelRecord

PAUSE_S = 10.0
"""How long a log is left in peace while nothing but the number of bytes changes."""


@contextmanager
def told_of(session: Session) -> Iterator[Callable[[CacheEvent], None]]:
    """Yield what is to be told of a model: a bar on a terminal, lines in a log, silence in JSON."""
    if session.output.as_json:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _bar(session) as show:
            yield show
    else:
        yield Lines(session.output.remark)


class Lines:
    """Tells events line by line: each new state at once, progress now and then."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._state = ""
        self._told_at_s = 0.0

    def __call__(self, event: CacheEvent) -> None:
        now_s = time.monotonic()
        if event.state == self._state and now_s - self._told_at_s < PAUSE_S:
            return
        self._state, self._told_at_s = event.state, now_s
        self._write(f"{event.state}: {event.key}{progress_text(event)}")


class Changes:
    """What is new about records since they were looked at last."""

    def __init__(self) -> None:
        self._seen: dict[ModelKey, tuple[object, ...]] = {}

    def since(self, records: Sequence[ModelRecord]) -> list[ModelRecord]:
        """Return the records whose status, owner or progress is another than before."""
        standing: dict[ModelKey, tuple[object, ...]] = {
            record.key: (record.status, record.fence, record.message, record.progress)
            for record in records
        }
        changed = [each for each in records if self._seen.get(each.key) != standing[each.key]]
        self._seen = standing
        return changed


def progress_text(event: CacheEvent) -> str:
    """Return how far a download is, and what its record says."""
    told, parts = event.progress, []
    if told is not None:
        of = "" if told.bytes_total is None else f" of {size_text(told.bytes_total)}"
        parts.append(f"{size_text(told.bytes_done)}{of}")
    if event.message:
        parts.append(event.message)
    return "".join(f", {part}" for part in parts)


@contextmanager
def _bar(session: Session) -> Iterator[Callable[[CacheEvent], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, no_color=None if session.output.colour else True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("looking", total=None)

        def show(event: CacheEvent) -> None:
            told = event.progress
            done, total = (told.bytes_done, told.bytes_total) if told is not None else (None, None)
            bar.update(task, description=event.state, completed=done, total=total)

        yield show
