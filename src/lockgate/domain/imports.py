"""What may be imported by a URI: from where, how much, for how long."""

from __future__ import annotations

from dataclasses import dataclass, field

from lockgate.domain.addresses import AddressRules


@dataclass(frozen=True, kw_only=True)
class ImportRules:
    """What a deployment decides about imports.

    ``roots`` are folders that ``file:`` may name things in; none means no ``file:``. ``reach`` is
    for every host, those behind redirects too. The token is sent to the hub at the endpoint alone.
    """

    roots: tuple[str, ...] = ()
    reach: AddressRules = field(default_factory=AddressRules)
    bytes_max: int = 1_000_000_000_000
    wall_s: float = 4 * 3600.0
    hf_endpoint: str = ""
    hf_token: str = field(default="", repr=False)
