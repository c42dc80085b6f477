"""Numbers that were deleted in MLflow, when the import is stopped at the worst moment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lockgate.dialects.mlflow.foreign import ForeignModel, ForeignVersion
from lockgate.dialects.mlflow.importing import import_registry
from registries import embedded


def version(number: int) -> ForeignVersion:
    return ForeignVersion(
        model="m", number=number, stage="None", description="", source="", run_id=None,
        run_link="", model_id=None, user="ana", created_ms=1, tags={},
    )  # fmt: skip


class Foreign:
    """A registry with versions 1 and 4 of one model; the second is the champion."""

    uri = "http://elsewhere"

    def models(self) -> Iterator[ForeignModel]:
        yield ForeignModel(
            name="m", description="", tags={}, aliases={"champion": 4},
            versions=(version(1), version(4)),
        )  # fmt: skip

    def evidence(self, _version: ForeignVersion) -> tuple[dict[str, float], dict[str, str]]:
        return {}, {}


class Stopped(BaseException):
    """What ends a program from outside."""


class Stopping:
    """A registry whose user presses Ctrl-C just when a number is to be given up."""

    def __init__(self, registry: Any) -> None:
        self._registry = registry

    def __getattr__(self, name: str) -> Any:
        if name == "delete_version":
            raise Stopped
        return getattr(self._registry, name)


def test_a_number_that_was_taken_is_given_up_by_the_next_run() -> None:
    """No stand-in stays behind, and the versions keep their numbers."""
    with embedded() as registry:
        with pytest.raises(Stopped):
            import_registry(Foreign(), Stopping(registry), "default")  # type: ignore[arg-type]
        assert [each.seq for each in registry.list_versions("m").items] == [2, 1]
        report = import_registry(Foreign(), registry, "default")  # type: ignore[arg-type]
        assert (report.versions, report.there_already, report.unbrought) == (["m/4"], 1, [])
        assert [each.seq for each in registry.list_versions("m").items] == [4, 1]
        assert registry.resolve("m@champion").seq == 4
