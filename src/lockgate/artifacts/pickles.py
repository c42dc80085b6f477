"""Would a file run code if a program took it for a pickle? Found out by reading, never by loading.

A pickle carries no mark: a loader starts at byte 0, obeys one opcode after the other, and has run
the payload before it notices that the rest is broken. So this walks the opcodes as the loader
would, keeping count of its stack, and stops where the loader would stop.
"""

from __future__ import annotations

import pickletools
import re
import warnings
from collections.abc import Iterator
from typing import Any, Final

from lockgate.domain.tensors import Read

OPCODES_MAX: Final = 100_000
ARGUMENT_BYTES_MAX: Final = 16 * 2**20
_WINDOW_BYTES: Final = 64 * 2**10

_CALLS: Final = frozenset({"REDUCE", "BUILD", "OBJ", "NEWOBJ", "NEWOBJ_EX", "INST"})
_EXTENSIONS: Final = frozenset({"EXT1", "EXT2", "EXT4"})
_IMPORTABLE: Final = re.compile(r"[^\W\d][\w.]* [^\W\d][\w.]*")


class TooLong(Exception):
    """The walk did not come to an end within its limits."""


def runs_as_pickle(read: Read, size: int) -> bool:
    """Tell whether a loader that takes the file for a pickle would import or call something.

    Raises `TooLong` when that cannot be told within the limits.
    """
    opcodes = pickletools.genops(_File(read, size))  # type: ignore[arg-type]
    with warnings.catch_warnings():
        # A text with escapes that Python warns of is as good as any other here.
        warnings.simplefilter("ignore", DeprecationWarning)
        return _walk(opcodes)


def _walk(opcodes: Iterator[tuple[pickletools.OpcodeInfo, Any, int | None]]) -> bool:
    stack: list[bool] = []  # True where the loader keeps a mark
    has_name = False
    for _ in range(OPCODES_MAX):
        try:
            opcode, argument, _ = next(opcodes)
        except (StopIteration, ValueError, IndexError, OverflowError):
            return False
        name = opcode.name
        if name == "STOP":
            return has_name
        if not _apply(opcode, stack):
            return False
        if name in ("GLOBAL", "INST"):
            has_name |= _IMPORTABLE.fullmatch(str(argument)) is not None
        has_name |= name == "STACK_GLOBAL" or name in _EXTENSIONS
        if has_name and name in _CALLS:
            return True
    raise TooLong


def _apply(opcode: pickletools.OpcodeInfo, stack: list[bool]) -> bool:
    """Do to the stack what the opcode does; False where the loader would fail."""
    before = opcode.stack_before
    if pickletools.markobject in before:
        if True not in stack:
            return False
        while not stack.pop():
            pass
        below = before.index(pickletools.markobject)
        if len(stack) < below:
            return False
        del stack[len(stack) - below :]
    else:
        if len(stack) < len(before):
            return False
        del stack[len(stack) - len(before) :]
    stack.extend(item is pickletools.markobject for item in opcode.stack_after)
    return True


class _File:
    """As much of a file object as the opcode reader needs, with every read bounded."""

    def __init__(self, read: Read, size: int) -> None:
        self._read = read
        self._size = size
        self._position = 0
        self._window = b""
        self._window_start = 0

    def tell(self) -> int:
        return self._position

    def read(self, length: int) -> bytes:
        length = min(length, self._size - self._position)
        if length > ARGUMENT_BYTES_MAX:
            raise TooLong
        offset = self._position - self._window_start
        if offset + length > len(self._window):
            self._window = self._read(self._position, max(length, _WINDOW_BYTES))
            self._window_start, offset = self._position, 0
        data = self._window[offset : offset + length]
        self._position += len(data)
        return data

    def readline(self) -> bytes:
        parts: list[bytes] = []
        for _ in range(ARGUMENT_BYTES_MAX // _WINDOW_BYTES):
            start = self._position
            part = self.read(min(_WINDOW_BYTES, self._size - start))
            end = part.find(b"\n") + 1
            if end:
                self._position = start + end
                return b"".join([*parts, part[:end]])
            parts.append(part)
            if self._position == self._size:
                return b"".join(parts)
        raise TooLong
