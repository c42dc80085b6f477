"""A rollback that a monitor decides on is made, whenever the one who looks is killed."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lockgate.bootstrap import acting, open_store
from lockgate.registry import Registry
from lockgate.settings import Settings

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=90)
COMMITS_MAX = 4
"""More transactions than a look has."""

# Looks at the monitors, and is killed as soon as its n-th transaction is committed.
LOOKING = """
import contextlib, os, signal, sys
from datetime import datetime
from lockgate.bootstrap import acting, open_store
from lockgate.registry import Registry
from lockgate.settings import Settings

url, commits, now = sys.argv[1], int(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
settings = Settings(database=url)
store = open_store(url, settings, lambda: now)
writing, done = store.database.driver.writing, 0

@contextlib.contextmanager
def counted():
    global done
    with writing() as connection:
        yield connection
    done += 1
    if done == commits:
        os.kill(os.getpid(), signal.SIGKILL)

store.database.driver.writing = counted
Registry(store, acting(settings, "ana")).evaluate_monitors()
"""


def opened(url: str, now: datetime) -> Registry:
    """A registry whose clock stands still."""
    settings = Settings(database=url)
    return Registry(open_store(url, settings, lambda: now), acting(settings, "ana"))


def furnish(url: str) -> None:
    """Churn 2, in production since noon after 1, fails what its monitor asks."""
    with opened(url, NOON) as churn:
        for version in ("1", "2"):
            churn.register_model("churn", version)
            churn.promote("churn", version)
            churn.promote("churn", version)
        churn.set_monitor("churn", "auc", "auc", bound=0.8, action="rollback")
    with opened(url, LATER) as churn:
        batch = [
            {"at": NOON + timedelta(seconds=5 * each), "metrics": {"auc": 0.5 + each / 1e6}}
            for each in range(1_080)
        ]
        churn.report_observations("churn", "2", batch)


def test_a_look_that_is_killed_is_made_up_for(tmp_path: Path) -> None:
    """Killed after any of its commits: the next look leaves one alarm and one rollback."""
    for commits in range(1, COMMITS_MAX + 1):
        url = f"sqlite:///{tmp_path}/{commits}.db"
        furnish(url)
        subprocess.run(
            [sys.executable, "-c", LOOKING, url, str(commits), LATER.isoformat()],
            check=False,
            timeout=60,
        )
        with opened(url, LATER + timedelta(minutes=1)) as churn:
            churn.evaluate_monitors()
            assert churn.resolve("churn@production").label == "1"
            assert len(list(churn.audit(action="monitor_alarm"))) == 1
            verbs = [each.verb for each in churn.get_transitions("churn", "1")]
            assert verbs.count("rollback") == 1
            assert churn.verify_audit().ok
