"""The purchase process (`purchase_process`) fitted to orders: likelihood, slope, search; and the orders it expects."""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, digamma, expit, gammaln, hyp2f1  # type: ignore[import-untyped]  # no types

from stream.online_models.purchase_process import PRIOR, PRIOR_DEVIATIONS, PRIOR_MEANS, Histories, PurchaseProcess
from stream.online_models.scipy_parts import fmin_l_bfgs_b

__all__ = ["expected_orders", "fit", "log_likelihood"]

Floats = npt.NDArray[np.float64]

#: Logarithms beyond these are no shop.
_BOUNDS: Final = [(-5.0, 5.0), (-6.0, 12.0), (-7.0, 6.0), (-5.0, 7.0)]
_MAX_STEPS: Final = 200
#: The search ends when a step gains less than this share of the loss; in units of what doubles can tell apart.
_LEAST_GAIN: Final = 1e-12 / float(np.finfo(float).eps)


def log_likelihood(process: PurchaseProcess, of: Histories) -> float:
    """Of the order times of all customers."""
    r, alpha, a, b = process.r, process.alpha, process.a, process.b
    each = (
        gammaln(r + of.x)
        - gammaln(r)
        + r * np.log(alpha)
        + betaln(a, b + of.x + 1.0)
        - betaln(a, b)
        - (r + of.x) * np.log(alpha + of.age)
        # gone or not: the sum of both ways in which the silence may have come
        + np.logaddexp(0.0, process.log_odds_gone(of))
    )
    return float(each.sum())


def fit(of: Histories, begin: PurchaseProcess = PRIOR, *, has_prior: bool = True) -> PurchaseProcess:
    """The most probable parameters given the prior, or, without it, the most likely ones; sought from ``begin``."""

    def loss(at: Floats) -> tuple[float, Floats]:
        process = _process_of(at)
        value, slope = log_likelihood(process, of), _slope(process, of)
        if has_prior:
            z = (at - PRIOR_MEANS) / PRIOR_DEVIATIONS
            value -= 0.5 * float(z @ z)
            slope -= z / PRIOR_DEVIATIONS
        weight = 1.0 / max(len(of.x), 1)
        return -weight * value, -weight * slope

    start = np.log([begin.r, begin.alpha, begin.a, begin.b])
    best, _, _ = fmin_l_bfgs_b(loss, start, bounds=_BOUNDS, maxiter=_MAX_STEPS, factr=_LEAST_GAIN, pgtol=1e-7)
    return _process_of(best)


def expected_orders(process: PurchaseProcess, of: Histories, days: float) -> Floats:
    """Expected number of days with an order in the next ``days``, float64[N] (Hoppe and Wagner, 2007).

    Given that a customer is active, ``p`` is Beta(a, b + x + 1), and of a rate and a ``p`` the expectation is
    ``(1 - exp(-rate p days)) / p``.
    """
    # the formula has a removable pole at a = 1
    a = process.a if abs(process.a - 1.0) > 1e-6 else 1.0 + 1e-6  # noqa: PLR2004 - as near as doubles allow
    b, shape, scale = process.b + of.x + 1.0, process.r + of.x, process.alpha + of.age
    share = days / (scale + days)
    hyper = hyp2f1(shape, b, a + b - 1.0, share)
    active = (a + b - 1.0) / (a - 1.0) * (1.0 - np.exp(shape * np.log1p(-share)) * hyper)
    return np.asarray(process.alive(of) * active, np.float64)


def _process_of(at: Floats) -> PurchaseProcess:
    r, alpha, a, b = np.exp(at).tolist()
    return PurchaseProcess(r=r, alpha=alpha, a=a, b=b)


def _slope(process: PurchaseProcess, of: Histories) -> Floats:
    """The gradient of the log-likelihood by the logarithms of the parameters."""
    r, alpha, a, b = process.r, process.alpha, process.a, process.b
    gone = expit(process.log_odds_gone(of))
    age, last, shape = alpha + of.age, alpha + of.last, r + of.x
    ratio = np.log(age) - np.log(last)
    total = digamma(a + b) - digamma(a + b + of.x + 1.0)
    by_r = digamma(shape) - digamma(r) + np.log(alpha) - np.log(age) + gone * ratio
    by_alpha = r / alpha - shape / age + gone * shape * (1.0 / age - 1.0 / last)
    by_a = total + gone / a
    by_b = total + digamma(b + of.x + 1.0) - digamma(b) - gone / (b + of.x)
    return np.array([r * by_r.sum(), alpha * by_alpha.sum(), a * by_a.sum(), b * by_b.sum()])
