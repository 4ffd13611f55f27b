"""What recommendations are compared with: references that are fitted anew every week."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from stream.recommending.list_ranker import LIST_LENGTH

if TYPE_CHECKING:
    from benchmarks.recommendations import Basket

__all__ = ["Ease", "References"]

_WEEK_H: Final = 7 * 24
#: 1970-01-05 was a Monday.
_MONDAY_H: Final = 4 * 24
_POPULAR_H: Final = 28 * 24
_HALF_LIFE_H: Final = 90 * 24
#: Weights of EASE beside own items, of which the best is shown.
_BLENDS: Final = (0.1, 0.3, 1.0)

Floats = npt.NDArray[np.float64]


class Ease:
    """EASE (Steck, WWW 2019): a linear autoencoder with a zero diagonal, on who has bought what."""

    def __init__(self, items: int, regularisation: float, refit_weeks: int) -> None:
        self._gram = np.zeros((items, items), np.float32)
        self._regularisation = regularisation
        self._refit_weeks = refit_weeks
        self._week = -1
        self._weights: npt.NDArray[np.float32] | None = None

    def count(self, own: Sequence[int], firsts: Sequence[int]) -> None:
        """A customer of ``own`` items buys others for the first time."""
        if own:
            self._gram[np.ix_(own, firsts)] += 1
            self._gram[np.ix_(firsts, own)] += 1
        self._gram[np.ix_(firsts, firsts)] += 1

    def refit(self, week: int) -> None:
        """Fit to what was counted, if it is time."""
        if self._week >= 0 and week < self._week + self._refit_weeks:
            return
        self._week = week
        bought = np.flatnonzero(self._gram.diagonal() > 0)
        gram = self._gram[np.ix_(bought, bought)] + self._regularisation * np.eye(len(bought), dtype=np.float32)
        inverse = np.linalg.inv(gram) if len(bought) else gram
        fitted = -inverse / inverse.diagonal()
        np.fill_diagonal(fitted, 0.0)
        self._weights = np.zeros_like(self._gram)
        self._weights[np.ix_(bought, bought)] = fitted

    def scores(self, own: Sequence[int]) -> Floats:
        """The score of each item for a customer of ``own``."""
        if self._weights is None:
            return np.zeros(len(self._gram))
        scores: Floats = self._weights[[*own]].sum(0).astype(np.float64)
        return scores


class References:
    """What sold in 28 days, own items with decay, and perhaps EASE; all but own items as of the last Monday."""

    def __init__(self, items: int, ease: Ease | None) -> None:
        self._ease = ease
        self._sold: deque[tuple[int, Sequence[int]]] = deque()
        self._popular = np.zeros(items)
        self._shown = np.zeros(items)
        self._own: dict[int, dict[int, tuple[float, int]]] = {}
        self._week = -1

    def own(self, customer: int) -> set[int]:
        """What a customer has bought."""
        return {*self._own.get(customer, ())}

    def count(self, basket: Basket) -> None:
        """An order; the first of a week fits the references to what came before it."""
        self._begin(basket.hour)
        own = self._own.setdefault(basket.customer, {})
        firsts = [item for item in basket.items if item not in own]
        if self._ease is not None and firsts:
            self._ease.count([*own], firsts)
        for item in basket.items:
            weight, last = own.get(item, (0.0, basket.hour))
            own[item] = weight * 0.5 ** ((basket.hour - last) / _HALF_LIFE_H) + 1.0, basket.hour
        self._sold.append((basket.hour, basket.items))
        self._popular[basket.items] += 1

    def every(self, basket: Basket) -> Iterator[tuple[str, list[int]]]:
        """Ten of all items, by each reference."""
        self._begin(basket.hour)
        own = self._own[basket.customer]
        popular = self._shown / max(self._shown.sum(), 1.0)
        decayed = np.zeros(len(popular))
        for item, (weight, last) in own.items():
            decayed[item] = weight * 0.5 ** ((basket.hour - last) / _HALF_LIFE_H)
        yield "popular, 28 days", _first(popular)
        yield "own items, decayed", _first(decayed + 1e-3 * popular)
        if self._ease is not None:
            ease = self._ease.scores([*own])
            yield "EASE", _first(ease)
            for blend in _BLENDS:
                yield f"own items + {blend:g} EASE", _first(decayed + blend * ease + 1e-3 * popular)

    def new(self, basket: Basket) -> Iterator[tuple[str, list[int]]]:
        """Ten that the customer has never bought."""
        own = [*self._own[basket.customer]]
        yield "popular, 28 days", _first(self._shown, own)
        if self._ease is not None:
            yield "EASE", _first(self._ease.scores(own), own)

    def _begin(self, hour: int) -> None:
        week = (hour - _MONDAY_H) // _WEEK_H
        if week <= self._week:
            return
        self._week = week
        while self._sold and self._sold[0][0] < _MONDAY_H + week * _WEEK_H - _POPULAR_H:
            self._popular[self._sold.popleft()[1]] -= 1
        self._shown = self._popular.copy()
        if self._ease is not None:
            self._ease.refit(week)


def _first(scores: Floats, without: Sequence[int] = ()) -> list[int]:
    scores = scores.copy()
    scores[[*without]] = -np.inf
    best = np.argpartition(-scores, min(LIST_LENGTH, len(scores)) - 1)[:LIST_LENGTH]
    return [int(item) for item in best[np.argsort(-scores[best], kind="stable")]]
