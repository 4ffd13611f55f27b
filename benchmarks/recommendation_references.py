"""What recommendations are compared with. Each is fitted to all that was known at the begin of a week.

Scores are of the customers of some orders for all items, (orders, items). Own items are known up to the order.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib import import_module, util
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array  # type: ignore[import-untyped]

from benchmarks.recommendation_log import Earlier, Floats, Ints, LogMatrix, Sparse

__all__ = ["Als", "Blend", "Ease", "ItemKnn", "Own", "Past", "Popular", "Reference", "Shoppers", "TifuKnn", "families"]

_POPULAR_H: Final = 28 * 24
_DAY_H: Final = 24
#: What sells now breaks ties of what a customer buys.
_TIES: Final = 1e-3

Matrix = npt.NDArray[np.float32]


class Past:
    """All orders before an hour. ``fitted``: the items of which the models know, those with the most customers."""

    def __init__(self, log: LogMatrix, hour: int, items: int) -> None:
        self.log, self.hour = log, hour
        self.orders = log.first_from(hour)
        self.owned: Sparse = _ones(self.by_customer(np.ones(self.orders)))
        self.customers_of: Floats = np.asarray(self.owned.sum(0), np.float64).ravel()
        most = np.argsort(-self.customers_of, kind="stable")[:items]
        self.fitted: Ints = np.sort(most[self.customers_of[most] > 0])
        sold = np.asarray(log.bought[log.first_from(hour - _POPULAR_H) : self.orders].sum(0), np.float64).ravel()
        self.popular: Floats = sold / max(sold.sum(), 1.0)

    def by_customer(self, weights: Floats) -> Sparse:
        """What each customer bought, (customers, items), with the weight of each order."""
        orders = np.arange(self.orders)
        shape = (self.log.customers, self.orders)
        of = csr_array((weights.astype(np.float32), (self.log.customer[orders], orders)), shape)
        return of @ self.log.bought[: self.orders]

    @cached_property
    def together(self) -> Matrix:
        """Customers who have bought two of the ``fitted`` items, (fitted, fitted)."""
        owned = self.owned[:, self.fitted].toarray()
        counts: Matrix = owned.T @ owned
        return counts

    @cached_property
    def back(self) -> Ints:
        """How many orders of the same customer came after each, before the hour."""
        customers = self.log.customer[: self.orders]
        counts = np.bincount(customers, minlength=self.log.customers)
        back: Ints = counts[customers] - 1 - self.log.before[: self.orders]
        return back


class Shoppers:
    """The customers of some ``orders``, as they were before these."""

    def __init__(self, log: LogMatrix, orders: Ints) -> None:
        self.log, self.orders = log, orders
        self.owned: Sparse = _ones(log.history(orders, lambda earlier: np.ones(len(earlier.row))))


class Reference(Protocol):
    """A model with its parameters; ``name`` tells which."""

    name: str

    def fit(self, past: Past) -> None:
        """Learn from all before an hour."""

    def scores(self, shoppers: Shoppers) -> Matrix:
        """The scores of all items, (orders, items)."""


class Popular:
    """What sold in 28 days."""

    name = "popular, 28 days"

    def fit(self, past: Past) -> None:
        self._popular = past.popular

    def scores(self, shoppers: Shoppers) -> Matrix:
        return np.tile(self._popular.astype(np.float32), (len(shoppers.orders), 1))


class Own:
    """Own items, halved in so many days; what sells now comes after them."""

    def __init__(self, half_life_days: float) -> None:
        self.name = f"half-life {half_life_days:g} d"
        self._half_life_h = half_life_days * _DAY_H

    def fit(self, past: Past) -> None:
        self._popular = past.popular

    def scores(self, shoppers: Shoppers) -> Matrix:
        decayed = shoppers.log.history(shoppers.orders, lambda of: np.exp2(-of.hours / self._half_life_h))
        scores: Matrix = decayed.toarray() + (_TIES * self._popular).astype(np.float32)
        return scores


class TifuKnn:
    """TIFU-KNN (Hu et al., SIGIR 2020): own orders with decay, and those of the customers most like them.

    An order weighs ``within`` to the power of its place in its group of seven, times ``between`` to the power of the
    place of the group, the newest first. ``own``: the weight of the customer beside the ``neighbours``.
    """

    group: Final = 7

    def __init__(self, within: float, between: float, own: float, neighbours: int) -> None:
        self.name = f"decay {within:g} and {between:g}, {neighbours} neighbours, own {own:g}"
        self._within, self._between, self._own, self._neighbours = within, between, own, neighbours

    def fit(self, past: Past) -> None:
        self._popular = past.popular
        groups = 1 + (past.log.before[: past.orders] + past.back) // self.group
        self._all = csr_array(past.by_customer(self._weigh(past.back) / groups))
        self._squares = np.asarray(self._all.multiply(self._all).sum(1)).ravel()

    def scores(self, shoppers: Shoppers) -> Matrix:
        log, orders = shoppers.log, shoppers.orders

        def weigh(earlier: Earlier) -> Floats:
            groups = 1 + (log.before[orders] - 1)[earlier.row] // self.group
            weights: Floats = self._weigh(earlier.back) / groups
            return weights

        own = log.history(orders, weigh)
        # squared Euclidean distances, without those to oneself, which are the same for all
        far = self._squares - 2.0 * (own @ self._all.T).toarray()
        far[np.arange(len(orders)), log.customer[orders]] = np.inf
        far[:, self._squares == 0.0] = np.inf
        count = min(self._neighbours, far.shape[1] - 1)
        nearest = np.argpartition(far, count - 1, 1)[:, :count]
        chosen = np.isfinite(np.take_along_axis(far, nearest, 1))
        rows = np.repeat(np.arange(len(orders)), count)
        shape = (len(orders), far.shape[1])
        means = csr_array((chosen.ravel().astype(np.float32) / count, (rows, nearest.ravel())), shape)
        mixed = self._own * own + (1.0 - self._own) * (means @ self._all)
        scores: Matrix = mixed.toarray() + (1e-6 * self._popular).astype(np.float32)
        return scores

    def _weigh(self, back: Ints) -> Floats:
        weights: Floats = self._within ** (back % self.group) * self._between ** (back // self.group) / self.group
        return weights


class _Linear:
    """Scores are the sum over own items of the weights from each to others: (fitted, fitted)."""

    _weights: Matrix

    def scores(self, shoppers: Shoppers) -> Matrix:
        scores = np.zeros(shoppers.owned.shape, np.float32)
        scores[:, self._fitted] = shoppers.owned[:, self._fitted] @ self._weights
        return scores

    def _keep(self, past: Past, weights: Matrix) -> None:
        self._fitted = past.fitted
        np.fill_diagonal(weights, 0.0)
        self._weights = weights.astype(np.float32)


class ItemKnn(_Linear):
    """Cosines of items by their customers, shrunk; of each own item the most alike (Sarwar et al., WWW 2001)."""

    def __init__(self, neighbours: int, shrinkage: float) -> None:
        self.name = f"{neighbours} neighbours, shrinkage {shrinkage:g}"
        self._neighbours, self._shrinkage = neighbours, shrinkage

    def fit(self, past: Past) -> None:
        lengths = np.sqrt(past.customers_of[past.fitted])
        alike = (past.together / (np.outer(lengths, lengths) + self._shrinkage)).astype(np.float32)
        np.fill_diagonal(alike, 0.0)
        if self._neighbours < len(alike):
            least = np.partition(alike, -self._neighbours, 1)[:, [-self._neighbours]]
            alike[alike < least] = 0.0
        self._keep(past, alike)


class Ease(_Linear):
    """EASE (Steck, WWW 2019): a linear autoencoder with a zero diagonal, on who has bought what."""

    def __init__(self, regularisation: float) -> None:
        self.name = f"regularisation {regularisation:g}"
        self._regularisation = regularisation

    def fit(self, past: Past) -> None:
        inverse = np.linalg.inv(past.together + self._regularisation * np.eye(len(past.fitted), dtype=np.float32))
        self._keep(past, (-inverse / inverse.diagonal()).astype(np.float32))


class Als:
    """Implicit ALS (Hu, Koren, Volinsky, ICDM 2008) of the library `implicit`, on who has bought what."""

    def __init__(self, factors: int, regularisation: float, alpha: float) -> None:
        self.name = f"{factors} factors, regularisation {regularisation:g}, alpha {alpha:g}"
        als: Any = import_module("implicit.als")
        self._options = {"regularization": regularisation, "alpha": alpha, "random_state": 1, "num_threads": 1}
        self._factors, self._library = factors, als

    def fit(self, past: Past) -> None:
        self._fitted = past.fitted
        self._model = self._library.AlternatingLeastSquares(self._factors, **self._options)
        self._model.fit(_matrix(past.owned[:, past.fitted]), show_progress=False)

    def scores(self, shoppers: Shoppers) -> Matrix:
        owned = _matrix(shoppers.owned[:, self._fitted])
        found = self._model.recalculate_user(np.arange(len(shoppers.orders)), owned)
        scores = np.full(shoppers.owned.shape, -np.inf, np.float32)
        scores[:, self._fitted] = found @ self._model.item_factors.T
        return scores


class Blend:
    """Own items with decay, and ``weight`` times what another says."""

    def __init__(self, own: Own, other: Reference, weight: float) -> None:
        self.name = f"{own.name}, {weight:g} x {other.name}"
        self._own, self._other, self._weight = own, other, weight

    def fit(self, past: Past) -> None:
        self._own.fit(past)
        self._other.fit(past)

    def scores(self, shoppers: Shoppers) -> Matrix:
        scores: Matrix = self._own.scores(shoppers) + np.float32(self._weight) * self._other.scores(shoppers)
        return scores


def families() -> dict[str, Sequence[Reference]]:
    """The references, each with the parameters of which the best are chosen before the orders that are judged."""
    found: dict[str, Sequence[Reference]] = {
        "popular": [Popular()],
        "own items, decayed": [Own(days) for days in (45, 60, 90, 120, 180)],
        "TIFU-KNN": [
            TifuKnn(within, between, own, neighbours)
            for within, between in ((0.9, 0.7), (0.9, 0.9), (0.95, 0.8), (1.0, 0.6))
            for own, neighbours in ((0.5, 100), (0.7, 300), (0.9, 300), (0.97, 300))
        ],
        "item-kNN": [ItemKnn(neighbours, shrunk) for neighbours in (50, 200, 1000) for shrunk in (0.0, 10.0, 50.0)],
        "EASE": [Ease(regularisation) for regularisation in (100, 300, 1000, 3000)],
    }
    if util.find_spec("implicit") is not None:
        found["ALS"] = [Als(factors, 0.05, alpha) for factors in (32, 96) for alpha in (1.0, 5.0, 20.0)]
    return found


def _ones(matrix: Sparse) -> Sparse:
    ones = csr_array(matrix)
    ones.data[:] = 1.0
    return ones


def _matrix(matrix: Sparse) -> Sparse:
    """As the library wants it, which knows matrices and no arrays."""
    sparse: Any = import_module("scipy.sparse")
    return sparse.csr_matrix(matrix, dtype=np.float32)
