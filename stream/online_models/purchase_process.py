"""MBG/NBD: how customers order while they are customers, and how they cease to be.

While active, a customer orders at a constant rate ``lambda``; after each order, the first one included, they leave for
good with probability ``p``. Over customers ``lambda`` is Gamma(``r``, ``alpha``) and ``p`` is Beta(``a``, ``b``). No
label is needed: the orders alone have a likelihood. Of a customer with ``x`` further days with an order, the last of
them ``last`` days after the first, who has been known for ``age`` days::

    alive(x, last, age) = 1 / (1 + a / (b + x) * ((alpha + age) / (alpha + last)) ** (r + x))
    P(no order in the next h days) = 1 - alive * (1 - ((alpha + age) / (alpha + age + h)) ** (r + x))

Sources: E. P. Batislam, M. Denizel, A. Filiztekin, "Empirical validation and comparison of models for customer base
analysis", IJRM 24 (2007); D. Hoppe, U. Wagner, "Customer base analysis: the case for a central variant of the
Betageometric/NBD model", Marketing ZFP 3 (2007). The second formula: an active customer's rate is
Gamma(r + x, alpha + age), of which it is the Laplace transform.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from scipy.optimize import minimize  # type: ignore[import-untyped]  # SciPy ships no types
from scipy.special import betaln, digamma, expit, gammaln, hyp2f1  # type: ignore[import-untyped]  # as above

__all__ = ["PRIOR", "Histories", "PurchaseProcess", "fit", "log_likelihood"]

Floats = npt.NDArray[np.float64]

#: Logarithms of r, alpha (days), a, b: of the MBG/NBD fitted to CDNOW, a music shop (r .525, alpha 6.183 weeks, a .891,
#: b 1.614; M. Platzer, package BTYDplus, 2016), and how far shops may be from it. A shop's pace is its own affair.
_PRIOR_MEANS: Final = np.log([0.525, 43.28, 0.891, 1.614])
_PRIOR_DEVIATIONS: Final = np.array([0.7, 1.5, 0.7, 0.7])
#: Logarithms beyond these are no shop.
_BOUNDS: Final = [(-5.0, 5.0), (-6.0, 12.0), (-7.0, 6.0), (-5.0, 7.0)]
_MAX_STEPS: Final = 200


class Histories(NamedTuple):
    """Orders of N customers, float64[N] each; see the module.

    0 <= ``last`` <= ``age``; ``last`` is 0 where ``x`` is.
    """

    x: Floats
    last: Floats
    age: Floats


class PurchaseProcess(Struct, frozen=True, kw_only=True):
    """The parameters; ``alpha`` in days."""

    r: float
    alpha: float
    a: float
    b: float

    def alive(self, of: Histories) -> Floats:
        """Probability that a customer has not left, float64[N]."""
        return np.asarray(expit(-self.log_odds_gone(of)), np.float64)

    def no_order(self, of: Histories, days: float) -> Floats:
        """Probability of no order in the next ``days``, float64[N]."""
        shape = self.r + of.x
        silent = np.exp(shape * (np.log(self.alpha + of.age) - np.log(self.alpha + of.age + days)))
        return np.asarray(1.0 - self.alive(of) * (1.0 - silent), np.float64)

    def expected_orders(self, of: Histories, days: float) -> Floats:
        """Expected number of days with an order in the next ``days``, float64[N] (Hoppe and Wagner, 2007).

        Given that a customer is active, ``p`` is Beta(a, b + x + 1), and of a rate and a ``p`` the expectation is
        ``(1 - exp(-rate p days)) / p``.
        """
        # the formula has a removable pole at a = 1
        a = self.a if abs(self.a - 1.0) > 1e-6 else 1.0 + 1e-6  # noqa: PLR2004 - as near as doubles allow
        b, shape, scale = self.b + of.x + 1.0, self.r + of.x, self.alpha + of.age
        share = days / (scale + days)
        hyper = hyp2f1(shape, b, a + b - 1.0, share)
        active = (a + b - 1.0) / (a - 1.0) * (1.0 - np.exp(shape * np.log1p(-share)) * hyper)
        return np.asarray(self.alive(of) * active, np.float64)

    def log_odds_gone(self, of: Histories) -> Floats:
        """Log-odds that a customer has left, float64[N]."""
        shape = self.r + of.x
        ratio = np.log(self.alpha + of.age) - np.log(self.alpha + of.last)
        return np.asarray(np.log(self.a / (self.b + of.x)) + shape * ratio, np.float64)


#: What is believed of a shop of which nothing is known.
PRIOR: Final = PurchaseProcess(**dict(zip(("r", "alpha", "a", "b"), np.exp(_PRIOR_MEANS).tolist(), strict=True)))


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
            z = (at - _PRIOR_MEANS) / _PRIOR_DEVIATIONS
            value -= 0.5 * float(z @ z)
            slope -= z / _PRIOR_DEVIATIONS
        weight = 1.0 / max(len(of.x), 1)
        return -weight * value, -weight * slope

    start = np.log([begin.r, begin.alpha, begin.a, begin.b])
    options = {"maxiter": _MAX_STEPS, "ftol": 1e-12, "gtol": 1e-7}
    return _process_of(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=_BOUNDS, options=options).x)


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
