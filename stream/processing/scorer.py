"""A loaded snapshot: for the kernel, for explanations, for names."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stream.alerts.reasons import Score
from stream.features.registry import DAY_MS
from stream.online_models.basis import PAIRS
from stream.online_models.components.rfm import Rfm
from stream.online_models.rfm import RfmSnapshot
from stream.online_models.snapshot import ModelSnapshot
from stream.processing.rules import NO_MODEL, Model

__all__ = ["WARMING", "Scorer"]


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
        model = NO_MODEL
        churn, segments = snapshot.churn, snapshot.segments
        if churn.ready:
            weights, curvature = churn.per_input()
            model = model._replace(
                ready=True,
                version=churn.version,
                weights=np.ascontiguousarray(weights, np.float64),
                curvature=np.ascontiguousarray(curvature, np.float64),
                bias=float(churn.intercept),
                typical=np.array(churn.means, np.float64),
                slope=float(churn.slope),
                shift=float(churn.shift),
                stake_level=math.inf if snapshot.stake_level is None else snapshot.stake_level,
            )
        if segments is not None:
            columns, means, scales, centroids = segments.arrays()
            model = model._replace(
                segment_version=segments.version,
                columns=columns,
                means=means,
                scales=scales,
                centroids=centroids,
            )
        if snapshot.rhythm is not None:
            schedule = snapshot.rhythm.schedule
            model = model._replace(
                shop_gap_days=snapshot.rhythm.shop_gap_days,
                horizon_since=np.array([period.since_ms for period in schedule], np.int64),
                horizon_ms=np.array([round(period.days * DAY_MS) for period in schedule], np.int64),
            )
        products = [(int(a), int(b), weight) for (a, b), weight in zip(PAIRS, churn.curvature, strict=True)]
        score = Score(churn.weights, churn.means, churn.scales, churn.intercept, products)
        return cls(model, snapshot, score, snapshot.other(Rfm.name, RfmSnapshot))

    @property
    def segment_names(self) -> tuple[str, ...]:
        """Name of each segment id; empty while there are no segments."""
        if self.snapshot is None or self.snapshot.segments is None:
            return ()
        return self.snapshot.segments.names


#: Before the first snapshot.
WARMING = Scorer(NO_MODEL, None)
