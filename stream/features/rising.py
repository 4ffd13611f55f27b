"""The highest value of a quadratic as silence goes on: what makes a score monotone in it.

The churn model is a quadratic of its inputs, and nothing in learning keeps it from falling as the last order gets
older. So a customer is scored as of the moment of the same silence at which the score was highest: the maximum over all
values of the two inputs of silence (`SILENCE`) from none to the present. More recent orders then never raise the risk,
all else equal.
"""

from __future__ import annotations

from typing import Final

from stream.compiling import jit
from stream.features.registry import COLUMN

__all__ = ["SILENCE", "peak_of_silence"]

#: Columns of the inputs that grow with the time since the last order.
SILENCE: Final = (COLUMN["days_since_purchase"], COLUMN["silence_ratio"])


@jit
def _peak(square, slope, low):  # type: ignore[no-untyped-def]
    """Where in [low, 0] ``square x^2 + slope x`` is highest."""
    if square < 0.0:
        return min(max(-0.5 * slope / square, low), 0.0)
    return low if (square * low + slope) * low > 0.0 else 0.0


@jit
def _at(squares, slopes, a, b):  # type: ignore[no-untyped-def]
    return (squares[0] * a + slopes[0]) * a + (squares[1] * b + slopes[1]) * b + squares[2] * a * b


@jit
def peak_of_silence(squares, slopes, lows):  # type: ignore[no-untyped-def]
    """The steps (a, b) back from the present, in [lows[0], 0] x [lows[1], 0], to where the score is highest.

    ``slopes``: of the score in the two inputs, at present. ``squares``: its coefficients of a^2, b^2 and ab.

    >>> peak_of_silence((0.0, 0.0, 0.0), (1.0, 2.0), (-3.0, -1.0))  # it only rises: the present
    (0.0, 0.0)
    >>> peak_of_silence((-1.0, 0.0, 0.0), (-2.0, 2.0), (-3.0, -1.0))  # it was higher a step ago
    (-1.0, 0.0)
    """
    low_a, low_b = lows
    # the slopes are linear: where they are positive in all corners the score rises everywhere
    least_a = slopes[0] + min(2.0 * squares[0] * low_a, 0.0) + min(squares[2] * low_b, 0.0)
    least_b = slopes[1] + min(2.0 * squares[1] * low_b, 0.0) + min(squares[2] * low_a, 0.0)
    if least_a >= 0.0 and least_b >= 0.0:
        return 0.0, 0.0
    best_a = _peak(squares[0], slopes[0], low_a)
    best_b = 0.0
    best = _at(squares, slopes, best_a, best_b)
    b = _peak(squares[1], slopes[1], low_b)
    value = _at(squares, slopes, 0.0, b)
    if value > best:
        best, best_a, best_b = value, 0.0, b
    b = _peak(squares[1], slopes[1] + squares[2] * low_a, low_b)
    value = _at(squares, slopes, low_a, b)
    if value > best:
        best, best_a, best_b = value, low_a, b
    a = _peak(squares[0], slopes[0] + squares[2] * low_b, low_a)
    value = _at(squares, slopes, a, low_b)
    if value > best:
        best, best_a, best_b = value, a, low_b
    determinant = 4.0 * squares[0] * squares[1] - squares[2] * squares[2]
    if squares[0] < 0.0 and determinant > 0.0:
        a = (squares[2] * slopes[1] - 2.0 * squares[1] * slopes[0]) / determinant
        b = (squares[2] * slopes[0] - 2.0 * squares[0] * slopes[1]) / determinant
        if low_a < a < 0.0 and low_b < b < 0.0 and _at(squares, slopes, a, b) > best:
            best_a, best_b = a, b
    return best_a, best_b
