"""Figures of what customers were expected to bring, beside what came.

Money has heavy tails, and the rows of one customer are of overlapping horizons. So each figure has a standard error
from a bootstrap over customers, all rows of one at once (Efron and Tibshirani, "An introduction to the bootstrap",
1993). What all customers have in common, such as a season, is not in it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stream.processing.rolling_origin import Rows

__all__ = ["DECILES", "ValueSums", "gini", "largest_share", "parts"]

DECILES = 10
_DRAWS = 400
_SEED = 1

Floats = npt.NDArray[np.float64]


class ValueSums(NamedTuple):
    """Sums over some rows; ``error``: the standard error of ``ratio``, expected over came."""

    expected: float
    came: float
    error: float

    @property
    def ratio(self) -> float:
        return self.expected / self.came if self.came else float("nan")


def parts(rows: Rows, expected: Floats, came: Floats) -> tuple[ValueSums, list[ValueSums]]:
    """All of the rows, and the deciles of ``expected`` from the least up; both float64[N], in the order of ``rows``."""
    customers, of = np.unique(rows.customer, return_inverse=True)
    decile = np.empty(len(expected), np.int64)
    for k, part in enumerate(np.array_split(np.argsort(expected, kind="stable"), DECILES)):
        decile[part] = k
    sums = np.zeros((2, len(customers), DECILES))
    for total, values in zip(sums, (expected, came), strict=True):
        np.add.at(total, (of, decile), values)
    generator = np.random.default_rng(_SEED)
    drawn = generator.multinomial(len(customers), np.full(len(customers), 1.0 / len(customers)), _DRAWS) @ sums
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = (drawn[0] / drawn[1]).std(axis=0)
        error = (drawn[0].sum(axis=1) / drawn[1].sum(axis=1)).std()
    by_decile = sums.sum(axis=1)
    return (
        ValueSums(float(by_decile[0].sum()), float(by_decile[1].sum()), float(error)),
        [ValueSums(float(by_decile[0, k]), float(by_decile[1, k]), float(errors[k])) for k in range(DECILES)],
    )


def largest_share(expected: Floats, came: Floats) -> float:
    """The share of what came that the tenth of the rows brought of which most was expected."""
    largest = np.array_split(np.argsort(expected, kind="stable"), DECILES)[-1]
    return float(came[largest].sum() / came.sum())


def gini(expected: Floats, came: Floats) -> float:
    """How unequal what came is, in the order of what was expected: 0 when the order says nothing.

    The area between the concentration curve and the diagonal, times two.

    >>> gini(np.array([1.0, 2.0]), np.array([0.0, 1.0]))
    0.5
    >>> gini(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    0.0
    """
    share = np.cumsum(came[np.argsort(expected, kind="stable")]) / came.sum()
    return float(1.0 - (2.0 * share.sum() - 1.0) / len(share))
