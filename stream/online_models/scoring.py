"""The risk of churn as given to customers: the purchase process and the churn model together.

Its log-odds are a mean. Those of the purchase process (`stream.online_models.purchase_process`) need no label. The
weight of those of the churn model grows with its labels (`ChurnModel.process_share`). They are one of its terms, too,
so the process keeps the part that labels give it (`stream.online_models.basis`).
"""

from collections.abc import Sequence
from typing import NamedTuple

from stream.features.order_process import ProcessTerm
from stream.features.registry import INPUT_SCALE
from stream.online_models.basis import Quadratic
from stream.online_models.inputs import MISSING, NEUTRAL
from stream.online_models.kalman import sigmoid
from stream.online_models.purchases_snapshot import PurchasesSnapshot

__all__ = ["Scoring", "mixed", "whole_share"]


class Scoring(NamedTuple):
    """What gives the risk: ``quadratic`` and ``process`` add up to its log-odds; either may be missing."""

    quadratic: Quadratic | None
    process: ProcessTerm | None

    @property
    def says_something(self) -> bool:
        """Whether there is a risk."""
        return self.quadratic is not None or self.process is not None

    def risk(self, inputs: Sequence[int]) -> float:
        """Probability of churn for quantised inputs (int16[features]); NaN: nothing is known."""
        logit = 0.0 if self.quadratic is None else self.quadratic.logit(inputs)
        if self.process is not None:
            known = [neutral if x == MISSING else x for x, neutral in zip(inputs, NEUTRAL, strict=True)]
            logit += self.process.part(known, INPUT_SCALE)
        return float(sigmoid(logit))


def whole_share(share: float, hedge: float) -> float:
    """What the purchase process has in the risk: ``share`` falls with labels, ``hedge`` is what they believe of it."""
    return hedge + (1.0 - hedge) * share


def mixed(
    learned: Quadratic | None,
    purchases: PurchasesSnapshot | None,
    *,
    share: float,
    hedge: float,
    slope: float,
    shift: float,
    horizon_days: float,
) -> Scoring:
    """The log-odds of the purchase process have their `whole_share`, those that were ``learned`` the rest.

    ``slope`` and ``shift`` are of the calibration, which ``learned`` has already and which is one of the mean. Where
    one of both is missing, the other one has all. What was learned has the log-odds of the process among its terms, too
    (`Quadratic`).
    """
    if purchases is None or (learned is not None and share == hedge == 0.0 and learned.odds_weight == 0.0):
        return Scoring(learned, None)
    if learned is None:
        return Scoring(None, purchases.term(1.0, horizon_days, is_alone=True))
    share = whole_share(share, hedge)
    # of ``learned``, the part that its slope is of
    kept = Quadratic(
        (1.0 - share) * learned.weights,
        (1.0 - share) * learned.curvature,
        learned.means,
        learned.scales,
        (1.0 - share) * (learned.intercept - learned.odds_weight * learned.odds_mean - shift) + shift,
    )
    weight = share * slope + (1.0 - share) * learned.odds_weight
    return Scoring(kept, purchases.term(weight, horizon_days, is_alone=False))
