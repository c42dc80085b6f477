"""Which files a ``.gitignore`` leaves out, by git's rules.

Segments of a path are matched one by one: no pattern costs more than its segments times those of
the path, whoever wrote it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate

from lockgate.errors import LimitExceeded

GITIGNORE = ".gitignore"
RULES_MAX = 1_000
_ESCAPED = re.compile(r"\\(.)")
_SPECIAL = frozenset("*?[")


@dataclass(frozen=True)
class _Rule:
    """A line: its segments (None: any number of folders), and what it says of what matches."""

    segments: tuple[re.Pattern[str] | None, ...]
    ignores: bool
    folders_only: bool


class Ignoring:
    """What a ``.gitignore`` says. Raises `LimitExceeded`."""

    def __init__(self, text: str) -> None:
        rules = [_rule(line) for line in text.splitlines()]
        self._rules = [rule for rule in rules if rule is not None]
        if len(self._rules) > RULES_MAX:
            raise LimitExceeded(
                what=f"The number of rules in {GITIGNORE}",
                observed=len(self._rules),
                limit=RULES_MAX,
            )
        self._folders: dict[tuple[str, ...], bool] = {(): False}

    def leaves_out(self, path: str) -> bool:
        """Say whether a file is left out, itself or with a folder that it is in."""
        segments = tuple(path.split("/"))
        return self._has_folder(segments[:-1]) or self._says(segments, folder=False)

    def _has_folder(self, segments: tuple[str, ...]) -> bool:
        """Say whether a folder is left out: nothing in it can be brought back by a later rule."""
        for depth in range(1, len(segments) + 1):
            folder = segments[:depth]
            if folder not in self._folders:
                above = self._folders[folder[:-1]]
                self._folders[folder] = above or self._says(folder, folder=True)
        return self._folders[segments]

    def _says(self, segments: tuple[str, ...], *, folder: bool) -> bool:
        for rule in reversed(self._rules):
            if (folder or not rule.folders_only) and _matches(rule.segments, segments):
                return rule.ignores
        return False


def _rule(line: str) -> _Rule | None:
    """Return what a line says, None for a comment or nothing."""
    # A space at the end counts when it is escaped.
    text = re.sub(r"(?<!\\)[ \t]+$", "", line)
    if not text or text.startswith("#"):
        return None
    ignores = not text.startswith("!")
    text = text if ignores else text[1:]
    folders_only = text.endswith("/")
    text = text.rstrip("/")
    if not text:
        return None
    words = text.removeprefix("/").split("/")
    if "/" not in text:
        words = ["**", *words]
    return _Rule(tuple(_segment(word) for word in words), ignores, folders_only)


def _segment(word: str) -> re.Pattern[str] | None:
    if word == "**":
        return None
    plain = _ESCAPED.sub(lambda found: f"[{found[1]}]" if found[1] in _SPECIAL else found[1], word)
    return re.compile(translate(plain))


def _matches(rule: tuple[re.Pattern[str] | None, ...], segments: tuple[str, ...]) -> bool:
    """Say whether all of a path fits all of a rule."""
    reached = {0}  # how many segments of the path what was seen of the rule may have taken
    for index, pattern in enumerate(rule):
        if pattern is None:
            # At the end it means what is in the folder, not the folder.
            first = min(reached, default=len(segments)) + (index == len(rule) - 1)
            reached = set(range(first, len(segments) + 1))
        else:
            reached = {
                taken + 1
                for taken in reached
                if taken < len(segments) and pattern.match(segments[taken])
            }
        if not reached:
            return False
    return len(segments) in reached
