"""Bars as SVG: one chart a figure, readable on a light page and on a dark one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, ROW, GAP, LEFT, RIGHT = 760, 18, 12, 190, 90
COLOURS = {
    "Lockgate": "#0f8b7e",
    "Lockgate, as MLflow": "#6fc3b8",
    "MLflow": "#c2703d",
    "MLflow, 4 workers": "#e0b089",
    "the limit": "#8a8f98",
}


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar: which group it stands in, whose it is, and how long."""

    group: str
    speaker: str
    value: float


def bars(title: str, unit: str, listed: Sequence[Bar]) -> str:
    """Return a chart with a logarithmic axis: the values of two registries differ by hundreds."""
    values = [bar.value for bar in listed if bar.value > 0]
    low = 10 ** math.floor(math.log10(min(values)))
    high = max(values)
    room = WIDTH - LEFT - RIGHT

    def length(value: float) -> float:
        return max(2.0, room * math.log(value / low + 1e-9, high / low)) if value > 0 else 0.0

    parts: list[str] = []
    top, group = 34, ""
    for bar in listed:
        if bar.group != group:
            top += GAP if group else 0
            group = bar.group
            parts.append(_text(LEFT - 8, top + 13, group, "end", "t"))
        colour = COLOURS.get(bar.speaker, "#5b6b8c")
        width = length(bar.value)
        parts.append(
            f'<rect x="{LEFT}" y="{top}" width="{width:.1f}" height="{ROW - 4}" rx="2" '
            f'fill="{colour}"/>'
        )
        parts.append(_text(LEFT + width + 6, top + 12, f"{_short(bar.value)} {unit}", "start", "v"))
        top += ROW
    legend = _legend(list(dict.fromkeys(bar.speaker for bar in listed)), top + 20)
    style = (
        "text{font:12px system-ui,sans-serif;fill:#57606a}.h{font-weight:600}"
        ".v{font-variant-numeric:tabular-nums}"
        "@media(prefers-color-scheme:dark){text{fill:#b3bac4}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 34}" '
        f'width="{WIDTH}" role="img" aria-label="{escape(title)}"><style>{style}</style>'
        f"{_text(0, 16, title, 'start', 'h')}{''.join(parts)}{legend}</svg>\n"
    )


def _legend(speakers: Sequence[str], top: float) -> str:
    parts, left = [], float(LEFT)
    for speaker in speakers:
        colour = COLOURS.get(speaker, "#5b6b8c")
        parts.append(f'<rect x="{left}" y="{top - 9}" width="10" height="10" fill="{colour}"/>')
        parts.append(_text(left + 15, top, speaker, "start", "t"))
        left += 40 + 7 * len(speaker)
    return "".join(parts)


def _text(x: float, y: float, text: str, anchor: str, kind: str) -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}"'
    return f"<text {where}>{escape(text)}</text>"


def _short(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
