"""Searches find the same on SQLite, on PostgreSQL and in plain Python, page by page."""

from __future__ import annotations

import base64
import json
import random
import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockgate.domain.filters import EVERYTHING, Scope, parse_filter, parse_order_by
from lockgate.domain.frozen import FrozenDict
from lockgate.domain.names import Limits
from lockgate.errors import InvalidCursor, InvalidInput
from lockgate.storage.database import Session
from lockgate.storage.postgres import PostgresDriver
from lockgate.storage.search import Search, search_models, search_versions
from lockgate.storage.sqlite import SqliteDriver
from lockgate.storage.store import Store
from search_drawn import ANY_FILTER, ANY_ORDER, ONE_COMPARISON
from search_oracle import expected, shown
from search_world import World, added, furnished

WIDE = Limits(filter_chars_max=20_000)
FINDS_NOTHING = {"alias = 'old'", "params.a = 1 and params.a = true"}


@pytest.fixture(scope="module")
def sqlite_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A furnished SQLite file."""
    path: Path = tmp_path_factory.mktemp("search") / "search.db"
    store = Store(SqliteDriver(str(path)))
    yield furnished(store)
    store.close()


@pytest.fixture(scope="module")
def postgres_world(postgres_server: str) -> Iterator[World]:
    """A furnished PostgreSQL database of its own."""
    name = f"search_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        store = Store(PostgresDriver(re.sub(r"/[^/?]*(?=\?|$)", f"/{name}", postgres_server)))
        yield furnished(store)
        store.close()
        connection.execute(f"DROP DATABASE {name}")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest) -> World:
    """Both databases in turn."""
    found: World = request.getfixturevalue(f"{request.param}_world")
    return found


# --- running a search ------------------------------------------------------------------------


def pages(world: World, search: Search, scope: Scope) -> list[list[str]]:
    """Return what each page of a search shows."""

    def walk(session: Session) -> list[list[str]]:
        seen: list[list[str]] = []
        cursor: str | None = None
        while cursor is not None or not seen:
            asked = replace(search, cursor=cursor)
            if scope == "versions":
                page = search_versions(session, asked)
                found = world.store.versions.load_all(session, list(page))
                seen.append([shown(version) for version in found])
                cursor = page.next_cursor
            else:
                models_page = search_models(session, asked)
                seen.append([shown(stored.model) for stored in models_page])
                cursor = models_page.next_cursor
        return seen

    return world.store.snapshot(walk)


def check(world: World, search: Search, scope: Scope, project: str | None) -> list[str]:
    """Assert that a search shows what the oracle expects, in full pages; return it."""
    if project is not None:
        search = replace(search, project_ids=(world.project_ids[project],))
    wanted = expected(world, search, scope, project)
    size = search.limit
    in_pages = [wanted[i : i + size] for i in range(0, len(wanted), size)] or [[]]
    assert in_pages == pages(world, search, scope)
    return wanted


# --- examples --------------------------------------------------------------------------------


@pytest.mark.parametrize("rare_max", [0, 3, 5000])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "metrics.a > 0.3",
        "metrics.a = 0.3",
        f"metrics.a = {0.1 + 0.2!r}",
        f"metrics.a > {float(2**53)}",
        f"metrics.a >= {2**53 + 1} and metrics.a < 1e300",
        f"metrics.a in ({2**63 - 1}, 0.1)",
        "metrics.a > 0 and tags.a = 'risk' and stage = 'production'",
        "not metrics.a > 0.3",
        "metrics.`val acc` is null",
        "tags.a != 'risk'",
        "not tags.a = 'risk'",
        "tags.a like 'risk'",
        "tags.a ilike 'risk'",
        "tags.a like 'r_sk'",
        r"tags.a like 'r\_sk'",
        r"tags.a like '%\%'",
        r"tags.a like '\\'",
        "tags.a like '%*%' or tags.b like '[%]'",
        "tags.a ilike 'É' or tags.b ilike 'ω'",
        "tags.a like 'x_y'",
        f"tags.a = '{'z' * 250}'",
        f"tags.a in ('{'z' * 250}', 'risk', 'Ω')",
        "tags.a < 'a' or tags.b >= 'z'",
        "params.a = 1",
        "params.a = '1' or params.a = true or params.b = 'true'",
        "params.a in (1, 0.1, 'risk', false)",
        "params.a = 1 and params.a = '1'",
        "params.a = 1 and params.a = true",
        "params.a != 1",
        "params.a < 'r'",
        "params.a like '%1%'",
        "stage = 'ÜBERPRÜFUNG'",
        "stage like 'ÜBER%' or stage in ('NONE')",
        "alias = 'champion'",
        "alias = 'old'",
        "alias is null and not alias like 'r%'",
        "run_id = 'run1' and not approved_by is null",
        "not run_id = 'run1'",
        "not (run_id != 'run1')",
        "not approved_at > '2026-01-01'",
        "created_at >= '2026-01-01T02:00Z' and created_at < '2026-01-01T03:00Z'",
        "name = 'fraud' or project = 'other'",
        "name ilike 'FRAUD%' and seq in (1, 2, 3)",
        "version = 'v3' and digest is not null",
        "project = 'other' and description = ''",
    ],
)
def test_the_databases_find_what_python_finds(world: World, text: str, rare_max: int) -> None:
    """Every kind of comparison finds the same versions, in and across projects."""
    search = Search(where=parse_filter(text), limit=7, rare_max=rare_max)
    everywhere = check(world, search, "versions", None)
    inside = check(world, search, "versions", "default")
    assert (len(everywhere) > 0, set(inside) <= set(everywhere)) == (
        text not in FINDS_NOTHING,
        True,
    )


@pytest.mark.parametrize("where", ["", "metrics.a > 0.2", "tags.a ilike '%r%' and params.a != ''"])
@pytest.mark.parametrize(
    "order",
    [
        "",
        "seq",
        "metrics.a",
        "metrics.a desc",
        "metrics.a desc, metrics.`val acc`, name desc",
        "tags.a desc",
        "tags.a, tags.b desc",
        "params.a",
        "params.a desc, seq",
        "stage, approved_at desc",
        "run_id desc, description",
        "created_at desc",
        "created_at, updated_at desc",
        "project, version",
        "updated_at desc, name, seq desc",
        "updated_at",
    ],
)
def test_pages_follow_the_order_without_gap_or_repetition(
    world: World, where: str, order: str
) -> None:
    """Ties and absent values split over pages of any size neither lose nor repeat a row."""
    for limit in (7, 1000):
        for rare_max in (0, 5000):
            search = Search(
                where=parse_filter(where),
                order=parse_order_by(order),
                limit=limit,
                rare_max=rare_max,
            )
            check(world, search, "versions", "default")


@pytest.mark.parametrize("rare_max", [0, 5000])
@pytest.mark.parametrize(
    ("where", "order"),
    [
        ("", ""),
        ("", "name"),
        ("", "owner desc, lifecycle, project desc"),
        ("owner = 'ana'", "tags.a"),
        ("tags.a is null or tags.a >= 'r'", "tags.a desc"),
        ("tags.b = 'risk'", ""),
        ("stage = 'production' and not stage = 'none'", "updated_at"),
        ("stage is null", ""),
        ("stage like '%prüf%'", ""),
        ("alias = 'champion'", "created_at desc"),
        ("not alias = 'champion'", ""),
        ("lifecycle = 'standard' and name ilike 'ÉT%'", ""),
        ("name in ('fraud', 'Fraud') and project = 'default'", "name desc"),
    ],
)
def test_models_are_searched_like_versions(
    world: World, where: str, order: str, rare_max: int
) -> None:
    """Models have a search of their own, by the same rules."""
    search = Search(
        where=parse_filter(where, "models"),
        order=parse_order_by(order, "models"),
        limit=2,
        rare_max=rare_max,
    )
    check(world, search, "models", None)
    check(world, search, "models", "default")


# --- any filter, any order -------------------------------------------------------------------


@given(
    where=st.one_of(ANY_FILTER, st.lists(ONE_COMPARISON, min_size=2, max_size=4).map(" AND ".join)),
    order=ANY_ORDER,
    limit=st.sampled_from([3, 20, 100]),
    rare_max=st.sampled_from([0, 10, 5000]),
    project=st.sampled_from([None, "default", "other"]),
)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_search_finds_what_python_finds(
    sqlite_world: World,
    postgres_world: World,
    where: str,
    order: list[str],
    limit: int,
    rare_max: int,
    project: str | None,
) -> None:
    """Whatever is asked, both databases show what the oracle shows, in its order."""
    search = Search(
        where=parse_filter(where), order=parse_order_by(order), limit=limit, rare_max=rare_max
    )
    for world in (sqlite_world, postgres_world):
        check(world, search, "versions", project)


# --- cursors and limits ----------------------------------------------------------------------


def _cursor(world: World, search: Search) -> str:
    cursor = world.store.snapshot(lambda session: search_versions(session, search)).next_cursor
    assert cursor is not None
    return cursor


def _written(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "other",
    [
        {"where": parse_filter("seq > 2")},
        {"where": EVERYTHING},
        {"order": parse_order_by("metrics.a")},
        {"order": parse_order_by("metrics.b desc")},
        {"project_ids": (1,)},
    ],
)
def test_a_cursor_belongs_to_one_search(world: World, other: dict[str, Any]) -> None:
    """Another filter, order or project refuses the cursor; another page size does not."""
    asked = Search(where=parse_filter("seq > 1"), order=parse_order_by("metrics.a desc"), limit=2)
    cursor = _cursor(world, asked)
    again = replace(asked, cursor=cursor, limit=3)
    assert len(world.store.snapshot(lambda session: search_versions(session, again))) == 3
    with pytest.raises(InvalidCursor, match="belongs to another search"):
        world.store.snapshot(lambda session: search_versions(session, replace(again, **other)))


@pytest.mark.parametrize(
    "keys",
    [
        [],
        ["1", "x"],
        ["NaN"],
        ["Infinity"],
        ["1e999999999"],
        ["1" * 3000],
        [True],
        [2**64],
        [{}],
        ["x"],
        [[1]],
    ],
)
def test_a_forged_cursor_is_refused(world: World, keys: list[Any]) -> None:
    """Keys that no page ends in are refused as input, before a database sees them."""
    asked = Search(order=parse_order_by("metrics.a"), limit=2)
    question, _, row_id = json.loads(
        base64.urlsafe_b64decode((cursor := _cursor(world, asked)) + "=" * (-len(cursor) % 4))
    )
    for forged in (_written([question, keys, row_id]), _written([question, [1], keys])):
        with pytest.raises(InvalidCursor, match="not one that this server gave"):
            world.store.snapshot(
                lambda session, cursor=forged: search_versions(
                    session, replace(asked, cursor=cursor)
                )
            )


@pytest.mark.parametrize("cursor", ["", "é", "!", "AAAA", "e30", "bnVsbA", "[" * 9, "A" * 30_000])
def test_what_is_no_cursor_is_refused(world: World, cursor: str) -> None:
    """Any other text is refused as a cursor."""
    with pytest.raises(InvalidCursor, match="not one that this server gave"):
        world.store.snapshot(lambda session: search_versions(session, Search(cursor=cursor)))


def test_deep_json_in_a_cursor_is_refused(world: World) -> None:
    """Nesting that would exhaust the parser is refused like any other forgery."""
    nested = base64.urlsafe_b64encode(b"[" * 14_000).decode().rstrip("=")
    with pytest.raises(InvalidCursor, match="not one that this server gave"):
        world.store.snapshot(lambda session: search_versions(session, Search(cursor=nested)))


@pytest.mark.parametrize("limit", [0, -1, 1001, 2**63])
def test_a_page_has_a_limit(limit: int) -> None:
    """A page shows at least one row and at most what the limits allow."""
    with pytest.raises(InvalidInput, match="limit must be from 1 to 1000"):
        Search(limit=limit)


def test_no_project_means_no_rows(world: World) -> None:
    """Whoever may see no project sees nothing, not everything."""
    search = Search(project_ids=())
    assert list(world.store.snapshot(lambda session: search_versions(session, search))) == []


# --- what is easily lost ---------------------------------------------------------------------


def test_a_param_that_is_null_is_absent(world: World) -> None:
    """None was logged, not the text null: IS NULL finds it, and no comparison does."""
    with added(world, params=FrozenDict({"n": None, "m": "null"})) as name:
        for text, wanted in [
            ("params.n is null", [name]),
            ("params.n = 'null' or params.n != 'x'", []),
            ("params.m = 'null'", [name]),
        ]:
            search = Search(where=parse_filter(f"run_id = 'added' and {text}"))
            assert [wanted] == pages(world, search, "versions")


def test_a_tag_as_long_as_allowed_is_found(world: World) -> None:
    """No index of either database limits how long a value may be; all of it is compared."""
    value = "".join(map(chr, random.Random(3).choices(range(0x4E00, 0x9FA0), k=5_000)))
    with added(world, tags=FrozenDict({"long": value}), params=FrozenDict({"long": value})) as name:
        for text, wanted in [
            (f"tags.long = '{value}' and params.long in ('x', '{value}')", [name]),
            (f"tags.long = '{value[:-1]}'", []),
            (f"tags.long like '{value[:400]}%'", [name]),
        ]:
            assert [wanted] == pages(
                world, Search(where=parse_filter(text, limits=WIDE)), "versions"
            )


def test_the_largest_filter_runs(world: World) -> None:
    """As many comparisons, levels and values as the language allows, both databases take."""
    kinds = ["tags.a = 'x'", "metrics.a < 0", "params.a in (1, 'x')", "not alias = 'a'", "seq = 1"]
    wide = " or ".join(f"({kinds[i % 5]} and {kinds[i % 4]})" for i in range(49))
    listed = f"seq in ({','.join(map(str, range(500)))})"
    deep = "not (" * 15 + "tags.b ilike '%é%_'" + ")" * 15
    for text in (f"({wide}) and {listed}", f"{deep} and {listed}"):
        search = Search(where=parse_filter(text), order=parse_order_by("params.a, tags.b desc"))
        assert len(check(world, search, "versions", None)) > 0
