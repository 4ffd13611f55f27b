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

__all__ = ["PRIOR", "PRIOR_DEVIATIONS", "PRIOR_MEANS", "Histories", "PurchaseProcess"]

Floats = npt.NDArray[np.float64]

#: Logarithms of r, alpha (days), a, b: of the MBG/NBD fitted to CDNOW, a music shop (r .525, alpha 6.183 weeks, a .891,
#: b 1.614; M. Platzer, package BTYDplus, 2016), and how far shops may be from it. A shop's pace is its own affair.
PRIOR_MEANS: Final = np.log([0.525, 43.28, 0.891, 1.614])
PRIOR_DEVIATIONS: Final = np.array([0.7, 1.5, 0.7, 0.7])


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
        return np.asarray(np.exp(-np.logaddexp(0.0, self.log_odds_gone(of))), np.float64)

    def no_order(self, of: Histories, days: float) -> Floats:
        """Probability of no order in the next ``days``, float64[N]."""
        shape = self.r + of.x
        silent = np.exp(shape * (np.log(self.alpha + of.age) - np.log(self.alpha + of.age + days)))
        return np.asarray(1.0 - self.alive(of) * (1.0 - silent), np.float64)

    def log_odds_gone(self, of: Histories) -> Floats:
        """Log-odds that a customer has left, float64[N]."""
        shape = self.r + of.x
        ratio = np.log(self.alpha + of.age) - np.log(self.alpha + of.last)
        return np.asarray(np.log(self.a / (self.b + of.x)) + shape * ratio, np.float64)


#: What is believed of a shop of which nothing is known.
PRIOR: Final = PurchaseProcess(**dict(zip(("r", "alpha", "a", "b"), np.exp(PRIOR_MEANS).tolist(), strict=True)))
