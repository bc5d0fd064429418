"""Figures of a server for Prometheus: numbers and fixed words alone, nothing of anybody or of a query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.lanes import Lanes
from app.sessions import Sessions
from app.study.ahead import Ahead

TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
SAVES = {"save": "free reading", "withdraw": "free reading", "study_save": "study"}
"""Requests whose success is a reading that was stored, and of what."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Of a server, what is counted; `ahead` is None where there are no studies."""

    lanes: Lanes
    sessions: Sessions
    ahead: Ahead | None


class Metrics:
    """What is counted since the server was started.

    Args:
        parts: which are looked at when the figures are asked for.
        ready: whether the server is; asked then, too.
    """

    def __init__(self, parts: Parts, ready: Callable[[], bool]) -> None:
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "patchclip_request_seconds",
            "How long requests took, by what was asked.",
            ("endpoint",),
            buckets=BUCKETS_S,
            registry=self._registry,
        )
        self._errors = Counter(
            "patchclip_errors",
            "Requests that got an error, by its kind.",
            ("endpoint", "kind"),
            registry=self._registry,
        )
        self._saved = Counter(
            "patchclip_readings_saved",
            "Readings acknowledged as stored; one that was sent again counts again.",
            ("of",),
            registry=self._registry,
        )
        self._registry.register(_Parts(parts, ready))

    def answered(self, endpoint: str, seconds: float, status: int, kind: str) -> None:
        """One request.

        Args:
            endpoint: one of a fixed set of names.
            seconds: it took.
            status: of its response.
            kind: class of the error, or "".
        """
        self._seconds.labels(endpoint).observe(seconds)
        if status >= 400:
            self._errors.labels(endpoint, kind or f"status {status}").inc()
        elif endpoint in SAVES:
            self._saved.labels(SAVES[endpoint]).inc()

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)


class _Parts(Collector):
    def __init__(self, parts: Parts, ready: Callable[[], bool]) -> None:
        self._parts, self._ready = parts, ready

    def collect(self) -> Iterator[Metric]:
        """All that is looked at."""
        parts = self._parts
        lanes = [(lane.name, lane) for lane in parts.lanes.all()]
        yield _gauge("patchclip_ready", "1 where the server is ready.", [((), float(self._ready()))])
        yield _gauge(
            "patchclip_lane_waiting",
            "Work that waits for its turn, by kind of work.",
            [((name,), max(lane.inside - lane.threads, 0)) for name, lane in lanes],
            ("lane",),
        )
        yield _gauge(
            "patchclip_lane_running",
            "Work that is done just now, by kind of work.",
            [((name,), min(lane.inside, lane.threads)) for name, lane in lanes],
            ("lane",),
        )
        held = parts.sessions.held()
        yield _gauge("patchclip_encodings_held", "Open films with their encodings.", [((), held.studies)])
        yield _gauge("patchclip_encodings_bytes", "Memory that they take.", [((), held.size_bytes)])
        hits = CounterMetricFamily(
            "patchclip_cache",
            "Films and cases asked for, and whether they were there.",
            labels=("cache", "result"),
        )
        hits.add_metric(("film", "hit"), held.hits)
        hits.add_metric(("film", "miss"), held.misses)
        if parts.ahead is not None:
            done = parts.ahead.done()
            hits.add_metric(("case", "hit"), done.ready)
            hits.add_metric(("case", "miss"), done.late)
            made = CounterMetricFamily(
                "patchclip_cases", "Cases of studies made ready, or not.", labels=("outcome",)
            )
            made.add_metric(("ready",), done.made)
            made.add_metric(("failed",), done.failed)
            yield made
            yield _gauge("patchclip_cases_waiting", "Cases yet to be made ready.", [((), done.waiting)])
        yield hits


def _gauge(
    name: str, words: str, values: Iterable[tuple[tuple[str, ...], float]], labels: tuple[str, ...] = ()
) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, words, labels=labels)
    for label, value in values:
        gauge.add_metric(label, value)
    return gauge
