"""What the shell offers when somebody presses TAB.

A shell waits for this and shows whatever is written, so: little time, no complaint. A registry that
cannot be asked in `WAIT_S`, or refuses, has nothing to offer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, cast

from lockgate.domain.references import split_name
from lockgate.errors import RegistryError

if TYPE_CHECKING:
    from lockgate.cli.session import Session
    from lockgate.registry import Registry

NAMES_MAX = 50
VERSIONS_LOOKED_AT_MAX = 500
WAIT_S = 3.0
"""Less where the setting timeout_s is less. What must be imported first is within it."""
LATEST = "latest"


def models(session: Session, incomplete: str) -> list[str]:
    """Return models that begin so: of the project that is named, else of the usual one.

    Of other projects the names, with the slash that goes on to their models.
    """

    def ask(registry: Registry) -> Iterable[str]:
        project, slash, begun = incomplete.rpartition("/")
        prefix = begun.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        quoted = prefix.replace("'", "''")
        found = registry.list_models(
            project=project or session.named_project,
            filter=f"name LIKE '{quoted}%'",
            limit=NAMES_MAX,
        )
        yield from (f"{project}{slash}{model.name}" for model in found)
        if not slash and begun:
            others = _projects(registry, begun)
            yield from (f"{each}/" for each in others if each != session.named_project)

    return _offered(session, ask)


def references(session: Session, incomplete: str) -> list[str]:
    """Return models, or once one is written and ``:`` or ``@``, what names a version of it."""
    for mark, found in ((":", versions), ("@", moving)):
        model, marked, begun = incomplete.partition(mark)
        if marked:
            return [f"{model}{mark}{each}" for each in found(session, model, begun)]
    return models(session, incomplete)


def versions(session: Session, model: str, incomplete: str) -> list[str]:
    """Return labels of versions that begin so."""

    def ask(registry: Registry) -> Iterable[str]:
        found = registry.list_versions(_full(session, model), limit=VERSIONS_LOOKED_AT_MAX)
        return (each.label for each in found if each.label.startswith(incomplete))

    return _offered(session, ask)


def moving(session: Session, model: str, incomplete: str) -> list[str]:
    """Return what may stand behind ``@``: aliases, stages, and the word for the newest."""
    found = [*aliases(session, model, incomplete), *stages(session, model, incomplete)]
    return [*found, LATEST] if LATEST.startswith(incomplete) else found


def aliases(session: Session, model: str, incomplete: str) -> list[str]:
    """Return aliases of a model that begin so."""

    def ask(registry: Registry) -> Iterable[str]:
        found = registry.list_aliases(_full(session, model))
        return (each.alias for each in found if each.alias.startswith(incomplete))

    return _offered(session, ask)


def stages(session: Session, model: str | None, incomplete: str) -> list[str]:
    """Return stages that begin so: of a model's lifecycle, or without one of every lifecycle.

    In the letters in which they were begun: stages are found in either case, shells want the same.
    """

    def ask(registry: Registry) -> Iterable[str]:
        if model is None:
            known = registry.list_lifecycles()
        else:
            pinned = registry.get_model(_full(session, model))
            known = (registry.get_lifecycle(pinned.lifecycle, pinned.lifecycle_revision),)
        names = dict.fromkeys(stage.name for each in known for stage in each.stages)
        begun = len(incomplete)
        fitting = (each for each in names if each[:begun].casefold() == incomplete.casefold())
        return dict.fromkeys(incomplete + each[begun:] for each in fitting)

    return _offered(session, ask)


def metrics(session: Session, model: str, incomplete: str) -> list[str]:
    """Return metrics that begin so: of a model's latest version, and what it reports in use."""

    def ask(registry: Registry) -> Iterable[str]:
        name = _full(session, model)
        latest = registry.get_latest(name)
        seen = registry.measured(name, latest.label)
        names = {*latest.metrics, *seen.observations, *seen.outcomes}
        return sorted(each for each in names if each.startswith(incomplete))

    return _offered(session, ask)


def projects(session: Session, incomplete: str) -> list[str]:
    """Return projects that begin so."""
    return _offered(session, lambda registry: _projects(registry, incomplete))


def _projects(registry: Registry, incomplete: str) -> list[str]:
    return [each.name for each in registry.list_projects() if each.name.startswith(incomplete)]


def _full(session: Session, model: str) -> str:
    return "/".join(split_name(model.partition(":")[0].partition("@")[0], session.named_project))


def _offered(session: Session, ask: Callable[[Registry], Iterable[str]]) -> list[str]:
    """Return what was found in time, at most `NAMES_MAX`; of what goes wrong nothing is said."""
    found: list[str] = []

    def look() -> None:
        try:
            if _is_there(session):
                with _opened(session) as registry:
                    found.extend(ask(registry))
        except Exception:  # noqa: BLE001, S110 - a shell would show it in the middle of a line
            pass

    # Nobody waits for it: a connection that hangs ends with the program.
    thread = Thread(target=look, daemon=True)
    thread.start()
    thread.join(_wait_s(session))
    return [] if thread.is_alive() else found[:NAMES_MAX]


def _wait_s(session: Session) -> float:
    try:
        return min(WAIT_S, session.settings.timeout_s)
    except RegistryError:
        return WAIT_S  # settings that cannot be read: the question fails for the same reason


def _is_there(session: Session) -> bool:
    """Say whether a registry may be there: pressing TAB makes no database."""
    url = session.url or session.settings.url
    path = url.removeprefix("sqlite:///")
    return path == url or Path(path).exists()


def _opened(session: Session) -> Registry:
    from lockgate.bootstrap import connect

    quick = replace(session.settings, timeout_s=_wait_s(session))
    found = connect(session.url, actor=session.actor, project=session.project, settings=quick)
    return cast("Registry", found)
