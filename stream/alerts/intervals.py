"""Intervals for shares, means and their differences between two independent groups. 95 % unless told otherwise.

Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference, JASA 22, 209-212.
Newcombe, R. G. (1998), Interval estimation for the difference between independent proportions: comparison of eleven
methods, Statistics in Medicine 17, 873-890; method 10 (hybrid score, without continuity correction).
Welch, B. L. (1947), The generalization of "Student's" problem when several different population variances are involved,
Biometrika 34, 28-35; degrees of freedom after Satterthwaite.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

__all__ = [
    "CONFIDENCE",
    "Interval",
    "Moments",
    "mean_difference",
    "mean_difference_of",
    "share",
    "share_difference",
    "shares_apart",
]

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """An estimate, and the limits of its interval; None where there are too few observations for one."""

    estimate: float | None
    low: float | None
    high: float | None

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero."""
        return self.low is not None and self.high is not None and (self.low > 0.0 or self.high < 0.0)


class Moments(NamedTuple):
    """Of some numbers: how many, their sum, and that of their squares; whole numbers, so a variance is exact."""

    number: int
    total: int
    squares: int


_UNKNOWN = Interval(None, None, None)


def share(successes: float, trials: float, confidence: float = CONFIDENCE) -> Interval:
    """The share of successes with Wilson's score interval.

    Also the mean of numbers in [0, 1], whose sum is ``successes``: their variance is at most that of a share, so the
    interval is at least as wide as it must be.

    >>> [round(limit, 4) for limit in share(56, 70)]
    [0.8, 0.6918, 0.877]
    """
    if trials == 0:
        return _UNKNOWN
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    p = successes / trials
    centre = p + z * z / (2 * trials)
    spread = z * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    # at 0 and 1 a limit is the share itself, up to rounding
    return Interval(p, min(max((centre - spread) / scale, 0.0), p), max(min((centre + spread) / scale, 1.0), p))


def shares_apart(first: int, second: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """The share of ``first`` less that of ``second`` among the same ``trials``, each of which is at most one of both.

    Limits from Wilson's intervals of both, with the correlation of two shares of one multinomial: Zou, G. Y., Donner,
    A. (2008), Construction of confidence limits about effect measures, Statistics in Medicine 27, 1693-1702.

    >>> [round(limit, 4) for limit in shares_apart(50, 20, 100)]
    [0.3, 0.1397, 0.4418]
    """
    p, low, high = share(first, trials, confidence)
    q, other_low, other_high = share(second, trials, confidence)
    if p is None or low is None or high is None or q is None or other_low is None or other_high is None:
        return _UNKNOWN
    apart = (1 - p) * (1 - q)
    correlation = -math.sqrt(p * q / apart) if apart > 0 else 0.0
    below = _hypotenuse(p - low, other_high - q, correlation)
    above = _hypotenuse(high - p, q - other_low, correlation)
    return Interval(p - q, max(p - q - below, -1.0), min(p - q + above, 1.0))


def _hypotenuse(a: float, b: float, correlation: float) -> float:
    return math.sqrt(a * a + b * b - 2 * correlation * a * b)


def share_difference(
    successes: int, trials: int, other_successes: int, other_trials: int, confidence: float = CONFIDENCE
) -> Interval:
    """The first share less the other, with Newcombe's interval.

    >>> [round(limit, 4) for limit in share_difference(56, 70, 48, 80)]
    [0.2, 0.0524, 0.3339]
    """
    p, low, high = share(successes, trials, confidence)
    q, other_low, other_high = share(other_successes, other_trials, confidence)
    if p is None or low is None or high is None or q is None or other_low is None or other_high is None:
        return _UNKNOWN
    below, above = math.hypot(p - low, other_high - q), math.hypot(high - p, q - other_low)
    return Interval(p - q, max(p - q - below, -1.0), min(p - q + above, 1.0))


def mean_difference(values: Sequence[float], others: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """The mean of `values` less that of `others`, with Welch's interval; without limits for fewer than two each.

    >>> mean_difference([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]).estimate
    0.0
    """
    if not values or not others:
        return _UNKNOWN
    estimate = math.fsum(values) / len(values) - math.fsum(others) / len(others)
    if min(len(values), len(others)) < 2:  # noqa: PLR2004 - a variance needs two
        return Interval(estimate, None, None)
    parts = [_variance(group) / len(group) for group in (values, others)]
    return _welch(estimate, parts, (len(values), len(others)), confidence)


def mean_difference_of(first: Moments, second: Moments, confidence: float = CONFIDENCE) -> Interval:
    """The mean of ``first`` less that of ``second``, as `mean_difference`.

    >>> mean_difference_of(Moments(3, 6, 14), Moments(3, 9, 29)) == mean_difference([1, 2, 3], [2, 3, 4])
    True
    """
    groups = (first, second)
    if not first.number or not second.number:
        return _UNKNOWN
    estimate = first.total / first.number - second.total / second.number
    if min(first.number, second.number) < 2:  # noqa: PLR2004 - a variance needs two
        return Interval(estimate, None, None)
    # the numerators are whole numbers: nothing cancels
    parts = [(n * squares - total * total) / (n * n * (n - 1)) for n, total, squares in groups]
    return _welch(estimate, parts, (first.number, second.number), confidence)


def _welch(estimate: float, parts: Sequence[float], counts: Sequence[int], confidence: float) -> Interval:
    """The interval around a difference of two means whose variances are ``parts``."""
    error = math.fsum(parts)
    if error == 0.0:
        return Interval(estimate, estimate, estimate)
    freedom = 1 / sum((part / error) ** 2 / (count - 1) for part, count in zip(parts, counts, strict=True))
    from scipy import special  # type: ignore[import-untyped]  # noqa: PLC0415 - 250 ms, and shares need none of it

    margin = float(special.stdtrit(freedom, 0.5 + confidence / 2)) * math.sqrt(error)
    return Interval(estimate, estimate - margin, estimate + margin)


def _variance(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
