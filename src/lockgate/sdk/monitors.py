"""Monitoring: the verbs, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.domain.drift import DriftSeries, HistogramKept, listed
from lockgate.domain.monitors import Action, Against, Measure, Monitor
from lockgate.domain.observations import Measured, ObservationSeries, ObservationsKept
from lockgate.domain.sources import MetricSource
from lockgate.domain.trials import Direction
from lockgate.sdk.calls import Calls, Moment, given, moment_text, segment
from lockgate.wire.records import from_wire


class MonitorVerbs(Calls):
    """What versions do in use, and the rules that watch it."""

    def report_observations(
        self,
        name: str,
        version: str | int,
        observations: Mapping[str, float] | Sequence[Mapping[str, Any]],
        *,
        at: Moment = None,
    ) -> ObservationsKept:
        """Take in metrics of a version in use: ``{"auc": 0.87, "latency_p99_ms": 41}``.

        Or a list of ``{"at": …, "metrics": {…}}``. Kept as minutes, hours and days.
        """
        body = given(observations=_plain(observations), at=moment_text(at, "at"))
        return self._change(
            ObservationsKept, "POST", self._version(name, version, "observations"), body
        )

    def list_observations(
        self,
        name: str,
        version: str | int,
        metric: str,
        *,
        since: Moment = None,
        until: Moment = None,
        points: int = 200,
    ) -> ObservationSeries:
        """Return a metric of a version over time, in some ``points`` steps of equal length."""
        return self._load(
            ObservationSeries,
            self._version(name, version, "observations"),
            metric=metric,
            since=moment_text(since, "since"),
            until=moment_text(until, "until"),
            points=points,
        )

    def measured(self, name: str, version: str | int) -> Measured:
        """Return which metrics of a version in use there are: observations, and outcomes."""
        return self._load(Measured, self._version(name, version, "measured"))

    def report_histogram(
        self,
        name: str,
        version: str | int,
        metric: str,
        edges: Sequence[float],
        counts: Sequence[int],
        *,
        at: Moment = None,
        reference: bool = False,
    ) -> HistogramKept:
        """Take in how a metric's values are spread, as of now or ``at``; or as the ``reference``.

        ``counts`` are of the values below the first edge, from each edge to the next, and from the
        last on: one more than there are edges. A metric of a version keeps its edges.
        """
        body = given(
            edges=listed(edges),
            counts=listed(counts),
            metric=metric,
            at=moment_text(at, "at"),
            reference=reference,
        )
        return self._change(HistogramKept, "POST", self._version(name, version, "histograms"), body)

    def list_drift(
        self,
        name: str,
        version: str | int,
        metric: str,
        *,
        since: Moment = None,
        until: Moment = None,
        points: int = 200,
    ) -> DriftSeries:
        """Return how far a metric's histograms lay from their reference, in ``points`` steps."""
        return self._load(
            DriftSeries,
            self._version(name, version, "drift"),
            metric=metric,
            since=moment_text(since, "since"),
            until=moment_text(until, "until"),
            points=points,
        )

    def set_monitor(
        self,
        name: str,
        monitor: str,
        metric: str,
        *,
        bound: float = 0.0,
        measure: Measure = "mean",
        against: Against | None = None,
        direction: Direction | None = None,
        stage: str | None = None,
        window_s: int = 300,
        windows: int = 3,
        recovery: int = 3,
        min_samples: int = 30,
        action: Action = "alert",
        cooldown_s: int = 86_400,
    ) -> Monitor:
        """Watch a metric of whatever stands in a stage: the serving one, unless told.

        ``windows`` bad windows in a row raise an alarm, ``recovery`` good ones end it; both are
        events. With ``action`` rollback an alarm brings back the version before, at most once in
        ``cooldown_s``. ``against`` metrics or incumbent, ``bound`` is by how much it may be worse.
        With ``measure`` psi or ks it is how far histograms may lie from the version's reference,
        or from the ``incumbent``'s.
        """
        rule = {
            "metric": metric,
            "bound": bound,
            "measure": measure,
            "against": against,
            "direction": direction,
            "stage": stage,
            "window_s": window_s,
            "windows": windows,
            "recovery": recovery,
            "min_samples": min_samples,
            "action": action,
            "cooldown_s": cooldown_s,
        }
        path = self._model(name, "monitors", segment(monitor, "monitor"))
        return self._change(Monitor, "PUT", path, given(**rule))

    def list_monitors(self, name: str) -> tuple[Monitor, ...]:
        """Return the monitors of a model and how they stand, by name."""
        return self._all(Monitor, self._model(name, "monitors"))

    def remove_monitor(self, name: str, monitor: str) -> Monitor:
        """Watch no more by this rule, and return it. Raises `MonitorNotFound`."""
        path = self._model(name, "monitors", segment(monitor, "monitor"))
        return self._change(Monitor, "DELETE", path)

    def set_source(
        self,
        name: str,
        metric: str,
        url: str,
        query: str,
        *,
        stage: str | None = None,
        step_s: int = 60,
    ) -> MetricSource:
        """Read a metric from the Prometheus server at ``url``, every ``step_s``, as PromQL.

        ``$version``, ``$model`` and ``$project`` in the query are those of whatever stands in the
        stage: the serving one, unless told.
        """
        path = self._model(name, "sources", segment(metric, "metric"))
        body = given(url=url, query=query, stage=stage, step_s=step_s)
        return self._change(MetricSource, "PUT", path, body)

    def list_sources(self, name: str) -> tuple[MetricSource, ...]:
        """Return where metrics of a model are read from, by metric, and how that went."""
        return self._all(MetricSource, self._model(name, "sources"))

    def remove_source(self, name: str, metric: str) -> MetricSource:
        """Read a metric no more, and return its source. Raises `SourceNotFound`."""
        path = self._model(name, "sources", segment(metric, "metric"))
        return self._change(MetricSource, "DELETE", path)

    def evaluate_monitors(self) -> tuple[Monitor, ...]:
        """Look at every monitor now, as the server does by itself; return what has changed."""
        found = self._write("POST", "/monitors/evaluate")
        return tuple(from_wire(Monitor, each) for each in found)


def _plain(observations: Any) -> Any:
    """Return observations as they travel: moments as text."""
    if isinstance(observations, Mapping):
        return dict(observations)
    return [
        {**each, "at": moment_text(each["at"], "at")} if each.get("at") is not None else dict(each)
        for each in observations
    ]
