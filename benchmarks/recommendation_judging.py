"""How good lists of ten are: NDCG, whether one was bought, and the share of what was bought; and the choice by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.recommendation_log import Floats, Ints, LogMatrix
from benchmarks.recommendation_references import Past, Reference, Shoppers
from stream.recommending.list_ranker import LIST_LENGTH

__all__ = ["Judged", "Judgements", "best_of", "figures", "judge_references", "judgement", "table"]

#: 1970-01-05 was a Monday.
_MONDAY_H: Final = 4 * 24
_WEEK_H: Final = 7 * 24
_DISCOUNTS: Final = 1.0 / np.log2(np.arange(2, LIST_LENGTH + 2))
#: Orders whose scores are computed at once.
_AT_ONCE: Final = 256


class Judged(NamedTuple):
    """NDCG, hit and recall of each order, (orders, 3): of ``every`` item, and of ``new`` ones.

    Where the customer bought nothing new the second is not a number.
    """

    every: Floats
    new: Floats


Judgements = Mapping[str, Judged]


def judgement(ranked: Sequence[int], bought: set[int]) -> Floats:
    """NDCG, hit and recall of a list, the best first.

    >>> judgement([4, 7], {7}).round(3)
    array([0.631, 1.   , 1.   ])
    """
    if not bought:
        return np.full(3, np.nan)
    hits = np.array([item in bought for item in ranked[:LIST_LENGTH]] or [False])
    ideal = _DISCOUNTS[: min(len(bought), LIST_LENGTH)].sum()
    return np.array([hits @ _DISCOUNTS[: len(hits)] / ideal, float(hits.any()), hits.sum() / len(bought)])


def judge_references(
    log: LogMatrix, orders: Ints, references: Mapping[str, Reference], *, refit_weeks: int, items: int
) -> dict[str, Judged]:
    """Judge references on ``orders``, in the order of their times, fitted anew every so many weeks."""
    weeks = (log.hour[orders] - _MONDAY_H) // (_WEEK_H * refit_weeks)
    found: dict[str, list[tuple[Floats, Floats]]] = {name: [] for name in references}
    for week in np.unique(weeks).tolist():
        past = Past(log, _MONDAY_H + week * _WEEK_H * refit_weeks, items)
        now = orders[weeks == week]
        parts = [now[begin : begin + _AT_ONCE] for begin in range(0, len(now), _AT_ONCE)]
        for name, reference in references.items():
            reference.fit(past)
            for part in parts:
                found[name] += _judged_part(log, reference, part)
    return {
        name: Judged(np.stack([every for every, _ in of]), np.stack([new for _, new in of]))
        for name, of in found.items()
    }


def _judged_part(log: LogMatrix, reference: Reference, orders: Ints) -> Iterator[tuple[Floats, Floats]]:
    shoppers = Shoppers(log, orders)
    scores = reference.scores(shoppers)
    every = _first(scores)
    owned = shoppers.owned
    rows = np.repeat(np.arange(len(orders)), np.diff(owned.indptr))
    scores[rows, owned.indices] = -np.inf
    new = _first(scores)
    for row, order in enumerate(orders.tolist()):
        bought = {*log.bought.indices[log.bought.indptr[order] : log.bought.indptr[order + 1]].tolist()}
        own = {*owned.indices[owned.indptr[row] : owned.indptr[row + 1]].tolist()}
        yield judgement(every[row], bought), judgement(new[row], bought - own)


def _first(scores: npt.NDArray[np.float32]) -> list[list[int]]:
    count = min(LIST_LENGTH, scores.shape[1])
    first = np.argpartition(-scores, count - 1, 1)[:, :count]
    in_order = np.argsort(-np.take_along_axis(scores, first, 1), 1, kind="stable")
    found: list[list[int]] = np.take_along_axis(first, in_order, 1).tolist()
    return found


def best_of(found: Judgements, *, new: bool) -> str:
    """The name of what has the largest NDCG."""
    return max(found, key=lambda name: float(np.nanmean((found[name].new if new else found[name].every)[:, 0])))


def figures(of: Mapping[str, Floats], ours: str) -> Iterator[tuple[str, ...]]:
    """A row for each that recommended: NDCG, hits, recall, and the gap of ``ours`` to it in NDCG, paired."""
    for name, judgements in of.items():
        ndcg, hits, recall = np.nanmean(judgements, 0)
        gaps = of[ours][:, 0] - judgements[:, 0]
        gaps = gaps[~np.isnan(gaps)]
        half = 1.96 * gaps.std() / len(gaps) ** 0.5
        gap = "" if name == ours else f"{gaps.mean():+.4f} ± {half:.4f}"
        yield name, f"{ndcg:.4f}", f"{hits:.3f}", f"{recall:.4f}", gap


def table(title: str, of: Mapping[str, Floats], ours: str) -> str:
    """Markdown."""
    lines = [f"| {title} | NDCG@10 | orders with a hit | recall@10 | {ours} is better by |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in figures(of, ours))])
