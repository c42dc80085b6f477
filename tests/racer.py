"""A process of its own that writes to a registry, for tests that race several or kill one.

It opens the registry, says that it is ready, waits for a word, and then reports each thing that it
did: only after the registry said that it was done.
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from multiprocessing.connection import Connection
from queue import SimpleQueue
from tempfile import NamedTemporaryFile
from threading import Thread
from typing import Any

import lockgate
from forks import FORKS
from lockgate.errors import AlreadyExists, StageChanged, TransitionNotAllowed
from lockgate.storage.idempotency import Once, Replayed

TIMEOUT_S = 120


class Racer:
    """A running racer, seen from the test."""

    def __init__(self, url: str, work: str, **arguments: Any) -> None:
        self._it, here = FORKS.Pipe()
        self._errors = NamedTemporaryFile("r")  # noqa: SIM115  # it is read at the end
        self.process = FORKS.Process(
            target=self.main, args=(here, self._errors.name, dict(os.environ), url, work, arguments)
        )
        self.process.start()
        here.close()

    @staticmethod
    def main(
        test: Connection, errors: str, environ: dict[str, str], url: str, work: str, arguments: Any
    ) -> None:
        """Do one of the `WORKS`: this runs in the new process."""
        with open(errors, "w") as file:
            os.dup2(file.fileno(), 2)
        os.environ.clear()
        os.environ.update(environ)
        eager = work == "look"  # opening the registry is part of the race
        registry = None if eager else lockgate.connect(url, actor="ana")
        test.send("ready")
        test.recv()
        registry = registry or lockgate.connect(url, actor="ana")
        for report in WORKS[work](registry, **arguments):
            test.send(report)

    def wait_ready(self) -> None:
        """Wait until it has opened the registry."""
        said = list(islice(self._heard(), 1))
        assert said == ["ready"], self._wailed()

    def start(self) -> None:
        """Let it begin."""
        self._it.send("go")

    def finish(self) -> list[Any]:
        """Wait for its end; return all that it reported. Raises what it died of."""
        reports = list(self._heard())
        self.process.join(TIMEOUT_S)
        assert (self.process.exitcode, self._wailed()) == (0, "")
        return reports

    def kill(self) -> list[Any]:
        """Kill it with SIGKILL; return all that it reported before."""
        self.process.kill()
        self.process.join(TIMEOUT_S)
        reports = list(self._heard())
        assert self._wailed() == ""
        return reports

    def _wailed(self) -> str:
        """What it wrote to its standard error, which nobody can read again."""
        with self._errors:
            return self._errors.read()

    def _heard(self) -> Iterator[Any]:
        """All that it says until its end; a word that its end cut short was not said."""
        with suppress(EOFError, OSError):
            while True:
                assert self._it.poll(TIMEOUT_S), "it says nothing"
                yield self._it.recv()


def race(racers: Sequence[Racer]) -> list[list[Any]]:
    """Let all begin at once; return what each reported."""
    for racer in racers:
        racer.wait_ready()
    for racer in racers:
        racer.start()
    return [racer.finish() for racer in racers]


def promote(registry: Any, model: str, labels: list[str], rounds: int) -> Iterator[Any]:
    """Take versions up to production, again and again; report what was done and refused."""
    done, refused = 0, 0
    for _, label in itertools.product(range(rounds), labels):
        for verb in ("promote", "promote"):
            try:
                getattr(registry, verb)(model, label)
                done += 1
            except (TransitionNotAllowed, StageChanged):
                refused += 1
    yield {"done": done, "refused": refused}


def serve(registry: Any, model: str, labels: list[str], rounds: int) -> Iterator[Any]:
    """Put versions straight into production, again and again."""
    for _, label in itertools.product(range(rounds), labels):
        registry.transition_stage(model, label, "production")
        yield {"served": label}


def register(registry: Any, model: str, count: int) -> Iterator[Any]:
    """Register versions that the server numbers."""
    for _ in range(count):
        version = registry.register_model(model)
        yield {"seq": version.seq, "label": version.label}


def claim(registry: Any, model: str, labels: list[str], run: str) -> Iterator[Any]:
    """Register versions under labels that others want as well."""
    for label in labels:
        try:
            yield {"label": label, "run": registry.register_model(model, label, run_id=run).run_id}
        except AlreadyExists:
            yield {"label": label, "run": None}


def once(registry: Any, model: str, keys: list[str]) -> Iterator[Any]:
    """Register a version under an idempotency key that others use as well."""
    for key in keys:
        mark = Once(key=key, fingerprint="same", encode=lambda version: version.label)
        try:
            yield {"label": registry.acting_as("ana", mark).register_model(model).label}
        except Replayed as replayed:
            yield {"label": replayed.answer}


def stream(registry: Any, model: str, seed: int) -> Iterator[Any]:
    """Write without end: versions, passages, aliases, metrics; report what was acknowledged."""
    chance = random.Random(seed)
    labels: list[str] = []
    while True:
        label = registry.register_model(model, run_id=str(seed)).label
        labels.append(label)
        yield {"registered": label}
        with suppress(TransitionNotAllowed):
            made = registry.transition(model, chance.choice(labels), verb="promote").transition
            if made is not None:
                yield {"passage": made.uid}
        registry.set_alias(model, f"champion-{seed}", label)
        yield {"alias": f"champion-{seed}", "names": label}
        registry.log_metrics(model, label, {"auc": chance.random()})
        yield {"measured": label}


def crowd(registry: Any, model: str, seed: int, writers: int) -> Iterator[Any]:
    """Write without end in several threads, which come to share commits."""
    reports: SimpleQueue[Any] = SimpleQueue()

    def write(number: int) -> None:
        for report in stream(registry, model, seed * writers + number):
            reports.put(report)

    for number in range(writers):
        Thread(target=write, args=(number,), daemon=True).start()
    while True:
        yield reports.get()


def look(registry: Any) -> Iterator[Any]:
    """Count what a new database comes with."""
    yield {"lifecycles": len(registry.list_lifecycles()), "projects": len(registry.list_projects())}


WORKS = {
    work.__name__: work for work in (promote, serve, register, claim, once, stream, crowd, look)
}
