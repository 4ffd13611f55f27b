"""A loaded snapshot: for the kernel, for explanations, for names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, cast

import numpy as np

from stream.alerts.reasons import Score
from stream.catalogue.outputs import RISK_FROM, RISK_SURE, RiskFrom, RiskSure
from stream.features.order_process import ProcessTerm
from stream.features.registry import DAY_MS
from stream.online_models.basis import PAIRS
from stream.online_models.horizon import FIRST_HORIZON_DAYS
from stream.online_models.purchase_process import PRIOR
from stream.online_models.purchases_snapshot import PurchasesSnapshot
from stream.online_models.rfm_classes import RFM, RfmSnapshot
from stream.online_models.scoring import Scoring, mixed, whole_share
from stream.online_models.snapshot import ModelSnapshot
from stream.processing.rules import NO_MODEL, Model

__all__ = ["SURE_CUSTOMERS", "SURE_SHARE", "WARMING", "Scorer", "scoring_of"]

#: The purchase process alone is no more than a first estimate before it was fitted to so many customers.
SURE_CUSTOMERS: Final = 100
#: Outcomes are enough for a sure risk where they leave the purchase process less than this share.
SURE_SHARE: Final = 0.1
_RISK_FROM_ORDERS, _RISK_FROM_BOTH = RISK_FROM.index("orders"), RISK_FROM.index("both")
_LOW, _MEDIUM = RISK_SURE.index("low"), RISK_SURE.index("medium")


@dataclass(frozen=True, slots=True)
class Scorer:
    """``model`` scores; ``score`` explains what it gave; ``snapshot`` is what all were made from (None: not yet).

    ``rfm``: the shop's classes of recency, frequency and money.
    """

    model: Model
    snapshot: ModelSnapshot | None
    score: Score | None = None
    rfm: RfmSnapshot | None = None

    @classmethod
    def of(cls, snapshot: ModelSnapshot) -> Scorer:
        """Fold a verified snapshot into the form that the kernel uses."""
        churn, segments, rhythm = snapshot.churn, snapshot.segments, snapshot.rhythm
        purchases, scoring = snapshot.purchases(), scoring_of(snapshot)
        model = NO_MODEL
        if scoring.says_something:
            stake_level = math.inf if snapshot.stake_level is None else snapshot.stake_level
            model = model._replace(ready=True, version=churn.version, stake_level=stake_level)
        if scoring.quadratic is not None:
            weights, curvature = scoring.quadratic.per_input()
            model = model._replace(
                weights=np.ascontiguousarray(weights, np.float64),
                curvature=np.ascontiguousarray(curvature, np.float64),
                bias=scoring.quadratic.intercept,
                typical=scoring.quadratic.means,
                slope=float(churn.slope),
                shift=float(churn.shift),
            )
        if scoring.process is not None and purchases is not None:
            model = _with_process(model, scoring.process, purchases)
            if not scoring.process.is_alone and churn.process_share < SURE_SHARE:
                model = model._replace(risk_sure=NO_MODEL.risk_sure)
                if whole_share(churn.process_share, churn.process_hedge) < SURE_SHARE:
                    model = model._replace(risk_from=NO_MODEL.risk_from)
        if segments is not None:
            columns, means, scales, centroids = segments.arrays()
            model = model._replace(
                segment_version=segments.version,
                columns=columns,
                means=means,
                scales=scales,
                centroids=centroids,
            )
        if rhythm is not None:
            schedule = rhythm.schedule
            model = model._replace(
                shop_gap_days=rhythm.shop_gap_days,
                horizon_since=np.array([period.since_ms for period in schedule], np.int64),
                horizon_ms=np.array([round(period.days * DAY_MS) for period in schedule], np.int64),
            )
        return cls(model, snapshot, _score(model, scoring.process), snapshot.other(RFM, RfmSnapshot))

    @classmethod
    def first(cls, horizon_days: float) -> Scorer:
        """What scores before anything was learned: customers order as in other shops."""
        purchases = PurchasesSnapshot(process=PRIOR, customers=0)
        process = purchases.term(1.0, horizon_days, is_alone=True)
        model = _with_process(NO_MODEL._replace(ready=True), process, purchases)
        return cls(model, None, _score(model, process))

    @property
    def risk_from(self) -> RiskFrom:
        """What risks are learned from."""
        return cast("RiskFrom", RISK_FROM[self.model.risk_from])

    @property
    def risk_sure(self) -> RiskSure:
        """How sure risks are."""
        return cast("RiskSure", RISK_SURE[self.model.risk_sure])

    @property
    def segment_names(self) -> tuple[str, ...]:
        """Name of each segment id; empty while there are no segments."""
        if self.snapshot is None or self.snapshot.segments is None:
            return ()
        return self.snapshot.segments.names


def scoring_of(snapshot: ModelSnapshot) -> Scoring:
    """What gives the risk by a snapshot. Raises `SnapshotError`."""
    churn, rhythm = snapshot.churn, snapshot.rhythm
    return mixed(
        churn.quadratic() if churn.ready else None,
        snapshot.purchases(),
        share=churn.process_share,
        hedge=churn.process_hedge,
        slope=churn.slope,
        shift=churn.shift,
        horizon_days=FIRST_HORIZON_DAYS if rhythm is None else rhythm.schedule[-1].days,
    )


def _with_process(model: Model, process: ProcessTerm, purchases: PurchasesSnapshot) -> Model:
    model = model._replace(
        learned=not process.is_alone,
        process_weight=process.weight,
        process=process.process,
        process_typical=process.typical,
        typical_silence=process.typical_silence,
        risk_from=_RISK_FROM_BOTH,
        risk_sure=_MEDIUM,
    )
    if not process.is_alone:
        return model
    sure = _MEDIUM if purchases.customers >= SURE_CUSTOMERS else _LOW
    return model._replace(typical=purchases.typical.inputs(), risk_from=_RISK_FROM_ORDERS, risk_sure=sure)


def _score(model: Model, process: ProcessTerm | None) -> Score:
    products = [(int(a), int(b), weight) for (a, b), weight in zip(PAIRS, model.curvature.tolist(), strict=True)]
    ones = np.ones(len(model.weights))
    return Score(model.weights.tolist(), model.typical.tolist(), ones.tolist(), model.bias, products, process)


#: Before it is known whether there is a snapshot.
WARMING = Scorer(NO_MODEL, None)
