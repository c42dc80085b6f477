"""Values on the command line: ``key=value`` pairs, numbers, JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lockgate.errors import InvalidInput


def metrics_of(pairs: Sequence[str]) -> dict[str, int | float]:
    """Return metrics written ``auc=0.91``. Raises `InvalidInput`."""
    return {key: _number(key, text) for key, text in _split(pairs, "--metric", "auc=0.91")}


def params_of(pairs: Sequence[str]) -> dict[str, Any]:
    """Return params written ``lr=0.1``.

    A value that reads as a JSON number, true, false, null or quoted text is that; anything else
    is text as it stands, so ``zip='01234'`` is text and ``'zip="1234"'`` is text too.
    """
    return {key: _scalar(text) for key, text in _split(pairs, "--param", "lr=0.1")}


def tags_of(pairs: Sequence[str]) -> dict[str, str]:
    """Return tags written ``team=risk``, or ``nightly`` for a tag without a value."""
    split = [pair if "=" in pair else f"{pair}=" for pair in pairs]
    return dict(_split(split, "--tag", "team=risk"))


def metadata_of(text: str | None) -> dict[str, Any]:
    """Return a JSON object. Raises `InvalidInput`."""
    if text is None:
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(detail=f"--metadata is not JSON: {error}", field="metadata") from None
    if not isinstance(value, dict):
        raise InvalidInput(
            detail=f'--metadata must be a JSON object such as {{"owner": "ana"}}, got {text!r}',
            field="metadata",
        )
    return value


def weights_of(pairs: Sequence[str]) -> dict[str, int]:
    """Return arms written ``production=90``. Raises `InvalidInput`."""
    weights: dict[str, int] = {}
    for arm, text in _split(pairs, "ARM=WEIGHT", "production=90"):
        if not text.isdecimal() or not text.isascii() or len(text) > 15:
            raise InvalidInput(
                detail=f"The weight of arm {arm!r} is a whole number such as 90, got {text!r:.60}",
                field="arms",
            )
        weights[arm] = int(text)
    return weights


def merged(given: dict[str, Any], removed: Sequence[str]) -> dict[str, Any]:
    """Return changes to a mapping: entries to set, and None for those to take away."""
    both = given.keys() & set(removed)
    if both:
        raise InvalidInput(
            detail=f"{', '.join(sorted(both))} cannot be set and removed at once", field="remove"
        )
    return {**given, **dict.fromkeys(removed)}


def _split(pairs: Sequence[str], option: str, example: str) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or not key:
            raise InvalidInput(
                detail=f"{option} must be written as in {option} {example}, got {pair!r}",
                field=option,
            )
        if key in found:
            raise InvalidInput(detail=f"{option} {key} is given twice", field=option)
        found[key] = value
    return list(found.items())


def _number(key: str, text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(
            detail=f"--metric {key} must be a number, got {text!r}", field=f"metrics.{key}"
        ) from None


def _scalar(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=lambda word: word)
    except (ValueError, RecursionError):
        return text
    return text if isinstance(value, (dict, list)) else value
