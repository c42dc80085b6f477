"""What may be called what: names, labels, aliases, keys and values, and their limits.

Text is normalised to NFC, so that two spellings of ``é`` are one name. A name that reads like
another but is not (full-width letters, zero-width joiners, control characters) is refused: its
NFKC form must be itself. Letters of any script are welcome.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.domain.frozen import FrozenDict
from lockgate.errors import InvalidInput, InvalidName, LimitExceeded

Scalar = str | int | float | bool | None
INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)

_NAME_FORBIDDEN = re.compile(r"[/:@\\]")
_ALIAS = re.compile(r"[\w-]+")
_DIGITS = re.compile(r"v?\d+", re.IGNORECASE)
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
# Letters and marks by their category that are not seen all the same.
_IGNORED = frozenset(
    chr(code)
    for first, last in (
        (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800, 0x2800),
        (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF),
    )
    for code in range(first, last + 1)
)  # fmt: skip
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
_PROJECT = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how many. Lengths are in characters unless the name says bytes."""

    name_chars_max: int = 255
    label_chars_max: int = 50
    alias_chars_max: int = 255
    key_chars_max: int = 250
    tag_value_chars_max: int = 100_000
    param_value_chars_max: int = 100_000
    description_chars_max: int = 100_000
    comment_chars_max: int = 10_000
    uri_chars_max: int = 4_096
    run_id_chars_max: int = 250
    entries_max: int = 1_000
    metadata_bytes_max: int = 1_000_000
    metadata_depth_max: int = 32
    filter_chars_max: int = 10_000
    page_items_max: int = 1_000
    open_uploads_max: int = 10_000


LIMITS = Limits()
SOUGHT_CHARS_MAX = 10_000


def plain_text(value: Any, what: str, chars_max: int) -> str:
    """Return ``value`` in NFC; refuse what cannot be stored or shown (NUL, lone surrogates)."""
    if not isinstance(value, str):
        raise InvalidInput(
            detail=f"{what} must be text, got {type(value).__name__}: {_shown(value)}", field=what
        )
    if len(value) > chars_max:
        raise LimitExceeded(what=f"The length of {what}", observed=len(value), limit=chars_max)
    text = value if value.isascii() else unicodedata.normalize("NFC", value)
    for char in text:
        if char < " " and char not in "\t\n\r":
            raise InvalidInput(detail=f"{what} contains the control character {char!r}", field=what)
        if "\ud800" <= char <= "\udfff":
            raise InvalidInput(
                detail=f"{what} contains a lone surrogate; it must be valid Unicode", field=what
            )
    return text


def sought(value: Any, what: str) -> str:
    """Return a name that is only looked for, spelt as names are stored.

    Raises `InvalidInput` for what is no text that could have been stored.
    """
    if isinstance(value, str) and value.isascii() and "\0" not in value:
        return value
    return plain_text(value, what, SOUGHT_CHARS_MAX)


def _single_line(value: Any, what: str, chars_max: int) -> str:
    """Return a name: NFC, one line, nothing invisible, not a look-alike form of another."""
    if not isinstance(value, str):
        raise InvalidName(
            detail=f"{what} must be text, got {type(value).__name__}: {_shown(value)}", field=what
        )
    if not value:
        raise InvalidName(detail=f"{what} must not be empty", field=what)
    if len(value) > chars_max:
        raise InvalidName(
            detail=f"{what} has {len(value)} characters, at most {chars_max} are allowed",
            field=what,
        )
    if value.isascii() and value.isprintable():
        name = value
    else:
        name = unicodedata.normalize("NFC", value)
        for char in name:
            if unicodedata.category(char) in _UNSEEN or char in _IGNORED:
                raise InvalidName(
                    detail=f"{what} contains the unprintable character U+{ord(char):04X}",
                    field=what,
                )
        plain = unicodedata.normalize("NFKC", name)
        if plain != name:
            raise InvalidName(
                detail=f"{what} {name!r} looks like {plain!r} but is not; write {plain!r}",
                field=what,
            )
    if name != name.strip():
        raise InvalidName(detail=f"{what} {name!r} begins or ends with a space", field=what)
    return name


def _require_no_twin(name: str, what: str) -> None:
    """Refuse a name that people or programs would take for another one."""
    if found := _ENCODED.search(name):
        raise InvalidName(
            detail=f"{what} {name!r} contains {found.group()!r}, which reads as percent-encoding; "
            "write the character itself",
            field=what,
        )
    if not name.isascii():
        scripts = {unicodedata.name(char, "").partition(" ")[0] for char in name if char.isalpha()}
        if {"LATIN", "CYRILLIC"} <= scripts:
            raise InvalidName(
                detail=f"{what} {name!r} mixes Latin and Cyrillic letters, which look alike; "
                "write all of it in one of them",
                field=what,
            )


def model_name(value: Any, limits: Limits = LIMITS) -> str:
    r"""Return a model's name: any letters, no ``/ : @ \``, not ``.`` or ``..``."""
    name = _single_line(value, "model name", limits.name_chars_max)
    if found := _NAME_FORBIDDEN.search(name):
        raise InvalidName(
            detail=f"model name {name!r} contains {found.group()!r}; / : @ \\ are kept for "
            "references such as project/name:label",
            field="model name",
        )
    if name in {".", ".."}:
        raise InvalidName(detail=f"model name {name!r} is a path, not a name", field="model name")
    _require_no_twin(name, "model name")
    return name


def project_name(value: Any) -> str:
    """Return a project's name: lower-case letters, digits, ``. _ -``, at most 63 characters."""
    name = _single_line(value, "project name", 63)
    if not _PROJECT.fullmatch(name):
        raise InvalidName(
            detail=f"project name {name!r} must be lower-case letters, digits and . _ - , "
            "beginning and ending with a letter or digit",
            field="project name",
        )
    return name


def version_label(value: Any, limits: Limits = LIMITS) -> str:
    r"""Return a version's label: at most 50 characters, no ``/ : @ \`` and no spaces inside."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    label = _single_line(value, "version", limits.label_chars_max)
    if _NAME_FORBIDDEN.search(label) or any(char.isspace() for char in label):
        raise InvalidName(
            detail=f"version {label!r} must not contain spaces or / : @ \\", field="version"
        )
    if label in {".", ".."} or label.casefold() == "latest":
        raise InvalidName(
            detail=f"version {label!r} is reserved; choose another label", field="version"
        )
    _require_no_twin(label, "version")
    return label


def alias_name(value: Any, stage_names: Iterable[str] = (), limits: Limits = LIMITS) -> str:
    """Return an alias: word characters and ``-``; never ``latest``, digits or a stage's name.

    ``stage_names`` are the stages (and their aliases) of the model's lifecycle.
    """
    alias = _single_line(value, "alias", limits.alias_chars_max)
    if not _ALIAS.fullmatch(alias):
        raise InvalidName(
            detail=f"alias {alias!r} must consist of letters, digits, _ and -", field="alias"
        )
    _require_no_twin(alias, "alias")
    if alias.casefold() == "latest" or _DIGITS.fullmatch(alias):
        raise InvalidName(
            detail=f"alias {alias!r} is reserved: 'latest' and version numbers mean something "
            "already",
            field="alias",
        )
    if alias.casefold() in {stage.casefold() for stage in stage_names}:
        raise InvalidName(
            detail=f"alias {alias!r} is the name of a stage; transition the version instead",
            field="alias",
        )
    return alias


def key_name(value: Any, what: str, limits: Limits = LIMITS) -> str:
    """Return the key of a metric, param, tag or metadata entry."""
    return _single_line(value, what, limits.key_chars_max)


def metric_value(name: str, value: Any) -> int | float:
    """Return a finite number: a float, or an integer of 64 bits, kept exactly."""
    # NumPy scalars are numbers to their users; item() gives the Python number behind them.
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidInput(
            detail=f"metric '{name}' must be a number, got {type(value).__name__}: {_shown(value)}",
            field=f"metrics.{name}",
        )
    if isinstance(value, int):
        if not INT64_MIN <= value <= INT64_MAX:
            raise InvalidInput(
                detail=f"metric '{name}' does not fit in a 64-bit integer; pass a float",
                field=f"metrics.{name}",
            )
        return value
    if not math.isfinite(value):
        raise InvalidInput(
            detail=f"metric '{name}' is {value}; only finite numbers can be compared, leave the "
            "metric out instead",
            field=f"metrics.{name}",
        )
    return value


def metrics(values: Any, limits: Limits = LIMITS) -> FrozenDict[str, int | float]:
    """Return validated metrics, a mapping of name to finite number."""
    items = _entries(values, "metrics", limits)
    return FrozenDict(
        {(key := key_name(k, "metric name", limits)): metric_value(key, v) for k, v in items}
    )


def params(values: Any, limits: Limits = LIMITS) -> FrozenDict[str, Scalar]:
    """Return validated params, a mapping of name to text, number, boolean or None."""
    checked: dict[str, Scalar] = {}
    for k, value in _entries(values, "params", limits):
        key = key_name(k, "param name", limits)
        if hasattr(value, "item") and not isinstance(value, (str, bytes)):
            value = value.item()
        if isinstance(value, str):
            checked[key] = plain_text(value, f"params.{key}", limits.param_value_chars_max)
        elif isinstance(value, bool) or value is None:
            checked[key] = value
        elif isinstance(value, (int, float)):
            checked[key] = metric_value(key, value)
        else:
            raise InvalidInput(
                detail=f"param '{key}' must be text, a number, true/false or null, got "
                f"{type(value).__name__}; nested values belong into metadata",
                field=f"params.{key}",
            )
    return FrozenDict(checked)


def tags(values: Any, limits: Limits = LIMITS) -> FrozenDict[str, str]:
    """Return validated tags: a mapping of key to text, or a list of bare keys (value ``""``)."""
    if values is not None and not isinstance(values, Mapping):
        values = dict.fromkeys(_bare_names(values), "")
    return FrozenDict(
        {
            (key := key_name(k, "tag name", limits)): plain_text(
                v, f"tags.{key}", limits.tag_value_chars_max
            )
            for k, v in _entries(values, "tags", limits)
        }
    )


def _bare_names(values: Any) -> list[str]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidInput(
            detail=f"tags must be a mapping or a list of names, got {_shown(values)}", field="tags"
        )
    names = list(values)
    for name in names:
        if not isinstance(name, str):
            raise InvalidInput(
                detail=f"tags given as a list must be names, got {_shown(name)}", field="tags"
            )
    return names


def metadata(values: Any, limits: Limits = LIMITS) -> FrozenDict[str, Any]:
    """Return validated metadata: a JSON object, nested and sized within the limits."""
    checked: dict[str, Any] = {}
    for k, value in _entries(values, "metadata", limits):
        key = key_name(k, "metadata name", limits)
        checked[key] = _json_value(value, f"metadata.{key}", limits.metadata_depth_max, limits)
    size = len(json.dumps(checked, ensure_ascii=False).encode())
    if size > limits.metadata_bytes_max:
        raise LimitExceeded(
            what="The size of metadata in bytes", observed=size, limit=limits.metadata_bytes_max
        )
    return FrozenDict(checked)


def _json_value(value: Any, where: str, depth: int, limits: Limits) -> Any:
    if depth == 0:
        raise LimitExceeded(
            what=f"The nesting of {where[:80]}",
            observed=f"over {limits.metadata_depth_max} levels",
            limit=limits.metadata_depth_max,
        )
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return plain_text(value, where, limits.metadata_bytes_max)
    if isinstance(value, (int, float)):
        return metric_value(where, value)
    if isinstance(value, Mapping):
        return FrozenDict(
            {
                plain_text(k, where, limits.key_chars_max): _json_value(
                    v, f"{where}.{k}", depth - 1, limits
                )
                for k, v in value.items()
            }
        )
    if isinstance(value, (list, tuple)):
        return [_json_value(v, f"{where}[{i}]", depth - 1, limits) for i, v in enumerate(value)]
    raise InvalidInput(
        detail=f"{where} must be a JSON value, got {type(value).__name__}", field=where
    )


def _entries(values: Any, what: str, limits: Limits) -> Iterable[tuple[Any, Any]]:
    if values is None:
        return ()
    if not isinstance(values, Mapping):
        raise InvalidInput(
            detail=f"{what} must be a mapping of names to values, got {_shown(values)}", field=what
        )
    if len(values) > limits.entries_max:
        raise LimitExceeded(
            what=f"The number of {what}", observed=len(values), limit=limits.entries_max
        )
    return values.items()


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
