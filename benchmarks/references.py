"""References for the risk: models that are refitted every week on all labels that have matured.

At the cut of week ``w`` a reference is fitted to the landmarks of the weeks up to ``w - horizon``, whose labels are
known by then, and scores the customers of week ``w``. The inputs are those of the churn model, as of each cut. *Tuned*:
every 8 weeks the setting of a small grid is chosen that has the lowest log loss on the newest quarter of the matured
weeks, when fitted to the labels that had matured before these. MBG/NBD needs no label: it is fitted to the orders of
all customers before the cut, without a prior and without a sample.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]  # as above
from sklearn.preprocessing import FunctionTransformer, StandardScaler  # type: ignore[import-untyped]  # as above

from stream.features.registry import INPUT_SCALE
from stream.online_models.basis import PAIRS
from stream.online_models.purchase_fit import fit
from stream.online_models.purchase_process import Histories
from stream.processing import figures

__all__ = ["REFERENCES", "Landmarks", "mbg_nbd", "refitted"]

Floats = npt.NDArray[np.float64]

_RETUNE_WEEKS: Final = 8
_DAY_MS: Final = 86_400_000


class Landmarks(NamedTuple):
    """A row for each customer and weekly cut: ``week`` int64[N], ``inputs`` int16[N, features], ``churned`` bool[N]."""

    week: npt.NDArray[np.int64]
    inputs: npt.NDArray[np.int16]
    churned: npt.NDArray[np.bool_]


Make = Callable[[], Any]


def _boosting(**options: Any) -> Make:
    def make() -> Any:
        # imported late: it needs a system library (libgomp) that users of the rest of this module may lack
        from lightgbm import LGBMClassifier  # noqa: PLC0415

        return LGBMClassifier(n_jobs=1, random_state=0, deterministic=True, verbose=-1, **options)

    return make


def _with_products(x: Floats) -> Floats:
    """The standardised inputs, and the products that the churn model uses too."""
    return np.hstack([x, x[:, PAIRS[:, 0]] * x[:, PAIRS[:, 1]]])


def _logistic(strength: float, *, products: bool = False) -> Make:
    steps = (
        [StandardScaler(), FunctionTransformer(_with_products), StandardScaler()] if products else [StandardScaler()]
    )
    return lambda: make_pipeline(*steps, LogisticRegression(C=strength, max_iter=500))


#: The settings to choose from, by name of the reference; with a single one there is no choice.
REFERENCES: Final[dict[str, tuple[Make, ...]]] = {
    "LightGBM": (_boosting(),),
    "LightGBM, tuned": (
        _boosting(num_leaves=4, n_estimators=80, learning_rate=0.05, min_child_samples=200),
        _boosting(num_leaves=7, n_estimators=120, learning_rate=0.05, min_child_samples=200, reg_lambda=10.0),
        _boosting(num_leaves=15, n_estimators=200, learning_rate=0.03, min_child_samples=100, reg_lambda=10.0),
        _boosting(num_leaves=31, n_estimators=60, learning_rate=0.05, min_child_samples=50),
    ),
    "logistic regression": (_logistic(1.0),),
    "logistic regression, tuned": (
        _logistic(0.0003),
        _logistic(0.003),
        _logistic(0.1),
        _logistic(0.0003, products=True),
        _logistic(0.01, products=True),
    ),
}


def refitted(settings: Sequence[Make], of: Landmarks, weeks: Sequence[int], horizon_weeks: int) -> Floats:
    """The risk of every row of ``weeks`` by the reference of that week, float64[N]; NaN for other rows.

    0.5 until labels of both kinds have matured.
    """
    risk = np.full(len(of.week), np.nan)
    chosen, tuned_at = settings[0], None
    for week in weeks:
        rows = of.week == week
        if len(settings) > 1 and (tuned_at is None or week >= tuned_at + _RETUNE_WEEKS):
            chosen, tuned_at = _best(settings, of, week - horizon_weeks, horizon_weeks), week
        risk[rows] = _predicted(chosen, of, of.week <= week - horizon_weeks, rows)
    return risk


def _best(settings: Sequence[Make], of: Landmarks, last: int, horizon_weeks: int) -> Make:
    """The setting with the lowest log loss on the newest quarter of the weeks up to ``last``.

    Every setting is fitted to the labels that had matured before that quarter. If there are none, the first is taken.
    """
    first_tried = last - max(last // 4, 1) + 1
    known = of.week <= first_tried - horizon_weeks
    tried = (of.week >= first_tried) & (of.week <= last)
    if not _has_both(of.churned[known]) or not tried.any():
        return settings[0]
    losses = [figures.log_loss(of.churned[tried], _predicted(make, of, known, tried)) for make in settings]
    return settings[int(np.argmin(losses))]


def _predicted(make: Make, of: Landmarks, known: npt.NDArray[np.bool_], asked: npt.NDArray[np.bool_]) -> Floats:
    if not _has_both(of.churned[known]):
        return np.full(int(asked.sum()), 0.5)
    model = make().fit(_scaled(of.inputs[known]), of.churned[known])
    return np.asarray(model.predict_proba(_scaled(of.inputs[asked]))[:, 1], np.float64)


def _has_both(churned: npt.NDArray[np.bool_]) -> bool:
    return bool(churned.any()) and not bool(churned.all())


def _scaled(inputs: npt.NDArray[np.int16]) -> Floats:
    return inputs / INPUT_SCALE


def mbg_nbd(orders: Sequence[Sequence[int]], cuts_ms: Sequence[int], horizon_days: float) -> list[Floats]:
    """The risk at each cut of the customers with an order before it, NaN for the others, float64[customers].

    ``orders``: times (ms) of the orders of each customer, ascending. One order counts for a day.
    """
    who = np.repeat(np.arange(len(orders)), [len(times) for times in orders])
    at = np.array([time for times in orders for time in times], np.int64)
    found, process = [], None
    for cut in cuts_ms:
        customers, of = _histories(who[at < cut], at[at < cut], cut)
        process = fit(of, has_prior=False) if process is None else fit(of, process, has_prior=False)
        risk = np.full(len(orders), np.nan)
        risk[customers] = process.no_order(of, horizon_days)
        found.append(risk)
    return found


def _histories(
    who: npt.NDArray[np.int64], at: npt.NDArray[np.int64], cut: int
) -> tuple[npt.NDArray[np.int64], Histories]:
    if len(who) == 0:
        return who, Histories(*np.zeros((3, 0)))
    first = np.flatnonzero(np.diff(who, prepend=-1))
    last = np.append(first[1:], len(who)) - 1
    is_new_day = (np.diff(at // _DAY_MS, prepend=-1) != 0) | (np.diff(who, prepend=-1) != 0)
    days = np.add.reduceat(is_new_day.astype(np.float64), first)
    span = np.where(days > 1.0, (at[last] - at[first]) / _DAY_MS, 0.0)
    return who[first], Histories(days - 1.0, span, (cut - at[first]) / _DAY_MS)
