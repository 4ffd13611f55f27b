"""The lowest point of a smooth function of a few variables within bounds.

BFGS on the variables that no bound holds (J. Nocedal, S. Wright, Numerical Optimization, 2006, 6.1 and 16.7), with a
line search that halves the step until the decrease is that of Armijo. SciPy's L-BFGS-B takes 23 MB of a process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["minimum"]

Floats = npt.NDArray[np.float64]

#: The share of the expected decrease that a step must bring, and how often it is halved.
_ARMIJO: Final = 1e-4
_HALVINGS: Final = 40
#: A step whose curvature is below this share of its length says nothing about the function.
_CURVATURE: Final = 1e-10
#: So many in a row end the search: one may be short because the curvature was not known.
_SMALL_STEPS: Final = 3


def minimum(
    function: Callable[[Floats], tuple[float, Floats]],
    start: Floats,
    bounds: Sequence[tuple[float, float]],
    *,
    max_steps: int = 200,
    gradient_below: float = 1e-7,
    decrease_below: float = 1e-12,
) -> Floats:
    """Where ``function`` is lowest within ``bounds``, sought from ``start``; it gives value and gradient float64[D].

    It ends where no part of the gradient that may be followed reaches ``gradient_below``, or where a few steps in a row
    bring less than ``decrease_below`` of the value, or after ``max_steps``.

    >>> minimum(lambda x: (float(x @ x - 2 * x[0]), 2 * x - [2.0, 0.0]), np.array([5.0, 3.0]), [(-9, 9), (1, 9)])
    array([1., 1.])
    """
    low, high = np.array(bounds, np.float64).T
    at = np.clip(np.asarray(start, np.float64), low, high)
    value, slope = function(at)
    hessian: Floats | None = None
    small_steps = 0
    for _ in range(max_steps):
        free = ~(((at <= low) & (slope > 0.0)) | ((at >= high) & (slope < 0.0)))
        if np.abs(slope[free]).max(initial=0.0) <= gradient_below:
            break
        found = _step(function, at, value, slope, _direction(hessian, slope, free), (low, high))
        if found is None and hessian is None:
            break
        if found is None:  # what was learned of the curvature misleads here
            hessian = None
            continue
        after, value_after, slope_after = found
        hessian = _updated(hessian, after - at, slope_after - slope)
        small_steps = small_steps + 1 if value - value_after <= decrease_below * max(abs(value), 1.0) else 0
        at, value, slope = after, value_after, slope_after
        if small_steps == _SMALL_STEPS:
            break
    return at


def _direction(hessian: Floats | None, slope: Floats, free: npt.NDArray[np.bool_]) -> Floats:
    """Where a quadratic function of this gradient and ``hessian`` is lowest, moved in the ``free`` variables alone."""
    direction = np.zeros_like(slope)
    direction[free] = -slope[free] if hessian is None else -np.linalg.solve(hessian[np.ix_(free, free)], slope[free])
    return direction


def _step(
    function: Callable[[Floats], tuple[float, Floats]],
    at: Floats,
    value: float,
    slope: Floats,
    direction: Floats,
    bounds: tuple[Floats, Floats],
) -> tuple[Floats, float, Floats] | None:
    """The next point with its value and gradient; None when none along ``direction`` is low enough."""
    length = 1.0 / max(1.0, float(np.abs(direction).max()))  # a variable moves by at most 1: these are logarithms
    for _ in range(_HALVINGS):
        after = np.clip(at + length * direction, *bounds)
        value_after, slope_after = function(after)
        if value_after <= value + _ARMIJO * float(slope @ (after - at)) and not np.array_equal(after, at):
            return after, value_after, slope_after
        length /= 2.0
    return None


def _updated(hessian: Floats | None, step: Floats, change: Floats) -> Floats | None:
    """The Hessian as it is known after a ``step`` that changed the gradient by ``change``; None: it is not."""
    curvature = float(step @ change)
    if curvature <= _CURVATURE * float(np.linalg.norm(step) * np.linalg.norm(change)):
        return hessian
    if hessian is None:
        hessian = np.eye(len(step)) * (float(change @ change) / curvature)
    along = hessian @ step
    return np.asarray(
        hessian + np.outer(change, change) / curvature - np.outer(along, along) / float(step @ along), np.float64
    )
