"""How far a transfer is: a bar on a terminal, nothing in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockgate.artifacts.pulling import PullProgress
    from lockgate.artifacts.sending import PushProgress
    from lockgate.cli.session import Session

_UNITS = ("B", "kB", "MB", "GB", "TB")


class Transfer:
    """What a push or a pull told last, and the bar that shows it."""

    def __init__(self, show: Callable[[int, int, str], None]) -> None:
        self._show = show
        self._began_s = time.monotonic()
        self.bytes_done = 0
        self.bytes_moved = 0

    def pushed(self, told: PushProgress) -> None:
        """Take in how far a push is."""
        self._tell(told.bytes_done, told.bytes_total, told.bytes_sent)

    def pulled(self, told: PullProgress) -> None:
        """Take in how far a pull is."""
        self._tell(told.bytes_done, told.bytes_total, told.bytes_fetched)

    def _tell(self, done: int, total: int, moved: int) -> None:
        self.bytes_done, self.bytes_moved = done, moved
        self._show(done, total, self.share)

    @property
    def share(self) -> str:
        """How much did not have to be moved, such as ``98 % there already``; empty for nothing."""
        kept = self.bytes_done - self.bytes_moved
        if kept <= 0 or not self.bytes_done:
            return ""
        return f"{100 * kept // self.bytes_done} % there already"

    @property
    def sentence(self) -> str:
        """What was moved and how fast: ``12.3 MB moved, 98 % there already, 410 MB/s``."""
        parts = [f"{size_text(self.bytes_moved)} moved", self.share]
        if self.bytes_moved:
            rate = self.bytes_done / max(time.monotonic() - self._began_s, 0.001)
            parts.append(f"{size_text(int(rate))}/s")
        return ", ".join(part for part in parts if part)


@contextmanager
def transfer(session: Session, verb: str) -> Iterator[Transfer]:
    """Yield what a transfer tells its progress to, shown while the block lasts."""
    if session.output.as_json or not sys.stderr.isatty():
        yield Transfer(lambda _done, _total, _share: None)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    console = Console(stderr=True, no_color=None if session.output.colour else True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[share]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(verb, total=None, share="")
        yield Transfer(
            lambda done, total, share: bar.update(task, completed=done, total=total, share=share)
        )


def size_text(size: int) -> str:
    """Return a number of bytes for people: ``12.3 MB``."""
    value = float(size)
    for unit in _UNITS:
        if value < 1000 or unit == _UNITS[-1]:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError("the last unit fits everything")
