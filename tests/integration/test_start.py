"""What a start brings in: heavy libraries wait until something needs them."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADED = "import sys; print(*sorted(set(sys.modules) & set({heavy!r})))"
EVERY = (
    "alembic",
    "cryptography",
    "httpx",
    "obstore",
    "prometheus_client",
    "psycopg",
    "rich",
    "sqlalchemy",
    "structlog",
)
SERVE = """
from lockgate.bootstrap import app_from
from lockgate.settings import Settings
app_from(Settings(database="memory://")).state.registry.close()
"""


def loaded_by(program: str) -> set[str]:
    """Return which heavy libraries a program of its own has loaded at its end."""
    ended = subprocess.run(
        [sys.executable, "-c", program + "\n" + LOADED.format(heavy=EVERY)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return set(ended.stdout.split())


@pytest.mark.parametrize(
    ("program", "needed"),
    [
        ("import lockgate", set()),
        ("import lockgate; lockgate.connect", set()),
        ("import lockgate.cli.main", set()),
        ("import lockgate; lockgate.connect('http://127.0.0.1:1')", set()),
        ("import lockgate; lockgate.connect('memory://').close()", {"sqlalchemy"}),
        (SERVE, {"sqlalchemy"}),
    ],
    ids=["import", "connect", "command line", "client", "embedded", "serve"],
)
def test_only_what_is_needed_is_loaded(program: str, needed: set[str]) -> None:
    """A library that only some calls use is not loaded by a start that may never make them."""
    assert needed == loaded_by(program)


WORKED_OUT = """
from lockgate.bootstrap import app_from
from lockgate.http.routing import StrictRoute
from lockgate.settings import Settings
from lockgate.wire.answers import VersionAnswer
app = app_from(Settings(database="memory://"))
ours = [route for route in app.routes if isinstance(route, StrictRoute)]
assert len(ours) > 100, len(ours)
print([route.path for route in ours if "dependant" in vars(route)])
print(VersionAnswer.__pydantic_complete__)
app.state.registry.close()
"""


def test_a_start_works_no_route_out() -> None:
    """What FastAPI and pydantic make of a route waits for a request that the route is for."""
    ended = subprocess.run(
        [sys.executable, "-c", WORKED_OUT], capture_output=True, text=True, check=True, timeout=120
    )
    assert ended.stdout.splitlines() == ["[]", "False"]
