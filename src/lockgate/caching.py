"""The cluster's cache put together: settings → coordination backend, registry → `ModelCache`.

    with open_cache("/models", coordination="redis://cache.internal") as cache:
        path = cache.ensure("churn@production")

What is left out is taken from the settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from lockgate.bootstrap import cache_folder, connect
from lockgate.coordinators import REGISTRY, open_coordination
from lockgate.errors import InvalidSetting
from lockgate.settings import Settings

if TYPE_CHECKING:
    from lockgate.coordination.backend import RegistryBackend
    from lockgate.coordination.cache import CacheLimits, ModelCache
    from lockgate.coordination.eviction import EvictionLimits, EvictionReport
    from lockgate.provider import VersionProvider, VersionSource

__all__ = ["CachePlan", "open_cache"]

SCOPES = ("cluster", "node")
OWN_FILE = "coordination.sqlite"


@contextmanager
def open_cache(
    root: str | Path | None = None,
    *,
    coordination: str | None = None,
    scope: str | None = None,
    node: str | None = None,
    url: str | None = None,
    limits: CacheLimits | None = None,
    settings: Settings | None = None,
) -> Iterator[ModelCache]:
    """Yield a cache of models; what is left out is taken from the settings.

    ``root`` is the folder, ``coordination`` the URL through which its users agree, ``url`` the
    registry of references such as ``churn@production``, opened when one is asked for. Raises
    `InvalidSetting`, and `CoordinatorUnavailable` when the backend does not answer.
    """
    settings = settings or Settings.from_environ()
    plan = CachePlan.of(settings, root, coordination, scope, node, url)
    with plan.opened(limits) as opened:
        yield opened.cache


@dataclass(frozen=True, kw_only=True)
class CachePlan:
    """Where a cache lies and through what its users agree, decided but not opened."""

    root: Path
    coordination: str
    scope: Literal["cluster", "node"]
    node: str
    url: str
    settings: Settings

    @classmethod
    def of(
        cls,
        settings: Settings,
        root: str | Path | None = None,
        coordination: str | None = None,
        scope: str | None = None,
        node: str | None = None,
        url: str | None = None,
    ) -> CachePlan:
        """Return the plan that words and settings make. Raises `InvalidSetting`."""
        chosen_scope = scope or settings.cache_scope
        if chosen_scope not in SCOPES:
            raise InvalidSetting(
                setting="cache_scope", detail=f"{chosen_scope!r} is not cluster or node"
            )
        chosen_root = root or settings.cache_root
        chosen = coordination or settings.coordination
        if not chosen and chosen_root:
            # A file of our own would not know of others who use that folder from elsewhere.
            raise InvalidSetting(
                setting="coordination",
                detail=f"who else uses {chosen_root}? Say through what they agree: "
                "sqlite:///FILE for the processes of one machine, redis://…, postgresql://…, "
                "kubernetes://NAMESPACE, or registry",
            )
        own = cache_folder(settings)
        registry = url or settings.url
        if chosen == REGISTRY:
            chosen = registry
        return cls(
            root=Path(chosen_root) if chosen_root else own / "models",
            coordination=chosen or f"sqlite:///{(own / OWN_FILE).absolute()}",
            scope=cast("Literal['cluster', 'node']", chosen_scope),
            node=node or settings.cache_node,
            url=registry,
            settings=settings,
        )

    @contextmanager
    def opened(self, limits: CacheLimits | None = None) -> Iterator[OpenedCache]:
        """Yield the cache, and close all that it opened."""
        with ExitStack() as stack:
            backend = self._backend()
            stack.callback(backend.close)
            opened = OpenedCache(self, backend, limits, stack)
            yield opened

    def _backend(self) -> RegistryBackend:
        own = cache_folder(self.settings)
        if self.coordination == f"sqlite:///{(own / OWN_FILE).absolute()}":
            own.mkdir(parents=True, exist_ok=True)
        return open_coordination(self.coordination, self.settings)


class OpenedCache:
    """A connected backend, and the cache and registry on it, each opened when first asked for."""

    def __init__(
        self,
        plan: CachePlan,
        backend: RegistryBackend,
        limits: CacheLimits | None,
        stack: ExitStack,
    ) -> None:
        self.plan, self.backend = plan, backend
        self._limits, self._stack = limits, stack

    @cached_property
    def registry(self) -> VersionSource:
        """The registry of references without a scheme."""
        found = connect(self.plan.url, settings=self.plan.settings)
        self._stack.callback(found.close)
        return found

    @cached_property
    def versions(self) -> VersionProvider:
        """The provider of that registry's versions."""
        from lockgate.provider import VersionProvider

        return VersionProvider(lambda: self.registry, self.plan.settings.project)

    @cached_property
    def cache(self) -> ModelCache:
        """The cache."""
        from lockgate.coordination.cache import ModelCache
        from lockgate.coordination.origins import default_providers

        made = ModelCache(
            self.plan.root,
            self.backend,
            providers=[self.versions, *default_providers()],
            scope=self.plan.scope,
            node=self.plan.node,
            limits=self._limits,
        )
        self._stack.callback(made.close)
        return made

    def evict(self, limits: EvictionLimits, *, withdrawn: bool) -> EvictionReport:
        """Evict what the limits demand and, if asked, what is deleted or archived.

        Raises `CoordinatorUnavailable`, and what the registry raises when it is asked.
        """
        from lockgate.coordination.eviction import evict

        is_withdrawn = self.versions.is_withdrawn if withdrawn else _never
        return evict(
            self.cache.layout,
            self.backend,
            limits,
            node=self.cache.node,
            is_withdrawn=is_withdrawn,
            reader_lease_s=self.cache.limits.reader_lease_s,
        )


def _never(_: object) -> bool:
    return False
