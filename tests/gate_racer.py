"""Racers at a gate: processes that change the evidence while others try to pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import racer
from lockgate.domain.policies import PromotionPolicy
from lockgate.errors import PolicyViolated, TransitionNotAllowed

POLICIES = {
    "lax": PromotionPolicy().require_metric("auc", ">=", 0.5),
    "strict": PromotionPolicy().require_metric("auc", ">=", 0.9),
}


class GateRacer(racer.Racer):
    """A running racer, seen from the test."""

    @staticmethod
    def main(*arguments: Any) -> None:
        """As any racer's; whose process imports this module, and so knows the works below."""
        racer.Racer.main(*arguments)


def measure(registry: Any, model: str, rounds: int) -> Iterator[Any]:
    """Let a metric be good and bad in turn."""
    for turn in range(rounds):
        registry.log_metrics(model, "1", {"auc": 0.95 if turn % 2 else 0.2})
    yield {"measured": rounds}


def tighten(registry: Any, rounds: int) -> Iterator[Any]:
    """Let the project's policy be strict and lax in turn."""
    for turn in range(rounds):
        registry.attach_policy("Staging", POLICIES["strict" if turn % 2 else "lax"])
    yield {"attached": rounds}


def pass_gate(registry: Any, model: str, rounds: int) -> Iterator[Any]:
    """Go up through the gate and down again."""
    for _ in range(rounds):
        with suppress(PolicyViolated, TransitionNotAllowed):
            registry.transition_stage(model, "1", "Staging")
        with suppress(TransitionNotAllowed):
            registry.transition_stage(model, "1", "None")
    yield {"tried": rounds}


racer.WORKS.update(measure=measure, tighten=tighten, pass_gate=pass_gate)
