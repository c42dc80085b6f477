"""YAML for manifests: mappings, lists and scalars, written so that every parser reads the same.

Texts stand bare only where nothing can take them for something else; otherwise they are quoted as
JSON, which YAML reads as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_BARE = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def yaml_text(documents: Sequence[Mapping[str, Any]]) -> str:
    """Return documents as one YAML stream."""
    return "---\n".join("\n".join(_lines(document, "")) + "\n" for document in documents)


def _lines(value: Any, indent: str) -> list[str]:
    if isinstance(value, Mapping):
        return [line for key, each in value.items() for line in _entry(str(key), each, indent)]
    return [line for each in value for line in _item(each, indent)]


def _entry(key: str, value: Any, indent: str) -> list[str]:
    name = f"{indent}{_scalar(key)}:"
    if _is_block(value):
        return [name, *_lines(value, indent + "  ")]
    return [f"{name} {_scalar(value)}"]


def _item(value: Any, indent: str) -> list[str]:
    if not _is_block(value):
        return [f"{indent}- {_scalar(value)}"]
    inner = _lines(value, indent + "  ")
    return [f"{indent}- {inner[0].lstrip()}", *inner[1:]]


def _is_block(value: Any) -> bool:
    return isinstance(value, (Mapping, list, tuple)) and len(value) > 0


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _BARE.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value)
