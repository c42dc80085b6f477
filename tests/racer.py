"""A process of its own that writes to a registry, for tests that race several or kill one.

    python racer.py URL WORK ARGUMENTS-AS-JSON

It opens the registry, prints ``ready``, waits for a line, and then prints one JSON line for
each thing that it did: only after the registry said that it was done.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any

import lockgate
from lockgate.errors import AlreadyExists, StageChanged, TransitionNotAllowed
from lockgate.storage.idempotency import Once, Replayed

TIMEOUT_S = 120


class Racer:
    """A running racer, seen from the test."""

    def __init__(self, url: str, work: str, **arguments: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, url, work, json.dumps(arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_ready(self) -> None:
        """Wait until it has opened the registry."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if line != "ready\n":
            raise AssertionError(self.process.communicate(timeout=TIMEOUT_S)[1])

    def start(self) -> None:
        """Let it begin."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def finish(self) -> list[Any]:
        """Wait for its end; return all that it reported. Raises what it died of."""
        out, err = self.process.communicate(timeout=TIMEOUT_S)
        assert self.process.returncode == 0, err
        return [json.loads(line) for line in out.splitlines()]

    def kill(self) -> list[Any]:
        """Kill it with SIGKILL; return all that it reported before."""
        self.process.kill()
        out, err = self.process.communicate(timeout=TIMEOUT_S)
        assert not err, err
        return [json.loads(line) for line in out.splitlines() if line.endswith("}")]


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


def main() -> None:
    """Do what the command line says."""
    url, work, arguments = sys.argv[1:]
    eager = work == "look"  # opening the registry is part of the race
    registry = None if eager else lockgate.connect(url, actor="ana")
    print("ready", flush=True)
    sys.stdin.readline()
    registry = registry or lockgate.connect(url, actor="ana")
    for report in WORKS[work](registry, **json.loads(arguments)):
        os.write(1, json.dumps(report).encode() + b"\n")


if __name__ == "__main__":
    main()
