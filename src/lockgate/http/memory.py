"""How the memory of this process is shared by its threads, and when it is searched for garbage."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

HEAPS_MAX: Final = 2
_ARENA_MAX: Final = -8  # M_ARENA_MAX, of malloc.h


def share_heaps() -> None:
    """Have all threads allocate from few heaps, where the GNU C library would make many.

    A heap keeps what was freed in it. With one for each thread, a server holds the chunks that all
    of them ever had in their hands at once: 90 MB more than it needs. Giving each chunk back at
    once (``M_MMAP_THRESHOLD``) is as small, and twice the processor time: the next one has to be
    cleared again. Elsewhere this does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, HEAPS_MAX)


@contextmanager
def made_to_last() -> Iterator[None]:
    """Search for no garbage in what is made within, now or later.

    A start makes some 150,000 objects that stay as long as the server: modules, routes, tables.
    Looking through them again and again is a tenth of the start, and then of every full search
    while requests are answered.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
