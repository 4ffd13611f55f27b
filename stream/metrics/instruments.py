"""How a metric is declared: one registry, one catalogue, and buckets that fit what is measured.

Names start with ``stream_``, units are base units (seconds, not milliseconds), counters end in ``_total``, and labels
are bounded sets: never a customer, an event or a model version.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
)

from stream.metrics.tally import ArrayHistogram

__all__ = [
    "CATALOGUE",
    "DELAY_S",
    "REGISTRY",
    "SHORT_S",
    "SIZES",
    "Declaration",
    "counter",
    "gauge",
    "histogram",
    "info",
    "tally",
]

REGISTRY: Final = CollectorRegistry()
for _collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
    REGISTRY.register(_collector)

#: A step of 2,000 records takes milliseconds; a round trip to a Redis in trouble takes seconds.
SHORT_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
#: From one millisecond to ten minutes. Replays of old logs lie beyond, in ``+Inf``.
DELAY_S: Final = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    180.0,
    600.0,
)
#: Records of a step.
SIZES: Final = (1.0, 5.0, 10.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0)


class Declaration(NamedTuple):
    """One metric as the reference shows it. ``name``: of its family, as ``/metrics`` has it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    what: str


#: Every metric that the loaded modules have declared, in that order.
CATALOGUE: Final[list[Declaration]] = []


def counter(name: str, what: str, labels: Iterable[str] = ()) -> Counter:
    """Declare a counter; ``name`` ends in ``_total``."""
    return Counter(name, what, _declare(name, "counter", labels, what), registry=REGISTRY)


def gauge(name: str, what: str, labels: Iterable[str] = ()) -> Gauge:
    """Declare a gauge."""
    return Gauge(name, what, _declare(name, "gauge", labels, what), registry=REGISTRY)


def histogram(name: str, what: str, buckets: tuple[float, ...], labels: Iterable[str] = ()) -> Histogram:
    """Declare a histogram of things that are observed one at a time."""
    return Histogram(name, what, _declare(name, "histogram", labels, what), registry=REGISTRY, buckets=buckets)


def tally(name: str, what: str, buckets: tuple[float, ...]) -> ArrayHistogram:
    """Declare a histogram of things that come by the thousand, as arrays."""
    _declare(name, "histogram", (), what)
    collector = ArrayHistogram(name, what, buckets)
    REGISTRY.register(collector)
    return collector


def info(name: str, what: str, labels: Iterable[str]) -> Info:
    """Declare a constant 1 with labels that say what runs; ``/metrics`` adds ``_info`` to its name."""
    _declare(f"{name}_info", "gauge", labels, what)
    return Info(name, what, registry=REGISTRY)


def _declare(name: str, kind: str, labels: Iterable[str], what: str) -> tuple[str, ...]:
    declared = tuple(labels)
    CATALOGUE.append(Declaration(name, kind, declared, what))
    return declared
