"""By how much offers make an order likelier, learned from decisions whose propensities are known.

The label of a decision with context *x* is modelled as ``y = x'b + sum_a (1[a] - p_a) x'u_a + noise``, where ``p_a`` is
the logged propensity of offer *a*: ``x'b`` is what such customers do anyway, ``x'u_a`` the uplift of *a* against
nothing. Since ``1[a] - p_a`` has mean zero whatever *x* is, a wrong ``x'b`` does not bias the uplift: who buys anyway
does not look like a success of the offer. Nie, X., Wager, S. (2021), Quasi-oracle estimation of heterogeneous treatment
effects, Biometrika 108, 299-319; Greenewald, K. et al. (2017), Action centered contextual bandits, NeurIPS 30.

The posterior of Bayesian linear regression (Bishop, Pattern Recognition and Machine Learning, 3.50 and 3.51) follows
from sums over decisions. `UpliftSums` are sums of whole numbers: they are exact, so neither the order of decisions
matters nor in how many parts they are added up, and a decision can be taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

__all__ = [
    "NOTHING",
    "PRIOR_UPLIFT",
    "WHOLE",
    "WORTH",
    "Context",
    "UpliftSums",
    "Uplifts",
    "contrasts",
    "quantised",
    "uplifts_of",
]

Floats = npt.NDArray[np.float64]
#: Inputs in whole 1/64.
Context = Sequence[int]

#: The name of the control arm, and so of no offer.
NOTHING: Final = "nothing"
#: Propensities are whole numbers that add up to this.
WHOLE: Final = 1_000_000
#: Labels are whole 1/WORTH: 0 without an order, WORTH for an order of full worth.
WORTH: Final = 1000
#: Before anything is known, a coefficient of the uplift has this standard deviation: that of offers which do much.
#: With half of it too little is tried where offers do that much (docs/offers.md).
PRIOR_UPLIFT: Final = 0.2
_PRIOR_BASELINE: Final = 1.0
_SCALE: Final = 64
_LARGEST: Final = 4 * _SCALE
_CENTRE: Final = 1024
#: Stands for ``b`` among the offers: no offer has an empty name.
_BASELINE: Final = ""


def quantised(inputs: Iterable[float]) -> tuple[int, ...]:
    """Inputs in whole 1/64, cut off at -4 and 4. Inputs should be of the order of 1; the first one is best constant.

    >>> quantised([1.0, -0.25, 99.0])
    (64, -16, 256)
    """
    return tuple(min(max(round(value * _SCALE), -_LARGEST), _LARGEST) for value in inputs)


def contrasts(chosen: str, propensities: Mapping[str, int]) -> dict[str, int]:
    """``1[a] - p_a`` of each offer that could have been chosen, in whole 1/1024.

    ``propensities``: by arm, in 1/WHOLE, as they were when the decision was drawn.

    >>> contrasts("call", {"nothing": 500_000, "call": 250_000, "mail": 250_000, "coupon": 0})
    {'call': 768, 'mail': -256}
    """
    return {
        arm: round(_CENTRE * ((chosen == arm) - of_arm / WHOLE))
        for arm, of_arm in propensities.items()
        if arm != NOTHING and of_arm
    }


class UpliftSums(msgspec.Struct):
    """Sums over decisions.

    ``rows``: how many; ``worth``: of their labels. ``gram``: of the products of the regressors of two offers (the
    names, in order, with a slash between), the upper triangle (d (d + 1) / 2) by rows, for one of them times the other
    is symmetric; ``moment``: of the regressors (d,) of an offer times the label. The empty name stands for ``b``.
    """

    rows: int = 0
    worth: int = 0
    gram: dict[str, list[int]] = msgspec.field(default_factory=dict)
    moment: dict[str, list[int]] = msgspec.field(default_factory=dict)

    def add(self, context: Context, contrast: Mapping[str, int], by: int = 1) -> None:
        """Count a decision without its label ``by`` times, which may be negative."""
        squares = [first * second for place, first in enumerate(context) for second in context[place:]]
        factors = sorted({_BASELINE: _CENTRE, **contrast}.items())
        for place, (name, factor) in enumerate(factors):
            for other, other_factor in factors[place:]:
                _add(self.gram, f"{name}/{other}", squares, by * factor * other_factor)
        self.rows += by

    def label(self, context: Context, contrast: Mapping[str, int], worth: int) -> None:
        """Add ``worth``, in 1/WORTH, to the label of a decision that is counted; it may be negative."""
        for name, factor in {_BASELINE: _CENTRE, **contrast}.items():
            _add(self.moment, name, context, worth * factor)
        self.worth += worth

    @property
    def is_empty(self) -> bool:
        return not (self.rows or self.worth or self.gram or self.moment)


def _add(sums: dict[str, list[int]], name: str, terms: Sequence[int], by: int) -> None:
    """What becomes zero is left out, so equal sums look alike."""
    known = sums.get(name)
    found = [by * term for term in terms] if known is None else [a + by * b for a, b in zip(known, terms, strict=True)]
    if any(found):
        sums[name] = found
    else:
        sums.pop(name, None)


class Uplifts(NamedTuple):
    """The joint posterior of the coefficients of K offers: ``mean`` (K, d), ``covariance`` (K, d, K, d).

    ``rows``: decisions that it knows.
    """

    offers: tuple[str, ...]
    mean: Floats
    covariance: Floats
    rows: float

    def at(self, context: Context) -> tuple[Floats, Floats]:
        """Mean (K,) and covariance (K, K) of the uplifts of such a customer, in orders of full worth."""
        x = np.asarray(context, np.float64) / _SCALE
        return self.mean @ x, np.tensordot(x, self.covariance @ x, (0, 1))


def uplifts_of(
    parts: Iterable[tuple[float, UpliftSums]],
    offers: Sequence[str],
    dimension: int,
    prior_uplift: float = PRIOR_UPLIFT,
) -> Uplifts:
    """The posterior by sums that count with a weight each, such as those of older weeks with less.

    The prior of each coefficient of an uplift is N(0, prior_uplift^2), that of ``b`` N(0, 1). The noise is that of a
    label of 0 or 1 with the mean of all, (worth + 1) / (rows + 2). ``dimension``: d of the context. Parts of another
    dimension, by an earlier program, are left out. Offers that there are no more still explain the past.
    """
    used = [(weight, sums) for weight, sums in parts if all(len(of) == dimension for of in sums.moment.values())]
    names = [_BASELINE, *offers]
    names += sorted({name for _, sums in used for pair in sums.gram for name in pair.split("/")} - {*names})
    place = {name: number * dimension for number, name in enumerate(names)}
    size = len(names) * dimension
    gram, moment = np.zeros((size, size)), np.zeros(size)
    rows = worth = 0.0
    upper = np.triu_indices(dimension)
    for weight, sums in used:
        for pair, products in sums.gram.items():
            first, _, second = pair.partition("/")
            gram[upper[0] + place[first], upper[1] + place[second]] += weight * np.asarray(products, np.float64)
        for name, terms in sums.moment.items():
            moment[place[name] : place[name] + dimension] += weight * np.asarray(terms, np.float64)
        rows += weight * sums.rows
        worth += weight * sums.worth
    _mirror(gram, dimension)
    unit = float(_SCALE * _CENTRE)
    mean_label = min(max((worth / WORTH + 1.0) / (rows + 2.0), 0.0), 1.0)
    noise = max(mean_label * (1.0 - mean_label), 1e-4)
    prior = np.repeat([_PRIOR_BASELINE] + [prior_uplift] * (len(names) - 1), dimension)
    covariance = np.asarray(np.linalg.inv(np.diag(prior**-2.0) + gram / unit**2 / noise), np.float64)
    mean = covariance @ (moment / unit / WORTH / noise)
    asked = slice(dimension, dimension * (1 + len(offers)))
    shape = (len(offers), dimension)
    return Uplifts(tuple(offers), mean[asked].reshape(shape), covariance[asked, asked].reshape(shape + shape), rows)


def _mirror(gram: Floats, dimension: int) -> None:
    """Fill in what symmetry says: first within the block of each two offers, then below the diagonal of all."""
    size = len(gram)
    for first in range(0, size, dimension):
        for second in range(0, size, dimension):
            block = gram[first : first + dimension, second : second + dimension]
            block += np.triu(block, 1).T
    for first in range(0, size, dimension):
        for second in range(first + dimension, size, dimension):
            block = gram[first : first + dimension, second : second + dimension]
            other = gram[second : second + dimension, first : first + dimension]
            # a pair is named in the order of its names, which is not that of the offers
            total = block + other
            block[:], other[:] = total, total
