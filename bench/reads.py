"""Reads in this process against a bare point SELECT of the same row by the same driver."""

from __future__ import annotations

import random
from typing import Any

from bench.clock import show, take_turns
from bench.filling import model_name, plan_of
from lockgate.registry import Registry
from lockgate.storage import versions as version_rows

WANTED = 1 / 3
BARE = "bare SELECT of the row by its unique key"


def run(registry: Registry, models: int, versions: int, seconds: float) -> None:
    """Measure resolving and getting versions, drawn at random from all of them."""
    # The connection that this thread's reads go through as well.
    with registry._store.database.driver.reading() as bare:
        rows = _measure(registry, bare, models, versions, seconds)
    show(f"Reads in process, {models * versions:,} versions", rows, BARE, WANTED)
    for name, statement in (
        ("get_version", version_rows.BY_LABEL),
        ("name@stage", version_rows.LATEST_OF_MODEL_IN_STAGE),
    ):
        print(f"  plan of {name}: {'; '.join(plan_of(registry, statement))}")


def _measure(
    registry: Registry, bare: Any, models: int, versions: int, seconds: float
) -> dict[str, float]:
    chance = random.Random(1)
    select = "SELECT * FROM versions WHERE model_id = ? AND label = ?"

    def pick() -> tuple[int, str]:
        return chance.randint(1, models), f"1.0.{chance.randint(1, versions)}"

    # Drawing a random version costs the same everywhere and is part of every call.
    def point() -> Any:
        return bare.execute(select, pick()).fetchone()

    def get() -> Any:
        model, label = pick()
        return registry.get_version(model_name(model), label)

    def resolve(form: str) -> Any:
        def call() -> Any:
            model, label = pick()
            return registry.resolve(form.format(model=model_name(model), label=label))

        return call

    return take_turns(
        {
            BARE: point,
            "get_version": get,
            "resolve name:label": resolve("{model}:{label}"),
            "resolve name@alias": resolve("{model}@champion"),
            "resolve name@stage": resolve("{model}@production"),
            "resolve name@latest": resolve("{model}@latest"),
            "production": lambda: registry.production(model_name(pick()[0])),
        },
        seconds,
    )
