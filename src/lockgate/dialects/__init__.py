"""Foreign accents: what clients of other registries speak, said with our verbs.

A dialect is a folder here. Its module has

    routes    the Starlette routes, a catch-all for each of its prefixes last, so that what it
              does not know is answered in its own shape of an error
    first     (where a path of ours has to mean what the dialect says) routes that come before ours
    UPLOADS   (where it takes files) path prefix → the largest body in bytes under it
    ENCODINGS (where bodies come encoded) path → the Content-Encoding that is let through to it
    PREFIXES  (where routes are too slow) path prefix → the ASGI application that answers it
    VOICES    path → how a refusal of the server's own is told at that path and below it

It translates words, codes and shapes onto the verbs of `lockgate.registry`, and holds no rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from types import ModuleType

from lockgate.errors import InvalidSetting

NAMES: tuple[str, ...] = ("mlflow", "huggingface", "wanllmdb", "day22", "prometheus")


def dialects_named(setting: str) -> list[ModuleType]:
    """Return the dialects of a list with commas, in the order in which their routes apply."""
    wanted = {name.strip() for name in setting.split(",") if name.strip()}
    _require_known(wanted - set(NAMES))
    return [import_module(f"{__name__}.{name}") for name in NAMES if name in wanted]


def _require_known(unknown: Iterable[str]) -> None:
    for name in sorted(unknown):
        raise InvalidSetting(
            setting="LOCKGATE_DIALECTS",
            detail=f"there is no dialect {name!r}; there are {', '.join(NAMES) or 'none'}",
        )
