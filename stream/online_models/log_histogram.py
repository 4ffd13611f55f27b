"""Quantiles of model inputs from a histogram that merges: DDSketch over values that are logarithms already.

Inputs are ``log1p(value)`` in units of 1/INPUT_SCALE, so bins of equal width have equal relative error, which is what
DDSketch guarantees: here `BIN` / INPUT_SCALE, 0.8 % of ``1 + value``. Counts add up, so neither the order of the values
nor how they were split into histograms matters, and equal values give equal quantiles on every machine. A t-digest or a
KLL sketch would need a random number or an order.

Source: C. Masson, J. Rim and H. Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
guarantees", PVLDB 12 (2019).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

__all__ = ["BIN", "bin_of", "edges_above", "merged"]

#: Width of a bin, in units of 1/INPUT_SCALE.
BIN: Final = 8


def bin_of(value: int) -> int:
    """The bin of an input."""
    return value // BIN


def merged(histograms: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """The histogram of all values of several, by bin in ascending order.

    >>> merged([{3: 1, 5: 2}, {5: 1, 1: 4}])
    {1: 4, 3: 1, 5: 3}
    """
    counts: Counter[int] = Counter()
    for histogram in histograms:
        counts.update(histogram)
    return dict(sorted(counts.items()))


def edges_above(histogram: Mapping[int, int], classes: int) -> tuple[int | None, ...]:
    """For each class but the lowest, the least bin that is in it or in a higher one; None where no bin is.

    ``histogram`` is in ascending order. A bin's place is its mid-rank: the share of values below it, and half of those
    in it. So one customer alone is in the middle class, and equal customers are in the same one.

    >>> edges_above({1: 20, 2: 20, 3: 20, 4: 20, 5: 20}, 5)
    (2, 3, 4, 5)
    >>> edges_above({7: 1}, 5)
    (7, 7, None, None)
    """
    total = sum(histogram.values())
    edges: list[int | None] = []
    below = 0
    for place, count in histogram.items():
        # exact: a mid-rank in halves of a value against k / classes
        while len(edges) < classes - 1 and classes * (2 * below + count) >= 2 * total * (len(edges) + 1):
            edges.append(place)
        below += count
    return (*edges, *[None] * (classes - 1 - len(edges)))
