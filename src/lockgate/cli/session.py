"""One run of the command line: what was asked for everywhere, the registry, and the output."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

import typer

from lockgate.cli.output import Cell, Output, colour_style
from lockgate.domain.references import parse_reference, split_name
from lockgate.errors import InvalidInput, InvalidReference
from lockgate.settings import Settings

if TYPE_CHECKING:
    from lockgate.domain.pages import Page
    from lockgate.domain.versions import ModelVersion
    from lockgate.registry import Registry

T = TypeVar("T")
PAGE_ITEMS = 100


class Session:
    """What the commands of one run share. Close it to close the registry."""

    def __init__(self) -> None:
        self.output = Output()
        self.url: str | None = None
        self.actor: str | None = None
        self.project: str | None = None

    @classmethod
    def of(cls, context: typer.Context) -> Session:
        """Return the session that a command runs in."""
        return cast("Session", context.find_root().obj)

    @cached_property
    def settings(self) -> Settings:
        """The settings of the environment. Raises `InvalidSetting`."""
        return Settings.from_environ()

    @cached_property
    def registry(self) -> Registry:
        """The registry, opened when it is first asked for something.

        The client has the same verbs (one suite of tests holds both to it), so that commands
        are written against one of the two.
        """
        from lockgate.bootstrap import connect

        found = connect(self.url, actor=self.actor, project=self.project, settings=self.settings)
        return cast("Registry", found)

    @property
    def named_project(self) -> str:
        """The project of names that are written without one."""
        return self.project or self.settings.project

    def close(self) -> None:
        """Close the registry, if it was opened."""
        if "registry" in self.__dict__:
            self.registry.close()

    def version_named(self, reference: str, version: str | None) -> tuple[str, str]:
        """Return ``(project/model, label)`` of the version that a command is to change.

        It is written ``churn:1.0.0``, ``churn@champion`` or ``churn 1.0.0``; a bare name is
        refused.
        """
        if version is not None:
            return self.model_named(reference), version
        parsed = parse_reference(reference, self.named_project)
        model = f"{parsed.project}/{parsed.model}"
        if parsed.kind == "label":
            return model, parsed.selector
        if "@" not in reference:
            raise InvalidReference(
                detail=f"{reference!r} names no version: write {reference}:VERSION, or "
                f"{reference} VERSION",
                reference=reference,
            )
        return model, self.registry.resolve(str(parsed)).label

    def model_named(self, name: str) -> str:
        """Return ``project/model`` of a name with or without a project."""
        if ":" in name or "@" in name:
            raise InvalidInput(
                detail=f"{name!r} names a version, but a model's name is wanted here", field="name"
            )
        return "/".join(split_name(name, self.named_project))

    def look_up(self, reference: str, version: str | None = None) -> ModelVersion:
        """Return the version that a reference means; of a bare name, the latest."""
        if version is not None:
            return self.registry.get_version(self.model_named(reference), version)
        return self.registry.resolve(str(parse_reference(reference, self.named_project)))

    def pages(self, fetch: Callable[..., Page[T]], limit: int, everything: bool) -> Listing[T]:
        """Return up to ``limit`` items of a paged listing, or all of them.

        ``fetch(limit=…, cursor=…)`` returns a page.
        """
        found: list[T] = []
        cursor: str | None = None
        while everything or len(found) < limit:
            size = PAGE_ITEMS if everything else min(limit - len(found), PAGE_ITEMS)
            page = fetch(limit=size, cursor=cursor)
            found.extend(page.items)
            cursor = page.next_cursor
            if cursor is None:
                break
        return Listing(found, cursor)

    @cached_property
    def _stage_colours(self) -> dict[str, str]:
        return {
            stage.name.casefold(): colour_style(stage.colour)
            for lifecycle in self.registry.list_lifecycles()
            for stage in lifecycle.stages
        }

    def stage_cell(self, stage: str) -> Cell:
        """Return a stage's name in the colour that its lifecycle gives it."""
        if not self.output.on_terminal or self.output.as_json:
            return Cell(stage)
        return Cell(stage, self._stage_colours.get(stage.casefold(), ""))


class Listing(list[T]):
    """Items of one or more pages, and where the next page begins."""

    def __init__(self, items: list[T], next_cursor: str | None) -> None:
        super().__init__(items)
        self.next_cursor = next_cursor

    def as_page(self) -> dict[str, Any]:
        """Return what ``--json`` shows of a listing."""
        return {"items": list(self), "next_cursor": self.next_cursor}

    def remark_on_rest(self, output: Output) -> None:
        """Say that there is more than what is shown, if there is."""
        if self.next_cursor is not None:
            output.remark(f"The first {len(self)}; --limit N shows more, --all everything.")
