"""``lockgate demo``: a small model trained on the spot, and taken through its whole life.

What is printed is what is done: each step is a command of this command line, run in this process.
"""

from __future__ import annotations

import math
import shlex
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple

import typer

from lockgate.cli.session import Session
from lockgate.errors import Unavailable

MODEL = "digits"
WAIT_S_MAX = 60.0
WAIT_PAUSE_S = 0.2
HOURS = 48
USED = (("production", 8_748, 9_000), ("challenger", 921, 1_000))
"""What the demo says came of each arm: read right, of so many."""


class Trained(NamedTuple):
    """A model that was trained, measured on images it has not seen."""

    kind: str
    params: dict[str, Any]
    metrics: dict[str, float]


def demo(
    ctx: typer.Context,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for a server that is just starting.")
    ] = False,
) -> None:
    """Train a small model, register, promote, compare, roll back, and verify the record."""
    session = Session.of(ctx)
    if wait:
        _wait(session)
    say = _narrator(session)
    do = _doer(ctx, session)
    say("Three models that read handwritten digits are trained, with scikit-learn.")
    trained = train()
    labels = []
    for each in trained:
        do(_registration(each))
        labels.append(session.registry.get_latest(session.model_named(MODEL)).label)
    first, second, third = (f"{MODEL}:{label}" for label in labels)

    say("The first goes to production, stage by stage, and an alias names it.")
    do(["promote", first, "--to", "staging"])
    do(["promote", first, "--to", "production", "-m", "the first that works"])
    do(["alias", "set", first, "champion"])

    say("The second is better. When it enters production, the first makes room for it.")
    do(["compare", first, second])
    do(["promote", second])
    do(["promote", second, "--expect", "staging", "-m", "fewer mistakes"])

    say("The third is worse than it looked: out with it, the one before comes back.")
    do(["promote", third])
    do(["promote", third, "-m", "trained on all we have"])
    do(["compare", second, third])
    do(["rollback", MODEL, "-m", "worse on new images"])
    do(["resolve", f"{MODEL}@production"])

    say("In use: a tenth of the keys get the challenger, and a monitor watches production.")
    do(["alias", "set", third, "challenger"])
    where = ["--environment", "live", "--target", "eu-1"]
    do(["deploy", "report", f"{MODEL}@production", *where])
    do(["split", "set", MODEL, "production=90", "challenger=10"])
    for arm, right, trials in USED:
        counted = ["--successes", str(right), "--trials", str(trials)]
        do(["outcomes", "report", MODEL, "read-right", "--arm", arm, *counted])
    do(["outcomes", "compare", MODEL, "read-right"])
    watched = ["--bound", "0.95", "--min-samples", "2", "--window-s", "3600"]
    do(["monitor", "add", MODEL, "accuracy-in-use", "accuracy", *watched])
    _observe(session)

    say("Who stood where, and the log that cannot be changed quietly.")
    do(["history", MODEL])
    do(["audit", "log", "--model", MODEL, "--limit", "12"])
    do(["audit", "verify"])
    do(["summary"])


def _observe(session: Session) -> None:
    """Report what the version in production did in the last two days, an hour at a time."""
    name = session.model_named(MODEL)
    label = session.registry.production(name).label
    now = datetime.now(UTC)
    values = [
        {"at": now - timedelta(hours=hour), "metrics": {"accuracy": accuracy_at(hour)}}
        for hour in range(HOURS, 0, -1)
        for _ in range(2)
    ]
    kept = session.registry.report_observations(name, label, values)
    if not session.output.as_json:
        session.output.line(f"\n$ lockgate observe {MODEL}@production accuracy=… --at …", "cyan")
        session.output.line(f"{kept.count} values of the last {HOURS} hours taken in.")


def accuracy_at(hour: int) -> float:
    """Return how well the demo's version reads so many hours ago: a little worse at night."""
    return round(0.972 + 0.008 * math.sin(hour * math.tau / 24) + 0.002 * math.sin(hour * 1.7), 4)


def _wait(session: Session) -> None:
    """Return once the registry answers. Raises `Unavailable` when it does not in good time."""
    deadline_s = time.monotonic() + WAIT_S_MAX
    while True:
        try:
            session.registry.ping()
        except Unavailable:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(WAIT_PAUSE_S)
        else:
            return


def train() -> list[Trained]:
    """Return three trained models. Raises `Unavailable` where scikit-learn is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from sklearn.datasets import load_digits
            from sklearn.linear_model import LogisticRegression
            from sklearn.metrics import accuracy_score, f1_score
            from sklearn.model_selection import train_test_split
            from sklearn.neighbors import KNeighborsClassifier
            from sklearn.tree import DecisionTreeClassifier
    except ImportError:
        raise Unavailable(
            detail="The demo trains a real model and needs scikit-learn: "
            "pip install scikit-learn (or uv pip install scikit-learn), then run it again."
        ) from None
    images, digits = load_digits(return_X_y=True)
    seen, unseen, answers, expected = train_test_split(
        images / 16, digits, test_size=0.4, random_state=7
    )
    found = []
    for model, params in (
        (LogisticRegression, {"C": 0.01, "max_iter": 200}),
        (KNeighborsClassifier, {"n_neighbors": 3}),
        (DecisionTreeClassifier, {"max_depth": 8, "random_state": 7}),
    ):
        guesses = model(**params).fit(seen, answers).predict(unseen)
        metrics = {
            "accuracy": round(float(accuracy_score(expected, guesses)), 4),
            "f1": round(float(f1_score(expected, guesses, average="macro")), 4),
            "mistakes": int((expected != guesses).sum()),
        }
        found.append(Trained(model.__name__, params, metrics))
    return found


def _registration(trained: Trained) -> list[str]:
    """Return the command that registers a trained model; the server numbers it."""
    command = ["version", "register", MODEL, "--param", f"kind={trained.kind}"]
    for key, value in trained.params.items():
        command += ["--param", f"{key}={value}"]
    for key, value in trained.metrics.items():
        command += ["--metric", f"{key}={value}"]
    return [*command, "--dataset", "sklearn:load_digits"]


def _narrator(session: Session) -> Callable[[str], None]:
    def say(sentence: str) -> None:
        if not session.output.as_json:
            session.output.line("")
            session.output.line(f"# {sentence}", "bold")

    return say


def _doer(ctx: typer.Context, session: Session) -> Callable[[list[str]], None]:
    root = ctx.find_root().command

    def do(command: list[str]) -> None:
        if not session.output.as_json:
            session.output.line(f"\n$ lockgate {shlex.join(command)}", "cyan")
        code = root.main(args=command, prog_name="lockgate", standalone_mode=False, obj=session)
        if code:  # interrupted, or nobody reads on
            raise typer.Exit(code)

    return do
