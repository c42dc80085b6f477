"""Push one file whose bytes come once, such as the body of a request, in little memory."""

from __future__ import annotations

from collections.abc import Callable

from lockgate.artifacts.pushing import Push
from lockgate.artifacts.sending import Sink
from lockgate.domain.manifests import FileEntry, ManifestLimits, check_paths
from lockgate.errors import Conflict, InvalidInput


def push_stream(
    path: str, size: int, more: Callable[[int], bytes], sink: Sink, *, batches_max: int = 1
) -> FileEntry:
    """Send what ``sink`` lacks of ``size`` bytes that come once, from first to last.

    ``more`` returns the next bytes, about as many as it is asked for; none when there are no more.
    ``path`` says how the file is to be cut. About ``batches_max + 2`` batches are in memory at
    once. InvalidManifest for a path that no manifest may hold, InvalidInput when there are fewer
    bytes or more.
    """
    check_paths([path], ManifestLimits())
    stream = _Stream(more)
    with Push(-1, sink, None, size, None, batches_max, batches_max) as push:
        try:
            entry = push.push_bytes(path, size, stream.look, stream.fill)
        except Conflict as error:
            raise InvalidInput(detail=f"Fewer than {size} bytes came.", field="body") from error
    if stream.look(size, 1):
        raise InvalidInput(detail=f"More than the {size} bytes of {path!r} came.", field="body")
    return entry


class _Stream:
    """Bytes that come once: those from ``start`` on are kept until they are taken."""

    def __init__(self, more: Callable[[int], bytes]) -> None:
        self._more = more
        self._start = 0
        self._window = bytearray()

    def look(self, start: int, length: int) -> bytes:
        """Return bytes that were not taken yet, without taking them; fewer at the end."""
        first = start - self._start
        while len(self._window) < first + length:
            data = self._more(first + length - len(self._window))
            if not data:
                break
            self._window += data
        return bytes(memoryview(self._window)[first : first + length])

    def fill(self, start: int, memory: memoryview) -> int:
        """Take bytes into ``memory``, and forget them and all before them."""
        data = self.look(start, len(memory))
        memory[: len(data)] = data
        del self._window[: start - self._start + len(data)]
        self._start = start + len(data)
        return len(data)
