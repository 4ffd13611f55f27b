"""How good the chances were: each given by a model of the labels that had matured by then, judged when its own has.

A label of the landmark at the beginning of week ``w`` has matured when the horizon is over: it is learned, and judged,
from week ``w + horizon`` on. That holds for orders as well as for their absence, so labels are not biased towards those
that are known early.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from msgspec import Struct

from stream.leads.chance import PRIOR_LEADS, PRIOR_ORDERS, ChanceModel
from stream.leads.lead_cohorts import Cells, converted
from stream.online_models.scorecard import CALIBRATION_BINS, auc

__all__ = ["HALF_LIFE_WEEKS", "LeadRecord", "Learned", "learned"]

#: A label counts half as much after so many weeks.
HALF_LIFE_WEEKS: Final = 52.0


class LeadRecord(Struct, frozen=True, kw_only=True):
    """Over all labels that have matured. None: there are none; AUC: not of both classes.

    ``leads``: labels, one for each lead and week. ``orders``: how many of them were followed by an order within the
    horizon. Log losses in nats; ``base_rate_log_loss`` is that of the share of orders so far. ``ece``: expected
    calibration error over 15 equal bins.
    """

    leads: int
    orders: int
    mean_chance: float | None
    auc: float | None
    log_loss: float | None
    base_rate_log_loss: float | None
    ece: float | None


class Learned(NamedTuple):
    """The model as of the present week, and how good it and those before it were."""

    model: ChanceModel
    record: LeadRecord


class _Judged(NamedTuple):
    chance: float
    base_rate: float
    leads: int
    orders: int


def learned(weeks: Mapping[int, Cells], now_week: int, horizon_weeks: int) -> Learned:
    """Learn the cohorts of ``weeks`` one after the other, as they mature, up to the beginning of ``now_week``."""
    model = ChanceModel()
    judged: list[_Judged] = []
    leads, orders = 0, 0
    if weeks:
        for week in range(min(weeks), now_week + 1):
            model.forget(0.5 ** (1.0 / HALF_LIFE_WEEKS))
            for cell, counts in sorted(weeks.get(week - horizon_weeks, {}).items()):
                of_cell, of_them = converted(counts, horizon_weeks)
                weight = _weight(cell, horizon_weeks)
                model.learn(cell, weight * of_cell, weight * of_them)
                leads += of_cell
                orders += of_them
            if week + horizon_weeks > now_week:
                continue
            base_rate = (orders + PRIOR_ORDERS) / (leads + PRIOR_LEADS)
            cells = sorted(weeks.get(week, {}))
            for cell, chance in zip(cells, model.chances(cells).tolist(), strict=True):
                judged.append(_Judged(chance, base_rate, *converted(weeks[week][cell], horizon_weeks)))
    return Learned(model, _record(judged))


def _weight(cell: str, horizon_weeks: int) -> float:
    """The horizon of a landmark and that of the one before overlap but for a week: only that is news.

    The first landmark of a lead is all news; its cell says that the lead has been known for a week.
    """
    return 1.0 if cell.endswith("0") else 1.0 / horizon_weeks


def _record(judged: list[_Judged]) -> LeadRecord:
    leads, orders = sum(one.leads for one in judged), sum(one.orders for one in judged)
    if not leads:
        return LeadRecord(
            leads=0, orders=0, mean_chance=None, auc=None, log_loss=None, base_rate_log_loss=None, ece=None
        )
    chances = sorted({one.chance for one in judged})
    position = {chance: k for k, chance in enumerate(chances)}
    ordered, others = [0.0] * len(chances), [0.0] * len(chances)
    off = [0.0] * CALIBRATION_BINS
    for one in judged:
        ordered[position[one.chance]] += one.orders
        others[position[one.chance]] += one.leads - one.orders
        off[min(int(one.chance * CALIBRATION_BINS), CALIBRATION_BINS - 1)] += one.chance * one.leads - one.orders
    return LeadRecord(
        leads=leads,
        orders=orders,
        mean_chance=sum(one.chance * one.leads for one in judged) / leads,
        auc=auc(ordered, others),
        log_loss=sum(_loss(one.chance, one) for one in judged) / leads,
        base_rate_log_loss=sum(_loss(one.base_rate, one) for one in judged) / leads,
        ece=sum(map(abs, off)) / leads,
    )


def _loss(chance: float, of: _Judged) -> float:
    return -(of.orders * math.log(chance) + (of.leads - of.orders) * math.log1p(-chance))
