"""A histogram that counts an array at once: observing events one by one would cost as much as scoring them."""

from collections.abc import Iterator
from threading import Lock

import numpy as np
import numpy.typing as npt
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

__all__ = ["ArrayHistogram"]


class ArrayHistogram(Collector):
    """Counts observations by bucket; a bucket includes its upper bound, as Prometheus has it."""

    def __init__(self, name: str, what: str, buckets: tuple[float, ...]) -> None:
        self._name = name
        self._what = what
        self._bounds = np.array(buckets, np.float64)
        self._labels = [*map(str, buckets), "+Inf"]
        self._counts = np.zeros(len(buckets) + 1, np.int64)
        self._sum = 0.0
        self._lock = Lock()

    def observe(self, values: npt.ArrayLike) -> None:
        """Count ``values``, any number of them. Negative values, which come from clocks that disagree, count as 0."""
        observed = np.maximum(np.asarray(values, np.float64).ravel(), 0.0)
        positions = np.searchsorted(self._bounds, observed, side="left")
        counts = np.bincount(positions, minlength=len(self._counts))
        with self._lock:
            self._counts += counts
            self._sum += float(observed.sum())

    def collect(self) -> Iterator[Metric]:
        """What ``/metrics`` shows."""
        with self._lock:
            cumulative, total = np.cumsum(self._counts).tolist(), self._sum
        yield HistogramMetricFamily(
            self._name,
            self._what,
            buckets=list(zip(self._labels, map(float, cumulative), strict=True)),
            sum_value=total,
        )

    def describe(self) -> Iterator[Metric]:
        """The family without samples: registering asks for it."""
        yield HistogramMetricFamily(self._name, self._what)
