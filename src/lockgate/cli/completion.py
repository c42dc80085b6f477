"""Names for the shell to complete."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.errors import RegistryError

if TYPE_CHECKING:
    from lockgate.cli.session import Session

NAMES_MAX = 50


def model_names(session: Session, incomplete: str) -> list[str]:
    """Return names of models that begin with ``incomplete``.

    A registry that cannot be asked has no names to offer; pressing TAB makes no database either.
    """
    try:
        url = session.url or session.settings.url
        path = url.removeprefix("sqlite:///")
        if path != url and not Path(path).exists():
            return []
        prefix = incomplete.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        quoted = prefix.replace("'", "''")
        found = session.registry.list_models(
            project=session.named_project, filter=f"name LIKE '{quoted}%'", limit=NAMES_MAX
        )
    except RegistryError:
        return []
    return [model.name for model in found]
