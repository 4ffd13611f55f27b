"""External inputs of the kernel: the rules that a deployment sets, and the models that score."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stream.catalogue.outputs import RISK_FROM, RISK_SURE
from stream.features.habit import SHOP_GAP_DAYS
from stream.features.order_process import NO_PROCESS
from stream.features.registry import DAY_MS, FEATURES, HOUR_MS
from stream.online_models.basis import PAIRS
from stream.online_models.horizon import FIRST_HORIZON_DAYS
from stream.settings import Settings

__all__ = ["NO_MODEL", "Model", "Rules", "rules_of"]


class Rules(NamedTuple):
    """Times in ms; risks are probabilities.

    ``silence_bound_ms``: how long after the last event landmarks, and silence checks, go on. ``follows``: the horizon,
    and with it that bound, ``silence_horizons`` of them, are those of the model's schedule, see `under`.
    ``min_orders``: customers with fewer days with an order are scored but never alerted. ``overdue_at``: no alert
    before this many habits of silence. ``alerts_per_week``: over 0, those with the most at stake are alerted
    (`stream.processing.policy`); 0: those whose risk reaches ``raise_at``. ``discount_rate``: a year, for the lifetime
    value. ``stages``: stages are kept (`stream.processing.lifecycle`). ``rfm_weights``: of recency, frequency, money.
    """

    horizon_ms: int = 28 * DAY_MS
    landmark_ms: int = 7 * DAY_MS
    silence_bound_ms: int = 6 * 28 * DAY_MS
    raise_at: float = 0.7
    clear_at: float = 0.5
    cooldown_ms: int = 7 * DAY_MS
    min_orders: int = 2
    overdue_at: float = 0.0
    alerts_per_week: float = 0.0
    first_check_ms: int = HOUR_MS
    check_ms: int = DAY_MS
    discount_rate: float = 0.1
    follows: bool = False
    silence_horizons: int = 6
    stages: bool = True
    rfm_weights: tuple[float, float, float] = (0.2, 0.3, 0.5)

    def under(self, model: Model) -> Rules:
        """The rules with the horizon in force under a model."""
        if not self.follows or len(model.horizon_ms) == 0:
            return self
        horizon_ms = int(model.horizon_ms[-1])
        return self._replace(horizon_ms=horizon_ms, silence_bound_ms=self.silence_horizons * horizon_ms)


def rules_of(settings: Settings) -> Rules:
    """The kernel's rules under the settings."""
    horizon_ms = int((settings.horizon_days or FIRST_HORIZON_DAYS) * DAY_MS)
    return Rules(
        horizon_ms=horizon_ms,
        landmark_ms=int(settings.landmark_days * DAY_MS),
        silence_bound_ms=settings.silence_horizons * horizon_ms,
        raise_at=settings.raise_at,
        clear_at=settings.clear_at,
        cooldown_ms=int(settings.cooldown_days * DAY_MS),
        min_orders=settings.min_purchases,
        overdue_at=settings.overdue_at,
        alerts_per_week=settings.alerts_per_week,
        discount_rate=settings.discount_rate,
        follows=settings.horizon_days == 0.0,
        silence_horizons=settings.silence_horizons,
        rfm_weights=(settings.rfm_recency, settings.rfm_frequency, settings.rfm_money),
    )


class Model(NamedTuple):
    """A loaded snapshot in the form that the kernel scores with.

    ``logit = bias + weights . d + sum_p curvature[p] * d[PAIRS[p, 0]] * d[PAIRS[p, 1]]``, ``d = inputs / INPUT_SCALE -
    typical``, where ``typical`` are the mean inputs. It is calibrated: ``slope`` times the model's logit, plus
    ``shift``. Not ``ready``: nothing is scored. ``stake_level``: what is at stake for those who are alerted, at least
    (infinite: not known yet). ``shop_gap_days``: the shop's usual gap between orders. Segments: the nearest of
    ``centroids`` (float64[K, D]) to ``(inputs[columns] - means) / scales``; K = 0: no segments yet.
    Horizons: landmarks from ``horizon_since`` (ms, int64[P], ascending) on are judged after ``horizon_ms`` (int64[P]);
    P = 0: not known.

    The purchase process (`stream.features.order_process`) adds ``process_weight`` times the log-odds that it gives;
    ``process``: float64[5], ``process_typical`` and ``typical_silence`` as there. Not ``learned``: it is all there is.
    ``risk_from``, ``risk_sure``: positions in `stream.catalogue.outputs.RISK_FROM` and `RISK_SURE`.
    """

    ready: bool
    version: int
    weights: npt.NDArray[np.float64]
    curvature: npt.NDArray[np.float64]
    bias: float
    typical: npt.NDArray[np.float64]
    slope: float
    shift: float
    stake_level: float
    shop_gap_days: float
    segment_version: int
    columns: npt.NDArray[np.int64]
    means: npt.NDArray[np.float64]
    scales: npt.NDArray[np.float64]
    centroids: npt.NDArray[np.float64]
    horizon_since: npt.NDArray[np.int64]
    horizon_ms: npt.NDArray[np.int64]
    learned: bool = True
    process_weight: float = 0.0
    process: npt.NDArray[np.float64] = NO_PROCESS
    process_typical: float = 0.0
    typical_silence: float = 0.0
    risk_from: int = len(RISK_FROM) - 1
    risk_sure: int = len(RISK_SURE) - 1


#: What scores before the first snapshot: nothing.
NO_MODEL = Model(
    ready=False,
    version=0,
    weights=np.zeros(len(FEATURES)),
    curvature=np.zeros(len(PAIRS)),
    bias=0.0,
    typical=np.zeros(len(FEATURES)),
    slope=1.0,
    shift=0.0,
    stake_level=math.inf,
    shop_gap_days=SHOP_GAP_DAYS,
    segment_version=0,
    columns=np.zeros(0, np.int64),
    means=np.zeros(0),
    scales=np.ones(0),
    centroids=np.zeros((0, 0)),
    horizon_since=np.zeros(0, np.int64),
    horizon_ms=np.zeros(0, np.int64),
)
