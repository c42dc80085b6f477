"""A small world to search in: two projects, models and versions, some of them deleted."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from lockgate.domain.access import Actor
from lockgate.domain.frozen import FrozenDict
from lockgate.domain.history import Alias
from lockgate.domain.models import RegisteredModel
from lockgate.domain.projects import Project
from lockgate.domain.versions import ModelVersion, Sources
from lockgate.storage import history, lifecycles, models, projects, versions
from lockgate.storage.database import Session
from lockgate.storage.store import Caller, Store

START = datetime(2026, 1, 1, tzinfo=UTC)
CALLER = Caller(actor=Actor("ana"))
STAGES = ["None", "Staging", "Production", "Überprüfung"]
NUMBERS = [0, 1, -1, 0.1, 0.3, 0.1 + 0.2, 0.9, 2**53 + 1, float(2**53), 2**63 - 1, 1e300, 5e-324]
TEXTS = [
    "",
    "risk",
    "Risk",
    "RISK",
    "ri",
    "risk%",
    "r_sk",
    "a*b",
    "[x]",
    "é",
    "É",
    "Ω",
    "ß",
    "x\ny",
]
TEXTS += ["\\", "z" * 250, "z" * 250 + "a", "z" * 199 + "b", "日本", "true", "0.1", "-"]
NAMES = ["fraud", "Fraud", "churn_a", "fraud", "été", "Été", "churn%", "gone", "empty"]
KEYS = ["a", "b", "val acc"]


@dataclass
class World:
    """A store, and what it holds as the objects that were put in (live ones alone)."""

    store: Store
    versions: list[ModelVersion]
    models: list[RegisteredModel]
    project_ids: dict[str, int]
    stages: dict[str, set[str]]


def furnished(store: Store) -> World:
    """Fill ``store`` with two projects, some models and versions, some of them deleted."""
    chance = random.Random(7)
    world = World(store, [], [], {}, {})

    def fill(session: Session) -> None:
        session.settle_time(0)
        projects.insert_project(session, Project(name="other", created_by="ana", created_at=START))
        found = lifecycles.find_latest(session, "standard")
        assert found is not None
        for number in range(9):
            project = "other" if number in {3, 6} else "default"
            world.project_ids[project] = projects.project_id(session, project)
            _add_model(session, world, chance, number, project, found[0])

    store.write(CALLER, fill)
    return world


def _add_model(
    session: Session, world: World, chance: random.Random, number: int, project: str, pinned: int
) -> None:
    made = RegisteredModel(
        uid=uuid.uuid4().hex,
        project=project,
        name=NAMES[number],
        owner=chance.choice(["ana", "Bo", ""]),
        description=chance.choice(TEXTS),
        tags=_facts(chance, TEXTS),
        lifecycle="standard",
        lifecycle_revision=1,
        created_by=chance.choice(["ana", "bo"]),
        created_at=START + timedelta(hours=number // 2),
        updated_at=START + timedelta(hours=chance.randrange(5)),
    )
    models.insert_model(session, made, world.project_ids[project], pinned)
    stored = models.load_model(session, project, made.name)
    live = [
        _add_version(session, stored, chance, seq) for seq in range(1, 1 if number == 8 else 17)
    ]
    aliases = {alias: v.label for v in live if v is not None for alias in v.aliases}
    if number == 7:
        gone = replace(stored, model=replace(made, deleted_at=START))
        models.update_model(session, stored, gone)
        return
    world.versions += [version for version in live if version is not None]
    world.models.append(replace(made, aliases=FrozenDict(aliases)))
    world.stages[made.uid] = {version.stage for version in live if version is not None}


def _add_version(
    session: Session, stored: models.StoredModel, chance: random.Random, seq: int
) -> ModelVersion | None:
    model = stored.model
    maybe = chance.choice
    aliases = {1: ("champion",), 2: ("risk", "Risk")}.get(seq, ())
    made = ModelVersion(
        uid=uuid.uuid4().hex,
        project=model.project,
        model=model.name,
        label=f"v{seq}" if seq % 2 else str(seq),
        seq=seq,
        stage=maybe(STAGES),
        stage_since=START,
        description=maybe(TEXTS),
        artifact_uri=maybe([None, "s3://a", "s3://B"]),
        digest=maybe([None, "sha256:" + "0" * 64]),
        metrics=_facts(chance, NUMBERS),
        params=_facts(chance, [*NUMBERS, *TEXTS, True, False]),
        tags=_facts(chance, TEXTS),
        aliases=aliases,
        sources=Sources(run_id=maybe([None, "run1", "run2"])),
        approved_by=maybe([None, "ana"]),
        approved_at=maybe([None, START, START + timedelta(microseconds=1)]),
        created_by=maybe(["ana", "bo"]),
        created_at=START + timedelta(hours=seq // 3),
        # Some were never changed: those are walked by when they were made.
        updated_at=START + timedelta(hours=seq // 3 + chance.randrange(3)),
        deleted_at=START if seq == 5 else None,
    )
    key = versions.insert_version(session, stored, made, exclusive=False)
    for alias in ("old", *aliases):
        named = Alias(
            project=model.project,
            model=model.name,
            alias=alias,
            version=made.label,
            set_by="ana",
            set_at=START,
        )
        history.open_alias(session, stored, key, named)
    history.close_alias(session, stored, "old", "ana")
    return None if made.deleted_at else made


def _facts(chance: random.Random, values: list[Any]) -> Any:
    """Draw facts; two values of the first key are frequent, all others rare."""
    often = {"a": [*values, *values[:2] * 6]}
    return FrozenDict(
        {key: chance.choice(often.get(key, values)) for key in KEYS if chance.random() < 0.75}
    )


@contextmanager
def added(world: World, **facts: Any) -> Iterator[str]:
    """Add a version with ``facts`` to the first model for as long as the block lasts."""
    first = next(model for model in world.models if model.project == "default")

    def add(session: Session) -> tuple[int, ModelVersion]:
        stored = models.lock_model(session, first.project, first.name)
        made = replace(
            world.versions[0],
            uid=uuid.uuid4().hex,
            label=f"added-{uuid.uuid4().hex}",
            seq=uuid.uuid4().int % 10**9 + 100,
            sources=Sources(run_id="added"),
            **facts,
        )
        return versions.insert_version(session, stored, made, exclusive=False), made

    key, made = world.store.write(CALLER, add)

    def remove(session: Session) -> None:
        models.lock_model(session, first.project, first.name)
        gone = replace(made, deleted_at=session.now)
        versions.update_version(session, key, made, gone, exclusive=False)

    try:
        yield made.reference
    finally:
        world.store.write(CALLER, remove)
