"""Which paths a manifest may hold: those that name one file, the same one, on every system.

A path in a manifest is a dictionary key. Only a client that pulls joins it to a disk, and it may
run on a file system that folds case, normalises Unicode or reserves names. Hence the rules: what
could be two files here and one there, or a file outside the folder, is refused on push and again
on pull.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class PathLimits:
    """How long a path may be; lengths are of its UTF-8 form."""

    path_bytes_max: int = 1024
    segment_bytes_max: int = 255
    segments_max: int = 32


_DEVICE_NAMES: Final = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"}
)
# Characters that change how a name looks without being seen: zero width and direction marks.
_INVISIBLE: Final = frozenset(
    chr(code)
    for first, last in ((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x2069), (0xFEFF, 0xFEFF))
    for code in range(first, last + 1)
)


def path_faults(path: str, limits: PathLimits) -> list[str]:
    """Return every rule that one path breaks, as sentences; an empty list when it is good."""
    if not path:
        return ["the path is empty"]
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        return ["the path is not valid Unicode (lone surrogate)"]
    if len(encoded) > limits.path_bytes_max:
        return [f"the path has {len(encoded)} bytes, more than {limits.path_bytes_max}"]
    faults = []
    if "\\" in path:
        faults.append("a backslash; separate folders by '/'")
    if ":" in path:
        faults.append("a colon (a drive letter or a stream on Windows)")
    # Most paths are of characters of which none of this is to be feared.
    if not (path.isascii() and path.isprintable()):
        faults.extend(_character_faults(path))
    segments = path.split("/")
    if len(segments) > limits.segments_max:
        faults.append(f"{len(segments)} levels, more than {limits.segments_max}")
    if path.startswith("/"):
        faults.append("absolute; a path is relative to the version's folder")
        segments = segments[1:]
    faults.extend(
        dict.fromkeys(f for segment in segments for f in _segment_faults(segment, limits))
    )
    return faults


def _character_faults(path: str) -> list[str]:
    faults = []
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in path):
        faults.append("a control character")
    if not _INVISIBLE.isdisjoint(path):
        faults.append("an invisible character")
    if unicodedata.normalize("NFC", path) != path:
        faults.append("not in Unicode normal form NFC")
    return faults


def _segment_faults(segment: str, limits: PathLimits) -> list[str]:
    if not segment:
        return ["an empty segment ('//' or a slash at an end)"]
    if segment in (".", ".."):
        return [f"a segment {segment!r}"]
    faults = []
    if len(segment.encode()) > limits.segment_bytes_max:
        faults.append(f"a segment of more than {limits.segment_bytes_max} bytes")
    if segment[-1] in ". ":
        faults.append("a segment that ends in a dot or a space (Windows drops it)")
    if segment.split(".")[0].rstrip(" ").casefold() in _DEVICE_NAMES:
        faults.append(f"{segment!r} is a device name on Windows")
    return faults


def collision_faults(paths: Iterable[str]) -> list[str]:
    """Return the faults that paths have together: twins, and a file where a folder is needed.

    Two paths are twins when they are equal, or equal once case is folded, so that one disk would
    hold one file for both. The same goes for the folders they lie in.
    """
    faults: list[str] = []
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in paths:
        key = folded(path)
        twin = files.get(key)
        if twin is None:
            files[key] = path
        elif twin == path:
            faults.append(f"{path!r} is listed twice")
        else:
            faults.append(f"{path!r} and {twin!r} are one file where case is not told apart")
        for folder in _parents(path):
            other = folders.setdefault(folded(folder), folder)
            if other != folder:
                faults.append(
                    f"the folders {folder!r} and {other!r} are one where case is not told apart"
                )
    faults.extend(
        f"{path!r} is a file and also a folder of other files"
        for key, path in files.items()
        if key in folders
    )
    return list(dict.fromkeys(faults))


def folded(path: str) -> str:
    """Return the key under which a file system that folds case and form would file a path."""
    decomposed = unicodedata.normalize("NFD", path).casefold()
    return unicodedata.normalize("NFC", decomposed)


def _parents(path: str) -> list[str]:
    """Return the folders above a path, outermost first: ``a/b/c`` → ``a``, ``a/b``."""
    segments = path.split("/")[:-1]
    return ["/".join(segments[: depth + 1]) for depth in range(len(segments))]
