"""Who acts. What each may do is decided here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

from lockgate.domain import names

ACTOR_CHARS_MAX = 255


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody or something that acts; ``name`` is what the record says."""

    name: str

    @classmethod
    def named(cls, name: str) -> Actor:
        """Return the actor called ``name``, validated like any name on record."""
        return cls(names.key_name(name, "actor"))
